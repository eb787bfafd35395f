//! Bytes to text, without ever mangling one silently.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// A text, and what to know about how it was read.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) warning: Option<String>,
}

/// Decodes UTF-8, UTF-16 with a byte order mark, or a legacy encoding that can
/// be told from the bytes. The error says why it is no text.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<Decoded, String> {
    if let Some((encoding, mark)) = Encoding::for_bom(&bytes) {
        return strictly(encoding, &bytes[mark..])
            .map(|text| Decoded {
                text,
                warning: None,
            })
            .ok_or_else(|| {
                format!(
                    "its byte order mark says {}, its bytes do not",
                    encoding.name()
                )
            })
            .and_then(refuse_nul);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => {
            return refuse_nul(Decoded {
                text,
                warning: None,
            });
        }
        Err(error) => error.into_bytes(),
    };
    if let Some(position) = bytes.iter().position(|&byte| is_binary(byte)) {
        return Err(format!(
            "it has the byte 0x{:02x} at {position}",
            bytes[position]
        ));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let text = strictly(encoding, &bytes)
        .ok_or("it is neither UTF-8 nor any legacy encoding that can be told")?;
    let warning = Some(format!(
        "read as {}, since it is not UTF-8",
        encoding.name()
    ));
    Ok(Decoded { text, warning })
}

fn strictly(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    debug_assert!(
        [UTF_8, UTF_16LE, UTF_16BE].contains(&encoding) || encoding.is_ascii_compatible()
    );
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(String::from)
}

fn refuse_nul(decoded: Decoded) -> Result<Decoded, String> {
    match decoded.text.find('\0') {
        Some(position) => Err(format!("it has a NUL character at byte {position}")),
        None => Ok(decoded),
    }
}

/// Control characters that no text has, whatever its encoding.
fn is_binary(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x08 | 0x0c | 0x1b)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn what_is_text_is_read_and_the_rest_refused() {
        let read = |bytes: &[u8]| match decode(bytes.to_vec()) {
            Ok(decoded) => (Some(decoded.text), decoded.warning.is_some()),
            Err(_) => (None, false),
        };
        let text = |text: &str, warned| (Some(text.to_owned()), warned);
        let refused = (None, false);
        for (bytes, expected) in [
            (&b"plain"[..], text("plain", false)),
            (b"", text("", false)),
            ("naïve 日本".as_bytes(), text("naïve 日本", false)),
            (b"\xef\xbb\xbfmarked", text("marked", false)),
            (b"\xff\xfeh\0i\0", text("hi", false)),
            (b"\xfe\xff\0h\0i", text("hi", false)),
            (
                b"Das Stra\xdfenfest f\xe4llt aus, weil es regnet.",
                text("Das Straßenfest fällt aus, weil es regnet.", true),
            ),
            (b"a\0b", refused.clone()),
            (b"h\0i\0", refused.clone()),
            (b"\x89PNG\r\n\x1a\n\0\0", refused.clone()),
            (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\x01\x02", refused.clone()),
            (b"\xff\xfe\0\xd8", refused.clone()),
        ] {
            assert_eq!(read(bytes), expected, "{bytes:?}");
        }
    }
}
