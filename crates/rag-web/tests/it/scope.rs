//! Which addresses belong to a crawl, and when two are the same.

use proptest::prelude::*;
use rag_web::{Scope, canonical};
use url::Url;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn spellings_of_an_address_become_one() {
    for (text, expected) in [
        ("https://a.example", "https://a.example/"),
        ("HTTPS://A.Example:443/Path#part", "https://a.example/Path"),
        ("http://a.example:80/", "http://a.example/"),
        ("http://a.example:8080/", "http://a.example:8080/"),
        ("https://a.example./x", "https://a.example/x"),
        ("https://user:secret@a.example/", "https://a.example/"),
        ("https://a.example/?", "https://a.example/"),
        ("https://a.example/?&&", "https://a.example/"),
        (
            "https://a.example/?b=2&a=1&b=1",
            "https://a.example/?b=2&a=1&b=1",
        ),
        (
            "https://a.example/?utm_source=x&id=1&UTM_medium=y",
            "https://a.example/?id=1",
        ),
        (
            "https://a.example/?gclid=x&fbclid=y&mc_cid=z",
            "https://a.example/",
        ),
        ("https://a.example/?utm%5Fsource=x", "https://a.example/"),
        (
            "https://a.example/?ref=x&source=y",
            "https://a.example/?ref=x&source=y",
        ),
        (
            "https://a.example/%7eme/%c3%b6",
            "https://a.example/~me/%C3%B6",
        ),
        ("https://a.example/a%2fb%20c", "https://a.example/a%2Fb%20c"),
        ("https://a.example/ö", "https://a.example/%C3%B6"),
        ("https://a.example/100%", "https://a.example/100%25"),
        (
            "https://a.example/%%32e%%32e/x",
            "https://a.example/%252e%252e/x",
        ),
        ("https://a.example/a//b/", "https://a.example/a//b/"),
        ("https://a.example/a/../b/./c", "https://a.example/b/c"),
        (
            "https://a.example/?q=a%20b+c%2b",
            "https://a.example/?q=a%20b+c%2B",
        ),
        ("mailto:a@b.example#x", "mailto:a@b.example"),
    ] {
        assert_eq!(canonical(&url(text)).as_str(), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn the_one_form_stays_the_same(
        rest in r"[a-zA-Z0-9%./?&=#_~ +öA-F2ef:;@\\-]{0,60}",
        host in r"(www\.)?[a-z]{1,5}\.example\.{0,2}",
    ) {
        if let Ok(url) = Url::parse(&format!("https://{host}/{rest}")) {
            let once = canonical(&url);
            prop_assert_eq!(&canonical(&once), &once);
            prop_assert_eq!(Url::parse(once.as_str()).unwrap(), once);
        }
    }
}

/// Why `text` is out of a crawl from `root`.
fn reason(root: &str, include: &[&str], exclude: &[&str], text: &str) -> Option<&'static str> {
    let own = |patterns: &[&str]| -> Vec<String> {
        patterns.iter().map(|&pattern| pattern.to_owned()).collect()
    };
    let scope = Scope::new(&url(root), &own(include), &own(exclude)).unwrap();
    scope.admits(&url(text)).err()
}

#[test]
fn a_crawl_keeps_to_its_site() {
    let long = format!("https://a.example/{}", "a".repeat(2_000));
    let other = Some("another site");
    for (root, text, expected) in [
        ("https://a.example/docs/", "https://a.example/", None),
        ("https://a.example/", "http://a.example/x", None),
        ("https://a.example/", "https://www.a.example/x", None),
        ("https://www.a.example/", "https://a.example./x", None),
        ("https://a.example/", "https://b.a.example/", other),
        (
            "https://a.example/",
            "https://a.example.evil.example/",
            other,
        ),
        ("https://a.example/", "https://a.example:8443/", other),
        ("http://a.example:8080/", "http://a.example:8080/x", None),
        ("http://a.example:8080/", "http://a.example/x", other),
        ("http://127.0.0.1:1234/", "http://127.0.0.1:1234/x", None),
        (
            "https://a.example/",
            "ftp://a.example/x",
            Some("neither http nor https"),
        ),
        (
            "https://a.example/",
            "mailto:x@a.example",
            Some("neither http nor https"),
        ),
        ("https://a.example/", &long, Some("its address is too long")),
        (
            "https://a.example/",
            "https://a.example/x/x/x/x",
            Some("its path repeats itself"),
        ),
        (
            "https://a.example/",
            "https://a.example/a.PNG?x=1",
            Some("an image"),
        ),
        (
            "https://a.example/",
            "https://a.example/s.css",
            Some("a part of a page"),
        ),
        (
            "https://a.example/",
            "https://a.example/f.woff2",
            Some("a font"),
        ),
        (
            "https://a.example/",
            "https://a.example/v.mp4",
            Some("sound or video"),
        ),
        (
            "https://a.example/",
            "https://a.example/v1.tar.gz",
            Some("an archive"),
        ),
        (
            "https://a.example/",
            "https://a.example/setup.exe",
            Some("software"),
        ),
        ("https://a.example/", "https://a.example/a.pdf", None),
        ("https://a.example/", "https://a.example/a.docx", None),
        ("https://a.example/", "https://a.example/a.md", None),
        ("https://a.example/", "https://a.example/v1.2.3", None),
        ("https://a.example/", "https://a.example/png", None),
        ("https://a.example/", "https://a.example/.png/x", None),
    ] {
        assert_eq!(reason(root, &[], &[], text), expected, "{root} {text}");
    }
}

#[test]
fn patterns_say_what_is_in() {
    let outside = Some("matches no include pattern");
    let excluded = Some("excluded by a pattern");
    for (include, exclude, path, expected) in [
        (&["/docs/**"][..], &[][..], "/docs/a/b", None),
        (&["/docs/**"], &[], "/docs/", None),
        (&["/docs/**"], &[], "/docs", None),
        (&["/docs/**"], &[], "/docs?page=2", None),
        (&["/docs/**"], &[], "/docsearch", outside),
        (&["/docs/**"], &[], "/", outside),
        (&["docs/**"], &[], "/docs/a", None),
        (&["/**"], &[], "/", None),
        (&["**"], &[], "/a/b", None),
        (&["/docs/*"], &[], "/docs/a", None),
        (&["/docs/*"], &[], "/docs/a/b", outside),
        (&["*.pdf"], &[], "/deep/er/a.pdf", None),
        (&["*.pdf"], &[], "/a.html", outside),
        (&["/docs/v{1,2}/**"], &[], "/docs/v2/x", None),
        (&["/docs/v[12]/**"], &[], "/docs/v3/x", outside),
        (&["/a/**", "/b/**"], &[], "/b/x", None),
        (&["/größe/**"], &[], "/größe/x", None),
        (&["/a b/**"], &[], "/a%20b/x", None),
        (&["/a%20b/**"], &[], "/a%20b/x", None),
        (&["https://a.example/docs/**"], &[], "/docs/x", None),
        (&["https://b.example/docs/**"], &[], "/docs/x", outside),
        (&[], &["/private/**"], "/private", excluded),
        (&[], &["/private/**"], "/public", None),
        (&["/docs/**"], &["/docs/old/**"], "/docs/old/x", excluded),
        (&[], &["https://*/docs/**"], "/docs/x", excluded),
        (&["/Docs/**"], &[], "/docs/x", outside),
    ] {
        let text = format!("https://a.example{path}");
        let found = reason("https://a.example/", include, exclude, &text);
        assert_eq!(found, expected, "{include:?} {exclude:?} {path}");
    }
    let bad = Scope::new(&url("https://a.example/"), &["/a[".to_owned()], &[]).unwrap_err();
    assert!(
        bad.to_string().starts_with("`/a[` is not a pattern: "),
        "{bad}"
    );
}

#[test]
fn below_the_root_is_in_its_folder() {
    for (root, text, expected) in [
        ("https://a.example/docs/", "https://a.example/docs/x", true),
        (
            "https://a.example/docs/",
            "http://www.a.example/docs/",
            true,
        ),
        ("https://a.example/docs/", "https://a.example/docs", false),
        (
            "https://a.example/docs/intro",
            "https://a.example/docs/setup",
            true,
        ),
        ("https://a.example/docs", "https://a.example/other", true),
        ("https://a.example/docs/", "https://b.example/docs/x", false),
        (
            "https://a.example/%7edocs/",
            "https://a.example/~docs/x",
            true,
        ),
    ] {
        let scope = Scope::new(&url(root), &[], &[]).unwrap();
        assert_eq!(scope.is_below_root(&url(text)), expected, "{root} {text}");
    }
}
