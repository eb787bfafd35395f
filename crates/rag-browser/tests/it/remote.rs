//! A browser that somebody else started.

use std::process::Stdio;

use rag_browser::{Browser, BrowserOptions};
use rag_web::{RenderError, Renderer};
use testsite::{Answer, Site, Target};
use tokio::process::Command;
use url::Url;

use crate::support::{browser_with, options};

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_of_somebody_else_is_used_guarded_and_left_running() {
    let (site, target) = (Site::start().await, Target::start().await);
    let out = format!(
        "<p>Out.<iframe src='{0}'></iframe><script>fetch('{0}')</script>",
        target.url()
    );
    site.put("/", Answer::html(out));
    let profile = tempfile::tempdir().unwrap();
    let mut started = Command::new(Browser::find(&options(10)).unwrap())
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
            "--remote-debugging-port=0",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let file = profile.path().join("DevToolsActivePort");
    let mut text = String::new();
    while text.lines().count() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        assert!(started.try_wait().unwrap().is_none(), "it runs");
        text = std::fs::read_to_string(&file).unwrap_or_default();
    }
    let (port, path) = text.split_once('\n').unwrap();
    for address in [
        format!("http://127.0.0.1:{port}"),
        format!("ws://localhost:{port}{path}"),
    ] {
        let remote = Some(Url::parse(&address).unwrap());
        let browser = browser_with(
            &site,
            BrowserOptions {
                remote,
                ..options(10)
            },
        );
        assert!(browser.is_available());
        let rendered = browser.render(&site.url("/")).await.unwrap();
        assert!(rendered.html.contains("Out."), "{address}");
        assert_eq!(browser.process_group().await, None);
        browser.close().await;
    }
    assert_eq!(target.connections(), 0);
    assert!(started.try_wait().unwrap().is_none(), "it still runs");
    started.kill().await.unwrap();
}

#[tokio::test]
async fn an_address_without_a_browser_is_told() {
    let site = Site::start().await;
    for (address, expected) in [
        (site.url("/").to_string(), "gives no DevTools address"),
        ("http://127.0.0.1:1/".to_owned(), "cannot be reached"),
        (
            "http://chrome.example:9222/".to_owned(),
            "is on another machine",
        ),
    ] {
        let options = BrowserOptions {
            remote: Some(Url::parse(&address).unwrap()),
            ..BrowserOptions::default()
        };
        let error = browser_with(&site, options).render(&site.url("/")).await;
        let error = error.unwrap_err();
        assert!(matches!(error, RenderError::NoBrowser { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
