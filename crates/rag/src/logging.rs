//! Logs: readable lines on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging at `level` (a level or a filter), else at `default`.
pub(crate) fn start(level: Option<&str>, default: &str) -> anyhow::Result<()> {
    let level = level.unwrap_or(default);
    let filter = EnvFilter::try_new(narrowed(level))
        .map_err(|error| anyhow::anyhow!("LOG_LEVEL is `{level}`, which is no filter: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    Ok(())
}

/// A bare level is for our own crates; what libraries say below a warning is
/// for those who ask by a filter. `rmcp` takes every cancelled or mistaken call
/// of a client for a fault of the server.
fn narrowed(level: &str) -> String {
    let level = level.to_lowercase();
    match level.as_str() {
        "error" | "warn" | "info" | "debug" | "trace" => format!(
            "warn,rmcp=off,rag={level},rag_core={level},rag_embed={level},rag_mcp={level},\
             rag_memory={level},rag_source={level},rag_store={level}"
        ),
        _ => level,
    }
}
