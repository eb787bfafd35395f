//! `rag serve`: any number of agents and programs over HTTP.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rag::http::{
    self, Activity, Allowed, ApiOptions, AppOptions, Auth, Health, LimitOptions, Oauth,
    OauthOptions,
};
use rag_mcp::transport;
use rag_memory::Memory;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::context::{Context, file_roots};
use crate::config::{AuthMode, Config, Name, OauthConfig, ServerConfig};
use crate::logging;

/// How much longer a request may take than the longest wait for a job.
const BEYOND_JOBS: Duration = Duration::from_secs(15);

/// Where to listen and what to allow.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rag serve\n  rag serve --port 9000 --root ~/notes\n  rag serve --host 0.0.0.0 --public-url https://rag.example.org\n\nMCP is at /mcp (Streamable HTTP) and /sse (the older transport), the API at /api/v1, the state at\n/health, numbers at /metrics. Where others can reach it, callers need a token: `rag token create`\nmakes one."
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
    /// The address that others reach the server at [RAG_PUBLIC_URL]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A name the server answers to besides this machine's; may be repeated
    #[arg(long, value_name = "HOST")]
    allowed_host: Vec<String>,
    /// Whether callers need a token: auto, required or off [RAG_AUTH]
    #[arg(long, value_name = "MODE")]
    auth: Option<String>,
    /// End after so many seconds without a request or a job [RAG_IDLE_EXIT]
    #[arg(long, value_name = "SECONDS")]
    idle_exit: Option<u64>,
}

impl ServeArgs {
    /// The settings among the arguments.
    pub(super) fn flags(&self) -> Vec<(Name, String)> {
        let hosts = (!self.allowed_host.is_empty()).then(|| self.allowed_host.join(","));
        [
            (Name::Host, self.host.clone()),
            (Name::Port, self.port.map(|port| port.to_string())),
            (Name::PublicUrl, self.public_url.clone()),
            (Name::AllowedHosts, hosts),
            (Name::Auth, self.auth.clone()),
            (Name::IdleExit, self.idle_exit.map(|idle| idle.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}

pub(super) async fn run(context: &Context, args: ServeArgs) -> anyhow::Result<ExitCode> {
    logging::log_panics();
    let config = context.config()?;
    let server = &config.server;
    let roots = config.file_roots.iter().flatten().chain(&args.root);
    let roots = file_roots(roots)?;
    let bound = http::bind(&server.host, server.port).await?;
    // Who answers to other names than this machine's is reached from elsewhere,
    // be it through a proxy.
    let is_public = bound.is_public || !server.allowed_hosts.is_empty();
    let memory = context.memory_reading(roots)?;
    http::recorder();

    let shutdown = CancellationToken::new();
    let on_signal = shutdown.clone();
    tokio::spawn(async move {
        shutdown_signal().await;
        on_signal.cancel();
    });
    let activity = Activity::default();
    let app = app(config, &memory, is_public, activity.clone(), &shutdown)?;
    let address = bound.listener.local_addr()?;
    tracing::info!(
        "listening on http://{address}: MCP at /mcp and /sse, the API at /api/v1, the state at /health"
    );
    memory.keep_jobs();
    // Jobs let go while requests finish, so that both fit into the grace period.
    let jobs = async {
        shutdown.cancelled().await;
        context.close().await;
    };
    let idle = async {
        tokio::select! {
            () = idle(server, &activity, &memory) => shutdown.cancel(),
            () = shutdown.cancelled() => {}
        }
    };
    let upkeep = async {
        tokio::select! {
            () = http::upkeep() => {}
            () = shutdown.cancelled() => {}
        }
    };
    let serving = http::serve(app, bound.listener, shutdown.clone());
    tokio::join!(serving, jobs, idle, upkeep);
    Ok(ExitCode::SUCCESS)
}

/// All routes, with what surrounds them.
fn app(
    config: &Config,
    memory: &Memory,
    is_public: bool,
    activity: Activity,
    shutdown: &CancellationToken,
) -> anyhow::Result<axum::Router> {
    let server = &config.server;
    // A document as large as allowed fits into a request, with room for escapes.
    let document_bytes = usize::try_from(config.document_bytes_max)?;
    let body_bytes_max = 2 * document_bytes + (1 << 20);
    let options = transport::Options {
        body_bytes_max,
        sse_sessions_max: server.sse_sessions,
        shutdown: shutdown.clone(),
        ..transport::Options::default()
    };
    let api = http::api(ApiOptions {
        memory: memory.clone(),
        tools: config.tools.clone(),
        public_url: server.public_url.as_ref().map(Url::to_string),
        listeners_max: server.sse_sessions,
        shutdown: shutdown.clone(),
    });
    let routes = rag_mcp::routes(Arc::new(memory.clone()), config.tools.clone(), &options);
    let routes = routes.merge(api);
    let mut allowed = Allowed::default();
    allowed.hosts.extend(server.allowed_hosts.iter().cloned());
    allowed
        .origins
        .extend(server.allowed_origins.iter().cloned());
    let app_options = AppOptions {
        allowed,
        auth: auth(server, memory, is_public)?,
        limits: LimitOptions {
            requests_soft: server.requests_soft,
            requests_hard: server.requests_hard,
            request_timeout: server.request_timeout.max(config.job_wait + BEYOND_JOBS),
            rate_limit: server.rate_limit,
        },
        activity,
        body_bytes_max,
    };
    Ok(http::app(routes, health(memory), app_options))
}

fn health(memory: &Memory) -> Health {
    let memory = memory.clone();
    Health::new(Arc::new(move || {
        let memory = memory.clone();
        Box::pin(async move {
            let reached = memory.reach_store().await;
            // The reason may name hosts and users, and this is open to everybody.
            reached.map_err(|error| {
                tracing::warn!("the store cannot be used: {error}");
                error.kind().name().to_owned()
            })
        })
    }))
}

fn auth(server: &ServerConfig, memory: &Memory, is_public: bool) -> anyhow::Result<Auth> {
    let is_required = match server.auth {
        // Who names an authorization server wants callers to use it.
        AuthMode::Auto => is_public || server.oauth.is_some(),
        AuthMode::Required => true,
        AuthMode::Off => false,
    };
    if !is_required {
        if is_public {
            tracing::warn!(
                "there is no authentication: whoever reaches this server can read, change and \
                 delete everything"
            );
        }
        return Ok(match server.auth {
            AuthMode::Off => Auth::off(),
            _ => Auth::local(),
        });
    }
    let oauth = match &server.oauth {
        Some(oauth) => Some(oauth_of(oauth, server.public_url.as_ref())?),
        None => None,
    };
    tracing::info!("callers need a token: `rag token create` makes one");
    Ok(Auth::required(memory.clone(), oauth))
}

fn oauth_of(oauth: &OauthConfig, public_url: Option<&Url>) -> anyhow::Result<Oauth> {
    let public_url = public_url.ok_or_else(|| {
        rag_memory::Error::invalid("RAG_OAUTH_ISSUER is set and RAG_PUBLIC_URL is not")
            .hint("clients look for the authorization server at the public address: set it")
    })?;
    Ok(Oauth::new(OauthOptions {
        issuer: oauth.issuer.clone(),
        audiences: oauth.audiences.clone(),
        scopes: oauth.scopes.clone(),
        users: oauth.users.clone(),
        public_url: public_url.clone(),
    })?)
}

/// Returns when the server is to end for want of work, if it ever is.
async fn idle(server: &ServerConfig, activity: &Activity, memory: &Memory) {
    match server.idle_exit {
        Some(limit) => {
            http::until_idle(activity, memory, limit).await;
            let seconds = limit.as_secs();
            tracing::info!("no request for {seconds} s and no job: ending");
        }
        None => std::future::pending().await,
    }
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
