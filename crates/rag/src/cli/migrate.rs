//! `rag migrate`: a store to its newest schema, or everything to another store.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::import;
use super::progress::Bar;
use crate::open;

/// From where to where.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rag migrate                       bring the tables of DATABASE_URL to the newest version
  rag migrate --from sqlite:memory.sqlite --to postgres://me@localhost/rag
  rag migrate --from postgres://me@localhost/rag --to qdrant://localhost:6334

Between stores everything is copied: collections, documents, vectors, crawls. What is at the
target already stays; run it again after an interruption. Nothing is removed at the source.")]
pub(super) struct MigrateArgs {
    /// The store to copy from
    #[arg(long, value_name = "URL", requires = "to")]
    from: Option<String>,
    /// The store to copy to
    #[arg(long, value_name = "URL", requires = "from")]
    to: Option<String>,
}

pub(super) async fn run(context: &Context, args: MigrateArgs) -> anyhow::Result<ExitCode> {
    let (Some(from), Some(to)) = (&args.from, &args.to) else {
        let done = open::migrate(&context.config()?.store).await?;
        return context.show(&json!({ "migrated": done }), |_| done.clone());
    };
    let (from, to) = (context.memory_at(from)?, context.memory_at(to)?);
    let bar = Bar::new(&to);
    let copied = to.copy_from(&from, &bar.watch()).await;
    drop(bar);
    context.show(&copied?, import::human)
}
