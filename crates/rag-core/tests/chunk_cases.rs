//! The chunker against the cases in `testdata/chunk`: one file each, with the
//! settings, the text and the chunks expected of it. Run with `UPDATE_EXPECT=1`
//! to write down what comes out; then read it.

use std::convert::Infallible;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use rag_core::chunk::chunk;
use rag_core::model::{Chunk, MediaType};
use rag_core::port::TokenLimits;

const SEPARATOR: &str = "\n=====\n";

#[test]
fn texts_are_cut_as_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/chunk");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let wrong: Vec<String> = cases.iter().filter_map(|path| check(path)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the case, if anything.
fn check(path: &Path) -> Option<String> {
    let case = std::fs::read_to_string(path).expect("the case can be read");
    let (settings, rest) = case
        .split_once(SEPARATOR)
        .expect("settings end with `=====`");
    let (input, expected) = rest
        .split_once(SEPARATOR)
        .expect("the text ends with `=====`");
    let setting = |name: &str| {
        let lines = settings.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|line| line.0 == name)
            .map(|line| line.1.to_owned())
            .next()
    };
    let number = |name: &str| -> usize {
        setting(name)
            .and_then(|value| value.parse().ok())
            .expect("the limits are set")
    };
    let input = match setting("lines").as_deref() {
        Some("crlf") => input.replace('\n', "\r\n"),
        _ => input.to_owned(),
    };
    let media_type = MediaType::from_name(&setting("type").expect("the type is set"));
    let limits = TokenLimits {
        target: number("target"),
        max: number("max"),
    };
    let title = setting("title").unwrap_or_default();
    let Ok(chunks) = chunk(&input, media_type, &title, limits, words);
    let found = show(&input, &chunks);
    if found == expected {
        return None;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let updated = case[..case.len() - expected.len()].to_owned() + &found;
        std::fs::write(path, updated).expect("the case can be written");
    }
    Some(format!(
        "{}:\nexpected\n{expected}\nfound\n{found}",
        path.display()
    ))
}

fn words(text: &str) -> Result<usize, Infallible> {
    Ok(text.split_whitespace().count())
}

fn show(input: &str, chunks: &[Chunk]) -> String {
    let mut shown = String::new();
    for chunk in chunks {
        let span = chunk.span;
        assert_eq!(&input[span.start..span.end], chunk.text);
        let path = chunk.heading_path.join(" > ");
        writeln!(
            shown,
            "#{} bytes {}..{} chars {}..{} under [{path}]",
            chunk.index, span.start, span.end, span.char_start, span.char_end
        )
        .expect("a string takes all");
        for line in chunk.text.lines() {
            writeln!(shown, "| {line}").expect("a string takes all");
        }
    }
    shown
}
