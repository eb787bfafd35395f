//! What sitemaps, feeds and plain lists are read as, and what stops them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn base() -> Url {
    Url::parse("https://a.example/sitemap.xml").unwrap()
}

/// What is read, as text: pages with their dates, sitemaps with a star before.
fn check(body: &[u8], expected: &[&str], problem: Option<&str>) {
    let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
    let reading = read(body, &base());
    let pages = reading.pages.iter().map(|page| {
        let date = page.last_modified.iter().map(|date| format!(" {date}"));
        format!("{}{}", page.url, date.collect::<String>())
    });
    let sitemaps = reading.sitemaps.iter().map(|sitemap| format!("*{sitemap}"));
    let entries: Vec<String> = pages.chain(sitemaps).collect();
    assert_eq!(entries, expected, "{shown}");
    let found = reading.problem.map(|problem| problem.to_string());
    match (&found, problem) {
        (Some(found), Some(problem)) => assert!(found.contains(problem), "{found}: {shown}"),
        _ => assert_eq!(found.as_deref(), problem, "{shown}"),
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_form_is_read() {
    let one = "https://a.example/1";
    for (text, expected) in [
        (
            "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>\
             <url><loc>https://a.example/1</loc><lastmod>2024-05-01</lastmod><priority>1</priority>\
             </url><url><loc> /2?a=1&amp;b=2\n</loc></url></urlset>",
            &[
                "https://a.example/1 2024-05-01",
                "https://a.example/2?a=1&b=2",
            ][..],
        ),
        (
            "\u{feff}\n <urlset><url><loc>/1</loc></url></urlset>",
            &[one],
        ),
        (
            "<s:urlset xmlns:s='x'><s:url><s:loc>/1</s:loc></s:url></s:urlset>",
            &[one],
        ),
        (
            "<urlset><url><image:image><image:loc>/i.png</image:loc></image:image>\
             <loc><![CDATA[/1]]></loc><xhtml:link rel='alternate' href='/de'/></url></urlset>",
            &[one],
        ),
        (
            "<urlset><url><loc>/1</loc><loc>/other</loc></url></urlset>",
            &[one],
        ),
        (
            "<urlset><url><loc>/x?a=1&b=2&#38;c</loc></url></urlset>",
            &["https://a.example/x?a=1&b=2&c"],
        ),
        ("<urlset/>", &[]),
        (
            "<sitemapindex><sitemap><loc>/a.xml</loc><lastmod>2024</lastmod></sitemap>\
             <sitemap><loc>https://b.example/b.xml.gz</loc></sitemap></sitemapindex>",
            &["*https://a.example/a.xml", "*https://b.example/b.xml.gz"],
        ),
        (
            "<rss><channel><link>/</link><item><title>t</title><link>/1</link>\
             <pubDate>Mon, 06 Sep 2021</pubDate></item></channel></rss>",
            &["https://a.example/1 Mon, 06 Sep 2021"],
        ),
        (
            "<feed><link rel='self' href='/feed'/><entry><link rel='edit' href='/e'/>\
             <link href='/1?a&amp;b'/><updated>2021</updated></entry></feed>",
            &["https://a.example/1?a&b 2021"],
        ),
        (
            "https://a.example/1\r\n\nhttps://b.example/2\n",
            &[one, "https://b.example/2"],
        ),
    ] {
        check(text.as_bytes(), expected, None);
        check(&gzipped(text.as_bytes()), expected, None);
    }
}

#[test]
fn what_is_wrong_is_said_and_the_rest_is_read() {
    let one = "https://a.example/1";
    for (text, expected, problem) in [
        ("", &[][..], "no sitemap"),
        ("Not found", &[], "no sitemap"),
        (
            "<!doctype html><html><body>Not found</body></html>",
            &[],
            "no sitemap",
        ),
        ("<!-- nothing -->", &[], "no sitemap"),
        (
            "<urlset><url><loc>/1</loc></url><url><loc>/2",
            &[one],
            "damaged",
        ),
        (
            "<urlset><url><loc>/1</loc></url><url></loc></urlset>",
            &[one],
            "damaged",
        ),
        (
            "<urlset><url><loc>/1</loc></url></urlset><html/>",
            &[one],
            "damaged",
        ),
        (
            "<urlset><url><loc>/1</loc></url><url><loc>ftp://a.example/</loc></url>\
          <url><loc>javascript:1</loc></url><url><loc></loc></url><url/></urlset>",
            &[one],
            "has 3",
        ),
        ("https://a.example/1\nand words\n", &[one], "has 1"),
    ] {
        check(text.as_bytes(), expected, Some(problem));
    }
    let cut = gzipped("<urlset><url><loc>/1</loc></url></urlset>".as_bytes());
    check(&cut[..cut.len() - 12], &[], Some("damaged"));
    check(&[0x1f, 0x8b, 8, 0, 1, 2, 3], &[], Some("damaged"));
    let long = format!(
        "<urlset><url><loc>/{}</loc></url></urlset>",
        "a".repeat(10_000)
    );
    check(long.as_bytes(), &[], Some("has 1"));
    let deep = format!("<urlset>{}", "<a>".repeat(100_000));
    check(deep.as_bytes(), &[], Some("too deep"));
}

#[test]
fn entities_do_not_expand() {
    let text = "<!DOCTYPE u [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>\
                <!ENTITY f SYSTEM 'file:///etc/passwd'>]>\
                <urlset><url><loc>/x?&b;&f;</loc></url></urlset>";
    check(text.as_bytes(), &["https://a.example/x?&b;&f;"], None);
}

#[test]
fn sizes_are_bounded() {
    let entries = |count: usize| {
        let mut text = String::from("<urlset>");
        for number in 0..count {
            text.push_str(&format!("<url><loc>/{number}</loc></url>"));
        }
        text + "</urlset>"
    };
    let whole = read(entries(ENTRIES_MAX).as_bytes(), &base());
    assert_eq!((whole.pages.len(), whole.problem), (ENTRIES_MAX, None));
    let more = read(entries(ENTRIES_MAX + 1).as_bytes(), &base());
    assert_eq!(
        (more.pages.len(), more.problem),
        (ENTRIES_MAX, Some(Problem::TooMany))
    );

    let mut bomb = entries(1).replace("</urlset>", "");
    bomb.push_str(&" ".repeat(51 << 20));
    let bomb = gzipped(bomb.as_bytes());
    assert!(bomb.len() < 1 << 20);
    check(&bomb, &["https://a.example/0"], Some("52428800"));
}
