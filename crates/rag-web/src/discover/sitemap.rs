//! Sitemaps (sitemaps.org): XML with pages or other sitemaps, feeds, plain
//! lists of addresses; each also gzipped. Pure.

mod xml;

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use url::Url;

use super::SitemapUrl;
use crate::bounded::Bounded;
use crate::scope::URL_CHARS_MAX;

/// The most bytes of a sitemap, unpacked: the protocol's own limit.
pub(super) const BYTES_MAX: u64 = 50 << 20;

/// The most addresses in a sitemap: the protocol's own limit.
const ENTRIES_MAX: usize = 50_000;

/// The most bytes of a date, in whatever format.
const DATE_BYTES_MAX: usize = 64;

/// How much of the beginning tells what it is.
const HEAD_BYTES: u64 = 512;

/// What a sitemap says.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Whether it is one of sitemaps.
    pub(super) is_index: bool,
    /// The pages it names.
    pub(super) pages: Vec<SitemapUrl>,
    /// The sitemaps it names.
    pub(super) sitemaps: Vec<Url>,
    /// What is wrong with it; what is before that was read.
    pub(super) problem: Option<Problem>,
}

/// What is wrong with a sitemap, to be read after its name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    /// It is something else.
    #[error("is no sitemap")]
    NoSitemap,
    /// It cannot be read to its end.
    #[error("is damaged, and was read up to there: {0}")]
    Damaged(String),
    /// Entries had to be left out.
    #[error("has {0} entries without a usable address")]
    Unusable(usize),
    /// It has more entries than it may.
    #[error("has more than {ENTRIES_MAX} entries, of which the first were read")]
    TooMany,
}

/// Reads a sitemap, whatever its form. Relative addresses are against `base`,
/// where it comes from. Entities that a document defines are not expanded.
pub(super) fn read(body: &[u8], base: &Url) -> Reading {
    let mut collector = Collector::new(base);
    let outcome = if body.starts_with(&[0x1f, 0x8b]) {
        read_plain(MultiGzDecoder::new(body), &mut collector)
    } else {
        read_plain(body, &mut collector)
    };
    collector.finish(outcome)
}

fn read_plain(reader: impl Read, collector: &mut Collector<'_>) -> Result<(), Problem> {
    let mut reader = BufReader::new(Bounded::new(reader, BYTES_MAX));
    let mut head = Vec::new();
    reader
        .by_ref()
        .take(HEAD_BYTES)
        .read_to_end(&mut head)
        .map_err(damaged)?;
    let text = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&head)
        .trim_ascii_start();
    let whole = text.chain(reader);
    if text.starts_with(b"<") {
        xml::read(whole, collector)
    } else {
        read_lines(whole, collector)
    }
}

/// An address a line; other lines are no addresses.
fn read_lines(mut reader: impl BufRead, collector: &mut Collector<'_>) -> Result<(), Problem> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let line_bytes_max = URL_CHARS_MAX as u64 + 1;
        let read = reader
            .by_ref()
            .take(line_bytes_max)
            .read_until(b'\n', &mut line);
        if read.map_err(damaged)? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        // Against nothing: a line of prose is a relative address as well.
        match Url::parse(text) {
            Ok(url) => collector.add(Kind::Page, url.as_str(), None)?,
            Err(_) => collector.unusable += 1,
        }
    }
    if collector.reading.pages.is_empty() {
        return Err(Problem::NoSitemap);
    }
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> Problem {
    Problem::Damaged(error.to_string())
}

/// What an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Page,
    Sitemap,
}

/// Gathers entries, within bounds.
struct Collector<'a> {
    base: &'a Url,
    reading: Reading,
    /// How many entries have no address that can be asked for.
    unusable: usize,
}

impl<'a> Collector<'a> {
    fn new(base: &'a Url) -> Self {
        Collector {
            base,
            reading: Reading::default(),
            unusable: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.reading.pages.is_empty() && self.reading.sitemaps.is_empty()
    }

    fn add(&mut self, kind: Kind, address: &str, modified: Option<&str>) -> Result<(), Problem> {
        if self.reading.pages.len() + self.reading.sitemaps.len() >= ENTRIES_MAX {
            return Err(Problem::TooMany);
        }
        let address = address.trim();
        let is_usable = |url: &Url| {
            matches!(url.scheme(), "http" | "https") && url.as_str().len() <= URL_CHARS_MAX
        };
        let url = match self.base.join(address) {
            Ok(url) if !address.is_empty() && is_usable(&url) => url,
            _ => {
                self.unusable += 1;
                return Ok(());
            }
        };
        match kind {
            Kind::Sitemap => self.reading.sitemaps.push(url),
            Kind::Page => self.reading.pages.push(SitemapUrl {
                url,
                last_modified: modified
                    .map(str::trim)
                    .filter(|text| (1..=DATE_BYTES_MAX).contains(&text.len()))
                    .map(str::to_owned),
            }),
        }
        Ok(())
    }

    fn finish(mut self, outcome: Result<(), Problem>) -> Reading {
        self.reading.problem = match outcome {
            Err(problem) => Some(problem),
            Ok(()) if self.unusable > 0 => Some(Problem::Unusable(self.unusable)),
            Ok(()) => None,
        };
        self.reading
    }
}

#[cfg(test)]
mod tests;
