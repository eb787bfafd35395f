//! Changes one table of a TOML text and leaves the rest with its comments.

use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, RawString, Table};

use super::entry::Entry;
use super::file::{Edit, Unusable, with_line_ends_of};

/// `text` with `entry` as the table `name` of `section`.
pub(super) fn set(text: &str, section: &str, name: &str, entry: &Entry) -> Result<Edit, Unusable> {
    let mut document = parse(text)?;
    let existing = servers(&mut document, section)?.and_then(|servers| servers.get_mut(name));
    let Some(existing) = existing else {
        // At the end, where no comment can come between it and its keys.
        let text = append(text, section, name, entry);
        return parse(&text).map(|_| Edit::Added(text));
    };
    if is_same(existing, &entry.value()) {
        return Ok(Edit::Same);
    }
    match existing {
        Item::Table(table) => {
            table.clear();
            table.set_implicit(false);
            for (key, value) in entry.fields() {
                table.insert(key, Item::Value(toml(value)));
            }
        }
        other => *other = Item::Value(toml(&entry.value())),
    }
    let text = with_line_ends_of(text, &document.to_string());
    parse(&text).map(|_| Edit::Replaced(text))
}

/// `text` without the table `name` of `section`.
pub(super) fn remove(text: &str, section: &str, name: &str) -> Result<Edit, Unusable> {
    let mut document = parse(text)?;
    let removed = servers(&mut document, section)?.and_then(|servers| servers.remove(name));
    let Some(removed) = removed else {
        return Ok(Edit::Absent);
    };
    // Comments in front of it may belong to what stands before; they stay.
    let prefix = removed
        .as_table()
        .and_then(|table| table.decor().prefix())
        .and_then(RawString::as_str)
        .filter(|prefix| prefix.contains('#'));
    if let Some(prefix) = prefix {
        let blank_line = prefix
            .strip_suffix('\n')
            .filter(|kept| kept.ends_with('\n'));
        let trailing = document.trailing().as_str().unwrap_or_default();
        let trailing = [blank_line.unwrap_or(prefix), trailing].concat();
        document.set_trailing(trailing);
    }
    let text = with_line_ends_of(text, &document.to_string());
    parse(&text).map(|_| Edit::Removed(text))
}

fn parse(text: &str) -> Result<DocumentMut, Unusable> {
    text.parse::<DocumentMut>().map_err(|error| {
        // Its whole text would show the line, which may hold a secret.
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        Unusable(format!(
            "it is not TOML: {} in line {line}",
            error.message()
        ))
    })
}

/// The table of servers, if there is one.
fn servers<'a>(
    document: &'a mut DocumentMut,
    section: &str,
) -> Result<Option<&'a mut Table>, Unusable> {
    match document.get_mut(section) {
        None => Ok(None),
        Some(Item::Table(servers)) => Ok(Some(servers)),
        Some(_) => Err(Unusable(format!("its `{section}` is no table of tables"))),
    }
}

fn append(text: &str, section: &str, name: &str, entry: &Entry) -> String {
    let mut table = Table::new();
    for (key, value) in entry.fields() {
        table.insert(key, Item::Value(toml(value)));
    }
    let mut servers = Table::new();
    servers.set_implicit(true);
    servers.insert(name, Item::Table(table));
    let mut document = DocumentMut::new();
    document.insert(section, Item::Table(servers));
    let gap = match text {
        _ if text.trim().is_empty() => "",
        _ if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let added = format!("{gap}{document}");
    format!("{text}{}", with_line_ends_of(text, &added))
}

/// A value of an entry: a text, a list of texts, or texts by name.
fn toml(value: &Value) -> toml_edit::Value {
    match value {
        Value::String(text) => text.into(),
        Value::Array(values) => values.iter().map(toml).collect::<Array>().into(),
        Value::Object(fields) => {
            let mut table = InlineTable::new();
            for (key, value) in fields {
                table.insert(key, toml(value));
            }
            table.into()
        }
        other => other.to_string().into(),
    }
}

/// Whether `item` says what `value` says.
fn is_same(item: &Item, value: &Value) -> bool {
    match value {
        Value::String(text) => item.as_str() == Some(text.as_str()),
        Value::Array(values) => item.as_array().is_some_and(|array| {
            let texts = array.iter().map(toml_edit::Value::as_str);
            texts.eq(values.iter().map(Value::as_str))
        }),
        Value::Object(fields) => item.as_table_like().is_some_and(|table| {
            let same = |(key, value): (&String, &Value)| {
                table.get(key).is_some_and(|item| is_same(item, value))
            };
            table.len() == fields.len() && fields.iter().all(same)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::Client;
    use super::super::entry::Server;
    use super::*;

    fn entry(environment: &[(&str, &str)]) -> Entry {
        let server = Server::Local {
            command: "/bin/rag".into(),
            arguments: vec!["mcp".into(), "--root".into(), "C:\\notes".into()],
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        };
        Entry::new(Client::Codex, &server).unwrap()
    }

    fn edited(text: &str) -> Edit {
        set(text, "mcp_servers", "rag-memory", &entry(&[])).unwrap()
    }

    const ALONE: &str = "\
[mcp_servers.rag-memory]
command = \"/bin/rag\"
args = [\"mcp\", \"--root\", 'C:\\notes']
";

    const OTHERS: &str = "\
# mine
model = \"m\" # the best

[mcp_servers.other]
url = \"https://o/mcp\"
# enabled = false
";

    #[test]
    fn a_table_is_added_at_the_end_and_removed_again() {
        assert_eq!(edited(""), Edit::Added(ALONE.to_owned()));
        let both = format!("{OTHERS}\n{ALONE}");
        assert_eq!(edited(OTHERS), Edit::Added(both.clone()));
        assert_eq!(edited(&both), Edit::Same);
        let without = remove(&both, "mcp_servers", "rag-memory").unwrap();
        assert_eq!(without, Edit::Removed(OTHERS.to_owned()));
        for text in ["", "a = 1\n", OTHERS] {
            let absent = remove(text, "mcp_servers", "rag-memory").unwrap();
            assert_eq!(absent, Edit::Absent);
        }
        let with_returns = OTHERS.replace('\n', "\r\n");
        let both = both.replace('\n', "\r\n");
        assert_eq!(edited(&with_returns), Edit::Added(both));
    }

    #[test]
    fn another_table_of_the_name_is_replaced_in_its_place() {
        let old = "[mcp_servers.rag-memory] # ours\ncommand = \"old\"\n\n\
                   [mcp_servers.rag-memory.env]\nA = \"b\"\n\n[tui]\ntheme = \"x\"\n";
        let new = "[mcp_servers.rag-memory] # ours\ncommand = \"/bin/rag\"\n\
                   args = [\"mcp\", \"--root\", 'C:\\notes']\n\n[tui]\ntheme = \"x\"\n";
        assert_eq!(edited(old), Edit::Replaced(new.to_owned()));
        let variables = entry(&[("RAG_DATA_DIR", "/d")]);
        let edit = set("", "mcp_servers", "rag-memory", &variables).unwrap();
        let expected = format!("{ALONE}env = {{ RAG_DATA_DIR = \"/d\" }}\n");
        assert_eq!(edit, Edit::Added(expected.clone()));
        let edit = set(&expected, "mcp_servers", "rag-memory", &variables).unwrap();
        assert_eq!(edit, Edit::Same);
    }

    #[test]
    fn what_cannot_be_changed_is_left_alone() {
        for text in ["a = ", "mcp_servers = 1", "mcp_servers = { a = 1 }"] {
            let set = set(text, "mcp_servers", "rag-memory", &entry(&[]));
            assert!(set.is_err(), "{text}");
        }
        let Unusable(reason) = parse("a = 1\ntoken = \"secret\"\na = 2\n").unwrap_err();
        assert!(reason.contains("in line 3"), "{reason}");
        let Unusable(reason) = parse("token = \"secret").unwrap_err();
        assert!(!reason.contains("secret"), "{reason}");
    }
}
