//! The paths of files in archives.

/// A member's path with `/` between its parts, without `.` and empty parts.
/// `None` for one that is absolute, leads upwards or names nothing.
pub(super) fn tidy(raw: &[u8]) -> Option<String> {
    let text = readable(raw);
    // Windows programs write `\`, which is a letter elsewhere.
    let text = match text.contains('/') {
        true => text,
        false => text.replace('\\', "/"),
    };
    let drive = matches!(text.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic());
    if text.starts_with('/') || drive || text.contains('\0') {
        return None;
    }
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The bytes as text; those that are no UTF-8 as `%` and two digits, so that
/// two names stay two.
fn readable(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn paths_stay_inside() {
        for (raw, expected) in [
            (&b"docs/a.md"[..], Some("docs/a.md")),
            (b"./docs//a.md", Some("docs/a.md")),
            (b"docs\\sub\\a.md", Some("docs/sub/a.md")),
            (b"odd\\name/a.md", Some("odd\\name/a.md")),
            ("日本/a.md".as_bytes(), Some("日本/a.md")),
            (b"caf\xe9.md", Some("caf%E9.md")),
            (b"/etc/passwd", None),
            (b"C:\\Windows\\a.md", None),
            (b"../a.md", None),
            (b"docs/../../a.md", None),
            (b"a\0.md", None),
            (b"./", None),
            (b"", None),
        ] {
            assert_eq!(tidy(raw).as_deref(), expected, "{raw:?}");
        }
    }
}
