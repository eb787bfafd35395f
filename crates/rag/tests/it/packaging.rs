//! The manifests others start this program by: they say what it is and does.

use std::path::PathBuf;

use serde_json::Value;

use crate::program::{Run, User};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn parsed(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

fn bundle() -> Value {
    parsed("packaging/mcpb/manifest.json")
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn the_versions_are_that_of_the_program() {
    for manifest in [bundle(), parsed("server.json")] {
        assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"), "{manifest}");
    }
}

#[test]
fn the_bundle_starts_the_program() {
    let manifest = bundle();
    let server = &manifest["server"];
    let entry_point = server["entry_point"].as_str().unwrap();
    assert_eq!(
        server["mcp_config"]["command"],
        format!("${{__dirname}}/{entry_point}")
    );
    let user = User::new();
    let mut command = user.command(&texts(&server["mcp_config"]["args"]));
    let options = manifest["user_config"].as_object().unwrap();
    let settings = text("docs/reference/configuration.md");
    let variables = server["mcp_config"]["env"].as_object().unwrap();
    assert_eq!(variables.len(), options.len(), "each option is one setting");
    for (name, value) in variables {
        assert!(settings.contains(&format!("| `{name}` |")), "{name}");
        let option = value
            .as_str()
            .and_then(|value| value.strip_prefix("${user_config."))
            .and_then(|value| value.strip_suffix('}'))
            .unwrap();
        // A host puts nothing but defaults in place of what was left out.
        command.env(name, options[option]["default"].as_str().unwrap());
    }
    let run = Run::of(command, "");
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn the_bundle_names_the_tools_there_are() {
    let catalogue = parsed("crates/rag-mcp/tests/snapshots/tools.json");
    let catalogue = catalogue
        .as_array()
        .or_else(|| catalogue["tools"].as_array())
        .unwrap()
        .clone();
    let told = bundle()["tools"].as_array().unwrap().clone();
    let pairs = |tools: &[Value]| -> Vec<(Value, Value)> {
        let tools = tools.iter();
        tools
            .map(|tool| (tool["name"].clone(), tool["description"].clone()))
            .collect()
    };
    assert_eq!(pairs(&told), pairs(&catalogue));
}

#[test]
fn the_registry_is_told_what_it_takes() {
    let server = parsed("server.json");
    let (namespace, name) = server["name"].as_str().unwrap().split_once('/').unwrap();
    assert_eq!((namespace, name), ("io.github.rag-memory", "rag-memory"));
    let repository = server["repository"]["url"].as_str().unwrap();
    assert_eq!(repository, env!("CARGO_PKG_REPOSITORY"));
    assert!(server["description"].as_str().unwrap().chars().count() <= 100);
    let remote = &server["remotes"][0];
    let url = remote["url"].as_str().unwrap();
    for variable in remote["variables"].as_object().unwrap().keys() {
        assert!(url.contains(&format!("{{{variable}}}")), "{variable}");
    }
    assert!(
        url.starts_with("https://") && url.ends_with("/mcp"),
        "{url}"
    );
}
