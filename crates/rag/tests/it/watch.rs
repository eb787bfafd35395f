//! `rag watch`: a collection in step with a directory.

use std::fs;

use serde_json::Value;

use crate::program::{Running, User};

/// The next report that is printed.
fn report(running: &Running) -> Value {
    serde_json::from_str(&running.line()).unwrap()
}

fn counts(report: &Value) -> [u64; 2] {
    ["files_ingested", "files_removed"].map(|name| report[name].as_u64().unwrap())
}

/// The titles of all documents, in order.
fn titles(user: &User) -> Vec<String> {
    let list = user.json(&["document", "list"]);
    let documents = list["documents"].as_array().unwrap().iter();
    let mut titles: Vec<String> = documents
        .map(|document| document["filename"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    titles
}

#[test]
fn a_directory_is_followed() {
    let user = User::new().with_collection("notes");
    user.write("notes/a.md", "The first note.");
    user.write("notes/drafts/d.md", "A draft.");
    let notes = user.home().join("notes");
    let watch = [
        "watch",
        "notes",
        "-c",
        "notes",
        "--exclude",
        "drafts/**",
        "--json",
    ];
    let running = Running::start(user.command(&watch));
    assert_eq!(counts(&report(&running)), [1, 0], "the first run");

    user.write("notes/deep/b.md", "Another note.");
    assert_eq!(
        counts(&report(&running)),
        [1, 0],
        "a new file in a new folder"
    );
    user.write("notes/a.md", "The first note, changed.");
    assert_eq!(counts(&report(&running)), [1, 0], "a change");
    // What an editor does that saves by rename.
    user.write("notes/a.md~new", "The first note, changed again.");
    fs::rename(notes.join("a.md~new"), notes.join("a.md")).unwrap();
    assert_eq!(counts(&report(&running)), [1, 0], "a save by rename");
    // None of these is a document of the collection, so no line tells of them.
    user.write("notes/drafts/e.md", "Another draft.");
    user.write("notes/picture.bin", b"\0");
    fs::rename(notes.join("a.md"), notes.join("c.md")).unwrap();
    assert_eq!(counts(&report(&running)), [1, 1], "a rename");
    fs::remove_file(notes.join("deep/b.md")).unwrap();
    assert_eq!(counts(&report(&running)), [0, 1], "a file that goes");
    user.write("notes/deep/b.md", "Another note.");
    assert_eq!(counts(&report(&running)), [1, 0], "and comes back");

    assert_eq!(titles(&user), ["b.md", "c.md"]);
    running.signal("INT");
    let run = running.end();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn what_cannot_be_watched_is_told() {
    let user = User::new().with_collection("notes");
    user.write("file.md", "A file.");
    for (path, collection, code) in [
        ("missing", "notes", 3),
        ("file.md", "notes", 2),
        (".", "none", 3),
    ] {
        let run = user.rag(&["watch", path, "-c", collection]);
        assert_eq!(run.code, code, "{path}: {}", run.stderr);
    }
}
