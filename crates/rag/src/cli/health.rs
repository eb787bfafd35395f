//! `rag health`: whether a server is well, for those who watch over it with
//! nothing else at hand, such as a container without a shell.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::context::Context;
use crate::config::ServerConfig;

/// How long the server may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(6);

/// Which server.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rag health\n  rag health --url https://rag.example.org\n\nExit codes: 0 it is well, 9 it is not or does not answer."
)]
pub(super) struct HealthArgs {
    /// Its address; without it, the one that `rag serve` listens on here
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

pub(super) async fn run(context: &Context, args: HealthArgs) -> anyhow::Result<ExitCode> {
    let base = match args.url {
        Some(url) => url,
        None => here(&context.config()?.server),
    };
    let address = format!("{}/health", base.trim_end_matches('/'));
    let (is_well, told) = ask(&address).await?;
    context.show(&told, |told| match is_well {
        true => format!(
            "{address}: ok, version {}",
            told["version"].as_str().unwrap_or("?")
        ),
        false => format!("{address}: {told}"),
    })?;
    Ok(match is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(rag_memory::ErrorKind::Unavailable.exit_code()),
    })
}

async fn ask(address: &str) -> anyhow::Result<(bool, Value)> {
    let client = rag::http::client(ANSWER_MAX).build()?;
    let unreached = |error: reqwest::Error| {
        let message = format!("`{address}` does not answer: {}", error.without_url());
        rag_memory::Error::new(rag_memory::ErrorKind::Unavailable, message)
            .hint("is `rag serve` running there?")
    };
    let answer = client.get(address).send().await.map_err(unreached)?;
    let is_well = answer.status().is_success();
    let told = answer.json().await.map_err(unreached)?;
    Ok((is_well, told))
}

/// How a server on this machine is reached.
fn here(server: &ServerConfig) -> String {
    let port = server.port;
    match server.host.as_str() {
        "0.0.0.0" => format!("http://127.0.0.1:{port}"),
        "::" | "[::]" => format!("http://[::1]:{port}"),
        host if host.contains(':') && !host.starts_with('[') => format!("http://[{host}]:{port}"),
        host => format!("http://{host}:{port}"),
    }
}
