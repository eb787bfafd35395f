//! Splits a byte stream into lines of bounded length.
//!
//! It leaves what a line means to its caller.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Space kept for the next line; a longer line's is given back.
const KEPT_BYTES: usize = 1024 * 1024;

/// A byte stream, line by line.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    line_bytes_max: usize,
}

/// What comes next in a byte stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line, without its line feed. The last one needs none.
    Text(&'a [u8]),
    /// A line beyond the limit, which was skipped.
    TooLong,
    /// Nothing any more.
    End,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of `reader`, none longer than `line_bytes_max`.
    pub(super) fn new(reader: R, line_bytes_max: usize) -> Self {
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            line_bytes_max,
        }
    }

    /// Waits for the next line. Not to be dropped half-way: what it had read
    /// of the line is forgotten.
    pub(super) async fn next(&mut self) -> io::Result<Line<'_>> {
        if self.line.capacity() > KEPT_BYTES {
            self.line = Vec::new();
        }
        self.line.clear();
        let mut is_too_long = false;
        let mut has_begun = false;
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                return Ok(match (has_begun, is_too_long) {
                    (false, _) => Line::End,
                    (true, true) => Line::TooLong,
                    (true, false) => Line::Text(&self.line),
                });
            }
            has_begun = true;
            let end = available.iter().position(|&byte| byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            if is_too_long || self.line.len() + part.len() > self.line_bytes_max {
                is_too_long = true;
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(part);
            }
            let used = end.map_or(available.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(if is_too_long {
                    Line::TooLong
                } else {
                    Line::Text(&self.line)
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line of `input` as text, `#` for one that is too long.
    async fn split(input: &[u8], line_bytes_max: usize) -> Vec<String> {
        let mut lines = Lines::new(input, line_bytes_max);
        let mut found = Vec::new();
        loop {
            match lines.next().await.expect("memory can be read") {
                Line::Text(text) => found.push(String::from_utf8_lossy(text).into_owned()),
                Line::TooLong => found.push("#".to_owned()),
                Line::End => return found,
            }
        }
    }

    #[tokio::test]
    async fn lines_are_split_and_bounded() {
        let cases: &[(&str, usize, &[&str])] = &[
            ("", 4, &[]),
            ("a", 4, &["a"]),
            ("a\n", 4, &["a"]),
            ("a\n\nb\n", 4, &["a", "", "b"]),
            ("abcd\nabcde\nab\n", 4, &["abcd", "#", "ab"]),
            ("abcde", 4, &["#"]),
            ("a\r\nb", 4, &["a\r", "b"]),
        ];
        for (input, line_bytes_max, expected) in cases {
            assert_eq!(
                split(input.as_bytes(), *line_bytes_max).await,
                *expected,
                "{input:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_line_may_be_longer_than_the_reader_s_buffer() {
        let long = "x".repeat(100_000);
        let input = format!("{long}\n{long}y\nz");
        assert_eq!(
            split(input.as_bytes(), 100_000).await,
            [long, "#".to_owned(), "z".to_owned()]
        );
    }
}
