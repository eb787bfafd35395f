//! The scalars in a document's metadata as numbers that can be looked up.
//!
//! A key is a hash of the path to a scalar and of its value. A path step is an
//! object's key, or `[]` for whichever element of an array.

use rag_core::model::{ContentHash, Metadata};
use serde_json::Value;

/// What metadata must have to contain others.
#[derive(Debug, PartialEq)]
pub(crate) struct Wanted {
    /// From each of these, one key.
    pub(crate) alternatives: Vec<Vec<i64>>,
    /// Whether having them is enough.
    pub(crate) is_sure: bool,
}

/// The keys of everything in `metadata`, each once.
pub(crate) fn keys(metadata: &Metadata) -> Vec<i64> {
    let mut keys = Vec::new();
    for (name, value) in metadata {
        add_keys(&mut vec![name.as_str()], value, &mut keys);
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// An element's step. No object key can be mistaken for it where it matters:
/// the worst is a candidate too many, and those are only named for filters
/// that are checked again.
const ELEMENT: &str = "[]";

fn add_keys<'value>(path: &mut Vec<&'value str>, value: &'value Value, keys: &mut Vec<i64>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                path.push(name);
                add_keys(path, value, keys);
                path.pop();
            }
        }
        Value::Array(elements) => {
            path.push(ELEMENT);
            for element in elements {
                add_keys(path, element, keys);
            }
            path.pop();
        }
        scalar => keys.push(key(path, scalar)),
    }
}

/// What metadata that contain `metadata` have.
///
/// A text, a truth value or a null under object keys alone is there exactly
/// when its key is, or the key of an array element in its place. Arrays and
/// empty objects can match in more ways than keys tell, and numbers that are
/// written differently are equal in some places and not in others.
pub(crate) fn wanted(metadata: &Metadata) -> Wanted {
    let mut wanted = Wanted {
        alternatives: Vec::new(),
        is_sure: true,
    };
    for (name, value) in metadata {
        add_wanted(&mut vec![name.as_str()], value, &mut wanted);
    }
    wanted
}

fn add_wanted<'value>(path: &mut Vec<&'value str>, value: &'value Value, wanted: &mut Wanted) {
    match value {
        Value::Object(object) => {
            wanted.is_sure &= !object.is_empty();
            for (name, value) in object {
                wanted.is_sure &= name != ELEMENT;
                path.push(name);
                add_wanted(path, value, wanted);
                path.pop();
            }
        }
        Value::Array(_) => wanted.is_sure = false,
        scalar => {
            wanted.is_sure &= !scalar.is_number();
            let plain = key(path, scalar);
            path.push(ELEMENT);
            wanted.alternatives.push(vec![plain, key(path, scalar)]);
            path.pop();
        }
    }
}

/// Equal for equal paths and scalars; numbers are equal when their values are.
fn key(path: &[&str], scalar: &Value) -> i64 {
    let value = match scalar {
        Value::String(text) => format!("\"{text}"),
        Value::Number(number) => {
            // Adding zero makes one of the two zeros.
            number
                .as_f64()
                .map_or_else(|| number.to_string(), |value| (value + 0.0).to_string())
        }
        other => other.to_string(),
    };
    let mut parts = path.to_vec();
    parts.push(&value);
    ContentHash::of_parts(&parts).head().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Metadata {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn keys_find_what_is_wanted() {
        let have = keys(&object(
            r#"{"lang": "de", "year": 2024, "tags": ["a", "b"], "deep": {"on": true, "no": null},
                "list": [{"k": "v"}]}"#,
        ));
        for (text, found, is_sure) in [
            (r"{}", true, true),
            (r#"{"lang": "de"}"#, true, true),
            (r#"{"lang": "en"}"#, false, true),
            (r#"{"lang": "de", "tags": "b"}"#, true, true),
            (r#"{"lang": "de", "tags": "c"}"#, false, true),
            (r#"{"deep": {"on": true, "no": null}}"#, true, true),
            (r#"{"deep": {"on": false}}"#, false, true),
            (r#"{"deep": {"on": "true"}}"#, false, true),
            (r#"{"list": {"k": "v"}}"#, false, true),
            (r#"{"year": 2024.0}"#, true, false),
            (r#"{"year": "2024"}"#, false, true),
            (r#"{"deep": {}}"#, true, false),
            (r#"{"tags": ["c"]}"#, true, false),
        ] {
            let wanted = wanted(&object(text));
            let all = wanted.alternatives.iter();
            let has = all
                .clone()
                .all(|keys| keys.iter().any(|key| have.contains(key)));
            assert_eq!((has, wanted.is_sure), (found, is_sure), "{text}");
        }
    }
}
