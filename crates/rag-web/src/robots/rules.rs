//! The rules of a robots.txt, rewritten so that its parser compares them as RFC
//! 9309, 2.2.2, asks for and at a bounded cost. Pure.

/// The most rules with an end mark, and how long and wild they may be: each
/// becomes a regular expression.
pub(super) const END_MARKS_MAX: usize = 200;
const END_MARKED_BYTES_MAX: usize = 200;
const END_MARKED_STARS_MAX: usize = 10;

/// The words that the parser takes for `Disallow`.
const FORBIDDING: [&str; 6] = [
    "disallow",
    "dissallow",
    "dissalow",
    "disalow",
    "diasllow",
    "disallaw",
];

/// Allows nothing that is not allowed anyway. It stands for rules that mean
/// nothing, since a group that loses all of its lines becomes one with the next.
const NEUTRAL: &str = "Allow:";

/// The file with the values of its rules as [`comparable`] writes them.
///
/// An empty `Disallow` forbids nothing; the parser would take it for an `Allow`
/// of everything, which beats a `Disallow` of everything. Beyond the bounds of
/// end marks, a mark is taken from a rule that forbids, which then forbids more;
/// a rule that allows goes.
pub(super) fn tame(text: &[u8]) -> Vec<u8> {
    let mut rest = text;
    for byte in b"\xef\xbb\xbf" {
        // The parser skips each byte of a byte order mark by itself.
        rest = rest.strip_prefix(&[*byte]).unwrap_or(rest);
    }
    // It skips those at the very beginning only: what is left of them stays.
    let mut tame = vec![b'\n'];
    let mut end_marks = 0;
    // It also takes NUL for the end of a line.
    for line in rest.split(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        match rule(line) {
            Some((allows, value)) => {
                tame.extend_from_slice(rewritten(allows, value, &mut end_marks).as_bytes());
            }
            None => tame.extend_from_slice(line),
        }
        tame.push(b'\n');
    }
    tame
}

/// A path, or a pattern of paths, with one spelling for what is the same: no
/// percent-encoding for characters that need none (RFC 3986, 2.3), and an
/// upper-case one for all that no address holds as it is. A pattern's stars
/// stay, those of a path are encoded.
pub(super) fn comparable(text: &[u8], is_pattern: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        let encoded = (byte == b'%').then(|| hex_byte(text, at)).flatten();
        if encoded.is_some() {
            at += 2;
        }
        let stays = match encoded {
            Some(byte) => is_unreserved(byte),
            None => {
                is_unreserved(byte)
                    || b":/?#[]@!&()+,;=".contains(&byte)
                    || (is_pattern && byte == b'*')
            }
        };
        let byte = encoded.unwrap_or(byte);
        if stays {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    out
}

/// Whether the line allows, and what, if it is a rule to the parser.
fn rule(line: &[u8]) -> Option<(bool, &[u8])> {
    let line = without_blanks(line);
    let after = |word: &str| {
        let (start, rest) = line.split_at_checked(word.len())?;
        start.eq_ignore_ascii_case(word.as_bytes()).then_some(rest)
    };
    let (allows, rest) = match after("allow") {
        Some(rest) => (true, rest),
        None => (false, FORBIDDING.iter().find_map(|word| after(word))?),
    };
    let value = without_blanks(rest);
    let value = match value.strip_prefix(b":") {
        Some(value) => value,
        // A blank does for a colon.
        None if value.len() < rest.len() => value,
        None => return None,
    };
    let value = value.split(|&byte| byte == b'#').next()?;
    Some((allows, trimmed(value)))
}

fn rewritten(allows: bool, value: &[u8], end_marks: &mut usize) -> String {
    if value.is_empty() {
        return NEUTRAL.to_owned();
    }
    let word = if allows { "Allow" } else { "Disallow" };
    let Some(value) = value.strip_suffix(b"$") else {
        return format!("{word}: {}", comparable(value, true));
    };
    let pattern = comparable(value, true);
    *end_marks += 1;
    let stars = pattern.bytes().filter(|&byte| byte == b'*').count();
    let is_cheap = *end_marks <= END_MARKS_MAX
        && pattern.len() <= END_MARKED_BYTES_MAX
        && stars <= END_MARKED_STARS_MAX;
    match (is_cheap, allows) {
        (true, _) => format!("{word}: {pattern}$"),
        (false, true) => NEUTRAL.to_owned(),
        (false, false) => format!("{word}: {pattern}"),
    }
}

/// Without the blanks at its beginning, as the parser skips them.
fn without_blanks(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let count = text.iter().take_while(|byte| is_blank(byte)).count();
    &text[count..]
}

fn trimmed(value: &[u8]) -> &[u8] {
    match std::str::from_utf8(value) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => value.trim_ascii(),
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The byte that two hexadecimal digits at a place spell.
fn hex_byte(text: &[u8], at: usize) -> Option<u8> {
    let digits = std::str::from_utf8(text.get(at..at + 2)?).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_rewritten_and_other_lines_stay() {
        for (line, expected) in [
            ("User-agent: *", "User-agent: *"),
            ("Sitemap: /$%7e", "Sitemap: /$%7e"),
            ("Disallow: /%7Euser # his", "Disallow: /~user"),
            (" dissallow /a%2fb", "Disallow: /a%2Fb"),
            ("Allow\t:\t/100%", "Allow: /100%25"),
            ("Disallow: /\u{f6}{}", "Disallow: /%C3%B6%7B%7D"),
            ("Disallow: /a$b*c$", "Disallow: /a%24b*c$"),
            ("Disallow: \u{a0}# nothing", "Allow:"),
            ("Disallowed: /", "Disallowed: /"),
            ("\u{feff}Disallow:", "Allow:"),
            ("Disallow: /a\0Disallow:/b$", "Disallow: /a\nDisallow: /b$"),
        ] {
            let tame = String::from_utf8(tame(line.as_bytes())).unwrap();
            assert_eq!(tame, format!("\n{expected}\n"), "{line:?}");
        }
    }

    #[test]
    fn end_marks_are_counted_whatever_ends_a_line() {
        for end in ["\n", "\r", "\r\n", "\0"] {
            let text = format!("Disallow: /a*$ {end}").repeat(2 * END_MARKS_MAX);
            let marks = tame(text.as_bytes()).iter().filter(|&&b| b == b'$').count();
            assert_eq!(marks, END_MARKS_MAX, "{end:?}");
        }
    }
}
