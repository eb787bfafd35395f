//! Checks the arguments of a call against the schema that callers are shown and
//! says in plain words what is wrong, all of it at once, so that a model can
//! repair its call. Ranges are the operation's to check.

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use crate::api::Object;

/// The most characters of a wrong value that are shown.
const SHOWN_CHARS_MAX: usize = 40;

/// How many problems are told at once.
const PROBLEMS_MAX: usize = 10;

/// How much alike two names must be, from 0 to 1, to suggest one for the other.
const ALIKE_MIN: f64 = 0.75;

/// The arguments as the type that `schema` was made from, or a line for each
/// thing that is wrong with them.
///
/// # Errors
/// The lines.
pub fn parse<T: DeserializeOwned>(schema: &Object, mut arguments: Object) -> Result<T, String> {
    let problems = problems(schema, &mut arguments);
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| format!("the arguments cannot be used: {error}"))
}

fn problems(schema: &Object, arguments: &mut Object) -> Vec<String> {
    let none = Object::new();
    let known = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let mut problems = Vec::new();
    for (name, value) in arguments.iter_mut() {
        if problems.len() == PROBLEMS_MAX {
            problems.push("and more".to_owned());
            return problems;
        }
        match known.get(name) {
            Some(expected) => problems.extend(mismatch(name, expected, value)),
            None => problems.push(unknown(name, known)),
        }
    }
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for name in required.filter_map(Value::as_str) {
        if !arguments.contains_key(name) {
            let expected = describe(&known[name]);
            problems.push(format!(
                "argument `{name}` is missing: it must be {expected}"
            ));
        }
    }
    problems
}

/// What is wrong with a value, if anything. A whole number that came as `5.0`
/// is made `5`.
fn mismatch(name: &str, expected: &Value, value: &mut Value) -> Option<String> {
    if !has_type(expected, value) && !made_integer(expected, value) {
        let (expected, got) = (describe(expected), show(value));
        return Some(format!("argument `{name}` must be {expected}, not {got}"));
    }
    let items = expected.get("items")?;
    let elements = value.as_array_mut()?.iter_mut().enumerate();
    elements
        .into_iter()
        .find_map(|(index, element)| mismatch(&format!("{name}[{index}]"), items, element))
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return choices.contains(value);
    }
    let types = types(schema);
    types.is_empty()
        || types.into_iter().any(|name| match name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => false,
        })
}

/// Turns a number such as `5.0` into an integer where one is wanted.
fn made_integer(schema: &Value, value: &mut Value) -> bool {
    // Up to here every integer has a floating point number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = value
        .as_f64()
        .filter(|number| number.fract() == 0.0 && number.abs() < EXACT);
    let (Some(number), true) = (whole, types(schema).contains(&"integer")) else {
        return false;
    };
    let Ok(integer) = format!("{number:.0}").parse::<i64>() else {
        return false;
    };
    *value = Value::Number(Number::from(integer));
    true
}

/// What a schema asks for, in words.
fn describe(schema: &Value) -> String {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let choices: Vec<_> = choices
            .iter()
            .filter_map(Value::as_str)
            .map(quoted)
            .collect();
        return format!("one of {}", choices.join(", "));
    }
    let range = match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" from {least}"),
        _ => String::new(),
    };
    let names: Vec<_> = types(schema)
        .into_iter()
        .map(|name| match name {
            "boolean" => "true or false".to_owned(),
            "integer" => format!("an integer{range}"),
            "number" => format!("a number{range}"),
            "string" => "a string".to_owned(),
            "array" => "an array".to_owned(),
            "object" => "an object".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    names.join(" or ")
}

/// A value that is not what was asked for, in words.
fn show(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => {
            let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            format!("the string {}", quoted(&shown))
        }
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn unknown(name: &str, known: &Object) -> String {
    let shown: String = name.chars().take(SHOWN_CHARS_MAX).collect();
    if let Some(nearest) = nearest(name, known.keys().map(String::as_str)) {
        return format!("there is no argument `{shown}`: did you mean `{nearest}`?");
    }
    if known.is_empty() {
        return format!("there is no argument `{shown}`: it takes none");
    }
    let names: Vec<_> = known.keys().map(|name| quoted(name)).collect();
    format!(
        "there is no argument `{shown}`: there are {}",
        names.join(", ")
    )
}

fn quoted(text: &str) -> String {
    format!("`{text}`")
}

/// The name among `known` that was probably meant by `name`.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    let name = plain(name);
    known
        .map(|candidate| {
            let plain = plain(candidate);
            let part = name.len() > 1 && (plain.contains(&name) || name.contains(&plain));
            let alike = strsim::jaro_winkler(&name, &plain);
            (if part { alike.max(ALIKE_MIN) } else { alike }, candidate)
        })
        .filter(|(alike, _)| *alike >= ALIKE_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use crate::api::{IngestDirectory, ListCollections, SearchDocuments};
    use serde_json::json;

    use super::*;
    use crate::schema;

    fn object(value: Value) -> Object {
        let Value::Object(object) = value else {
            panic!("{value} is no object")
        };
        object
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let search = schema::input::<SearchDocuments>();
        let directory = schema::input::<IngestDirectory>();
        let nothing = schema::input::<ListCollections>();
        let cases = [
            (
                &search,
                json!({}),
                "argument `query` is missing: it must be a string",
            ),
            (
                &search,
                json!({"query": 7}),
                "argument `query` must be a string, not the number 7",
            ),
            (
                &search,
                json!({"query": "a", "limit": "ten"}),
                "argument `limit` must be an integer from 1 to 50, not the string `ten`",
            ),
            (
                &search,
                json!({"query": "a", "limit": 1e30}),
                "argument `limit` must be an integer from 1 to 50, not the number 1e+30",
            ),
            (
                &search,
                json!({"query": "a", "threshold": []}),
                "argument `threshold` must be a number or null, not an array",
            ),
            (
                &search,
                json!({"query": "a", "mode": "fast"}),
                "argument `mode` must be one of `hybrid`, `vector`, `keyword`, not the string `fast`",
            ),
            (
                &search,
                json!({"query": "a", "include_source": null}),
                "argument `include_source` must be true or false, not null",
            ),
            (
                &search,
                json!({"query": "a", "collectionName": "b"}),
                "there is no argument `collectionName`: did you mean `collection_name`?",
            ),
            (
                &directory,
                json!({"path": "a", "directory_path": "a", "collection_name": "b"}),
                "there is no argument `path`: did you mean `directory_path`?",
            ),
            (
                &directory,
                json!({"directory_path": "a", "collection_name": "b", "file_extensions": [".md", 1]}),
                "argument `file_extensions[1]` must be a string, not the number 1",
            ),
            (
                &nothing,
                json!({"zzz": 1}),
                "there is no argument `zzz`: it takes none",
            ),
            (
                &search,
                json!({"querry": "a"}),
                "there is no argument `querry`: did you mean `query`?\n\
                 argument `query` is missing: it must be a string",
            ),
        ];
        for (schema, arguments, expected) in cases {
            let text = problems(schema, &mut object(arguments.clone())).join("\n");
            assert_eq!(text, expected, "for {arguments}");
        }
    }

    #[test]
    fn a_whole_number_is_an_integer_however_it_is_written() {
        let schema = schema::input::<SearchDocuments>();
        let arguments = object(json!({"query": "a", "limit": 7.0, "threshold": 1}));
        let search: SearchDocuments = parse(&schema, arguments).unwrap();
        assert_eq!((search.limit, search.threshold), (7, Some(1.0)));
        let arguments = object(json!({"query": "a", "limit": 7.5}));
        assert!(parse::<SearchDocuments>(&schema, arguments).is_err());
    }

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let known = ["search_documents", "search", "fetch", "list_documents"];
        let nearest = |name| nearest(name, known.into_iter());
        assert_eq!(nearest("search_document"), Some("search_documents"));
        assert_eq!(nearest("listDocuments"), Some("list_documents"));
        assert_eq!(nearest("xyzzy"), None);
    }
}
