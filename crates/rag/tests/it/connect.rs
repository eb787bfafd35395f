//! `rag connect`: what it leaves in the files of clients, and what it does not.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::program::{Run, User};

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn parsed(path: &Path) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

/// The backups in a folder.
fn backups(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().contains(".bak-"))
        .collect()
}

const CLAUDE: &str = r#"{
  "numStartups": 3,
  "mcpServers": {
    "other": {
      "url": "https://other.example.org/mcp"
    }
  },
  "aLast": 1.0
}
"#;

#[test]
fn a_client_is_told_once_and_can_be_made_to_forget() {
    let user = User::new();
    let path = user.write(".claude.json", CLAUDE);
    let added = user.json(&["connect", "claude-code"]);
    assert_eq!(added["outcome"], "added");
    assert_eq!(added["changed"], true);
    assert_eq!(added["path"], path.display().to_string());
    let entry = &parsed(&path)["mcpServers"]["rag-memory"];
    assert_eq!(*entry, added["entry"]);
    assert_eq!(
        (&entry["type"], &entry["args"]),
        (&json!("stdio"), &json!(["mcp"]))
    );
    assert_eq!(
        std::fs::canonicalize(entry["command"].as_str().unwrap()).unwrap(),
        std::fs::canonicalize(env!("CARGO_BIN_EXE_rag")).unwrap()
    );
    let backup = PathBuf::from(added["backup"].as_str().unwrap());
    assert_eq!(text(&backup), CLAUDE);

    let again = user.json(&["connect", "claude-code"]);
    assert_eq!(again["outcome"], "unchanged");
    assert_eq!(
        (&again["changed"], &again["backup"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(backups(user.home()).len(), 1);

    let other = user.json(&["connect", "claude-code", "--data-dir", "elsewhere"]);
    assert_eq!(other["outcome"], "replaced");
    let folder = other["entry"]["env"]["RAG_DATA_DIR"].as_str().unwrap();
    assert!(Path::new(folder).is_absolute() && folder.ends_with("elsewhere"));
    assert_eq!(backups(user.home()).len(), 2);

    let removed = user.json(&["connect", "claude-code", "--remove"]);
    assert_eq!(removed["outcome"], "removed");
    assert_eq!(text(&path), CLAUDE);
    let absent = user.json(&["connect", "claude-code", "--remove"]);
    assert_eq!(
        (&absent["outcome"], &absent["changed"]),
        (&json!("absent"), &json!(false))
    );
    assert_eq!(backups(user.home()).len(), 3);
}

#[test]
fn a_client_without_a_file_gets_one() {
    let user = User::new();
    for (client, section) in [
        ("claude-code", "mcpServers"),
        ("claude-desktop", "mcpServers"),
        ("cursor", "mcpServers"),
        ("vscode", "servers"),
        ("gemini-cli", "mcpServers"),
    ] {
        let added = user.json(&["connect", client, "--name", "mine"]);
        let path = PathBuf::from(added["path"].as_str().unwrap());
        assert!(path.starts_with(user.home()), "{}", path.display());
        assert_eq!(added["backup"], Value::Null, "{client}");
        assert_eq!(parsed(&path)[section]["mine"], added["entry"], "{client}");
        user.json(&["connect", client, "--name", "mine", "--remove"]);
        assert_eq!(parsed(&path), json!({ section: {} }), "{client}");
    }
    for client in ["claude-code", "cursor", "vscode", "codex", "gemini-cli"] {
        let added = user.json(&["connect", client, "--project"]);
        let path = PathBuf::from(added["path"].as_str().unwrap());
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn codex_keeps_its_comments() {
    let user = User::new();
    let before = "model = \"m\" # the best\n\n[tui]\n# theme = \"dark\"\n";
    let path = user.write(".codex/config.toml", before);
    let arguments = [
        &["connect", "codex"][..],
        &["--remote", "https://memory.example.org"],
        &["--token-env", "RAG_TOKEN"],
    ]
    .concat();
    assert_eq!(user.json(&arguments)["outcome"], "added");
    let added = "\n[mcp_servers.rag-memory]\nurl = \"https://memory.example.org/mcp\"\n\
                 bearer_token_env_var = \"RAG_TOKEN\"\n";
    assert_eq!(text(&path), [before, added].concat());
    assert_eq!(user.json(&arguments)["outcome"], "unchanged");
    user.json(&["connect", "codex", "--remove"]);
    assert_eq!(text(&path), before);
}

#[test]
fn a_server_elsewhere_is_called_with_a_token_that_is_never_shown() {
    let user = User::new();
    let remote = ["connect", "cursor", "--remote", "https://h.example.org/"];
    let named = user.json(&[&remote[..], &["--token-env", "RAG_TOKEN"]].concat());
    assert_eq!(
        named["entry"],
        json!({
            "url": "https://h.example.org/mcp",
            "headers": { "Authorization": "Bearer ${env:RAG_TOKEN}" },
        })
    );
    let command = |more: &[&str]| user.command(&[&remote[..], &["--token"], more].concat());
    let print = Run::of(command(&["very-secret", "--print"]), "");
    assert!(print.stdout.contains("Bearer ***"), "{}", print.stdout);
    let piped = Run::of(command(&["-", "--json"]), "very-secret\n");
    let typed = Run::of(command(&["very-secret"]), "");
    for run in [&print, &piped, &typed] {
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stdout.contains("very-secret"), "{}", run.stdout);
        assert!(!run.stderr.contains("very-secret"), "{}", run.stderr);
    }
    assert!(typed.stdout.contains("warning: "), "{}", typed.stdout);
    let path = user.home().join(".cursor/mcp.json");
    assert!(text(&path).contains("Bearer very-secret"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let plain = user.json(&["connect", "cursor", "--remote", "http://10.0.0.1:8000"]);
    assert!(plain["warnings"][0].as_str().unwrap().contains("https"));
}

#[test]
fn what_has_no_file_is_explained() {
    let user = User::new();
    let remote = ["--remote", "https://h.example.org"];
    let local = user.rag(&["connect", "chatgpt"]);
    assert_eq!(local.code, 2);
    assert!(
        local.stderr.contains("\n\nhint: run `rag serve`"),
        "{}",
        local.stderr
    );
    for (client, part) in [
        ("chatgpt", "MCP server URL `https://h.example.org/mcp`"),
        ("claude-desktop", "Add custom connector"),
    ] {
        let run = user.rag(&[&["connect", client][..], &remote].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.contains(part), "{}", run.stdout);
        let steps = user.json(&[&["connect", client][..], &remote].concat());
        assert_eq!(
            (&steps["path"], &steps["changed"]),
            (&Value::Null, &json!(false))
        );
    }
    let removal = user.rag(&["connect", "chatgpt", "--remove"]);
    assert_eq!(removal.code, 0, "{}", removal.stderr);
    let left: Vec<_> = std::fs::read_dir(user.home()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_file_that_cannot_be_changed_is_left_as_it_is() {
    let user = User::new();
    let shown = user.json(&["connect", "vscode", "--print"]);
    let path = PathBuf::from(shown["path"].as_str().unwrap());
    assert!(!path.exists(), "--print writes nothing");
    for content in [
        "{\n  // mine\n  \"servers\": {}\n}\n",
        "{\"servers\": {",
        "\u{0}",
    ] {
        user.write(path.to_str().unwrap(), content);
        let run = user.rag(&["connect", "vscode"]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        for part in ["was left as it is", "hint: add this", "\"rag-memory\": {"] {
            assert!(run.stderr.contains(part), "{}", run.stderr);
        }
        assert_eq!(user.rag(&["connect", "vscode", "--remove"]).code, 2);
        assert_eq!(text(&path), content);
    }
    assert!(backups(path.parent().unwrap()).is_empty());
    user.write("broken.toml", "a = \"secret");
    let run = user.rag(&["connect", "codex", "--config-file", "broken.toml"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(!run.stderr.contains("secret"), "{}", run.stderr);
}

#[test]
fn slips_are_told() {
    let user = User::new();
    for (arguments, part) in [
        (
            &["--name", "a b"][..],
            "is not a name that every client takes",
        ),
        (
            &["--remote", "h"],
            "--remote is not the address of a server",
        ),
        (&["--token-env", "RAG_TOKEN"], "--remote"),
        (&["--root", "missing"], "missing"),
        (&["--database-url", "mysql://me:secret@h/d"], "DATABASE_URL"),
    ] {
        let run = user.rag(&[&["connect", "cursor"][..], arguments].concat());
        assert_ne!(run.code, 0, "{arguments:?}");
        assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    }
    assert!(!user.home().join(".cursor").exists());
    let run = user.rag(&["connect", "claude-desktop", "--project"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
}

#[test]
fn a_password_goes_in_only_when_it_is_given() {
    let user = User::new().with("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/rag");
    let added = user.json(&["connect", "cursor"]);
    assert_eq!(added["entry"].get("env"), None);
    let warnings = added["warnings"].to_string();
    assert!(warnings.contains("DATABASE_URL"), "{warnings}");
    let url = "postgres://me:other@127.0.0.1:1/rag";
    let given = user.json(&["connect", "cursor", "--database-url", url]);
    let shown = given["entry"]["env"]["DATABASE_URL"].as_str().unwrap();
    assert_eq!(shown, "postgres://me:***@127.0.0.1:1/rag");
    assert!(given["warnings"].to_string().contains("password"));
    let path = user.home().join(".cursor/mcp.json");
    let entry = &parsed(&path)["mcpServers"]["rag-memory"];
    assert_eq!(entry["env"]["DATABASE_URL"], url);
}
