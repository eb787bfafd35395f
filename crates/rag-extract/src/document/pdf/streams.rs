//! The compressed streams of a PDF. Its parser unpacks those of pages within a
//! bound, those of fonts and forms without one, in whatever way they are packed.
//!
//! So a document is loaded here first, each of its streams is unpacked within
//! a bound, and it is written anew. The parser is given what was written, and
//! sees nothing that was not looked at.

use std::collections::HashMap;

use lopdf::{DecompressError, Document, Error, Object, ObjectId, Stream};

use super::{loading, too_large};
use crate::ExtractError;
use crate::document::Format;

/// The most bytes that a stream may unpack to. The parser reads no more of a page.
const UNPACKED_BYTES_MAX: usize = 64 << 20;
/// The most bytes that all streams may unpack to, each as often as a font has it.
const ALL_UNPACKED_BYTES_MAX: usize = 512 << 20;
/// Where fonts have what is parsed into tables, for each font anew.
const OF_FONTS: [&[u8]; 7] = [
    b"ToUnicode",
    b"Encoding",
    b"CIDToGIDMap",
    b"UseCMap",
    b"FontFile",
    b"FontFile2",
    b"FontFile3",
];
/// What a row of a predictor is made of (ISO 32000-1, table 8), and the most
/// there may be of it. A row is held in memory whole, whatever data there are.
const OF_ROWS: [(&[u8], u64); 3] = [
    (b"Columns", 1 << 20),
    (b"Colors", 32),
    (b"BitsPerComponent", 16),
];
/// The most letters of a name that are looked at.
const NAME_BYTES_MAX: usize = 3 * 16;

/// The document without its images and with nothing that is a bomb.
pub(super) fn bounded(bytes: &[u8]) -> Result<Vec<u8>, ExtractError> {
    check_rows(bytes)?;
    let mut document = loading::load(bytes)?;
    let uses = uses_by_fonts(&document);
    let mut all: usize = 0;
    for (id, object) in &mut document.objects {
        let Object::Stream(stream) = object else {
            continue;
        };
        if is_no_text(stream) {
            stream.set_content(Vec::new());
            continue;
        }
        let unpacked = match stream.get_plain_content_with_limit(UNPACKED_BYTES_MAX) {
            Ok(content) => content.len(),
            Err(Error::Decompress(DecompressError::MemoryLimitExceeded { .. })) => {
                return Err(too_large(UNPACKED_BYTES_MAX as u64, "one of its parts"));
            }
            // The parser fails on it just so, and takes it as it is.
            Err(_) => stream.content.len(),
        };
        let times = uses.get(id).copied().unwrap_or_default().max(1);
        all = all.saturating_add(unpacked.saturating_mul(times));
        if all > ALL_UNPACKED_BYTES_MAX {
            return Err(too_large(ALL_UNPACKED_BYTES_MAX as u64, "all its parts"));
        }
    }
    write(document)
}

/// Pictures and attached files are most of what there is, and never read.
fn is_no_text(stream: &Stream) -> bool {
    let subtype = stream.dict.get(b"Subtype").and_then(Object::as_name);
    subtype.is_ok_and(|name| name == b"Image") || stream.dict.has_type(b"EmbeddedFile")
}

/// How often streams are what a font has.
fn uses_by_fonts(document: &Document) -> HashMap<ObjectId, usize> {
    let mut uses = HashMap::new();
    let mut pending: Vec<&Object> = document.objects.values().collect();
    while let Some(object) = pending.pop() {
        let dictionary = match object {
            Object::Array(objects) => {
                pending.extend(objects);
                continue;
            }
            Object::Dictionary(dictionary) => dictionary,
            Object::Stream(stream) => &stream.dict,
            _ => continue,
        };
        for (key, value) in dictionary {
            match value {
                Object::Reference(id) if OF_FONTS.contains(&key.as_slice()) => {
                    *uses.entry(*id).or_default() += 1;
                }
                value => pending.push(value),
            }
        }
    }
    uses
}

fn write(mut document: Document) -> Result<Vec<u8>, ExtractError> {
    document.encryption_state = None;
    // They are about a table of references that is not written.
    for key in [&b"Prev"[..], b"XRefStm", b"DecodeParms"] {
        document.trailer.remove(key);
    }
    let mut bytes = Vec::new();
    let written = document.save_to(&mut bytes);
    written.map_err(|error| ExtractError::Damaged {
        format: Format::Pdf.name(),
        message: error.to_string(),
    })?;
    Ok(bytes)
}

/// Refuses rows that no page has. This comes before all else, since a table of
/// references has rows as well.
fn check_rows(bytes: &[u8]) -> Result<(), ExtractError> {
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        let rest = &bytes[at + 1..];
        let (name, length) = name_of(rest);
        let Some((_, most)) = OF_ROWS.iter().find(|(known, _)| *known == name) else {
            continue;
        };
        if number_of(&rest[length..]) > *most {
            return Err(ExtractError::TooLarge {
                limit: format!("{most} {}", String::from_utf8_lossy(&name)),
            });
        }
    }
    Ok(())
}

/// The name at the start, which may have letters as `#` and two hexadecimal
/// digits (ISO 32000-1, 7.3.5), and its length as it is written.
fn name_of(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut name = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at).filter(|_| at < NAME_BYTES_MAX) {
        let digits = bytes.get(at + 1..at + 3);
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.map(|digits| u8::from_str_radix(digits, 16)) {
            Some(Ok(escaped)) if byte == b'#' => {
                name.push(escaped);
                at += 3;
            }
            _ if byte.is_ascii_alphanumeric() => {
                name.push(byte);
                at += 1;
            }
            _ => break,
        }
    }
    (name, at)
}

/// The number that follows, behind space and comments; none is 0.
fn number_of(mut bytes: &[u8]) -> u64 {
    loop {
        match bytes {
            [
                b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' | b'+',
                rest @ ..,
            ] => bytes = rest,
            [b'%', rest @ ..] => {
                let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                bytes = end.map_or(&[][..], |end| &rest[end..]);
            }
            _ => break,
        }
    }
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0_u64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_checked_however_they_are_written() {
        for (bytes, is_refused) in [
            ("<</Columns 1728/Colors 4/BitsPerComponent 16>>", false),
            ("/Columns 9999999999999999999999", true),
            ("/Col#75mns%x\n +2000000", true),
            ("/Colors 99", true),
            ("/ColumnsWide 2000000/Columns /x", false),
            ("/C#", false),
        ] {
            let outcome = check_rows(bytes.as_bytes());
            assert_eq!(outcome.is_err(), is_refused, "{bytes}");
        }
    }
}
