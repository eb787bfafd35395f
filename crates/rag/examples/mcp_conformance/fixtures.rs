//! What the suite expects to find, from `fixtures.json`.

use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::Value;

static FIXTURES: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("fixtures.json")).expect("the fixtures are JSON")
});

/// All fixtures of one kind: `tools`, `resources`, …
pub(crate) fn all(kind: &str) -> Value {
    FIXTURES[kind].clone()
}

/// The fixture of one kind with one name, if there is one.
pub(crate) fn one(kind: &str, name: &str) -> Option<Value> {
    FIXTURES[kind].get(name).cloned()
}

/// A value of the protocol from its JSON.
pub(crate) fn typed<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the fixtures have the protocol's shapes")
}

/// A result of the protocol from its JSON: complete, which 2026-07-28 wants said.
pub(crate) fn complete<T: DeserializeOwned>(mut value: Value) -> T {
    value["resultType"] = "complete".into();
    typed(value)
}
