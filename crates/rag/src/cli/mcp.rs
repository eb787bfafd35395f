//! `rag mcp`: one agent over standard input and output.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rag_memory::Error;
use rag_source::FileRoots;
use tokio_util::sync::CancellationToken;

use super::context::Context;

/// What the agent may read.
#[derive(Debug, Args)]
#[command(
    after_help = "Example, for Claude Code:\n  claude mcp add rag-memory -- rag mcp --root ~/notes\n\nWithout --root and RAG_FILE_ROOTS the agent may have files below the working directory read."
)]
pub(super) struct McpArgs {
    /// A folder that files may be read from; may be repeated
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
}

pub(super) async fn run(context: &Context, args: McpArgs) -> anyhow::Result<ExitCode> {
    let configured = context.config()?.file_roots.clone();
    let named = configured
        .into_iter()
        .flatten()
        .chain(args.root)
        .collect::<Vec<_>>();
    let roots = match named.is_empty() {
        true => vec![std::env::current_dir()?],
        false => named,
    };
    let roots = FileRoots::new(roots).map_err(Error::from)?;
    let memory = Arc::new(context.memory_reading(roots)?);
    let cancel = CancellationToken::new();
    let on_signal = cancel.clone();
    tokio::spawn(async move {
        super::serve::shutdown_signal().await;
        on_signal.cancel();
    });
    rag_mcp::stdio(memory, cancel).await?;
    Ok(ExitCode::SUCCESS)
}
