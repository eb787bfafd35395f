//! JSON schemas of the tools, made from the wire types: inlined, and without
//! what no model or client needs, since agents pay for them by the token.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema of what a tool takes: types, descriptions, ranges and defaults.
pub(crate) fn input<T: JsonSchema>() -> Arc<JsonObject> {
    let mut schema = generate::<T>(SchemaSettings::draft2020_12());
    schema.remove("description");
    // Some model APIs refuse an object without the keyword.
    schema.entry("properties").or_insert_with(|| json!({}));
    each_schema(&mut schema, &|schema| {
        schema.remove("format");
        // What every object schema means anyway.
        if schema.get("additionalProperties") == Some(&Value::Bool(true)) {
            schema.remove("additionalProperties");
        }
    });
    Arc::new(schema)
}

/// The schema of what a tool gives: only what a validator needs, because the
/// names of the fields explain themselves to whoever reads an answer.
pub(crate) fn output<T: JsonSchema>() -> Arc<JsonObject> {
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

fn generate<T: JsonSchema>(settings: SchemaSettings) -> JsonObject {
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
fn each_schema(schema: &mut JsonObject, change: &impl Fn(&mut JsonObject)) {
    change(schema);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            each_schema(property, change);
        }
    }
    if let Some(Value::Object(items)) = schema.get_mut("items") {
        each_schema(items, change);
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        for choice in choices.iter_mut().filter_map(Value::as_object_mut) {
            each_schema(choice, change);
        }
    }
}

#[cfg(test)]
mod tests {
    use rag_memory::api::{ListCollections, SearchDocuments, SearchResults, UpdateDocument};

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
