//! Holds the error texts that documents explain to what is said.

use crate::tidy::{files, root};

/// The sections that explain errors, by the quoted text in the first column of a
/// table or at the start of an item.
const SECTIONS: [&str; 2] = ["## When it fails", "## Troubleshooting"];

/// What others say there, and what is no error.
const NOT_OURS: [&str; 6] = [
    "/health",
    "flyctl",
    "flyctl logs",
    "Could not find App",
    "Out of memory",
    "release command failed",
];

/// Shorter parts could be found anywhere.
const PART_MIN: usize = 8;

#[test]
fn explained_errors_are_those_that_are_said() {
    let said = said();
    let is_said = |part: &str| {
        // Errors of stores begin with `cannot {action}`.
        let action = part.strip_prefix("cannot ").unwrap_or(part);
        said.contains(part) || said.contains(action)
    };
    let mut count = 0;
    let mut wrong = Vec::new();
    for path in files(&root().join("docs"), "md") {
        let document = std::fs::read_to_string(&path).unwrap();
        for text in explained(&document) {
            if NOT_OURS.contains(&text) {
                continue;
            }
            count += 1;
            // What is told comes in parts, each followed by its cause.
            let parts = filled(text).replace(": ", "…");
            let mut parts = parts
                .split('…')
                .filter(|part| part.chars().count() >= PART_MIN)
                .peekable();
            if parts.peek().is_none() || !parts.all(is_said) {
                wrong.push(format!("{}: `{text}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "nothing says:\n{}", wrong.join("\n"));
    assert!(count >= 25, "only {count} errors were found");
}

/// The texts between backticks that a document explains.
fn explained(document: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        if line.starts_with('#') {
            inside = SECTIONS.contains(&line);
        }
        let place = match line.strip_prefix("| ") {
            Some(row) => row.split(" | ").next(),
            None if line.starts_with("- `") => line.find("`: ").map(|end| &line[..=end]),
            None => None,
        };
        texts.extend(place.filter(|_| inside).into_iter().flat_map(code));
    }
    texts
}

/// What is between as many backticks as it began with.
fn code(mut line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    while let Some(start) = line.find('`') {
        let rest = line[start..].trim_start_matches('`');
        let fence = "`".repeat(line.len() - start - rest.len());
        let Some(end) = rest.find(&fence) else {
            break;
        };
        found.push(rest[..end].trim());
        line = &rest[end + fence.len()..];
    }
    found
}

/// A quoted text with `{}` for what differs from time to time.
fn filled(text: &str) -> String {
    let differs = |word: &str| word == "N" || word == "M" || word.parse::<u32>().is_ok();
    let words: Vec<String> = text
        .split(' ')
        .map(|word| {
            let bare = word.trim_end_matches(',');
            match differs(bare) {
                true => word.replace(bare, "{}"),
                false => word.to_owned(),
            }
        })
        .collect();
    words.join(" ")
}

/// The sources of all that is said, without comments: each string in one line,
/// with `{}` for what is filled in.
fn said() -> String {
    let mut said = String::new();
    for (folder, extension, comment) in [
        ("crates", "rs", "//"),
        ("scripts", "sh", "#"),
        ("deploy", "sh", "#"),
    ] {
        for path in files(&root().join(folder), extension) {
            if path.components().any(|part| part.as_os_str() == "tests") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines().map(str::trim_start) {
                if line.starts_with(comment) {
                    continue;
                }
                // A string goes on after a backslash, without what indents it.
                match line.strip_suffix('\\') {
                    Some(begun) => said.push_str(begun),
                    None => {
                        said.push_str(line);
                        said.push('\n');
                    }
                }
            }
        }
    }
    without_names(&said.replace("\\\"", "\""))
}

/// `{}` for each `{name}`, `{0}` or `{value:?}`; braces around code stay.
fn without_names(source: &str) -> String {
    let mut pieces = source.split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece
            .find('}')
            .filter(|end| !piece[..*end].contains(char::is_whitespace));
        text.push('{');
        text.push_str(&piece[end.unwrap_or(0)..]);
    }
    text
}

#[test]
fn texts_are_taken_as_they_are_meant() {
    let document = "# One\n| `no error` | x |\n## When it fails\n| message | what |\n|---|---|\n\
                    | `one …`, `` the `two` `` | `not this` |\n- `three`: do `that`\n- four\n\
                    ## Another\n- `five`: none\n";
    assert_eq!(explained(document), ["one …", "the `two`", "three"]);
    assert_eq!(filled("all 10 of N, for 3 s"), "all {} of {}, for {} s");
    assert_eq!(
        without_names("\"{a} {} {b.c:?}\" { x } {{{d}}}"),
        "\"{} {} {}\" { x } {{{}}}"
    );
}
