//! Changes one entry of a JSON text and leaves every other byte as it is: the
//! order of keys, spacing, numbers as they were written. A text with comments
//! is not JSON and is left to its owner.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::entry::Entry;
use super::file::{Edit, Unusable, with_line_ends_of};

/// What JSON takes for blank.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];
/// What some programs for Windows begin a file with.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// `text` with `entry` as `name` in the object `section`.
pub(super) fn set(text: &str, section: &str, name: &str, entry: &Entry) -> Result<Edit, Unusable> {
    let text = match is_blank(text) {
        true => "{}\n",
        false => text,
    };
    let root = Object::root(text)?;
    let layout = Layout::of(text, &root);
    let Some(servers) = root.member(section) else {
        let servers = BTreeMap::from([(name, entry)]);
        return Ok(Edit::Added(layout.insert(text, &root, section, &servers)));
    };
    let servers = servers.object(text)?;
    let Some(existing) = servers.member(name) else {
        return Ok(Edit::Added(layout.insert(text, &servers, name, entry)));
    };
    if read::<Value>(text, existing.value.start)?.0 == entry.value() {
        return Ok(Edit::Same);
    }
    let value = layout.render(entry, indent_at(text, existing.start));
    Ok(Edit::Replaced(splice(text, existing.value.clone(), &value)))
}

/// `text` without `name` in the object `section`.
pub(super) fn remove(text: &str, section: &str, name: &str) -> Result<Edit, Unusable> {
    if is_blank(text) {
        return Ok(Edit::Absent);
    }
    let root = Object::root(text)?;
    let Some(servers) = root.member(section) else {
        return Ok(Edit::Absent);
    };
    let servers = servers.object(text)?;
    let members = &servers.members;
    let Some(index) = members.iter().rposition(|member| member.key == name) else {
        return Ok(Edit::Absent);
    };
    // A comma goes with it: the one behind, or that in front of the last.
    let range = match (index, members.get(index + 1)) {
        (_, Some(next)) => members[index].start..next.start,
        (0, None) => servers.open + 1..servers.close,
        (_, None) => members[index - 1].value.end..members[index].value.end,
    };
    Ok(Edit::Removed(splice(text, range, "")))
}

fn is_blank(text: &str) -> bool {
    text.trim_start_matches(BYTE_ORDER_MARK).trim().is_empty()
}

/// An object of a text, by positions in it.
struct Object {
    /// Its opening brace.
    open: usize,
    /// Its closing brace.
    close: usize,
    members: Vec<Member>,
}

/// A key of an object with its value.
struct Member {
    key: String,
    /// Where the key begins.
    start: usize,
    value: Range<usize>,
}

impl Object {
    /// The object that is the whole text.
    fn root(text: &str) -> Result<Self, Unusable> {
        let body = text.trim_start_matches(BYTE_ORDER_MARK);
        serde_json::from_str::<IgnoredAny>(body)
            .map_err(|error| Unusable(format!("it is not plain JSON: {error}")))?;
        match text.find('{') {
            Some(open) if body.trim_start_matches(BLANK).starts_with('{') => Object::at(text, open),
            _ => Err(Unusable("it is no JSON object".to_owned())),
        }
    }

    /// The object that opens at `open`, in a text that is JSON.
    fn at(text: &str, open: usize) -> Result<Self, Unusable> {
        let mut members = Vec::new();
        let mut at = skip_blank(text, open + 1);
        while !text[at..].starts_with('}') {
            let (key, key_end) = read::<String>(text, at)?;
            let value = skip_blank(text, skip_blank(text, key_end) + 1);
            let (_, value_end) = read::<IgnoredAny>(text, value)?;
            members.push(Member {
                key,
                start: at,
                value: value..value_end,
            });
            at = skip_blank(text, value_end);
            if text[at..].starts_with(',') {
                at = skip_blank(text, at + 1);
            }
        }
        Ok(Object {
            open,
            close: at,
            members,
        })
    }

    /// The member of that name: the last, as every reader has it.
    fn member(&self, key: &str) -> Option<&Member> {
        self.members.iter().rfind(|member| member.key == key)
    }
}

impl Member {
    /// Its value, which must be an object.
    fn object(&self, text: &str) -> Result<Object, Unusable> {
        match text[self.value.start..].starts_with('{') {
            true => Object::at(text, self.value.start),
            false => Err(Unusable(format!("its `{}` is no object", self.key))),
        }
    }
}

/// The value that begins at `at`, and where it ends.
fn read<T: DeserializeOwned>(text: &str, at: usize) -> Result<(T, usize), Unusable> {
    let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok((value, at + values.byte_offset())),
        Some(Err(error)) => Err(Unusable(format!("a part of it cannot be read: {error}"))),
        None => Err(Unusable("it ends early".to_owned())),
    }
}

/// The first position from `at` on that is not blank.
fn skip_blank(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches(BLANK).len()
}

/// The blanks that the line of `at` begins with.
fn indent_at(text: &str, at: usize) -> &str {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[line..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// `text` with `new` in place of `range`.
fn splice(text: &str, range: Range<usize>, new: &str) -> String {
    let new = with_line_ends_of(text, new);
    [&text[..range.start], &new, &text[range.end..]].concat()
}

/// How a text is laid out: by how much it is indented, or all on one line.
struct Layout(Option<String>);

impl Layout {
    fn of(text: &str, root: &Object) -> Self {
        let Some(first) = root.members.first() else {
            return Layout(Some("  ".to_owned()));
        };
        if !text[root.open..root.close].contains('\n') {
            return Layout(None);
        }
        let indent = match indent_at(text, first.start) {
            "" => "  ",
            indent => indent,
        };
        Layout(Some(indent.to_owned()))
    }

    /// `text` with one more member at the end of `object`.
    fn insert(&self, text: &str, object: &Object, key: &str, value: &impl Serialize) -> String {
        let key = Value::from(key);
        match (&self.0, object.members.last()) {
            (None, Some(last)) => {
                let member = format!(",{key}:{}", self.render(value, ""));
                splice(text, last.value.end..last.value.end, &member)
            }
            (None, None) => {
                let member = format!("{key}:{}", self.render(value, ""));
                splice(text, object.open + 1..object.close, &member)
            }
            (Some(_), Some(last)) => {
                let indent = indent_at(text, last.start);
                let member = format!(",\n{indent}{key}: {}", self.render(value, indent));
                splice(text, last.value.end..last.value.end, &member)
            }
            (Some(unit), None) => {
                let outer = indent_at(text, object.open);
                let indent = format!("{outer}{unit}");
                let member = self.render(value, &indent);
                let member = format!("\n{indent}{key}: {member}\n{outer}");
                splice(text, object.open + 1..object.close, &member)
            }
        }
    }

    /// `value` as it is written after a key that is indented by `indent`.
    fn render(&self, value: &impl Serialize, indent: &str) -> String {
        let mut bytes = Vec::new();
        let rendered = match &self.0 {
            None => value.serialize(&mut Serializer::new(&mut bytes)),
            Some(unit) => {
                let formatter = PrettyFormatter::with_indent(unit.as_bytes());
                value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
            }
        };
        rendered.expect("texts and lists of them are JSON");
        let text = String::from_utf8(bytes).expect("JSON is UTF-8");
        text.replace('\n', &format!("\n{indent}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::Client;
    use super::super::entry::Server;
    use super::*;

    fn entry() -> Entry {
        let server = Server::Local {
            command: "/bin/rag".into(),
            arguments: vec!["mcp".into()],
            environment: Vec::new(),
        };
        Entry::new(Client::Cursor, &server).unwrap()
    }

    fn added(text: &str) -> String {
        match set(text, "mcpServers", "rag-memory", &entry()).unwrap() {
            Edit::Added(text) => text,
            other => panic!("{other:?}"),
        }
    }

    fn removed(text: &str) -> Edit {
        remove(text, "mcpServers", "rag-memory").unwrap()
    }

    const ALONE: &str = r#"{
  "mcpServers": {
    "rag-memory": {
      "command": "/bin/rag",
      "args": [
        "mcp"
      ]
    }
  }
}
"#;

    #[test]
    fn an_entry_is_added_and_nothing_else_changes() {
        for (before, after) in [
            ("", ALONE),
            (" \n", ALONE),
            ("{}\n", ALONE),
            (
                "{\"mcpServers\":{}}",
                r#"{"mcpServers":{"rag-memory":{"command":"/bin/rag","args":["mcp"]}}}"#,
            ),
            (
                r#"{"z":1.0,"mcpServers":{"a":{"url":"x"}},"b":[ ]}"#,
                r#"{"z":1.0,"mcpServers":{"a":{"url":"x"},"rag-memory":{"command":"/bin/rag","args":["mcp"]}},"b":[ ]}"#,
            ),
            (
                "{\n\t\"z\": 1.50,\n\t\"mcpServers\": {\n\t},\n\t\"a\": \"\\u00e9, }\"\n}",
                "{\n\t\"z\": 1.50,\n\t\"mcpServers\": {\n\t\t\"rag-memory\": {\n\t\t\t\"command\": \"/bin/rag\",\n\t\t\t\"args\": [\n\t\t\t\t\"mcp\"\n\t\t\t]\n\t\t}\n\t},\n\t\"a\": \"\\u00e9, }\"\n}",
            ),
            (
                "{\n    \"theme\": \"dark\"\n}\n",
                "{\n    \"theme\": \"dark\",\n    \"mcpServers\": {\n        \"rag-memory\": {\n            \"command\": \"/bin/rag\",\n            \"args\": [\n                \"mcp\"\n            ]\n        }\n    }\n}\n",
            ),
            (
                "\u{feff}{\r\n  \"a\": 1\r\n}\r\n",
                "\u{feff}{\r\n  \"a\": 1,\r\n  \"mcpServers\": {\r\n    \"rag-memory\": {\r\n      \"command\": \"/bin/rag\",\r\n      \"args\": [\r\n        \"mcp\"\r\n      ]\r\n    }\r\n  }\r\n}\r\n",
            ),
        ] {
            assert_eq!(added(before), after, "{before}");
            let again = set(after, "mcpServers", "rag-memory", &entry()).unwrap();
            assert_eq!(again, Edit::Same, "{after}");
        }
    }

    #[test]
    fn another_entry_of_the_name_is_replaced() {
        let before = ALONE.replace("/bin/rag", "/old/rag");
        let edit = set(&before, "mcpServers", "rag-memory", &entry()).unwrap();
        assert_eq!(edit, Edit::Replaced(ALONE.to_owned()));
        let same = r#"{"mcpServers": {"rag-memory": {"args": [ "mcp" ], "command": "/bin/rag"}}}"#;
        let edit = set(same, "mcpServers", "rag-memory", &entry()).unwrap();
        assert_eq!(edit, Edit::Same);
    }

    #[test]
    fn an_entry_is_removed_and_nothing_else_changes() {
        let other = |before: &str, after: &str| {
            assert_eq!(removed(before), Edit::Removed(after.to_owned()), "{before}");
        };
        other(ALONE, "{\n  \"mcpServers\": {}\n}\n");
        other(
            "{\"mcpServers\": {\n  \"a\": 1,\n  \"rag-memory\": {}\n}}",
            "{\"mcpServers\": {\n  \"a\": 1\n}}",
        );
        other(
            "{\"mcpServers\": {\n  \"rag-memory\": [\"}\"],\n  \"a\": 1\n}}",
            "{\"mcpServers\": {\n  \"a\": 1\n}}",
        );
        let with = "{\n  \"mcpServers\": {\n    \"a\": {\n      \"url\": \"x\"\n    }\n  }\n}\n";
        other(&added(with), with);
        for without in ["", "{}", r#"{"mcpServers":{}}"#, r#"{"rag-memory":1}"#] {
            assert_eq!(removed(without), Edit::Absent, "{without}");
        }
    }

    #[test]
    fn what_is_not_plain_json_is_left_alone() {
        for text in [
            "{\n  // mine\n  \"servers\": {}\n}",
            "{\"servers\": {},}",
            "{\"servers\": {}",
            "[]",
            "\"{}\"",
            "{\"mcpServers\": []}",
        ] {
            let set = set(text, "mcpServers", "rag-memory", &entry());
            assert!(set.is_err(), "{text}");
        }
    }
}
