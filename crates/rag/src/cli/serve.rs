//! `rag serve`: any number of agents over HTTP.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rag::http::{self, Allowed, AppOptions, Health};
use rag_mcp::transport;
use tokio_util::sync::CancellationToken;

use super::context::{Context, file_roots};
use crate::config::Name;

/// Where to listen and what to allow.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rag serve\n  rag serve --port 9000 --root ~/notes\n\nMCP is at /mcp (Streamable HTTP) and /sse (the older transport), the state at /health."
)]
pub(super) struct ServeArgs {
    /// The address to listen on [HOST, 127.0.0.1]
    #[arg(long)]
    host: Option<String>,
    /// The port to listen on; 0 takes any that is free [PORT, 8000]
    #[arg(long)]
    port: Option<u16>,
    /// A folder that files may be read from; may be repeated
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
    /// A name the server answers to besides this machine's; may be repeated
    #[arg(long, value_name = "HOST")]
    allowed_host: Vec<String>,
    /// Listen where others can reach it, although nothing tells them apart
    #[arg(long)]
    allow_unauthenticated: bool,
}

impl ServeArgs {
    /// The settings among the arguments.
    pub(super) fn flags(&self) -> Vec<(Name, String)> {
        let hosts = (!self.allowed_host.is_empty()).then(|| self.allowed_host.join(","));
        [
            (Name::Host, self.host.clone()),
            (Name::Port, self.port.map(|port| port.to_string())),
            (Name::AllowedHosts, hosts),
            (
                Name::AllowUnauthenticated,
                self.allow_unauthenticated.then(|| "true".to_owned()),
            ),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}

pub(super) async fn run(context: &Context, args: ServeArgs) -> anyhow::Result<ExitCode> {
    let config = context.config()?;
    let roots = config.file_roots.iter().flatten().chain(&args.root);
    let roots = file_roots(roots)?;
    let listener = http::bind(&config.host, config.port, config.allow_unauthenticated).await?;
    let memory = Arc::new(context.memory_reading(roots)?);

    let shutdown = CancellationToken::new();
    let on_signal = shutdown.clone();
    tokio::spawn(async move {
        shutdown_signal().await;
        on_signal.cancel();
    });
    // A document as large as allowed fits into a request, with room for escapes.
    let document_bytes = usize::try_from(config.document_bytes_max)?;
    let body_bytes_max = 2 * document_bytes + (1 << 20);
    let options = transport::Options {
        body_bytes_max,
        shutdown: shutdown.clone(),
        ..transport::Options::default()
    };
    let routes = rag_mcp::routes(memory.clone(), config.tools, &options);
    let checked = memory.clone();
    let health = Health::new(Arc::new(move || {
        let memory = checked.clone();
        Box::pin(async move {
            memory
                .status()
                .await
                .map(|_| ())
                .map_err(|error| error.to_string())
        })
    }));
    let mut allowed = Allowed::default();
    allowed.hosts.extend(config.allowed_hosts.iter().cloned());
    allowed
        .origins
        .extend(config.allowed_origins.iter().cloned());
    let app = http::app(
        routes,
        health,
        &AppOptions {
            allowed,
            body_bytes_max,
        },
    );

    if !config.allowed_hosts.is_empty() {
        tracing::warn!(
            "there is no authentication: whoever reaches this server as {} can read, change and \
             delete everything",
            config.allowed_hosts.join(", ")
        );
    }
    let address = listener.local_addr()?;
    tracing::info!("listening on http://{address}: MCP at /mcp and /sse, the state at /health");
    memory.keep_jobs();
    // Jobs let go while requests finish, so that both fit into the grace period.
    let jobs = async {
        shutdown.cancelled().await;
        context.close().await;
    };
    tokio::join!(http::serve(app, listener, shutdown.clone()), jobs);
    Ok(ExitCode::SUCCESS)
}

/// Waits for Ctrl-C or, where there is such a thing, SIGTERM.
pub(super) async fn shutdown_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler there is nothing to wait for: the system ends us.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
