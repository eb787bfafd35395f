//! Holds the repository to its own conventions.

use std::path::{Path, PathBuf};

/// A file longer than this probably has a second subject in it.
const LINES_MAX: usize = 450;

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The files below `folder` with that extension, build output left out.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules", ".git", "testdata"].contains(&&*name) {
                pending.push(path);
            } else if path.extension().is_some_and(|own| own == extension) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "there are no .{extension} files");
    found
}

#[test]
fn every_module_says_what_it_is_for() {
    for path in files(&root().join("crates"), "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("//! "),
            "{} does not open with `//!`",
            path.display()
        );
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
        assert!(!path.ends_with("mod.rs"), "{}", path.display());
    }
}

#[test]
fn dependencies_point_one_way() {
    // What each crate may use of the others, outside of its tests.
    for (name, allowed) in [
        ("rag-core", &[][..]),
        ("rag-extract", &["rag-core"]),
        ("rag-source", &["rag-core", "rag-extract"]),
        ("rag-web", &["rag-core"]),
        ("rag-browser", &["rag-web"]),
        ("rag-embed", &["rag-core"]),
        ("rag-store", &["rag-core"]),
        (
            "rag-memory",
            &["rag-core", "rag-extract", "rag-source", "rag-web"],
        ),
        ("rag-mcp", &["rag-memory"]),
    ] {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(manifest).unwrap();
        let own = text.split("[dependencies]").nth(1).unwrap();
        let own = own.split("\n[").next().unwrap();
        let used = own.lines().filter_map(|line| line.split(['.', ' ']).next());
        for dependency in used.filter(|dependency| dependency.starts_with("rag-")) {
            assert!(
                allowed.contains(&dependency),
                "{name} depends on {dependency}"
            );
        }
    }
}

#[test]
fn features_are_looked_at_where_parts_are_chosen() {
    for path in files(&root().join("crates"), "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for pair in lines.windows(2) {
            let looks = pair[0].starts_with("#[cfg(") && pair[0].contains("feature = ");
            let chooses = path.ends_with("open.rs") || pair[1].contains("mod ");
            assert!(!looks || chooses, "{}: {}", path.display(), pair[1]);
        }
    }
}

#[test]
fn only_the_configuration_reads_the_environment() {
    for path in files(&root().join("crates"), "rs") {
        let shown = path.display().to_string();
        if shown.contains("/tests/") || shown.contains("/examples/") || shown.contains("/config/") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("env::var"), "{shown} reads the environment");
    }
}

#[test]
fn documents_name_files_that_exist() {
    for path in files(&root(), "md") {
        let text = std::fs::read_to_string(&path).unwrap();
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = target.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            let linked = path.parent().unwrap().join(target);
            assert!(
                linked.exists(),
                "{} names {target}, which does not exist",
                path.display()
            );
        }
    }
}
