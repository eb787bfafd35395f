//! Answers, counts, and a site that goes down and comes back.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use testsite::{Answer, Site, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::get;

#[tokio::test]
async fn answers_what_it_is_told_to_and_counts() {
    let site = Site::start().await;
    let dynamic = Answer::dynamic(Arc::new(|request| {
        Answer::text(request.path_and_query.clone())
    }));
    for (path, answer, status, body) in [
        ("/html", Answer::html("<p>Hello"), 200, "<p>Hello"),
        (
            "/teapot",
            Answer::text("short").with_status(418),
            418,
            "short",
        ),
        ("/moved", Answer::redirect("/html"), 302, "302\n"),
        ("/dynamic?a=1", dynamic, 200, "/dynamic?a=1"),
    ] {
        site.put(path, answer);
        let reply = get(site.address(), path, "").await.unwrap();
        assert_eq!((reply.status, reply.text()), (status, body), "{path}");
        assert_eq!(site.count(path), 1, "{path}");
    }
    site.put_fallback(Arc::new(|request| {
        (request.parameter("q")? == "ä b").then(|| Answer::text("found"))
    }));
    let missing = get(site.address(), "/other", "").await.unwrap();
    assert_eq!(missing.status, 404);
    let found = get(
        site.address(),
        "/other?q=%C3%A4+b",
        "x-one: 1\r\nX-One: 2\r\n",
    )
    .await
    .unwrap();
    assert_eq!(found.text(), "found");
    assert_eq!(
        (site.count("/other"), site.count("/other?q=%C3%A4+b")),
        (2, 1)
    );
    assert_eq!(
        site.requests().last().unwrap().header("x-one"),
        Some("1, 2")
    );

    site.remove("/html");
    assert_eq!(get(site.address(), "/html", "").await.unwrap().status, 404);
    site.clear_requests();
    assert_eq!((site.count("/html"), site.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let site = Site::start().await;
    let date = "Mon, 01 Jan 2024 00:00:00 GMT";
    site.put("/", Answer::html("one").with_etag().last_modified(date));
    let reply = get(site.address(), "/", "").await.unwrap();
    let etag = reply.header("etag").unwrap().to_owned();
    for (headers, status) in [
        (format!("if-none-match: {etag}\r\n"), 304),
        (format!("if-none-match: \"x\", W/{etag}\r\n"), 304),
        (
            format!("if-none-match: \"x\"\r\nif-modified-since: {date}\r\n"),
            200,
        ),
        (format!("if-modified-since: {date}\r\n"), 304),
        (
            "if-modified-since: Tue, 02 Jan 2024 00:00:00 GMT\r\n".to_owned(),
            200,
        ),
    ] {
        let reply = get(site.address(), "/", &headers).await.unwrap();
        assert_eq!(reply.status, status, "{headers}");
        assert_eq!(reply.body.is_empty(), status == 304, "{headers}");
    }
    site.put("/", Answer::html("two").with_etag());
    let reply = get(site.address(), "/", &format!("if-none-match: {etag}\r\n"))
        .await
        .unwrap();
    assert_eq!(reply.text(), "two");
}

#[tokio::test]
async fn bodies_come_late_in_pieces_compressed_or_in_part() {
    let site = Site::start().await;
    let pause = Duration::from_millis(30);
    site.put("/slow", Answer::text("slow").slow(pause));
    site.put("/drip", Answer::text("drop by drop").drip(3, pause));
    site.put("/gzip", Answer::text("packed").gzip());
    site.put("/broken", Answer::text("in two halves").broken_off());
    site.put(
        "/busy",
        Answer::text("at last").failing_first(2, 503, Some(7)),
    );
    let (address, began) = (site.address(), Instant::now());

    assert_eq!(get(address, "/slow", "").await.unwrap().text(), "slow");
    assert!(began.elapsed() >= pause);
    assert_eq!(
        get(address, "/drip", "").await.unwrap().text(),
        "drop by drop"
    );
    assert!(began.elapsed() >= pause * 4);
    let packed = get(address, "/gzip", "").await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*packed.body)
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(
        (packed.header("content-encoding"), &*text),
        (Some("gzip"), "packed")
    );

    let broken = get(address, "/broken", "").await.unwrap();
    assert_eq!(
        (broken.header("content-length"), broken.text()),
        (Some("13"), "in two")
    );
    for (status, retry_after) in [(503, Some("7")), (503, Some("7")), (200, None)] {
        let reply = get(address, "/busy", "").await.unwrap();
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (status, retry_after)
        );
    }
}

#[tokio::test]
async fn an_endless_body_ends_when_the_client_goes() {
    let site = Site::start().await;
    site.put("/", Answer::text("on and on ").endless());
    let mut stream = TcpStream::connect(site.address()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = vec![0; 1 << 20];
    stream.read_exact(&mut bytes).await.unwrap();
}

#[tokio::test]
async fn a_site_goes_down_with_its_connections_and_comes_back() {
    let site = Site::start().await;
    site.put("/", Answer::text("here"));
    site.put("/never", Answer::text("").slow(Duration::from_secs(600)));
    let address = site.address();
    let waiting = tokio::spawn(async move { get(address, "/never", "").await });
    while site.count("/never") == 0 {
        tokio::task::yield_now().await;
    }
    site.go_down().await;
    assert!(waiting.await.unwrap().is_err());
    assert!(get(address, "/", "").await.is_err());
    site.come_back().await;
    assert_eq!(get(address, "/", "").await.unwrap().text(), "here");
    drop(site);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_target_counts_what_reaches_it() {
    let target = Target::start().await;
    assert_eq!(
        (target.connections(), target.bytes(), target.datagrams()),
        (0, 0, 0)
    );
    let mut stream = TcpStream::connect(("127.0.0.1", target.port()))
        .await
        .unwrap();
    stream.write_all(b"hello").await.unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
    assert_eq!((target.connections(), target.bytes()), (1, 5));
    assert_eq!(target.lines(), ["hello"]);
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket
        .send_to(b"x", ("127.0.0.1", target.port()))
        .await
        .unwrap();
    while target.datagrams() == 0 {
        tokio::task::yield_now().await;
    }
}
