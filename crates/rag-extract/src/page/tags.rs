//! The tags of a page, one after the other, as the tokenizer of the HTML
//! standard (13.2.5) delimits them: nothing is built, nothing is allocated.

use std::borrow::Cow;

/// A start or end tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// In lower case.
    pub(super) name: Cow<'a, str>,
    pub(super) is_end: bool,
    pub(super) is_self_closing: bool,
    pub(super) attribute_count: usize,
    /// Where it begins and ends in the page.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Elements whose content has no tags.
const RAW_TEXT: &[&str] = &[
    "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes",
];

/// Reads the tags of a page.
pub(super) struct Tags<'a> {
    html: &'a str,
    position: usize,
}

impl<'a> Tags<'a> {
    pub(super) fn new(html: &'a str) -> Self {
        Tags { html, position: 0 }
    }

    /// The next tag. In SVG and MathML (`foreign`) no element has raw text.
    pub(super) fn next(&mut self, foreign: bool) -> Option<Tag<'a>> {
        loop {
            let rest = &self.html[self.position..];
            let start = self.position + rest.find('<')?;
            let bytes = &self.html.as_bytes()[start + 1..];
            let is_end = bytes.first() == Some(&b'/');
            match bytes.get(usize::from(is_end)) {
                Some(first) if first.is_ascii_alphabetic() => {
                    let tag = self.read(start, is_end);
                    if !tag.is_end && !foreign && RAW_TEXT.contains(&&*tag.name) {
                        self.skip_raw_text(&tag.name);
                    }
                    return Some(tag);
                }
                Some(b'!' | b'?') => self.skip_markup(start),
                Some(_) if is_end => self.skip_markup(start),
                _ => self.position = start + 1,
            }
        }
    }

    fn read(&mut self, start: usize, is_end: bool) -> Tag<'a> {
        let name_start = start + 1 + usize::from(is_end);
        let name_length = self.html[name_start..]
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'))
            .unwrap_or(self.html.len() - name_start);
        let name = &self.html[name_start..name_start + name_length];
        let attributes = &self.html.as_bytes()[name_start + name_length..];
        let (length, attribute_count) = measure_attributes(attributes);
        let end = name_start + name_length + length;
        self.position = end;
        Tag {
            name: if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                name.to_ascii_lowercase().into()
            } else {
                name.into()
            },
            is_end,
            is_self_closing: self.html[..end].ends_with("/>"),
            attribute_count,
            start,
            end,
        }
    }

    /// Skips a comment, a doctype, or what is neither.
    fn skip_markup(&mut self, start: usize) {
        let rest = &self.html[start..];
        let closing = if rest.starts_with("<!--") { "-->" } else { ">" };
        // `<!-->` is a whole comment.
        let from = if closing == ">" { 1 } else { 2 };
        self.position = match rest[from..].find(closing) {
            Some(at) => start + from + at + closing.len(),
            None => self.html.len(),
        };
    }

    fn skip_raw_text(&mut self, name: &str) {
        let mut from = self.position;
        while let Some(at) = self.html[from..].find("</") {
            let after = from + at + 2;
            let candidate = self.html.as_bytes()[after..].get(..name.len());
            if candidate.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes())) {
                self.position = from + at;
                return;
            }
            from = after;
        }
        self.position = self.html.len();
    }
}

/// The length of a tag from behind its name to behind its `>`, and how many
/// attributes it has.
fn measure_attributes(bytes: &[u8]) -> (usize, usize) {
    enum State {
        BeforeName,
        Name,
        BeforeValue,
        Unquoted,
        Quoted(u8),
    }
    let mut state = State::BeforeName;
    let mut count = 0;
    for (position, &byte) in bytes.iter().enumerate() {
        let is_space = byte.is_ascii_whitespace();
        state = match state {
            State::Quoted(quote) if byte == quote => State::BeforeName,
            State::Quoted(quote) => State::Quoted(quote),
            _ if byte == b'>' => return (position + 1, count),
            State::BeforeName if is_space || byte == b'/' => State::BeforeName,
            // A `=` begins a name here, but ends one that is there.
            State::BeforeName if byte == b'=' && follows_name(bytes, position) => {
                State::BeforeValue
            }
            State::BeforeName => {
                count += 1;
                State::Name
            }
            State::Name if byte == b'=' => State::BeforeValue,
            State::Name if is_space || byte == b'/' => State::BeforeName,
            State::Name => State::Name,
            State::BeforeValue if is_space => State::BeforeValue,
            State::BeforeValue if matches!(byte, b'"' | b'\'') => State::Quoted(byte),
            State::BeforeValue => State::Unquoted,
            State::Unquoted if is_space => State::BeforeName,
            State::Unquoted => State::Unquoted,
        };
    }
    (bytes.len(), count)
}

/// Whether a name, and only space, stands before `position`.
fn follows_name(bytes: &[u8], position: usize) -> bool {
    let before = bytes[..position].trim_ascii_end();
    before.len() < position
        && before
            .last()
            .is_some_and(|byte| !matches!(byte, b'/' | b'"' | b'\'' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_end_where_the_standard_says() {
        for (html, expected) in [
            ("", ""),
            ("a < b > c", ""),
            ("<p>x</p>", "p /p"),
            ("<DIV a='>' b=\">\" c=>x</Div >", "div3 /div"),
            ("<a =\"><b>", "a1 b"),
            ("<a b = '><i>'><u>", "a1 u"),
            ("<a b/c/>", "a2"),
            ("<!-- <p> --><b><!--><i><!doctype x><u>", "b i u"),
            ("<script>'<p>'</script><b>", "script /script b"),
            ("<title><p></TITLE><b>", "title /title b"),
            ("<style><p>", "style"),
            ("</ x><b></><i>", "b i"),
            ("<p", "p"),
        ] {
            let mut tags = Tags::new(html);
            let mut seen = Vec::new();
            while let Some(tag) = tags.next(false) {
                let count = match tag.attribute_count {
                    0 => String::new(),
                    count => count.to_string(),
                };
                let slash = if tag.is_end { "/" } else { "" };
                seen.push(format!("{slash}{}{count}", tag.name));
            }
            assert_eq!(seen.join(" "), expected, "{html}");
        }
    }
}
