//! What a search or a listing is narrowed to.

use serde_json::Value;

use super::{CollectionName, Metadata};

/// Which documents count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only documents of these collections; empty means of all.
    pub collections: Vec<CollectionName>,
    /// Only documents whose metadata contains this (see [`contains`]).
    pub metadata: Metadata,
}

/// Whether `metadata` contains `wanted`: every wanted key is there; objects
/// contain recursively; an array contains another when each wanted element is
/// contained in one of its elements, and a scalar when one element equals it;
/// scalars are equal. (PostgreSQL's `@>` is the same but for a scalar in a
/// nested array, which it wants in an array.)
pub fn contains(metadata: &Metadata, wanted: &Metadata) -> bool {
    wanted
        .iter()
        .all(|(key, value)| metadata.get(key).is_some_and(|have| value_in(have, value)))
}

fn value_in(have: &Value, wanted: &Value) -> bool {
    match (have, wanted) {
        (Value::Object(have), Value::Object(wanted)) => contains(have, wanted),
        (Value::Array(have), Value::Array(wanted)) => wanted
            .iter()
            .all(|value| have.iter().any(|element| value_in(element, value))),
        (Value::Array(have), scalar) if !scalar.is_object() => have
            .iter()
            .any(|element| !element.is_array() && value_in(element, scalar)),
        (Value::Number(have), Value::Number(wanted)) => {
            // Integers are compared as such: as floats, large ones would coincide.
            let is_float = have.is_f64() || wanted.is_f64();
            have == wanted || (is_float && have.as_f64() == wanted.as_f64())
        }
        (have, wanted) => have == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containment() {
        let metadata = r#"{"a": 1, "large": 9007199254740993, "numbers": [1, [2]], "tags": ["x", "y"], "deep": {"b": {"c": null}, "l": [{"k": 1, "m": 2}]}}"#;
        let metadata: Metadata = serde_json::from_str(metadata).unwrap();
        for (wanted, expected) in [
            (r"{}", true),
            (r#"{"a": 1}"#, true),
            (r#"{"a": 1.0}"#, true),
            (r#"{"large": 9007199254740993}"#, true),
            (r#"{"large": 9007199254740992}"#, false),
            (r#"{"a": "1"}"#, false),
            (r#"{"missing": null}"#, false),
            (r#"{"tags": "x"}"#, true),
            (r#"{"numbers": 1.0}"#, true),
            (r#"{"numbers": 2}"#, false),
            (r#"{"tags": ["y", "x"]}"#, true),
            (r#"{"tags": ["x", "z"]}"#, false),
            (r#"{"tags": []}"#, true),
            (r#"{"deep": {"b": {}}}"#, true),
            (r#"{"deep": {"b": {"c": null}}}"#, true),
            (r#"{"deep": {"l": [{"k": 1}]}}"#, true),
            (r#"{"deep": {"l": [{"k": 2}]}}"#, false),
            (r#"{"deep": 1}"#, false),
        ] {
            let wanted: Metadata = serde_json::from_str(wanted).unwrap();
            assert_eq!(contains(&metadata, &wanted), expected, "{wanted:?}");
        }
    }
}
