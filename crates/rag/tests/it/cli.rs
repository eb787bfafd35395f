//! The command line.

use crate::program::{Run, User};

/// A user with a collection `notes` that has one text.
fn with_notes() -> User {
    let user = User::new();
    user.json(&["collection", "create", "notes", "--description", "Notes"]);
    user.json(&[
        "ingest",
        "text",
        "# Tides\n\nThe tide turns at noon.",
        "-c",
        "notes",
    ]);
    user
}

#[test]
fn a_folder_answers_in_one_command() {
    let user = User::new();
    user.write(
        "My Docs/ports.md",
        "# Ports\n\nThe server listens on port 8000.",
    );
    user.write("My Docs/deep/colours.md", "# Colours\n\nThe sky is blue.");
    let run = user.rag(&["try", "My Docs", "Which port does the server use?"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(
        run.stdout.starts_with("[1] ports.md > Ports\n"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("2 documents in collection `my-docs`"),
        "{}",
        run.stdout
    );

    user.write(
        "My Docs/ports.md",
        "# Ports\n\nThe server listens on port 9000.",
    );
    let again = user.json(&["try", "My Docs", "Which port does the server use?"]);
    assert_eq!(
        (&again["files_ingested"], &again["files_unchanged"]),
        (&1.into(), &1.into())
    );
    assert!(
        again["results"][0]["content"]
            .as_str()
            .unwrap()
            .contains("9000")
    );

    // Another folder of the same name is another collection.
    user.write("other/My Docs/a.md", "Something else.");
    let other = user.json(&["try", "other/My Docs", "What else?"]);
    assert_eq!(
        (&other["collection_name"], &other["documents"]),
        (&"my-docs-2".into(), &1.into())
    );
}

#[test]
fn documents_go_in_and_come_out() {
    let user = with_notes();
    let found = user.json(&["search", "when does the tide turn", "--collection", "notes"]);
    let hit = &found["results"][0];
    assert_eq!(hit["content"], "# Tides\n\nThe tide turns at noon.");
    let id = hit["source_document_id"].as_str().unwrap();

    let updated = user.json(&[
        "document",
        "update",
        id,
        "--title",
        "New",
        "--metadata",
        r#"{"a": 1}"#,
    ]);
    assert_eq!(
        updated["updated_fields"],
        serde_json::json!(["metadata", "title"])
    );
    let view = user.rag(&["document", "view", id, "--show-content", "--show-chunks"]);
    for part in [
        "title:      New",
        r#"metadata:   {"a":1}"#,
        "#0  0-32",
        "The tide turns at noon.",
    ] {
        assert!(
            view.stdout.contains(part),
            "{part} is not in {}",
            view.stdout
        );
    }
    assert!(
        user.rag(&["document", "list"])
            .stdout
            .contains("1 of 1 documents")
    );

    let refused = user.rag(&["document", "delete", id]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert_eq!(
        user.json(&["document", "delete", id, "--yes"])["chunks_deleted"],
        1
    );
    assert_eq!(user.rag(&["document", "view", id]).code, 3);
    assert_eq!(user.rag(&["collection", "delete", "notes"]).code, 2);
    assert_eq!(
        user.json(&["collection", "delete", "notes", "-y"])["deleted"],
        true
    );
}

#[test]
fn text_comes_from_standard_input() {
    let user = with_notes();
    let command = || user.command(&["ingest", "text", "-", "-c", "notes", "--title", "Piped"]);
    let run = Run::of(command(), "Äpfel und Birnen");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.starts_with("ingested document "),
        "{}",
        run.stdout
    );
    let again = Run::of(command(), "Äpfel und Birnen");
    assert_eq!(again.code, 4);
    assert!(
        again.stderr.contains("is in collection `notes` already"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_directory_reports_every_file() {
    let user = with_notes();
    user.write("d/a.md", "alpha");
    user.write("d/bad.md", b"\0");
    let ingest = ["ingest", "directory", "d", "-c", "notes", "--recursive"];
    let run = user.rag(&ingest);
    assert_eq!(run.code, 1, "a file failed");
    assert!(
        run.stdout
            .contains("2 files found: 1 ingested (1 chunk), 0 unchanged"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("failed bad.md: "), "{}", run.stdout);
    std::fs::remove_file(user.home().join("d/bad.md")).unwrap();
    assert_eq!(user.json(&ingest)["files_unchanged"], 1);
    user.write("d/a.md", "beta");
    assert_eq!(user.json(&ingest)["files_skipped"], 1);
    assert_eq!(
        user.json(&[&ingest[..], &["--reingest"]].concat())["files_ingested"],
        1
    );
}

#[cfg(unix)]
#[test]
fn an_archive_is_put_in_file_by_file() {
    let user = with_notes();
    user.write("pack/one.md", "The first of the pack.");
    user.write(
        "pack/deep/two.html",
        "<h1>Two</h1><p>The second of the pack.</p>",
    );
    let mut tar = std::process::Command::new("tar");
    tar.args(["czf", "pack.tar.gz", "pack"])
        .current_dir(user.home());
    assert!(tar.status().unwrap().success());
    let ingest = ["ingest", "file", "pack.tar.gz", "-c", "notes"];
    let run = user.rag(&ingest);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("2 ingested"), "{}", run.stdout);
    let again = user.json(&ingest);
    assert_eq!(again["files_ingested"], 0, "{again}");
    let found = user.json(&["search", "the second of the pack", "-c", "notes"]);
    let source = found["results"][0]["source_uri"].as_str().unwrap();
    assert!(
        source.ends_with("pack.tar.gz#pack/deep/two.html"),
        "{source}"
    );
}

#[test]
fn globs_choose_files() {
    let user = with_notes();
    for name in ["d/guide/a.md", "d/guide/b.md", "d/old/a.md"] {
        user.write(name, format!("The text of {name}."));
    }
    let ingest = ["ingest", "directory", "d", "-c", "notes", "--recursive"];
    let chosen = ["--include", "guide/**", "--exclude", "b.md"];
    let ingested = user.json(&[&ingest[..], &chosen].concat());
    assert_eq!(ingested["files_ingested"], 1, "{ingested}");
    let wrong = user.rag(&[&ingest[..], &["--include", "[a"]].concat());
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("`[a`"), "{}", wrong.stderr);
}

#[test]
fn mistakes_say_what_to_do() {
    let user = with_notes();
    for (arguments, code, parts) in [
        (&["serach", "x"][..], 2, &["search"][..]),
        (
            &["search", "x", "-c", "noets"],
            3,
            &["collection `noets` does not exist", "did you mean `notes`?"],
        ),
        (&["search", " "], 2, &["the query is blank"]),
        (
            &["search", "x", "--limit", "0"],
            2,
            &["`limit` must be from 1 to 50, not 0"],
        ),
        (
            &["search", "x", "--limit", "many"],
            2,
            &["invalid value 'many'"],
        ),
        (
            &["search", "x", "--metadata", "[]"],
            2,
            &["`--metadata` is not a JSON object"],
        ),
        (
            &["ingest", "file", "missing.md", "-c", "notes"],
            3,
            &["`missing.md` does not exist"],
        ),
        (
            &["ingest", "file", "data", "-c", "notes"],
            2,
            &["is not a file"],
        ),
        (&["ingest", "text", " ", "-c", "notes"], 2, &["has no text"]),
        (
            &["document", "view", "42"],
            2,
            &["`42` is not a document id"],
        ),
        (
            &["collection", "create", "A B", "--description", "x"],
            2,
            &["is not a collection name"],
        ),
        (
            &["collection", "create", "notes", "--description", "x"],
            4,
            &["already exists"],
        ),
        (&["try", "missing", "what?"], 3, &["cannot read `missing`"]),
        (&["job", "show", "0000000000000"], 3, &["job"]),
        (
            &[
                "ingest",
                "url",
                "https://example.org",
                "-c",
                "notes",
                "--render",
                "sometimes",
            ],
            2,
            &["invalid value 'sometimes'", "never"],
        ),
        (
            &["collection", "status", "noets"],
            3,
            &["did you mean `notes`?"],
        ),
        (
            &["--database-url", "mysql://u:p@h/d", "status"],
            2,
            &["DATABASE_URL (from the command line)"],
        ),
        (
            &["serve", "--auth", "maybe"],
            2,
            &["RAG_AUTH (from the command line)", "`required` or `off`"],
        ),
        (
            &["token", "create", "t", "--expires", "soon"],
            2,
            &["write it like 30m, 12h or 90d"],
        ),
    ] {
        let run = user.rag(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments:?}");
        for part in parts {
            assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
        }
        assert!(!run.stderr.contains("u:p"), "{}", run.stderr);
    }
}

#[test]
fn errors_are_json_when_results_are() {
    let run = with_notes().rag(&["search", "x", "-c", "noets", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!(error["error"]["kind"], "not_found");
    assert_eq!(error["error"]["hint"], "did you mean `notes`?");
}

#[test]
fn the_check_up_passes_and_sees_slips() {
    let user = with_notes();
    let healthy = user.rag(&["doctor"]);
    assert_eq!(healthy.code, 0, "{}", healthy.stdout);
    assert!(
        healthy
            .stdout
            .contains("ok    embedding: all-MiniLM-L6-v2-int8"),
        "{}",
        healthy.stdout
    );
    for part in [
        "browser: ",
        "private hosts: no private host",
        "github: no token",
    ] {
        assert!(healthy.stdout.contains(part), "{}", healthy.stdout);
    }
    let mut slipped = user.command(&["doctor"]);
    slipped.env("RAG_EMBEDING", "local");
    let slipped = Run::of(slipped, "");
    assert!(
        slipped.stdout.contains("did you mean RAG_EMBEDDING?"),
        "{}",
        slipped.stdout
    );
    let mut broken = user.command(&["doctor"]);
    broken.env("RAG_EMBEDDING", "./no-model");
    let broken = Run::of(broken, "");
    assert_ne!(broken.code, 0);
    assert!(broken.stdout.contains("FAIL"), "{}", broken.stdout);
}

#[test]
fn an_agent_started_at_the_root_may_have_no_file_read() {
    let user = with_notes();
    let file = user.write("secret.md", "secret");
    let call = serde_json::json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "ingest_file",
        "arguments": {"file_path": file, "collection_name": "notes"},
    }});
    let input = format!(
        "{}\n{}\n{call}\n",
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    );
    for (folder, allowed) in [(std::path::Path::new("/"), false), (user.home(), true)] {
        let mut command = user.command(&["mcp"]);
        command.current_dir(folder);
        let run = Run::of(command, &input);
        let outside = run
            .stdout
            .contains("is outside of the folders that may be read");
        assert_eq!(outside, !allowed, "{}: {}", folder.display(), run.stdout);
    }
}
