//! What becomes of pages.

use std::time::{Duration, Instant};

use rag_web::{RenderError, Renderer};
use testsite::sites::{JAVASCRIPT_PAGES, javascript};
use testsite::{Answer, Site};

use crate::support::browser;

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_filled_by_their_scripts_whatever_else_they_do() {
    let site = Site::start().await;
    javascript(&site);
    let browser = browser(&site, 5);
    for (path, sentence) in JAVASCRIPT_PAGES {
        let url = site.url(path);
        let started = Instant::now();
        let outcome = browser.render(&url).await;
        if *path == "/js/looping" {
            let timeout = RenderError::Timeout {
                url: url.to_string(),
                seconds: 5,
            };
            assert_eq!(outcome, Err(timeout));
            continue;
        }
        let rendered = outcome.unwrap();
        assert!(
            rendered.html.contains(sentence),
            "{path}: {}",
            rendered.html
        );
        assert!(rendered.html.starts_with("<!DOCTYPE html>"), "{path}");
        assert_eq!((rendered.url, rendered.status), (url, 200), "{path}");
        // The last wait is for text that might still come, the first for a page
        // that never is loaded.
        assert!(started.elapsed() < Duration::from_secs(12), "{path}");
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_tells_where_it_came_from_and_loads_what_becomes_text_only() {
    let site = Site::start().await;
    site.put("/old", Answer::redirect("/new?a=b"));
    // More at once than wait in any of our queues.
    let images = "<img src=/image.png>".repeat(300);
    let page = "<title>New</title><body><p>Arrived.</p>\
        <img src=/image.png><video src=/film.mp4></video><link rel=stylesheet href=/style.css>\
        <style>@font-face { font-family: f; src: url(/font.woff) } p { font-family: f }</style>\
        <script>fetch('/data'); localStorage.a = 1; document.cookie = 'b=2';\
        window.open('/window');</script>";
    site.put("/new?a=b", Answer::html(page.to_owned() + &images));
    site.put("/style.css", Answer::bytes("text/css", "p { color: red }"));
    site.put(
        "/missing",
        Answer::html("<p>Nothing here.").with_status(404),
    );
    site.put(
        "/leaves",
        Answer::html("<script>setTimeout(() => location.href = '/there', 100)</script>"),
    );
    site.put("/there", Answer::html("<p>There."));
    site.put(
        "/state",
        Answer::html(
            "<script>document.write('<p>' + (localStorage.a ?? 'none') + document.cookie)</script>",
        ),
    );
    let browser = browser(&site, 10);

    let rendered = browser.render(&site.url("/old")).await.unwrap();
    assert_eq!((rendered.url, rendered.status), (site.url("/new?a=b"), 200));
    assert!(rendered.html.contains("Arrived."));
    for (path, expected) in [
        ("/style.css", 1),
        ("/data", 1),
        ("/image.png", 0),
        ("/film.mp4", 0),
        ("/font.woff", 0),
    ] {
        assert_eq!(site.count(path), expected, "{path}");
    }
    let agent = site.requests()[0].header("user-agent").unwrap().to_owned();
    assert!(
        agent.contains("rag-memory/") && !agent.contains("Headless"),
        "{agent}"
    );

    // Both at once, and nothing is left of the page before.
    let urls = ["/missing", "/state"].map(|path| site.url(path));
    let (missing, state) = tokio::join!(browser.render(&urls[0]), browser.render(&urls[1]));
    let (missing, state) = (missing.unwrap(), state.unwrap());
    assert_eq!(missing.status, 404);
    assert!(missing.html.contains("Nothing here."));
    assert!(state.html.contains("<p>none</p>"), "{}", state.html);

    let there = browser.render(&site.url("/leaves")).await.unwrap();
    assert_eq!(there.url, site.url("/there"));
    assert!(there.html.contains("There."));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_allowed_host_reaches_another() {
    let (site, other) = (Site::start().await, Site::start().await);
    let data = Answer::text("From the other.").header("access-control-allow-origin", "*");
    other.put("/data", data);
    let refused = Site::start().await;
    // Half of a character, and a frame that cannot be had.
    site.put(
        "/",
        Answer::html(format!(
            "<p id=p></p><iframe src='{}'></iframe><script>fetch('{}').then(async (answer) => {{ \
             p.textContent = '\\ud800' + await answer.text(); }})</script>",
            refused.url("/"),
            other.url("/data"),
        )),
    );
    let guard = rag_web::Guard::new(&[site.host(), other.host()]).unwrap();
    let browser = rag_browser::Browser::new(guard.into(), crate::support::options(10));
    let mut url = site.url("/");
    url.set_username("user").unwrap();
    url.set_password(Some("word")).unwrap();
    let rendered = browser.render(&url).await.unwrap();
    assert!(
        rendered.html.contains("\u{fffd}From the other."),
        "{}",
        rendered.html
    );
    assert_eq!(rendered.url, site.url("/"));
    assert_eq!(site.requests()[0].header("authorization"), None);
    assert_eq!(refused.requests().len(), 0);
    url.set_scheme("ftp").unwrap();
    let error = browser.render(&url).await.unwrap_err().to_string();
    assert!(!error.contains("word"), "{error}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_page_fails_with_the_reason() {
    let site = Site::start().await;
    let gone = Site::start().await;
    let gone_url = gone.url("/");
    let gone_host = gone.host();
    drop(gone);
    site.put("/loop", Answer::redirect("/loop"));
    site.put("/file", Answer::bytes("application/zip", vec![0; 64]));
    site.put("/empty", Answer::status(204));
    site.put("/silent", Answer::text("").slow(Duration::from_secs(60)));
    site.put(
        "/huge",
        Answer::html("<script>a = []; while (true) a.push(new Array(1e6).fill(0.5))</script>"),
    );
    let guard = rag_web::Guard::new(&[site.host(), gone_host]).unwrap();
    let browser = rag_browser::Browser::new(guard.into(), crate::support::options(4));
    for (url, expected) in [
        (site.url("/loop"), "too many redirects"),
        (site.url("/file"), "it is a download, or has no content"),
        (site.url("/empty"), "it is a download, or has no content"),
        (site.url("/silent"), "was not rendered within 4 s"),
        (
            site.url("/huge"),
            "it needs too much memory, or crashes the browser",
        ),
        (gone_url, "refused"),
        (
            "http://127.0.0.1:1/".parse().unwrap(),
            "is a private address",
        ),
        (
            "ftp://127.0.0.1/".parse().unwrap(),
            "neither http nor https",
        ),
    ] {
        let error = browser.render(&url).await.unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains(url.as_str()),
            "{url}: {error}"
        );
    }
    browser.close().await;
}
