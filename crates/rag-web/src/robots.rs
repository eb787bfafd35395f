//! What a site's robots.txt says (RFC 9309).
//!
//! `files` fetches and remembers them, `rules` has them compared right. Obeying
//! is left to `fetch`.

mod files;
mod rules;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use texting_robots::Robot;
use url::{Position, Url};

pub(crate) use self::files::RobotsFiles;

/// The name by which robots.txt files speak of this program.
const TOKEN: &str = "rag-memory";

/// The longest pause that a file may ask for.
const CRAWL_DELAY_MAX: Duration = Duration::from_secs(30);

/// The most sitemaps that a file may name.
const SITEMAPS_MAX: usize = 500;

/// What a site's robots.txt says to crawlers like this one.
#[derive(Clone, Debug, Default)]
pub struct Robots {
    /// Whether there is one. Without it everything is allowed.
    pub exists: bool,
    /// How long to wait between two requests, at most 30 seconds.
    pub crawl_delay: Option<Duration>,
    /// The sitemaps that it names, each once, in order.
    pub sitemaps: Vec<Url>,
    rules: Option<Arc<Robot>>,
}

impl Robots {
    /// Whether `url`, of the same site, may be fetched.
    pub fn allowed(&self, url: &Url) -> bool {
        let Some(rules) = &self.rules else {
            return true;
        };
        let path = &url[Position::BeforePath..Position::AfterQuery];
        rules.allowed(&rules::comparable(path.as_bytes(), false))
    }

    /// Reads a file that is at `url`. The error says that it cannot be read. May
    /// take a moment.
    fn read(url: &Url, text: &[u8]) -> Result<Self, &'static str> {
        // A page that is shown for every address is no robots.txt.
        if text.trim_ascii_start().starts_with(b"<") {
            return Ok(Robots::default());
        }
        let robot = parse(&rules::tame(text)).ok_or("it makes no sense")?;
        let mut sitemaps: Vec<Url> = Vec::new();
        for sitemap in robot.sitemaps.iter().take(SITEMAPS_MAX) {
            let joined = url.join(sitemap).ok();
            let usable = |url: &Url| matches!(url.scheme(), "http" | "https");
            sitemaps.extend(joined.filter(|url| usable(url) && !sitemaps.contains(url)));
        }
        let seconds = robot.delay.map(|s| s.min(CRAWL_DELAY_MAX.as_secs_f32()));
        Ok(Robots {
            exists: true,
            crawl_delay: seconds.and_then(|s| Duration::try_from_secs_f32(s).ok()),
            sitemaps,
            rules: Some(Arc::new(robot)),
        })
    }
}

/// A parser that panics has not understood the file.
fn parse(text: &[u8]) -> Option<Robot> {
    catch_unwind(AssertUnwindSafe(|| Robot::new(TOKEN, text).ok()))
        .ok()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Robots {
        let url = "https://a.example/robots.txt".parse().unwrap();
        Robots::read(&url, text.as_bytes()).unwrap()
    }

    fn allows(robots: &Robots, path: &str) -> bool {
        let root: Url = "https://a.example".parse().unwrap();
        robots.allowed(&root.join(path).unwrap())
    }

    #[test]
    fn rules_are_those_for_this_program() {
        for (text, path, expected) in [
            ("", "/", true),
            ("User-agent: *\nDisallow: /", "/", false),
            ("User-agent: *\nDisallow: /", "/robots.txt", true),
            ("User-agent: *\nDisallow:", "/", true),
            ("User-agent: *\nDisallow: /private/", "/private/a", false),
            ("User-agent: *\nDisallow: /private/", "/public", true),
            ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b", true),
            ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf", false),
            ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf?y", true),
            ("User-agent: *\nDisallow: /\nAllow: /$", "/", true),
            ("User-agent: *\nDisallow: /\nAllow: /$", "/a", false),
            ("User-agent: *\nDisallow: /caf\u{e9}", "/caf\u{e9}", false),
            (
                "User-agent: *\nDisallow: /\n\nUser-agent: RAG-Memory\nAllow: /",
                "/",
                true,
            ),
            (
                "User-agent: *\nAllow: /\n\nUser-agent: rag-memory\nDisallow: /",
                "/",
                false,
            ),
            ("User-agent: other\nDisallow: /", "/", true),
            ("User-agent: *\nDisallow: /\nDisallow:", "/", false),
            (
                "User-agent: rag-memory\nDisallow:\n\nUser-agent: *\nDisallow: /",
                "/",
                true,
            ),
            ("User-agent: *\nDisallow: /%7euser", "/~user", false),
            ("User-agent: *\nDisallow: /~user", "/%7Euser/a", false),
            ("User-agent: *\nDisallow: /caf%c3%a9", "/caf\u{e9}", false),
            ("User-agent: *\nDisallow: /a%2fb", "/a%2Fb", false),
            ("User-agent: *\nDisallow: /a%2fb", "/a/b", true),
            ("User-agent: *\nDisallow: /{a}", "/{a}", false),
            ("User-agent: *\nDisallow: /a%2A", "/a*", false),
            ("User-agent: *\nDisallow: /a%2A", "/ab", true),
            ("User-agent: *\nDisallow: /*?p='a'$", "/x?p='a'", false),
            ("User-agent: *\0Disallow: /a", "/a", false),
            ("<!DOCTYPE html>\nUser-agent: *\nDisallow: /", "/", true),
        ] {
            assert_eq!(allows(&read(text), path), expected, "{text:?} {path}");
        }
    }

    #[test]
    fn pauses_are_bounded() {
        for (delay, expected) in [
            ("2", Some(2_000)),
            ("0.5", Some(500)),
            ("0", Some(0)),
            ("86400", Some(30_000)),
            ("inf", Some(30_000)),
            ("NaN", None),
            ("-1", None),
            ("soon", None),
        ] {
            let robots = read(&format!("User-agent: *\nCrawl-delay: {delay}"));
            let expected = expected.map(Duration::from_millis);
            assert_eq!(robots.crawl_delay, expected, "{delay}");
        }
    }

    #[test]
    fn sitemaps_are_named_once_and_can_be_relative() {
        let robots = read(
            "Sitemap: https://a.example/a.xml\nSitemap: /b.xml\nSitemap: ftp://a.example/c.xml\n\
             sitemap: https://a.example/a.xml\nSitemap: http://[bad\n",
        );
        let found: Vec<_> = robots.sitemaps.iter().map(Url::as_str).collect();
        assert_eq!(
            found,
            ["https://a.example/a.xml", "https://a.example/b.xml"]
        );
    }

    #[test]
    fn rules_with_too_many_end_marks_forbid_more() {
        let large = format!("Disallow: /{}$\n", "*a".repeat(5_000));
        let many = "Disallow: /*x$\n".repeat(rules::END_MARKS_MAX);
        for (rules, path, expected) in [
            (large.as_str(), "/public", true),
            (&many, "/public", true),
            (&many, "/x?y", true),
            (&format!("{many}Disallow: /*.pdf$"), "/a.pdf?y", false),
            (&format!("{many}Disallow: /a\nAllow: /a$"), "/a", false),
        ] {
            let robots = read(&format!("User-agent: *\nDisallow: /private\n{rules}"));
            assert_eq!(allows(&robots, path), expected, "{path}");
            assert!(!allows(&robots, "/private/a"));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_read_over() {
        let url = "https://a.example/robots.txt".parse().unwrap();
        let text = b"\xff\xfe\x00\x01\nUser-agent: *\nDisallow: /\xff\xfe\nDisallow: /private";
        let robots = Robots::read(&url, text).unwrap();
        assert!(robots.exists && !allows(&robots, "/private"));
    }
}
