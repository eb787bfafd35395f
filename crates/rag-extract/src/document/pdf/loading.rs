//! Loads a PDF without letting it take all memory: a table of references or a
//! compressed stream of objects can ask for one large object many times over.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId, Stream};

use super::too_large;
use crate::ExtractError;
use crate::document::Format;

/// The most bytes that all objects take, the data of streams as they are packed.
const LOADED_BYTES_MAX: i64 = 1 << 30;
/// The most bytes that a stream of objects or of references unpacks to. What is
/// in a larger one is taken as missing.
const OBJECTS_BYTES_MAX: usize = 8 << 20;
/// What one object takes by itself, and an entry of a dictionary besides it.
const OBJECT_BYTES: usize = size_of::<Object>() + 32;

/// Held by the one who loads: the library asks [`admit`], which knows of no
/// document, so that there can be only one at a time.
static LOADING: Mutex<()> = Mutex::new(());
/// What the document that is loaded may still take.
static LEFT: AtomicI64 = AtomicI64::new(0);

/// Loads a document, opened with the empty password where it has one.
pub(super) fn load(bytes: &[u8]) -> Result<Document, ExtractError> {
    let options = LoadOptions {
        filter: Some(admit),
        max_decompressed_size: Some(OBJECTS_BYTES_MAX),
        ..LoadOptions::default()
    };
    let guard = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    LEFT.store(LOADED_BYTES_MAX, Ordering::Relaxed);
    let loaded = Document::load_mem_with_options(bytes, options);
    let is_over = LEFT.load(Ordering::Relaxed) < 0;
    drop(guard);
    if is_over {
        return Err(too_large(LOADED_BYTES_MAX as u64, "all its objects"));
    }
    match loaded {
        Ok(document) if document.is_encrypted() => Err(ExtractError::Encrypted),
        Ok(document) => Ok(document),
        Err(
            lopdf::Error::Decryption(_)
            | lopdf::Error::InvalidPassword
            | lopdf::Error::AlreadyEncrypted
            | lopdf::Error::UnsupportedSecurityHandler(_),
        ) => Err(ExtractError::Encrypted),
        Err(error) => Err(ExtractError::Damaged {
            format: Format::Pdf.name(),
            message: error.to_string(),
        }),
    }
}

/// Takes what an object needs of the budget, and drops it once that is spent.
///
/// The library goes on with the object it lent, but for members of a stream of
/// objects, where it goes on with what is returned. No stream can be such.
fn admit(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    let packed = match object {
        Object::Stream(stream) if stream.dict.has_type(b"ObjStm") => members(stream),
        _ => 0,
    };
    let weight = i64::try_from(weight(object).saturating_add(packed)).unwrap_or(i64::MAX);
    let left = LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        Some(left.saturating_sub(weight))
    });
    if left.is_ok_and(|left| left < weight) {
        return None;
    }
    Some(match object {
        Object::Stream(_) => (id, Object::Null),
        object => (id, object.clone()),
    })
}

/// The bytes that an object takes, about.
fn weight(object: &Object) -> usize {
    let within = match object {
        Object::Name(bytes) | Object::String(bytes, _) => bytes.len(),
        Object::Array(objects) => objects.iter().map(weight).sum(),
        Object::Dictionary(dictionary) => of_dictionary(dictionary),
        Object::Stream(stream) => stream.content.len() + of_dictionary(&stream.dict),
        _ => 0,
    };
    OBJECT_BYTES + within
}

fn of_dictionary(dictionary: &Dictionary) -> usize {
    let entries = dictionary.iter();
    entries
        .map(|(key, value)| OBJECT_BYTES + key.len() + weight(value))
        .sum()
}

/// The bytes that the members of a stream of objects take (ISO 32000-1, 7.5.7).
/// One that does not end where the next begins may take all that follows.
fn members(stream: &Stream) -> usize {
    // What cannot be unpacked has no members for the library either.
    let Ok(content) = stream.get_plain_content_with_limit(OBJECTS_BYTES_MAX) else {
        return 0;
    };
    let first = stream.dict.get(b"First").and_then(Object::as_i64);
    let first = first.ok().and_then(|first| usize::try_from(first).ok());
    let Some((first, index)) = first.and_then(|first| Some((first, content.get(..first)?))) else {
        return 0;
    };
    let index = String::from_utf8_lossy(index);
    let offsets: Vec<usize> = index
        .split_whitespace()
        .skip(1)
        .step_by(2)
        .filter_map(|offset| Some(first + offset.parse::<u32>().ok()? as usize))
        .filter(|&offset| offset < content.len())
        .collect();
    let starts: BTreeSet<usize> = offsets.iter().copied().collect();
    let (all, _) = objects_in(&content);
    let mut count: usize = 0;
    // Those that begin at the same place are parsed anew each.
    let mut repeated = vec![0_usize; content.len()];
    for &offset in &offsets {
        repeated[offset] += 1;
    }
    let ends = starts.iter().copied().skip(1).chain([content.len()]);
    for (&start, end) in starts.iter().zip(ends) {
        let own = match objects_in(&content[start..end]) {
            (own, true) => own,
            (_, false) => all,
        };
        count = count.saturating_add(own.saturating_mul(repeated[start]));
    }
    count.saturating_mul(OBJECT_BYTES)
}

/// How many objects are written there at most, and whether each that begins
/// there ends there.
fn objects_in(bytes: &[u8]) -> (usize, bool) {
    let (mut count, mut depth, mut at) = (0, 0_i64, 0);
    let mut in_word = false;
    while let Some(&byte) = bytes.get(at) {
        let is_twice = bytes.get(at + 1) == Some(&byte);
        let was_in_word = std::mem::replace(&mut in_word, false);
        match byte {
            b'[' | b'<' if byte == b'[' || is_twice => {
                (count, depth) = (count + 1, depth + 1);
                at += usize::from(byte == b'<');
            }
            b']' => depth -= 1,
            b'>' => {
                depth -= i64::from(is_twice);
                at += usize::from(is_twice);
            }
            b'<' | b'(' | b'%' => {
                count += usize::from(byte != b'%');
                let after = &bytes[at + 1..];
                let length = match byte {
                    b'<' => after.iter().position(|&byte| byte == b'>'),
                    b'(' => end_of_string(after),
                    _ => after.iter().position(|byte| matches!(byte, b'\r' | b'\n')),
                };
                match length {
                    Some(length) => at += 1 + length,
                    None => return (count, false),
                }
            }
            b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' => {}
            _ => {
                count += usize::from(!was_in_word || byte == b'/');
                in_word = true;
            }
        }
        at += 1;
    }
    (count, depth == 0)
}

/// Where the parenthesis is that closes a string (ISO 32000-1, 7.3.4.2).
fn end_of_string(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut escaped) = (1, false);
    bytes.iter().position(|&byte| {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::*;

    #[test]
    fn objects_are_told_apart() {
        for (bytes, expected) in [
            ("<</A[1 2 (a]\\)b(c))]/B <41>>>", (8, true)),
            ("12 0 R true", (4, true)),
            ("[1 2", (3, false)),
            ("[ % ]\n", (1, false)),
            ("(open", (1, false)),
        ] {
            assert_eq!(objects_in(bytes.as_bytes()), expected, "{bytes}");
        }
    }

    #[test]
    fn members_that_overlap_count_each() {
        let weighed = |index: &str, objects: &str| {
            let first = index.len() as i64;
            let dictionary = dictionary! {"Type" => "ObjStm", "First" => first};
            let content = [index, objects].concat().into_bytes();
            members(&Stream::new(dictionary, content)) / OBJECT_BYTES
        };
        assert_eq!(weighed("1 0 2 4 ", "[1] [2]"), 4);
        assert_eq!(weighed("1 0 2 0 3 0 ", "[1]"), 6);
        assert!(weighed("1 0 2 1 3 2 ", "[[[1 2 3]]]") > 15);
    }
}
