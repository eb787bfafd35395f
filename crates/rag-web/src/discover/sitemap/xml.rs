//! Sitemaps and feeds in XML, read as a stream: memory does not grow with them.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{Collector, Kind, Problem, damaged};
use crate::scope::URL_CHARS_MAX;

/// How deep elements may be nested.
const DEPTH_MAX: usize = 64;

/// What an element means. Names are taken without their namespaces: many
/// generators leave them out, or mistype them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    /// What holds entries: `urlset`, `sitemapindex`, `rss` and its `channel`,
    /// `RDF`, `feed`.
    List,
    /// One entry: `url`, `sitemap`, `item`, `entry`.
    Entry(Kind),
    /// The address of the entry: `loc`, `link`.
    Address,
    /// When the entry was changed: `lastmod`, `updated`, `pubDate`, `date`.
    Modified,
    /// Anything else, such as the `loc` of an image within an entry.
    Other,
}

impl Element {
    /// What `name` means within `parent`, if it may be there.
    fn of(parent: Option<Element>, name: &[u8]) -> Option<Element> {
        let element = match (parent, name) {
            (None, b"urlset" | b"sitemapindex" | b"rss" | b"RDF" | b"feed") => Element::List,
            (None, _) => return None,
            (Some(Element::List), b"channel") => Element::List,
            (Some(Element::List), b"url" | b"item" | b"entry") => Element::Entry(Kind::Page),
            (Some(Element::List), b"sitemap") => Element::Entry(Kind::Sitemap),
            (Some(Element::Entry(_)), b"loc" | b"link") => Element::Address,
            (Some(Element::Entry(_)), b"lastmod" | b"updated" | b"pubDate" | b"date") => {
                Element::Modified
            }
            _ => Element::Other,
        };
        Some(element)
    }
}

/// The entry that is being read.
#[derive(Default)]
struct Entry {
    address: String,
    modified: String,
}

pub(super) fn read(reader: impl BufRead, collector: &mut Collector<'_>) -> Result<(), Problem> {
    let mut reader = Reader::from_reader(reader);
    // Addresses with a bare `&` are common, and clear enough.
    reader.config_mut().allow_dangling_amp = true;
    let mut buffer = Vec::new();
    let mut open: Vec<Element> = Vec::new();
    let mut entry = Entry::default();
    let mut has_root = false;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(damaged)? {
            Event::Start(start) => {
                let element = enter(&start, &open, &mut entry, collector)?;
                has_root = true;
                open.push(element);
            }
            Event::Empty(start) => {
                enter(&start, &open, &mut entry, collector)?;
                has_root = true;
            }
            Event::End(_) => {
                if let Some(Element::Entry(kind)) = open.pop() {
                    let Entry { address, modified } = std::mem::take(&mut entry);
                    collector.add(kind, &address, Some(&modified))?;
                }
            }
            Event::Text(text) => entry.push(&open, &String::from_utf8_lossy(&text)),
            Event::CData(text) => entry.push(&open, &String::from_utf8_lossy(&text)),
            Event::GeneralRef(reference) => entry.push(&open, &resolved(&reference)),
            Event::Eof if !open.is_empty() => return Err(damaged("it ends in the middle")),
            Event::Eof if !has_root => return Err(Problem::NoSitemap),
            Event::Eof => return Ok(()),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
}

/// What an element that begins means; Atom's links say theirs right away.
fn enter(
    start: &BytesStart<'_>,
    open: &[Element],
    entry: &mut Entry,
    collector: &mut Collector<'_>,
) -> Result<Element, Problem> {
    if open.len() == DEPTH_MAX {
        return Err(damaged("its elements are nested too deep"));
    }
    let name = start.local_name();
    let Some(element) = Element::of(open.last().copied(), name.as_ref()) else {
        return Err(if collector.is_empty() {
            Problem::NoSitemap
        } else {
            damaged("something else follows in it")
        });
    };
    collector.reading.is_index |= open.is_empty() && name.as_ref() == b"sitemapindex";
    match element {
        // Of several, the first counts.
        Element::Address if !entry.address.is_empty() => return Ok(Element::Other),
        Element::Modified if !entry.modified.is_empty() => return Ok(Element::Other),
        Element::Address => entry.address = atom_address(start).unwrap_or_default(),
        _ => {}
    }
    Ok(element)
}

/// The address in a link such as `<link rel="alternate" href="…"/>`.
fn atom_address(start: &BytesStart<'_>) -> Option<String> {
    let attribute = |name: &str| {
        let attribute = start.try_get_attribute(name).ok()??;
        let value = String::from_utf8_lossy(&attribute.value).into_owned();
        Some(quick_xml::escape::unescape(&value).map_or(value.clone(), String::from))
    };
    let relation = attribute("rel");
    if relation.is_some_and(|relation| relation != "alternate") {
        return None;
    }
    attribute("href").filter(|address| address.len() <= URL_CHARS_MAX)
}

/// What `&name;` stands for: one of XML's own five, or a character by number.
/// What a document defines itself is not looked up, so that nothing can be made
/// to grow.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name = String::from_utf8_lossy(reference);
    match resolve_predefined_entity(&name) {
        Some(text) => text.to_owned(),
        None => format!("&{name};"),
    }
}

impl Entry {
    /// Adds text to what is open. One that is longer than any address may be
    /// stays too long, and is found unusable.
    fn push(&mut self, open: &[Element], text: &str) {
        let target = match open.last() {
            Some(Element::Address) => &mut self.address,
            Some(Element::Modified) => &mut self.modified,
            _ => return,
        };
        if target.len() <= URL_CHARS_MAX {
            target.push_str(text);
        }
    }
}
