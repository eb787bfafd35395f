//! JSON schemas of what operations take and give, made from the wire types:
//! inlined, and without what no model or client needs, since agents pay for them
//! by the token.

use std::sync::Arc;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::api::Object;

/// The schema of what an operation takes: types, descriptions, ranges and defaults.
pub fn input<T: JsonSchema>() -> Arc<Object> {
    let mut schema = generate::<T>(SchemaSettings::draft2020_12());
    schema.remove("description");
    // Some model APIs refuse an object without the keyword.
    schema.entry("properties").or_insert_with(|| json!({}));
    each_schema(&mut schema, &|schema| {
        schema.remove("format");
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            for (name, property) in properties {
                strip_the_obvious(name, property);
            }
        }
        // What every object schema means anyway.
        if schema.get("additionalProperties") == Some(&Value::Bool(true)) {
            schema.remove("additionalProperties");
        }
    });
    Arc::new(schema)
}

/// Removes what a model takes for granted: that nothing is the default, and a
/// description that the property's name is already.
fn strip_the_obvious(name: &str, property: &mut Value) {
    let Value::Object(property) = property else {
        return;
    };
    let nothing = |default: &Value| match default {
        Value::Null | Value::Bool(false) | Value::Array(_) => true,
        Value::Object(default) => default.is_empty(),
        _ => false,
    };
    if property.get("default").is_some_and(nothing) {
        property.remove("default");
    }
    if let Some(Value::String(description)) = property.get("description")
        && says_no_more(description, name)
    {
        property.remove("description");
    }
}

/// Whether `description` has no word that is not in `name`. To include
/// something is to return it.
fn says_no_more(description: &str, name: &str) -> bool {
    let description = description.to_lowercase();
    let known = |word: &str| {
        let returned = word == "return" && name.starts_with("include_");
        returned || name.split('_').any(|part| part == word)
    };
    description.split(' ').all(known)
}

/// The schema of what an operation gives: only what a validator needs, because the
/// names of the fields explain themselves to whoever reads an answer.
pub fn output<T: JsonSchema>() -> Arc<Object> {
    let mut schema = generate::<T>(SchemaSettings::draft2020_12().for_serialize());
    each_schema(&mut schema, &|schema| {
        for noise in ["format", "description", "default", "minimum"] {
            schema.remove(noise);
        }
        if schema.get("additionalProperties") == Some(&Value::Bool(true)) {
            schema.remove("additionalProperties");
        }
    });
    Arc::new(schema)
}

fn generate<T: JsonSchema>(settings: SchemaSettings) -> Object {
    let generator = settings
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .into_generator();
    let Value::Object(mut schema) = generator.into_root_schema_for::<T>().to_value() else {
        unreachable!("the schema of a struct is an object");
    };
    schema.remove("title");
    schema
}

/// Applies `change` to a schema and to every schema inside it. Goes by the
/// keywords, so that a property called `format` is not taken for one.
fn each_schema(schema: &mut Object, change: &impl Fn(&mut Object)) {
    change(schema);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            each_schema(property, change);
        }
    }
    for inside in ["items", "additionalProperties"] {
        if let Some(Value::Object(inside)) = schema.get_mut(inside) {
            each_schema(inside, change);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        for choice in choices.iter_mut().filter_map(Value::as_object_mut) {
            each_schema(choice, change);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::api::{
        ListCollections, SearchDocuments, SearchResults, UpdateDocument, WebsiteAnalysis,
    };

    use super::*;

    #[test]
    fn inputs_show_ranges_and_defaults_without_noise() {
        let schema = Value::Object(input::<SearchDocuments>().as_ref().clone());
        assert_eq!(
            schema["properties"]["limit"],
            json!({
                "type": "integer", "default": 5, "minimum": 1, "maximum": 50,
                "description": "Most passages to return",
            })
        );
        assert_eq!(schema["properties"]["mode"]["default"], "hybrid");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["query"]));
        for keyword in ["title", "$schema", "description"] {
            assert!(schema.get(keyword).is_none(), "{keyword} is left");
        }
    }

    #[test]
    fn the_obvious_is_left_out() {
        for (name, description, obvious) in [
            ("collection_name", "Collection", true),
            ("include_chunk_ids", "Return chunk ids", true),
            ("chunk_ids", "Return chunk ids", false),
            (
                "include_metadata",
                "Add chunk ids and document metadata",
                false,
            ),
        ] {
            assert_eq!(says_no_more(description, name), obvious, "{name}");
        }
        for (default, obvious) in [
            (json!(null), true),
            (json!(false), true),
            (json!({}), true),
            (json!([".md"]), true),
            (json!(true), false),
            (json!(0), false),
            (json!("auto"), false),
        ] {
            let mut property = json!({"default": default});
            strip_the_obvious("x", &mut property);
            assert_eq!(property.get("default").is_none(), obvious, "{default}");
        }
    }

    #[test]
    fn no_arguments_are_an_empty_object() {
        let schema = Value::Object(input::<ListCollections>().as_ref().clone());
        let expected = json!({"type": "object", "properties": {}, "additionalProperties": false});
        assert_eq!(schema, expected);
    }

    #[test]
    fn a_property_that_is_called_like_a_keyword_stays() {
        let schema = Value::Object(input::<UpdateDocument>().as_ref().clone());
        assert_eq!(
            schema["properties"]["title"]["type"],
            json!(["string", "null"])
        );
    }

    #[test]
    fn the_values_of_a_map_are_cleaned_too() {
        let schema = Value::Object(output::<WebsiteAnalysis>().as_ref().clone());
        let stats = &schema["properties"]["pattern_stats"]["additionalProperties"];
        assert_eq!(stats["properties"]["count"], json!({"type": "integer"}));
    }

    #[test]
    fn outputs_say_what_is_always_there() {
        let schema = Value::Object(output::<SearchResults>().as_ref().clone());
        assert_eq!(schema["required"], json!(["results"]));
        let hit = &schema["properties"]["results"]["items"];
        assert_eq!(
            hit["properties"]["similarity"],
            json!({"type": ["number", "null"]})
        );
        assert!(
            hit["required"]
                .as_array()
                .unwrap()
                .contains(&json!("similarity"))
        );
        assert!(
            !schema.to_string().contains("$ref"),
            "a reference is left: {schema}"
        );
    }
}
