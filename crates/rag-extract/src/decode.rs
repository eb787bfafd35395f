//! Bytes to text, without ever mangling one silently.
//!
//! [`decode`] is strict: what cannot be read whole is no text. [`decode_html`]
//! reads whatever a browser would, since a page with one bad byte is a page.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use url::{Host, Url};

/// How many bytes of a page are searched for its `meta` charset (HTML standard,
/// 13.2.3.2).
const PRESCAN_BYTES: usize = 1_024;

/// A text, and what to know about how it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) warning: Option<String>,
}

/// Decodes UTF-8, UTF-16 with a byte order mark, the encoding that `charset`
/// names, or a legacy encoding that can be told from the bytes. The error says
/// why it is no text.
pub(crate) fn decode(bytes: Vec<u8>, charset: Option<&str>) -> Result<Decoded, String> {
    if let Some((encoding, mark)) = Encoding::for_bom(&bytes) {
        let text = strictly(encoding, &bytes[mark..]).ok_or_else(|| {
            format!(
                "its byte order mark says {}, its bytes do not",
                encoding.name()
            )
        })?;
        return refuse_nul(text, None);
    }
    let declared = charset
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .filter(|encoding| *encoding != UTF_8 && !overruled(encoding, &bytes));
    if let Some(text) = declared.and_then(|encoding| strictly(encoding, &bytes)) {
        return refuse_nul(text, None);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return refuse_nul(text, None),
        Err(error) => error.into_bytes(),
    };
    if let Some(position) = bytes.iter().position(|&byte| is_binary(byte)) {
        return Err(format!(
            "it has the byte 0x{:02x} at {position}",
            bytes[position]
        ));
    }
    let encoding = guess(&bytes, None);
    let text = strictly(encoding, &bytes)
        .ok_or("it is neither UTF-8 nor any legacy encoding that can be told")?;
    let warning = format!("read as {}, since it is not UTF-8", encoding.name());
    Ok(Decoded {
        text,
        warning: Some(warning),
    })
}

/// Decodes a page: by its byte order mark, the charset of `content_type`, that
/// of its `meta` element, UTF-8 if it is that, or what its bytes look like,
/// with the top-level domain of `url` as a hint. Bytes that make no sense become
/// U+FFFD.
pub(crate) fn decode_html<'a>(
    bytes: &'a [u8],
    content_type: Option<&str>,
    url: &Url,
) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let declared = content_type
        .and_then(charset_of)
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .or_else(|| meta_charset(bytes))
        .filter(|encoding| !overruled(encoding, bytes));
    if declared.is_none_or(|encoding| encoding == UTF_8)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Cow::Borrowed(text);
    }
    let encoding = declared.unwrap_or_else(|| guess(bytes, Some(url)));
    encoding.decode_without_bom_handling(bytes).0
}

/// The `charset` parameter of a content type.
pub(crate) fn charset_of(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
    })
}

/// Whether bytes that are said to be in a single-byte encoding are UTF-8 all the
/// same: servers name ISO-8859-1 by default, and every byte is valid there.
fn overruled(declared: &'static Encoding, bytes: &[u8]) -> bool {
    declared.is_single_byte() && !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok()
}

/// What the `meta` elements at a page's beginning declare.
fn meta_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(PRESCAN_BYTES)];
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut rest = head.as_str();
    while let Some(position) = rest.find('<') {
        rest = &rest[position..];
        let end = if rest.starts_with("<!--") {
            rest.find("-->").map(|at| at + 3)
        } else {
            rest.find('>')
        };
        let end = end.unwrap_or(rest.len());
        let (tag, after) = rest.split_at(end.max(1));
        if let Some(attributes) = tag.strip_prefix("<meta")
            && let Some(encoding) = declared_charset(attributes)
        {
            return Some(encoding);
        }
        rest = after;
    }
    None
}

/// The encoding after `charset=`, whether that is an attribute or inside one.
fn declared_charset(attributes: &str) -> Option<&'static Encoding> {
    let (_, value) = attributes.split_once("charset")?;
    let value = value.trim_start().strip_prefix('=')?;
    let value = value.trim_start().trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '/' | '>'));
    let label = &value[..end.unwrap_or(value.len())];
    // What could be read as ASCII up to here is not UTF-16, whatever it says.
    match Encoding::for_label(label.as_bytes())? {
        encoding if encoding == UTF_16LE || encoding == UTF_16BE => Some(UTF_8),
        encoding if encoding == X_USER_DEFINED => Some(WINDOWS_1252),
        encoding => Some(encoding),
    }
}

fn guess(bytes: &[u8], url: Option<&Url>) -> &'static Encoding {
    let top_level_domain = url.and_then(|url| match url.host() {
        Some(Host::Domain(domain)) => domain.trim_end_matches('.').rsplit('.').next(),
        _ => None,
    });
    // The detector panics on a label that is no label; hosts of schemes that the
    // URL standard does not know are not normalised.
    let top_level_domain = top_level_domain.filter(|label| {
        label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    });
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(top_level_domain.map(str::as_bytes), Utf8Detection::Deny)
}

fn strictly(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(String::from)
}

fn refuse_nul(text: String, warning: Option<String>) -> Result<Decoded, String> {
    match text.find('\0') {
        Some(position) => Err(format!("it has a NUL character at byte {position}")),
        None => Ok(Decoded { text, warning }),
    }
}

/// Control characters that no text has, whatever its encoding.
fn is_binary(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x08 | 0x0c | 0x1b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_text_is_read_and_the_rest_refused() {
        let text = |text: &str, warned| (Some(text.to_owned()), warned);
        let refused = (None, false);
        for (bytes, charset, expected) in [
            (&b"plain"[..], None, text("plain", false)),
            (b"", None, text("", false)),
            ("naïve 日本".as_bytes(), None, text("naïve 日本", false)),
            (b"\xef\xbb\xbfmarked", None, text("marked", false)),
            (b"\xff\xfeh\0i\0", None, text("hi", false)),
            (b"\xfe\xff\0h\0i", None, text("hi", false)),
            (
                b"Das Stra\xdfenfest f\xe4llt aus, weil es regnet.",
                None,
                text("Das Straßenfest fällt aus, weil es regnet.", true),
            ),
            (b"caf\xe9", Some("iso-8859-1"), text("café", false)),
            (b"\xcf\xf0\xe8", Some("windows-1251"), text("При", false)),
            ("café".as_bytes(), Some("latin1"), text("café", false)),
            ("café".as_bytes(), Some("no such"), text("café", false)),
            (b"a\0b", None, refused.clone()),
            (b"h\0i\0", None, refused.clone()),
            (b"a\0b\xe9", Some("iso-8859-1"), refused.clone()),
            (b"\x89PNG\r\n\x1a\n\0\0", None, refused.clone()),
            (
                b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\x01\x02",
                None,
                refused.clone(),
            ),
            (b"\xff\xfe\0\xd8", None, refused.clone()),
        ] {
            let read = match decode(bytes.to_vec(), charset) {
                Ok(decoded) => (Some(decoded.text), decoded.warning.is_some()),
                Err(_) => (None, false),
            };
            assert_eq!(read, expected, "{bytes:?} as {charset:?}");
        }
    }

    #[test]
    fn a_page_is_read_as_it_says_or_else_as_it_looks() {
        let url = Url::parse("https://example.jp/").unwrap();
        let declared = |label: &str| format!("text/html; Charset=\"{label}\"");
        let russian = b"\xcf\xf0\xe8\xe2\xe5\xf2";
        let with_meta = |meta: &str, text: &[u8]| [meta.as_bytes(), text].concat();
        for (bytes, content_type, expected) in [
            (russian.to_vec(), Some(declared("windows-1251")), "Привет"),
            (
                with_meta("<meta charset=windows-1251>", russian),
                None,
                "Привет",
            ),
            (
                with_meta(
                    "<!-- <meta charset=utf-8> --><META http-equiv='Content-Type' content='text/html; charset=windows-1251'/>",
                    russian,
                ),
                None,
                "Привет",
            ),
            // What the server says comes before what the page says.
            (
                with_meta("<meta charset=koi8-r>", russian),
                Some(declared("windows-1251")),
                "Привет",
            ),
            (
                with_meta("<meta charset=utf-16>", "é".as_bytes()),
                None,
                "é",
            ),
            ("é".as_bytes().to_vec(), Some(declared("iso-8859-1")), "é"),
            (
                b"\xef\xbb\xbf\xc3\xa9".to_vec(),
                Some(declared("koi8-r")),
                "é",
            ),
            (b"\xff\xfeh\0i\0".to_vec(), None, "hi"),
            (b"a\xffb".to_vec(), Some(declared("utf-8")), "a\u{fffd}b"),
            (
                b"\x82\xb1\x82\xea\x82\xcd\x93\xfa\x96{\x8c\xea\x82\xc5\x82\xb7".to_vec(),
                None,
                "これは日本語です",
            ),
            (Vec::new(), None, ""),
        ] {
            let text = decode_html(&bytes, content_type.as_deref(), &url);
            let text = text.rsplit('>').next();
            assert_eq!(text, Some(expected), "{bytes:?} as {content_type:?}");
        }
    }
}
