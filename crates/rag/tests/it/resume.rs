//! Crawls that were interrupted.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};
use testsite::{Site, sites};

use crate::crawl::sources;
use crate::program::{Running, User, until};

/// How an agent begins.
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Enough that a crawl is not over before it is interrupted.
const PAGES: usize = 60;

/// A user, a site, and a crawl of it that has come about a third of its way.
async fn under_way() -> (User, Site, Vec<String>, Running) {
    let site = Site::start().await;
    sites::many(&site, PAGES);
    let user = User::new()
        .with("RAG_ALLOW_PRIVATE_HOSTS", site.host())
        .with_collection("docs");
    let root = site.url("/").to_string();
    let crawl = [
        "ingest",
        "url",
        &root,
        "-c",
        "docs",
        "--follow-links",
        "--max-depth",
        "5",
    ];
    let running = Running::start(user.command(&crawl));
    until("the crawl", || site.requests().len() > PAGES / 3);
    (user, site, crawl.map(str::to_owned).to_vec(), running)
}

/// Every page is there, once.
fn assert_complete(user: &User, site: &Site) {
    let (addresses, documents) = sources(user);
    assert_eq!((addresses.len(), documents), (PAGES, PAGES));
    for number in 0..PAGES {
        let address = site.url(&sites::many_path(number)).to_string();
        assert!(addresses.contains(&address), "{address} is missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_crawl_goes_on_where_it_was() {
    let (user, site, crawl, running) = under_way().await;
    running.signal("KILL");
    running.end();
    let (_, before) = sources(&user);
    assert!(before < PAGES, "it was killed too late");
    site.clear_requests();
    let crawl: Vec<&str> = crawl.iter().map(String::as_str).collect();
    let report = user.json(&crawl);
    assert_eq!(report["status"], "done", "{report}");
    // A page that was put in just before, and not noted any more, is unchanged.
    let seen = ["pages_ingested", "pages_unchanged"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(seen[0] + seen[1], PAGES as u64, "{report}");
    assert_complete(&user, &site);
    let fetched = site.requests().len();
    assert!(
        fetched <= PAGES - before + 10,
        "{fetched} requests for {} pages that were left",
        PAGES - before
    );
    let jobs = user.json(&["job", "list"]);
    assert_eq!(jobs["total_count"], 1, "{jobs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_crawl_says_how_to_go_on() {
    let (user, site, _, running) = under_way().await;
    running.signal("INT");
    let run = running.end();
    assert_eq!(run.code, 130, "{}{}", run.stdout, run.stderr);
    let said = run.stderr.trim_end().lines().last().unwrap_or_default();
    let id = said
        .split_once("rag job retry ")
        .and_then(|(_, rest)| rest.split(|c: char| !c.is_alphanumeric()).next())
        .unwrap_or_else(|| panic!("{}", run.stderr));
    let show = user.rag(&["job", "show", id]).stdout;
    assert!(show.contains("cancelled"), "{show}");
    let retried = user.json(&["job", "retry", id]);
    assert_eq!(retried["status"], "done", "{retried}");
    assert_complete(&user, &site);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_is_stopped_from_elsewhere() {
    let (user, _site, _, running) = under_way().await;
    let jobs = user.json(&["job", "list", "--status", "running"]);
    let id = jobs["jobs"][0]["job_id"].as_str().unwrap();
    user.json(&["job", "cancel", id]);
    let run = running.end();
    assert_eq!(run.code, 130, "{}{}", run.stdout, run.stderr);
    assert!(
        format!("{}{}", run.stdout, run.stderr).contains("rag job retry "),
        "{}{}",
        run.stdout,
        run.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_takes_up_what_an_agent_left() {
    let site = Site::start().await;
    sites::many(&site, PAGES);
    let user = User::new()
        .with("RAG_ALLOW_PRIVATE_HOSTS", site.host())
        .with("RAG_JOB_WAIT", "0")
        .with_collection("docs");
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "ingest_url",
        "arguments": {
            "url": site.url("/").as_str(), "collection_name": "docs",
            "follow_links": true, "max_depth": 5,
        },
    }});
    let mut command = user.command(&["mcp"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut agent = command.stderr(Stdio::null()).spawn().unwrap();
    let mut input = agent.stdin.take().unwrap();
    writeln!(input, "{INITIALIZE}\n{call}").unwrap();
    let mut answers = BufReader::new(agent.stdout.take().unwrap()).lines();
    let answer = answers.nth(1).unwrap().unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let answer = &answer["result"]["structuredContent"];
    assert_ne!(answer["status"], "done", "{answer}");
    // The agent hangs up: its server ends, and lets the job go.
    drop(input);
    assert!(agent.wait().unwrap().success());

    let server = Running::start(user.command(&["serve", "--port", "0"]));
    let id = answer["job_id"].as_str().unwrap();
    until("the end", || {
        user.json(&["job", "show", id])["status"] == "done"
    });
    server.signal("TERM");
    assert_eq!(server.end().code, 0);
    assert_complete(&user, &site);
}
