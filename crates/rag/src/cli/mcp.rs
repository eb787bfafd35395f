//! `rag mcp`: one agent over standard input and output.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::context::{Context, file_roots};

/// What the agent may read.
#[derive(Debug, Args)]
#[command(
    after_help = "Example, for Claude Code:\n  claude mcp add rag-memory -- rag mcp --root ~/notes\n\nWithout --root and RAG_FILE_ROOTS the agent may have files below the working directory read,\nor none if that is the root of the file system."
)]
pub(super) struct McpArgs {
    /// A folder that files may be read from; may be repeated
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
}

pub(super) async fn run(context: &Context, args: McpArgs) -> anyhow::Result<ExitCode> {
    let configured = context.config()?.file_roots.clone();
    let mut roots: Vec<PathBuf> = configured.into_iter().flatten().chain(args.root).collect();
    if roots.is_empty() {
        roots.extend(working_directory()?);
    }
    let roots = file_roots(roots)?;
    let memory = Arc::new(context.memory_reading(roots)?);
    memory.keep_jobs();
    let cancel = CancellationToken::new();
    let on_signal = cancel.clone();
    tokio::spawn(async move {
        super::serve::shutdown_signal().await;
        on_signal.cancel();
    });
    rag_mcp::stdio(memory, context.config()?.tools.clone(), cancel).await?;
    Ok(ExitCode::SUCCESS)
}

/// The working directory, unless that is the whole file system: some clients
/// start their servers at its root.
fn working_directory() -> std::io::Result<Option<PathBuf>> {
    let directory = std::env::current_dir()?;
    if directory.parent().is_none() {
        tracing::warn!(
            "the working directory is `{}`, so no files may be read; --root allows folders",
            directory.display()
        );
        return Ok(None);
    }
    Ok(Some(directory))
}
