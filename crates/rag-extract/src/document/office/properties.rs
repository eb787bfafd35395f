//! What a document's package says about it: title, language, names of sheets.

use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

use super::Format;
use crate::archive::package::Package;

/// The most bytes of such a part. Those of OpenDocument spreadsheets hold the
/// values as well.
const PART_BYTES_MAX: u64 = 128 << 20;
/// The most XML events that are read of one.
const EVENTS_MAX: usize = 20_000_000;
/// How far into an RTF file its title is.
const RTF_BYTES_SEARCHED: usize = 16 << 10;

/// A document's properties.
#[derive(Debug, Default)]
pub(super) struct Properties {
    pub(super) title: Option<String>,
    /// As a BCP 47 tag.
    pub(super) language: Option<String>,
    /// The first sheet's name, which a parser tells only when there are more.
    pub(super) first_sheet: Option<String>,
}

/// Reads the properties of a package.
pub(super) fn read(package: &mut Package<'_>, format: Format) -> Properties {
    let part = match format {
        Format::Odt | Format::Odp | Format::Ods => Some("meta.xml".to_owned()),
        Format::Epub => {
            let mut names = package.names();
            names.find(|name| name.ends_with(".opf")).map(str::to_owned)
        }
        _ => Some("docProps/core.xml".to_owned()),
    };
    let about = part.and_then(|part| package.part(&part, PART_BYTES_MAX));
    let about = about.unwrap_or_default();
    let sheet = |package: &mut Package<'_>, part, element, attribute| {
        let part = package.part(part, PART_BYTES_MAX)?;
        attribute_of(&part, element, attribute)
    };
    Properties {
        title: text_of(&about, b"title"),
        language: text_of(&about, b"language").filter(|tag| is_language(tag)),
        first_sheet: match format {
            Format::Xlsx => sheet(package, "xl/workbook.xml", b"sheet", b"name"),
            Format::Ods => sheet(package, "content.xml", b"table", b"name"),
            _ => None,
        },
    }
}

/// The title that an RTF file gives in plain letters (RTF 1.9.1, `\info`).
pub(super) fn title_of_rtf(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(RTF_BYTES_SEARCHED)]);
    let (_, after) = head.split_once("{\\title ")?;
    let (title, _) = after.split_once('}')?;
    (!title.contains(['\\', '{'])).then(|| title.to_owned())
}

fn is_language(tag: &str) -> bool {
    tag.len() <= 35
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && tag.len() >= 2
}

/// The text of the first element of that local name.
fn text_of(xml: &[u8], element: &[u8]) -> Option<String> {
    let mut reader = Reader::from_reader(xml);
    let mut text: Option<String> = None;
    let mut buffer = Vec::new();
    for _ in 0..EVENTS_MAX {
        buffer.clear();
        match (reader.read_event_into(&mut buffer).ok()?, &mut text) {
            (Event::Start(start), None) if start.local_name().as_ref() == element => {
                text = Some(String::new());
            }
            (Event::End(end), Some(_)) if end.local_name().as_ref() == element => return text,
            (Event::Text(part), Some(text)) => text.push_str(&part.decode().ok()?),
            (Event::GeneralRef(name), Some(text)) => {
                let name = format!("&{};", name.decode().ok()?);
                text.push_str(&quick_xml::escape::unescape(&name).ok()?);
            }
            (Event::Eof, _) => return None,
            _ => {}
        }
    }
    None
}

/// An attribute of the first element of that local name.
fn attribute_of(xml: &[u8], element: &[u8], attribute: &[u8]) -> Option<String> {
    let mut reader = Reader::from_reader(xml);
    let mut buffer = Vec::new();
    for _ in 0..EVENTS_MAX {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(start) | Event::Empty(start) if start.local_name().as_ref() == element => {
                let mut attributes = start.attributes().flatten();
                let found = attributes.find(|a| a.key.local_name().as_ref() == attribute)?;
                let decoder = reader.decoder();
                let value = found.decoded_and_normalized_value(XmlVersion::Implicit1_0, decoder);
                return value.ok().map(std::borrow::Cow::into_owned);
            }
            Event::Eof => return None,
            _ => {}
        }
    }
    None
}
