//! Presentations: a section for each slide, with its number.
//!
//! The parser puts all slides into one text without saying where they begin.
//! So a mark is put first on each slide before it is parsed, and becomes the
//! slide's heading afterwards.

use super::{Format, to_markdown};
use crate::archive::package::{Package, Part};
use crate::document::detect::find;
use crate::document::title;
use crate::{ExtractError, Limits};

/// What no slide says. It is plain letters, so that nothing escapes it.
const MARK: &str = "SlideBeginsHereQ7f3a9c51d2";
/// The most bytes of a part that slides are in.
const PART_BYTES_MAX: u64 = 128 << 20;

/// Reads a presentation: its text, and the title of its first slide.
pub(super) fn read(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
) -> Result<(String, Option<String>), ExtractError> {
    // One too many shows that there are too many.
    let marks_max = limits.pages_max as usize + 1;
    let marked = Package::open(bytes)?.rewritten(|package, name| {
        // Pictures are of no use, and most of what there is.
        if name.starts_with("ppt/media/") || name.starts_with("Pictures/") {
            return Part::LeftOut;
        }
        let slide = match format {
            Format::Odp => name == "content.xml",
            _ => name.starts_with("ppt/slides/slide") && name.ends_with(".xml"),
        };
        let part = slide.then(|| package.part(name, PART_BYTES_MAX)).flatten();
        match (part, format) {
            (None, _) => Part::Kept,
            (Some(xml), Format::Odp) => Part::Replaced(marked(&xml, b"draw:page", ODP, marks_max)),
            (Some(xml), _) => Part::Replaced(marked(&xml, b"p:spTree", PPTX, 1)),
        }
    })?;
    let text = to_markdown(&marked, format)?;
    let slides: Vec<&str> = text.split(MARK).skip(1).collect();
    if slides.is_empty() {
        // Its namespaces have other prefixes than every program writes.
        let first = title::of_markdown(&text);
        return Ok((text, first));
    }
    if slides.len() > limits.pages_max as usize {
        return Err(ExtractError::TooLarge {
            limit: format!("{} slides", limits.pages_max),
        });
    }
    let mut sections = String::with_capacity(text.len());
    let mut first = None;
    for (number, slide) in (1..).zip(slides) {
        let heading = section(number, slide, &mut sections);
        first = first.or(heading);
    }
    Ok((sections, first))
}

/// The mark as a title of OpenDocument, which comes before all else.
const ODP: &str = "<draw:frame presentation:class=\"title\" \
    xmlns:presentation=\"urn:oasis:names:tc:opendocument:xmlns:presentation:1.0\" \
    xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\">\
    <draw:text-box><text:p>MARK</text:p></draw:text-box></draw:frame>";
/// The mark as a shape of PowerPoint.
const PPTX: &str = "<p:sp xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\">\
    <p:txBody><a:p><a:r><a:t>MARK</a:t></a:r></a:p></p:txBody></p:sp>";

/// The XML with the mark after each opening tag `<element …>`, up to so many.
fn marked(xml: &[u8], element: &[u8], mark: &str, count_max: usize) -> Vec<u8> {
    let mark = mark.replace("MARK", MARK);
    let mut out = Vec::with_capacity(xml.len() + mark.len());
    let mut rest = xml;
    let mut count = 0;
    let opening = [b"<", element].concat();
    while let Some(at) = find(rest, &opening).filter(|_| count < count_max) {
        let after = at + opening.len();
        let Some(end) = find(&rest[after..], b">").map(|end| after + end) else {
            break;
        };
        let (tag, following) = rest.split_at(end + 1);
        let same = matches!(
            tag.get(after),
            Some(b' ' | b'>' | b'/' | b'\n' | b'\r' | b'\t')
        );
        match (same, tag.ends_with(b"/>")) {
            (false, _) => out.extend_from_slice(tag),
            (true, false) => {
                out.extend_from_slice(tag);
                out.extend_from_slice(mark.as_bytes());
                count += 1;
            }
            // An empty slide is a slide.
            (true, true) => {
                out.extend_from_slice(&tag[..tag.len() - 2]);
                out.push(b'>');
                out.extend_from_slice(mark.as_bytes());
                out.extend_from_slice(&[b"</", element, b">"].concat());
                count += 1;
            }
        }
        rest = following;
    }
    out.extend_from_slice(rest);
    out
}

/// Writes a slide under its number and title, unless there is nothing on it.
fn section(number: usize, slide: &str, out: &mut String) -> Option<String> {
    // A mark that is a heading leaves its hashes at the end of what is before.
    let slide = slide.trim();
    let slide = slide.strip_suffix("\n##").unwrap_or(slide).trim_end();
    let slide = if slide == "##" { "" } else { slide };
    if slide.is_empty() {
        return None;
    }
    let heading = slide.lines().find_map(|line| line.strip_prefix("## "));
    match heading {
        Some(heading) => out.push_str(&format!("## Slide {number}: {heading}\n\n")),
        None => out.push_str(&format!("## Slide {number}\n\n")),
    }
    let mut given = false;
    for line in slide.lines() {
        match line.strip_prefix("## ") {
            Some(_) if !std::mem::replace(&mut given, true) => {}
            Some(further) => out.push_str(&format!("### {further}\n")),
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out.push('\n');
    heading.and_then(|heading| title::of_markdown(&format!("# {heading}")))
}
