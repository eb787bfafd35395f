//! Writes `docs/reference`, and holds it to what the program does.
//! `UPDATE_SNAPSHOTS=1` writes the pages anew.

use std::fmt::Write;
use std::path::PathBuf;

use rag_memory::ErrorKind;
use serde_json::Value;

use crate::program::User;

const NOTE: &str = "<!-- Written by tests; do not edit by hand. -->";

fn check(page: &str, text: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("docs/reference").join(page);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "docs/reference/{page} is out of date; UPDATE_SNAPSHOTS=1 cargo test writes it anew"
    );
}

#[test]
fn settings() {
    let user = User::new();
    let mut command = user.command(&["config", "--json"]);
    command.env_remove("RAG_DATA_DIR");
    let run = crate::program::Run::of(command, "");
    let items: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut page = format!(
        "{NOTE}\n\n# Settings\n\nA value is looked for on the command line, in the environment, in `./.env`, in \
         `~/.rag-memory-env`, and then in the defaults here. `rag config` shows each with where it came from.\n\n\
         | setting | default | what it does |\n|---|---|---|\n"
    );
    for item in items.as_array().unwrap() {
        let default = item["value"]
            .as_str()
            .map_or_else(String::new, |value| format!("`{value}`"));
        let (name, purpose) = (
            item["name"].as_str().unwrap(),
            item["purpose"].as_str().unwrap(),
        );
        writeln!(page, "| `{name}` | {default} | {purpose} |").unwrap();
    }
    check("configuration.md", &page);
}

#[test]
fn api() {
    let text = serde_json::to_string_pretty(&rag::http::openapi()).unwrap() + "\n";
    check("openapi.json", &text);
}

#[test]
fn errors() {
    let mut page = format!(
        "{NOTE}\n\n# Errors\n\nEvery operation fails with one of these kinds, over MCP as a tool error with a text, at \
         the command line with an exit code.\n\n| kind | HTTP status | exit code |\n|---|---|---|\n"
    );
    for kind in ErrorKind::all() {
        writeln!(
            page,
            "| `{}` | {} | {} |",
            kind.name(),
            kind.http_status(),
            kind.exit_code()
        )
        .unwrap();
    }
    check("errors.md", &page);
}

#[test]
fn command_line() {
    let user = User::new();
    let mut page = format!("{NOTE}\n\n# Command line\n");
    let mut pending = vec![Vec::new()];
    while let Some(command) = pending.pop() {
        let arguments: Vec<&str> = command
            .iter()
            .map(String::as_str)
            .chain(["--help"])
            .collect();
        let help = user.rag(&arguments).stdout;
        let name = [&["rag".to_owned()], &command[..]].concat().join(" ");
        writeln!(page, "\n## {name}\n\n```text\n{}\n```", help.trim_end()).unwrap();
        let mut commands: Vec<Vec<String>> = subcommands(&help)
            .map(|subcommand| [&command[..], &[subcommand.to_owned()]].concat())
            .collect();
        commands.reverse();
        pending.extend(commands);
    }
    check("command-line.md", &page);
}

/// The commands that a help text lists.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = lines.take_while(|line| line.starts_with("  "));
    listed
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
}

#[test]
fn tools() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let snapshot = root.join("crates/rag-mcp/tests/snapshots/tools.json");
    let tools: Value = serde_json::from_str(&std::fs::read_to_string(snapshot).unwrap()).unwrap();
    let list = tools
        .as_array()
        .or_else(|| tools["tools"].as_array())
        .unwrap();
    let mut page = format!("{NOTE}\n\n# MCP tools\n");
    for tool in list {
        let text = |key: &str| tool[key].as_str().unwrap_or_default();
        writeln!(page, "\n## {}\n\n{}\n", text("name"), text("description")).unwrap();
        let schema = &tool["inputSchema"];
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let Some(properties) = schema["properties"]
            .as_object()
            .filter(|all| !all.is_empty())
        else {
            continue;
        };
        writeln!(
            page,
            "| argument | type | default | what it is |\n|---|---|---|---|"
        )
        .unwrap();
        for (name, property) in properties {
            let kind = match &property["type"] {
                _ if property["enum"].is_array() => {
                    let choices = property["enum"].as_array().unwrap().iter();
                    let choices: Vec<&str> = choices.filter_map(Value::as_str).collect();
                    choices.join(", ")
                }
                Value::Array(kinds) => {
                    let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
                    kinds.join(" or ")
                }
                kind => kind.as_str().unwrap_or("string").to_owned(),
            };
            let default = match required.contains(&Value::from(name.as_str())) {
                true => "required".to_owned(),
                false => match property.get("default") {
                    Some(default) => format!("`{default}`"),
                    None if kind == "boolean" => "`false`".to_owned(),
                    None => String::new(),
                },
            };
            let what = property["description"].as_str().unwrap_or_default();
            writeln!(page, "| `{name}` | {kind} | {default} | {what} |").unwrap();
        }
    }
    check("tools.md", &page);
}
