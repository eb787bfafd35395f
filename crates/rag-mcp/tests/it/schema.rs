//! A validator for the part of JSON Schema that the tools use. It fails on a
//! keyword it does not know rather than overlooking it.

use serde_json::{Map, Value};

/// What is wrong with `value` by `schema`, each with its place.
pub(crate) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "$", &mut found);
    found
}

fn check(schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let empty = Map::new();
    let schema = schema
        .as_object()
        .unwrap_or_else(|| panic!("{place}: {schema} is no schema"));
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    for (keyword, wanted) in schema {
        match keyword.as_str() {
            "type" => check_type(wanted, value, place, found),
            "enum" => {
                if !wanted.as_array().unwrap().contains(value) {
                    found.push(format!("{place}: {value} is none of {wanted}"));
                }
            }
            "required" => {
                let names = wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|name| name.as_str().unwrap());
                for name in names.filter(|name| value.is_object() && value.get(name).is_none()) {
                    found.push(format!("{place}: `{name}` is missing"));
                }
            }
            "properties" => {
                for (name, property) in properties {
                    if let Some(value) = value.get(name) {
                        check(property, value, &format!("{place}.{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                let others = value.as_object().unwrap_or(&empty).iter();
                for (name, value) in others.filter(|(name, _)| !properties.contains_key(*name)) {
                    match wanted {
                        Value::Bool(false) => {
                            found.push(format!("{place}: `{name}` is not allowed"));
                        }
                        wanted => check(wanted, value, &format!("{place}.{name}"), found),
                    }
                }
            }
            "items" => {
                for (index, element) in value.as_array().into_iter().flatten().enumerate() {
                    check(wanted, element, &format!("{place}[{index}]"), found);
                }
            }
            "anyOf" => {
                let choices = wanted.as_array().unwrap();
                if !choices
                    .iter()
                    .any(|choice| violations(choice, value).is_empty())
                {
                    found.push(format!("{place}: {value} is none of {wanted}"));
                }
            }
            "minimum" | "maximum" | "description" | "default" => {}
            other => panic!("{place}: the keyword `{other}` is unknown"),
        }
    }
}

fn check_type(wanted: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let is = |name: &Value| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{place}: there is no type `{other}`"),
    };
    let matches = match wanted {
        Value::Array(choices) => choices.iter().any(is),
        one => is(one),
    };
    if !matches {
        found.push(format!("{place}: {value} is no {wanted}"));
    }
}

#[test]
fn the_validator_finds_what_is_wrong() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "additionalProperties": false,
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": "array", "items": {"type": "integer"}},
            "c": {"enum": ["x"]},
            "e": {"type": "object", "additionalProperties": {"type": "integer"}},
            "f": {"anyOf": [{"enum": ["y"]}, {"type": "null"}]},
        },
    });
    for (value, count) in [
        (serde_json::json!({"a": null, "b": [1], "c": "x"}), 0),
        (serde_json::json!({"a": 1}), 1),
        (serde_json::json!({"b": [1, "2"], "c": "y"}), 3),
        (serde_json::json!({"a": "", "d": 1}), 1),
        (
            serde_json::json!({"a": "", "e": {"x": 1, "y": "2"}, "f": null}),
            1,
        ),
        (serde_json::json!({"a": "", "f": "z"}), 1),
        (serde_json::json!([]), 1),
    ] {
        assert_eq!(violations(&schema, &value).len(), count, "{value}");
    }
}
