//! A small documentation site, as real ones are: much around a little. The
//! product it documents, a message relay called Kestrel, does not exist.

use super::many::urlset;
use crate::{Answer, Site};

/// Each page once, under the address that is its own, with its title, its
/// language and its main content.
const PAGES: &[(&str, &str, &str, &str)] = &[
    (
        "/",
        "Kestrel",
        "en",
        include_str!("documentation/index.html"),
    ),
    (
        "/guide/installation",
        "Installation",
        "en",
        include_str!("documentation/installation.html"),
    ),
    (
        "/guide/configuration",
        "Configuration",
        "en",
        include_str!("documentation/configuration.html"),
    ),
    (
        "/guide/retries",
        "Retries",
        "en",
        include_str!("documentation/retries.html"),
    ),
    (
        "/guide/backup",
        "Backup",
        "en",
        include_str!("documentation/backup.html"),
    ),
    (
        "/reference/cli",
        "Command line",
        "en",
        include_str!("documentation/cli.html"),
    ),
    (
        "/reference/http-api",
        "HTTP API",
        "en",
        include_str!("documentation/http-api.html"),
    ),
    (
        "/reference/errors",
        "Errors",
        "en",
        include_str!("documentation/errors.html"),
    ),
    (
        "/blog/",
        "Blog",
        "en",
        include_str!("documentation/blog.html"),
    ),
    (
        "/blog/night-outage",
        "The night outage",
        "en",
        include_str!("documentation/night-outage.html"),
    ),
    (
        "/blog/smaller-frames",
        "Smaller frames",
        "en",
        include_str!("documentation/smaller-frames.html"),
    ),
    (
        "/de/anleitung",
        "Anleitung",
        "de",
        include_str!("documentation/anleitung.html"),
    ),
];

/// The paths of all pages, each once; all are linked and in the sitemap.
pub const DOCUMENTATION_PAGES: &[&str] = &{
    let mut paths = [""; PAGES.len()];
    let mut index = 0;
    while index < PAGES.len() {
        paths[index] = PAGES[index].0;
        index += 1;
    }
    paths
};

/// Addresses that lead to a page under another one, with that other one: by a
/// canonical link, by the same content without one, and by tracking parameters.
/// All are linked, none is in the sitemap.
pub const DOCUMENTATION_DUPLICATES: &[(&str, &str)] = &[
    ("/guide/getting-started", "/guide/installation"),
    ("/latest/guide/retries", "/guide/retries"),
    (
        "/blog/night-outage?utm_source=newsletter&utm_medium=email&fbclid=abc123",
        "/blog/night-outage",
    ),
];

/// A page that is linked, and that robots.txt forbids.
pub const DOCUMENTATION_FORBIDDEN: &str = "/private/keys";

/// A path, a question, and the sentence of that page that answers it. No other
/// page has that sentence.
pub const FACTS: &[(&str, &str, &str)] = &[
    (
        "/guide/installation",
        "How much memory does the relay need?",
        "The relay needs 48 megabytes of memory and one open port.",
    ),
    (
        "/guide/configuration",
        "Which option sets how long idle connections stay open?",
        "The option `idle_timeout_s` closes a connection after 90 seconds without a frame.",
    ),
    (
        "/guide/retries",
        "How often is a failed delivery tried again?",
        "A delivery that fails is tried again eleven times before it moves to the dead letter shelf.",
    ),
    (
        "/guide/backup",
        "Can I back up while the relay runs?",
        "A snapshot can be taken while the relay runs, because the journal is only ever appended to.",
    ),
    (
        "/reference/cli",
        "What does kestrel drain do?",
        "The command `kestrel drain` refuses new frames and waits until the queues are empty.",
    ),
    (
        "/reference/http-api",
        "How do I publish a frame over HTTP?",
        "A frame is published with a POST to the topic, and the answer carries its offset.",
    ),
    (
        "/reference/errors",
        "What does error K-417 mean?",
        "Error K-417 means that the clock of the sender runs ahead by more than a minute.",
    ),
    (
        "/blog/night-outage",
        "Why was the relay down in March?",
        "The outage in March began when a certificate expired on the only gateway nobody watched.",
    ),
    (
        "/blog/smaller-frames",
        "How much smaller are frames since version 3?",
        "Since version 3 a frame is 37 percent smaller, because field names are sent once per session.",
    ),
    (
        "/de/anleitung",
        "Wo speichert das Relais seine Daten?",
        "Das Relais speichert seine Daten unter Linux im Verzeichnis /var/lib/kestrel.",
    ),
];

/// Puts the site: [`DOCUMENTATION_PAGES`] with ETags, their duplicates, the
/// forbidden page, robots.txt, sitemap.xml and llms.txt.
pub fn documentation(site: &Site) {
    for &(path, title, language, content) in PAGES {
        let canonical = (path == "/guide/installation").then_some(path);
        let page = layout(site, title, language, canonical, content);
        site.put(path, Answer::html(page.clone()).with_etag());
        for (duplicate, original) in DOCUMENTATION_DUPLICATES {
            if *original == path && !duplicate.contains('?') {
                site.put(duplicate, Answer::html(page.clone()).with_etag());
            }
        }
    }
    let secret = "<h1>Keys</h1><p>The spare key of the relay hangs behind the stove.</p>";
    let page = layout(site, "Keys", "en", None, secret);
    site.put(DOCUMENTATION_FORBIDDEN, Answer::html(page));

    let sitemap = site.url("/sitemap.xml");
    let robots = format!("User-agent: *\nDisallow: /private/\n\nSitemap: {sitemap}\n");
    site.put("/robots.txt", Answer::text(robots));
    let paths = DOCUMENTATION_PAGES.iter().map(|&path| path.to_owned());
    site.put("/sitemap.xml", Answer::xml(urlset(&site.url("/"), paths)));
    let llms = include_str!("documentation/llms.txt");
    site.put("/llms.txt", Answer::text(absolute(site, llms)));
}

/// A page with everything around its content that real pages have.
fn layout(
    site: &Site,
    title: &str,
    language: &str,
    canonical: Option<&str>,
    content: &str,
) -> String {
    let canonical = canonical.map_or_else(String::new, |path| {
        format!("<link rel=\"canonical\" href=\"{}\">", site.url(path))
    });
    let page = include_str!("documentation/layout.html")
        .replace("{title}", title)
        .replace("{language}", language)
        .replace("{canonical}", &canonical)
        .replace("{content}", content);
    absolute(site, &page)
}

/// `{site}` in the texts is where the site is.
fn absolute(site: &Site, text: &str) -> String {
    text.replace("{site}", site.url("/").as_str().trim_end_matches('/'))
}
