//! What happens to the memory when the world around it breaks.

use crate::program::{Run, User};

fn with_text() -> User {
    let user = User::new();
    user.json(&["collection", "create", "c", "--description", "x"]);
    user.json(&["ingest", "text", "kept", "-c", "c"]);
    user
}

#[test]
fn a_damaged_file_is_reported_and_left_alone() {
    let user = with_text();
    let file = user.data().join("memory.sqlite");
    for wal in ["memory.sqlite-wal", "memory.sqlite-shm"] {
        let _ = std::fs::remove_file(user.data().join(wal));
    }
    let garbage =
        b"this is no database at all, but it is long enough to look like a file".repeat(40);
    std::fs::write(&file, &garbage).unwrap();
    let run = user.rag(&["status"]);
    assert_eq!(run.code, 9, "{}", run.stderr);
    assert!(
        run.stderr.contains("memory.sqlite") && run.stderr.contains("hint:"),
        "{}",
        run.stderr
    );
    assert_eq!(std::fs::read(&file).unwrap(), garbage);
}

#[test]
fn a_deleted_data_directory_is_a_new_memory() {
    let user = with_text();
    std::fs::remove_dir_all(user.data()).unwrap();
    assert_eq!(user.json(&["status"])["documents"], 0);
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing_that_was_there() {
    let user = with_text();
    // `ulimit -f` makes the system refuse what a full disk would.
    let large = "word ".repeat(200_000);
    let file = user.write("large.txt", large);
    let script = r#"ulimit -f 400; trap '' XFSZ; exec "$0" "$@""#;
    let program = env!("CARGO_BIN_EXE_rag");
    let mut command = std::process::Command::new("bash");
    command
        .args(["-c", script, program, "ingest", "file"])
        .arg(&file)
        .args(["-c", "c"]);
    command
        .env("HOME", user.home())
        .env("RAG_DATA_DIR", user.data())
        .env("LOG_LEVEL", "error");
    let run = Run::of(command, "");
    assert_eq!(run.code, 9, "{}{}", run.stdout, run.stderr);
    let status = user.json(&["status"]);
    assert_eq!(status["documents"], 1);
    let found = user.json(&["search", "kept"]);
    assert_eq!(found["results"][0]["content"], "kept");
}

#[test]
fn a_data_directory_that_cannot_be_is_reported() {
    let user = User::new();
    let file = user.write("file", "not a directory");
    let run = user.rag(&["--data-dir", file.to_str().unwrap(), "status"]);
    assert_eq!(run.code, 9, "{}", run.stderr);
    assert!(run.stderr.contains("hint:"), "{}", run.stderr);
}
