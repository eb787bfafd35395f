//! Fetching from a site on loopback that does its worst.

use std::net::{Ipv6Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rag_web::{FetchError, FetchRequest, Fetcher, FetcherOptions, Refused};
use testsite::{Answer, Site, Target};

use crate::{fetcher, fetcher_with};

const SMALL: u64 = 64 << 10;

/// A fetcher with little patience.
fn strict(site: &Site) -> Fetcher {
    let options = FetcherOptions {
        body_bytes_max: SMALL,
        timeout: Duration::from_millis(400),
    };
    fetcher_with(&[site], options)
}

fn page(site: &Site, path: &str) -> FetchRequest {
    FetchRequest::new(site.url(path))
}

#[tokio::test]
async fn a_page_comes_as_it_is() {
    let site = Site::start().await;
    let latin = b"<p>caf\xe9</p>".to_vec();
    let answer = Answer::bytes("text/html; charset=ISO-8859-1", latin.clone())
        .header("etag", "W/\"1\"")
        .last_modified("Sun, 06 Nov 1994 08:49:37 GMT")
        .header("x-robots-tag", "noindex")
        .header("x-robots-tag", "nofollow")
        .header("set-cookie", "id=1");
    site.put("/page", answer);
    let fetcher = fetcher(&[&site]);
    let mut url = site.url("/page?q=1#part");
    url.set_username("me").unwrap();
    url.set_password(Some("secret")).unwrap();
    for _ in 0..2 {
        let fetched = fetcher
            .fetch(&FetchRequest::new(url.clone()))
            .await
            .unwrap();
        assert_eq!(fetched.url, site.url("/page?q=1"));
        assert_eq!((fetched.status, fetched.not_modified), (200, false));
        let content_type = fetched.content_type.as_deref();
        assert_eq!(content_type, Some("text/html; charset=ISO-8859-1"));
        assert_eq!(fetched.etag.as_deref(), Some("W/\"1\""));
        let last_modified = fetched.last_modified.as_deref();
        assert_eq!(last_modified, Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(fetched.robots_tag.as_deref(), Some("noindex, nofollow"));
        assert_eq!(fetched.body, latin);
    }
    let seen = site.requests().pop().unwrap();
    assert_eq!(seen.path_and_query, "/page?q=1");
    let agent = seen.header("user-agent").unwrap();
    assert!(
        agent.starts_with("rag-memory/") && agent.contains("(+https://"),
        "{agent}"
    );
    for private in ["authorization", "cookie", "referer"] {
        assert_eq!(seen.header(private), None);
    }
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let site = Site::start().await;
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    site.put("/tagged", Answer::html("one").with_etag());
    site.put("/dated", Answer::html("one").last_modified(date));
    let fetcher = fetcher(&[&site]);
    for path in ["/tagged", "/dated"] {
        let first = fetcher.fetch(&page(&site, path)).await.unwrap();
        let again = FetchRequest {
            etag: first.etag,
            last_modified: first.last_modified,
            ..page(&site, path)
        };
        let second = fetcher.fetch(&again).await.unwrap();
        assert!(second.not_modified && second.body.is_empty(), "{path}");
        site.put(path, Answer::html("two").with_etag());
        let third = fetcher.fetch(&again).await.unwrap();
        assert_eq!((third.not_modified, &third.body[..]), (false, &b"two"[..]));
    }
    // Who did not ask with conditions has nothing to fall back to.
    site.put("/odd", Answer::status(304));
    let error = fetcher.fetch(&page(&site, "/odd")).await.unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 304, .. }));
    // A validator that no header can hold is none.
    let request = FetchRequest {
        etag: Some("a\nb".to_owned()),
        ..page(&site, "/tagged")
    };
    assert_eq!(fetcher.fetch(&request).await.unwrap().body, b"two");
}

#[tokio::test]
async fn redirects_are_followed_within_bounds() {
    let site = Site::start().await;
    site.put("/end", Answer::html("end"));
    site.put("/to-end", Answer::redirect("end#part"));
    for (path, status) in [("/301", 301), ("/303", 303), ("/307", 307), ("/308", 308)] {
        site.put(path, Answer::redirect("/to-end").with_status(status));
    }
    site.put("/self", Answer::redirect("/self"));
    site.put("/a", Answer::redirect("/b"));
    site.put("/b", Answer::redirect("/a"));
    for step in 0..20 {
        let next = format!("/step/{}", step + 1);
        site.put(&format!("/step/{step}"), Answer::redirect(next));
    }
    site.put("/step/20", Answer::html("far"));
    site.put("/nowhere", Answer::redirect("http://"));
    site.put("/silent", Answer::status(302));
    let fetcher = fetcher(&[&site]);
    for path in ["/301", "/303", "/307", "/308"] {
        let fetched = fetcher.fetch(&page(&site, path)).await.unwrap();
        assert_eq!(fetched.url, site.url("/end"), "{path}");
        assert_eq!(fetched.body, b"end");
    }
    assert!(fetcher.fetch(&page(&site, "/step/10")).await.is_ok());
    let url_of = |path: &str| site.url(path).to_string();
    for path in ["/self", "/a", "/step/9"] {
        site.clear_requests();
        let expected = FetchError::TooManyRedirects {
            url: url_of(path),
            redirects_max: 10,
        };
        let outcome = fetcher.fetch(&page(&site, path)).await;
        assert_eq!(outcome.unwrap_err(), expected);
        assert_eq!(site.count(path), 1, "{path}");
    }
    for (path, location) in [("/nowhere", "http://"), ("/silent", "")] {
        let expected = FetchError::BadRedirect {
            url: url_of(path),
            location: location.to_owned(),
        };
        let outcome = fetcher.fetch(&page(&site, path)).await;
        assert_eq!(outcome.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn redirects_lead_to_nothing_private() {
    let site = Site::start().await;
    let target = Target::start().await;
    let port = target.port();
    let fetcher = fetcher(&[&site]);
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "me:secret@127.0.0.1",
    ] {
        site.put(
            "/out",
            Answer::redirect(format!("http://{host}:{port}/secret")),
        );
        let error = fetcher.fetch(&page(&site, "/out")).await.unwrap_err();
        let private = matches!(error, FetchError::Refused(Refused::Private { .. }));
        assert!(private, "{host}: {error}");
    }
    site.put("/out", Answer::redirect("file:///etc/passwd"));
    let error = fetcher.fetch(&page(&site, "/out")).await.unwrap_err();
    assert!(matches!(error, FetchError::Refused(Refused::Scheme { .. })));
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_name_is_connected_to_at_its_vetted_addresses_only() {
    let site = Site::start().await;
    site.put("/page", Answer::html("here"));
    let fetcher = fetcher(&[&site]);
    // The name has `::1` too on most machines, where nothing is allowed.
    let neighbour = TcpListener::bind((Ipv6Addr::LOCALHOST, site.address().port()));
    let mut url = site.url("/page");
    url.set_host(Some("localhost")).unwrap();
    let begun = Instant::now();
    for _ in 0..3 {
        let fetched = fetcher
            .fetch(&FetchRequest::new(url.clone()))
            .await
            .unwrap();
        assert_eq!(fetched.body, b"here");
    }
    if let Ok(neighbour) = neighbour {
        neighbour.set_nonblocking(true).unwrap();
        assert!(neighbour.accept().is_err());
    }
    // By name it is not the operator's own, and so it is spared.
    assert!(begun.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn bodies_are_bounded_after_decompression() {
    let site = Site::start().await;
    let small = usize::try_from(SMALL).unwrap();
    site.put("/fits", Answer::text("x".repeat(small)).gzip());
    site.put("/large", Answer::text("x".repeat(small + 1)));
    site.put("/bomb", Answer::text("x".repeat(20 << 20)).gzip());
    site.put("/endless", Answer::text("again and again ").endless());
    let fetcher = strict(&site);
    let fits = fetcher.fetch(&page(&site, "/fits")).await.unwrap();
    assert_eq!(fits.body.len(), small);
    for path in ["/large", "/bomb", "/endless"] {
        let expected = FetchError::TooLarge {
            url: site.url(path).into(),
            bytes_max: SMALL,
        };
        let outcome = fetcher.fetch(&page(&site, path)).await;
        assert_eq!(outcome.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn what_is_slow_is_given_up() {
    let site = Site::start().await;
    site.put("/head", Answer::html("late").slow(Duration::from_secs(30)));
    let drip = Answer::html("drop by drop").drip(1, Duration::from_millis(200));
    site.put("/body", drip);
    let fetcher = strict(&site);
    for path in ["/head", "/body"] {
        let begun = Instant::now();
        let error = fetcher.fetch(&page(&site, path)).await.unwrap_err();
        assert!(matches!(error, FetchError::Timeout { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(site.count(path), 1, "{path}");
    }
}

#[tokio::test]
async fn waiting_for_a_turn_does_not_count() {
    let site = Site::start().await;
    site.put(
        "/page",
        Answer::html("slow").slow(Duration::from_millis(150)),
    );
    let fetcher = strict(&site);
    // Four at a time: six rounds, together far longer than one may take.
    let fetches = (0..24).map(|_| {
        let (fetcher, request) = (fetcher.clone(), page(&site, "/page"));
        tokio::spawn(async move { fetcher.fetch(&request).await })
    });
    for fetch in fetches.collect::<Vec<_>>() {
        assert!(fetch.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn media_stay_where_they_are() {
    let site = Site::start().await;
    for (path, content_type) in [("/a", "image/png"), ("/b", "Video/mp4")] {
        site.put(path, Answer::bytes(content_type, "x").endless());
        let fetched = strict(&site).fetch(&page(&site, path)).await.unwrap();
        assert!(fetched.is_media() && fetched.body.is_empty());
        assert_eq!(fetched.content_type.as_deref(), Some(content_type));
    }
}

#[tokio::test]
async fn errors_of_the_server_are_told() {
    let site = Site::start().await;
    let fetcher = fetcher(&[&site]);
    for (status, gone, tries) in [
        (400, false, 1),
        (401, false, 1),
        (404, true, 1),
        (410, true, 1),
        (500, false, 1),
        (502, false, 3),
    ] {
        let path = format!("/{status}");
        site.put(&path, Answer::status(status));
        let error = fetcher.fetch(&page(&site, &path)).await.unwrap_err();
        let expected = FetchError::Status {
            url: site.url(&path).into(),
            status,
        };
        assert_eq!((&error, error.is_gone()), (&expected, gone));
        assert_eq!(site.count(&path), tries, "{path}");
    }
}

#[tokio::test]
async fn what_breaks_is_tried_again() {
    let site = Site::start().await;
    let tries = AtomicUsize::new(0);
    let broken_once = move |_: &_| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::html("whole").broken_off(),
        _ => Answer::html("whole"),
    };
    site.put("/once", Answer::dynamic(Arc::new(broken_once)));
    site.put("/always", Answer::html("whole").broken_off());
    site.put(
        "/gateway",
        Answer::html("whole").failing_first(1, 502, None),
    );
    let fetcher = fetcher(&[&site]);
    for path in ["/once", "/gateway"] {
        let fetched = fetcher.fetch(&page(&site, path)).await.unwrap();
        assert_eq!(fetched.body, b"whole", "{path}");
    }
    let error = fetcher.fetch(&page(&site, "/always")).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert_eq!(site.count("/always"), 3);
}

#[tokio::test]
async fn a_site_that_is_down_can_come_back() {
    let site = Site::start().await;
    site.put("/page", Answer::html("here"));
    let fetcher = fetcher(&[&site]);
    assert!(fetcher.fetch(&page(&site, "/page")).await.is_ok());
    site.go_down().await;
    let error = fetcher.fetch(&page(&site, "/page")).await.unwrap_err();
    let text = error.to_string().to_lowercase();
    assert!(text.contains("connection refused"), "{text}");
    site.come_back().await;
    assert!(fetcher.fetch(&page(&site, "/page")).await.is_ok());
}

#[tokio::test]
async fn a_busy_host_is_left_alone_as_a_whole() {
    let site = Site::start().await;
    site.put("/busy", Answer::html("fine").failing_first(1, 429, Some(1)));
    site.put("/other", Answer::html("fine"));
    let fetcher = fetcher(&[&site]);
    fetcher.robots(&site.url("/")).await.unwrap();
    let begun = Instant::now();
    let busy = async {
        let fetched = fetcher.fetch(&page(&site, "/busy")).await;
        (fetched, begun.elapsed())
    };
    let other = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let fetched = fetcher.fetch(&page(&site, "/other")).await;
        (fetched, begun.elapsed())
    };
    let (busy, other) = tokio::join!(busy, other);
    for (fetched, after) in [busy, other] {
        assert_eq!(fetched.unwrap().body, b"fine");
        assert!(after >= Duration::from_secs(1), "{after:?}");
    }
}

#[tokio::test]
async fn a_host_that_asks_for_too_long_is_not_waited_for() {
    let site = Site::start().await;
    let answer = Answer::status(503).header("retry-after", "3600");
    site.put("/busy", answer);
    site.put("/other", Answer::html("fine"));
    let fetcher = fetcher(&[&site]);
    for path in ["/busy", "/other"] {
        let error = fetcher.fetch(&page(&site, path)).await.unwrap_err();
        let FetchError::TooBusy { url, wait_s } = error else {
            panic!("{error}");
        };
        assert_eq!(url, site.url(path).to_string());
        assert!((3_590..=3_600).contains(&wait_s), "{wait_s}");
    }
    assert_eq!((site.count("/busy"), site.count("/other")), (1, 0));
}

#[tokio::test]
async fn a_host_that_stays_busy_is_given_up() {
    let site = Site::start().await;
    site.put("/busy", Answer::status(429).header("retry-after", "0"));
    let fetcher = fetcher(&[&site]);
    let error = fetcher.fetch(&page(&site, "/busy")).await.unwrap_err();
    assert!(matches!(error, FetchError::TooBusy { .. }), "{error}");
    assert_eq!(site.count("/busy"), 4);
}
