//! When a browser starts and ends, and that nothing of it is left.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use rag_browser::{Browser, BrowserOptions};
use rag_web::{RenderError, Renderer};
use testsite::{Answer, Site};

use crate::process::{command_lines, is_busy, kill, profile, wait_until};
use crate::support::{browser, browser_with, options};

/// Set only for the other process.
const CHILD: &str = "RAG_BROWSER_TEST_CHILD";

async fn site() -> Site {
    let site = Site::start().await;
    site.put("/", Answer::html("<p>A page.</p>"));
    site.put("/loop", Answer::html("<script>while (true) {}</script>"));
    site
}

/// Renders the plain page, and gives the browser's process group.
async fn render(browser: &Browser, site: &Site) -> u32 {
    let rendered = browser.render(&site.url("/")).await.unwrap();
    assert!(rendered.html.contains("A page."));
    browser.process_group().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_browser_that_is_closed_crashes_or_is_dropped() {
    let site = site().await;
    let browser = browser(&site, 10);
    assert_eq!(browser.process_group().await, None, "it starts with a page");
    let closed = render(&browser, &site).await;
    assert_eq!(render(&browser, &site).await, closed, "it is used again");
    let folder = profile(closed);
    assert!(folder.is_dir());
    browser.close().await;
    assert_eq!(command_lines(closed), Vec::<String>::new());
    assert!(!folder.exists());

    let crashed = render(&browser, &site).await;
    assert_ne!(crashed, closed);
    let folder = profile(crashed);
    kill(&format!("-{crashed}"));
    let dropped = render(&browser, &site).await;
    assert_ne!(dropped, crashed);
    wait_until(|| command_lines(crashed).is_empty() && !folder.exists());

    let folder = profile(dropped);
    drop(browser);
    wait_until(|| command_lines(dropped).is_empty() && !folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_browser_ends_and_an_endless_script_is_ended() {
    let site = site().await;
    let browser = browser_with(
        &site,
        BrowserOptions {
            idle_timeout: Duration::from_millis(2500),
            ..options(3)
        },
    );
    let group = render(&browser, &site).await;
    let error = browser.render(&site.url("/loop")).await.unwrap_err();
    assert!(
        matches!(error, RenderError::Timeout { seconds: 3, .. }),
        "{error}"
    );
    wait_until(|| !is_busy(group));
    assert_eq!(render(&browser, &site).await, group, "the browser lives");
    wait_until(|| command_lines(group).is_empty());
    assert_eq!(browser.process_group().await, None);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fills_the_memory_is_ended_alone() {
    let site = site().await;
    // At once, so that the page cannot come to rest before, however slow it is.
    let script = "<script>const kept = []; for (let i = 0; i < 64; i++) \
        kept.push(new Uint8Array(32 << 20).fill(1));</script>";
    site.put("/buffers", Answer::html(script));
    let options = BrowserOptions {
        memory_bytes_max: 600 << 20,
        ..options(10)
    };
    let browser = browser_with(&site, options);
    let group = render(&browser, &site).await;
    let error = browser.render(&site.url("/buffers")).await.unwrap_err();
    let expected = "it needs too much memory";
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(render(&browser, &site).await, group, "the browser lives");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_abandoned_is_forgotten() {
    let site = site().await;
    let browser = browser(&site, 10);
    let group = render(&browser, &site).await;
    let url = site.url("/loop");
    let showing = browser.render(&url);
    let soon = tokio::time::timeout(Duration::from_secs(1), showing).await;
    assert!(soon.is_err(), "{soon:?}");
    assert_eq!(site.count("/loop"), 1);
    wait_until(|| !is_busy(group));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_browser_it_is_told_what_to_do() {
    let site = site().await;
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "#!/bin/sh\necho it lacks a library >&2; exit 3\n").unwrap();
    Command::new("chmod")
        .arg("+x")
        .arg(&broken)
        .status()
        .unwrap();
    let nowhere = folder.path().join("nowhere");
    for (program, available, expected) in [
        (nowhere, false, "hint: set `RAG_CHROMIUM`"),
        (broken, true, "it says: it lacks a library"),
    ] {
        let options = BrowserOptions {
            program: Some(program),
            ..BrowserOptions::default()
        };
        let browser = browser_with(&site, options);
        assert_eq!(browser.is_available(), available);
        let error = browser.render(&site.url("/")).await.unwrap_err();
        assert!(matches!(error, RenderError::NoBrowser { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// The other process: shows a page, and waits to be killed.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let site = site().await;
    let browser = browser(&site, 10);
    let group = render(&browser, &site).await;
    let folder = profile(group);
    println!("\nshows {group} {}", folder.display());
    std::io::stdout().flush().unwrap();
    std::future::pending::<()>().await;
}

#[test]
fn a_browser_ends_with_a_killed_parent() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["life::child", "--exact", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("shows ").map(str::to_owned))
        .unwrap();
    let (group, folder) = said.split_once(' ').unwrap();
    let (group, folder) = (group.parse().unwrap(), std::path::PathBuf::from(folder));
    assert!(!command_lines(group).is_empty() && folder.is_dir());
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until(|| command_lines(group).is_empty() && !folder.exists());
}
