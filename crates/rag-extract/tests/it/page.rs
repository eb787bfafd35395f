//! Web pages: each `testdata/page/*.html` beside what is made of it, and what
//! no page may do.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rag_extract::{ExtractError, Limits, Page, check_selector, extract_page};
use url::Url;

fn address() -> Url {
    Url::parse("https://example.com/docs/guide/page.html").unwrap()
}

fn read(html: impl AsRef<[u8]>) -> Result<Page, ExtractError> {
    extract_page(html.as_ref(), None, &address(), None, &Limits::default())
}

#[test]
fn pages_become_what_is_written_beside_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/page");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        count += 1;
        let page = read(fs::read(&path).unwrap()).unwrap();
        let got = summary(&page);
        let expected = path.with_extension("md");
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            fs::write(&expected, &got).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&expected).unwrap(),
            got,
            "{} is out of date; UPDATE_SNAPSHOTS=1 cargo test writes it anew",
            expected.display()
        );
        assert!(!page.markdown.contains("base64"), "{}", path.display());
    }
    assert!(count >= 25, "{count} pages");
}

/// What was made of a page, but for its links.
fn summary(page: &Page) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| writeln!(text, "{name}: {value}").unwrap();
    line("method", page.method);
    line("title", &page.title);
    if let Some(description) = &page.description {
        line("description", description);
    }
    if let Some(canonical) = &page.canonical {
        line("canonical", canonical.as_str());
    }
    for anchor in &page.anchors {
        line("anchor", &format!("{} #{}", anchor.heading, anchor.id));
    }
    for (name, is_set) in [
        ("no index", page.no_index),
        ("no follow", page.no_follow),
        ("needs browser", page.needs_browser),
    ] {
        if is_set {
            line(name, "yes");
        }
    }
    writeln!(text, "\n{}", page.markdown).unwrap();
    text
}

#[test]
fn a_selector_wins_and_says_when_it_cannot() {
    let html = "<main><p class=x>one</p><div id=y>two<p class=x>three</p></div></main>";
    let select = |selector: &str| {
        let limits = Limits::default();
        extract_page(html.as_bytes(), None, &address(), Some(selector), &limits)
    };
    let page = select(".x").unwrap();
    assert_eq!((page.method, &*page.markdown), ("selector", "one\n\nthree"));
    assert_eq!(select("#y, .x").unwrap().markdown, "one\n\ntwo\n\nthree");
    for selector in ["p[", ".nothing"] {
        let error = select(selector).unwrap_err();
        assert!(matches!(error, ExtractError::Selector { .. }), "{error}");
    }
    assert!(check_selector("main > .a:not(.b)").is_ok());
    assert!(check_selector("main >").is_err());
}

#[test]
fn a_page_is_read_in_its_own_charset() {
    let html = b"<meta charset=windows-1251><main><p>\xcf\xf0\xe8\xe2\xe5\xf2</p></main>";
    assert_eq!(read(html).unwrap().markdown, "Привет");
}

#[test]
fn hostile_nesting_is_flattened_in_time() {
    for element in [
        "div",
        "span",
        "b",
        "blockquote",
        "ul><li",
        "table><tr><td",
        "p><b",
        "x-y",
        "svg><g",
        "a",
        "section><p",
        "dl><dd",
        "font",
        "em><i",
        "pre",
        "details",
        "select",
        "form><div",
    ] {
        let is_usual = matches!(element, "div" | "table><tr><td");
        for depth in [2_000, 20_000].into_iter().take(1 + usize::from(is_usual)) {
            let html = format!("<{element}>").repeat(depth) + "needle in the hay";
            let started = Instant::now();
            let outcome = read(&html);
            let took = started.elapsed();
            assert!(
                took < Duration::from_secs(10),
                "{element} × {depth}: {took:?}"
            );
            match outcome {
                Ok(page) => assert!(page.markdown.len() < 100_000, "{element} × {depth}"),
                Err(ExtractError::TooLarge { .. }) => {}
                Err(error) => panic!("{element} × {depth}: {error}"),
            }
        }
    }
    let html = "<div>".repeat(10_000) + "needle" + &"</div>".repeat(10_000);
    assert!(read(html).unwrap().markdown.contains("needle"));
}

#[test]
fn hostile_breadth_is_read_in_time() {
    let many = |part: &str, count: usize| part.repeat(count);
    for (name, html) in [
        ("marks", many("<b>x</b>", 12_000)),
        ("spans", many("<span>x</span>", 12_000)),
        ("paragraphs", many("<p>some words", 8_000)),
        (
            "cells",
            "<table>".to_owned() + &many("<tr><td>a<td>b", 5_000),
        ),
        (
            "wide",
            "<table><tr>".to_owned() + &many("<td colspan=1000>a", 1_500),
        ),
        ("attributes", format!("<p {}>x", many("a ", 25_000))),
        ("anchors", many("<a href=/x>link</a> ", 5_000)),
        ("code", many("<pre><code>x</code></pre>", 2_500)),
        ("headings", many("<h2 id=x>Title</h2>", 2_500)),
        ("entities", many("&amp;&lt;&#x41;&bogus;", 5_000)),
        ("open tag", many("<", 100_000)),
        ("open comment", "<!--".to_owned() + &many("x-", 50_000)),
        ("nul", many("\0", 10_000)),
    ] {
        let started = Instant::now();
        let outcome = read(&html);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
}

#[test]
fn too_much_is_refused() {
    let huge = vec![b'x'; 100 << 20];
    assert!(matches!(read(huge), Err(ExtractError::TooLarge { .. })));
    let limits = Limits {
        text_bytes_max: 10,
        ..Limits::default()
    };
    let html = b"<main><p>more than ten bytes of text</p></main>";
    let error = extract_page(html, None, &address(), None, &limits).unwrap_err();
    assert_eq!(error.to_string(), "it has more than 10 bytes of text");
}

#[test]
fn nothing_gives_an_empty_page() {
    for html in [
        "",
        " ",
        "<html></html>",
        "<body></body>",
        "<frameset><frame></frameset>",
    ] {
        let page = read(html).unwrap();
        assert_eq!((&*page.markdown, &*page.title), ("", ""), "{html}");
    }
}

#[test]
fn a_title_alone_is_no_content() {
    for html in [
        "<title>x</title>",
        "<html><head><title>x</title></head><body></body></html>",
        "<title>x</title><body> <script>let x = 1</script><style>x {}</style></body>",
    ] {
        let page = read(html).unwrap();
        assert_eq!((&*page.markdown, &*page.title), ("", "x"), "{html}");
    }
}
