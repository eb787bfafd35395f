//! `rag doctor`.

use std::process::ExitCode;

use rag_memory::api::{Check, Outcome};
use rag_source::FileRoots;

use super::context::Context;
use crate::config::{WebConfig, unknown_settings};
use crate::open;

pub(super) async fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let mut checks = settings();
    let config = context.config()?;
    let roots = match FileRoots::new(config.file_roots.iter().flatten()) {
        Ok(roots) => roots,
        Err(error) => {
            checks.push(Check::failed(
                "file roots",
                format!("RAG_FILE_ROOTS: {error}"),
            ));
            FileRoots::none()
        }
    };
    match context.memory_reading(roots) {
        Ok(memory) => checks.extend(memory.diagnose().await),
        Err(error) => checks.push(Check::failed("store", format!("{error:#}"))),
    }
    checks.extend(web(&config.web));
    let failed = checks.iter().any(|check| check.outcome == Outcome::Failed);
    context.show(&checks, |checks| human(checks))?;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Variables that look like settings and are none.
fn settings() -> Vec<Check> {
    let check = |(name, meant): (String, Option<&str>)| {
        let meant = meant
            .map(|meant| format!("; did you mean {meant}?"))
            .unwrap_or_default();
        Check::warned("settings", format!("{name} is no setting of rag{meant}"))
    };
    unknown_settings().into_iter().map(check).collect()
}

/// What web pages and repositories are fetched with.
fn web(config: &WebConfig) -> [Check; 3] {
    let browser = match open::browser(config) {
        Ok(browser) => Check::ok("browser", format!("pages that need JavaScript: {browser}")),
        Err(error) => {
            let detail = format!("pages that need JavaScript stay thin or are left out: {error}");
            Check::warned("browser", detail)
        }
    };
    let private = match config.private_hosts.is_empty() {
        true => "no private host may be reached; RAG_ALLOW_PRIVATE_HOSTS allows some".to_owned(),
        false => format!(
            "allowed although private: {}",
            config.private_hosts.join(", ")
        ),
    };
    let github = match config.github_token {
        Some(_) => format!("a token is set for {}", config.github_api),
        None => format!(
            "no token for {}: public repositories only, and 60 requests an hour; set GITHUB_TOKEN",
            config.github_api
        ),
    };
    [
        browser,
        Check::ok("private hosts", private),
        Check::ok("github", github),
    ]
}

fn human(checks: &[Check]) -> String {
    let line = |check: &Check| {
        let mark = match check.outcome {
            Outcome::Ok => "ok  ",
            Outcome::Warned => "warn",
            Outcome::Failed => "FAIL",
        };
        format!(
            "{mark}  {}: {}",
            check.name,
            check.detail.replace("\n\n", "; ")
        )
    };
    checks.iter().map(line).collect::<Vec<_>>().join("\n")
}
