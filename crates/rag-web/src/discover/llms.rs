//! llms.txt: what a site wants language models to read (llmstxt.org).

use std::collections::HashSet;

use tokio::task::spawn_blocking;
use url::Url;

use super::{LlmsTxt, fetch_guessed};
use crate::fetch::Limits;
use crate::scope::URL_CHARS_MAX;
use crate::{FetchError, Fetched, Fetcher, canonical};

/// How much of a file is looked at; those that are in use have a few kB.
const LIMITS: Limits = Limits {
    body_bytes_max: 2 << 20,
    redirects_max: 5,
    cut: true,
    insist: false,
    obey_elsewhere: false,
};

/// The most links that are kept.
const LINKS_MAX: usize = 10_000;

/// How deep brackets may be nested in a link's name, and parentheses in its
/// address.
const NESTING_MAX: usize = 32;

/// What the llms.txt at `url` offers, if there is one.
pub(super) async fn read(fetcher: &Fetcher, url: &Url) -> Result<Option<LlmsTxt>, FetchError> {
    let Some(fetched) = fetch_guessed(fetcher, url, &LIMITS).await? else {
        return Ok(None);
    };
    let content_type = fetched.content_type.as_deref().unwrap_or_default();
    if content_type.to_ascii_lowercase().contains("html") {
        return Ok(None);
    }
    let Fetched { url, body, .. } = fetched;
    // One that is large and hostile keeps a thread busy for a moment.
    let parsing = spawn_blocking(move || parse(&String::from_utf8_lossy(&body), &url)).await;
    Ok(parsing.unwrap_or_default())
}

/// Reads the Markdown of an llms.txt: its first heading and its links, outside
/// of code. `None` for a text that has neither, which is something else.
fn parse(text: &str, base: &Url) -> Option<LlmsTxt> {
    let mut title = None;
    let mut links = Vec::new();
    let mut known = HashSet::new();
    let mut in_code = false;
    if text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
    {
        return None;
    }
    for line in text.trim_start_matches('\u{feff}').lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        if title.is_none()
            && let Some(heading) = trimmed.strip_prefix("# ")
        {
            title = Some(heading.trim().trim_end_matches('#').trim_end().to_owned());
        }
        for target in targets(line) {
            let Some(link) = base.join(&target).ok().map(|link| canonical(&link)) else {
                continue;
            };
            let is_page = matches!(link.scheme(), "http" | "https");
            if is_page && links.len() < LINKS_MAX && known.insert(link.clone()) {
                links.push(link);
            }
        }
    }
    (title.is_some() || !links.is_empty()).then(|| LlmsTxt {
        url: base.clone(),
        title,
        links,
    })
}

/// The addresses of the links `[name](address)` in a line; images have none. A
/// name may hold brackets and images, an address parentheses. Every character
/// is looked at a bounded number of times.
fn targets(line: &str) -> Vec<String> {
    let bytes = line.as_bytes();
    let mut targets = Vec::new();
    // Whether each bracket that is open begins an image.
    let mut open: Vec<bool> = Vec::new();
    let mut code_may_end = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'`' if code_may_end => match line[at + 1..].find('`') {
                Some(length) => at += length + 1,
                None => code_may_end = false,
            },
            b'[' if open.len() < NESTING_MAX => open.push(at > 0 && bytes[at - 1] == b'!'),
            b']' => {
                let is_image = open.pop();
                if let Some(is_image) = is_image
                    && bytes.get(at + 1) == Some(&b'(')
                    && let Some((target, length)) = destination(&bytes[at + 2..])
                {
                    if !is_image {
                        targets.push(target);
                    }
                    at += 1 + length;
                }
            }
            _ => {}
        }
        at += 1;
    }
    targets
}

/// Reads `address)`, `<address>)` or `address "title")`, and how many bytes the
/// address has with what is around it.
fn destination(bytes: &[u8]) -> Option<(String, usize)> {
    let bytes = &bytes[..bytes.len().min(URL_CHARS_MAX)];
    let start = bytes.iter().position(|&byte| byte != b' ')?;
    let text = &bytes[start..];
    if let Some(inner) = text.strip_prefix(b"<") {
        let end = inner.iter().position(|&byte| byte == b'>')?;
        return target(&inner[..end]).map(|target| (target, start + end + 2));
    }
    let mut depth = 0;
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'\\' => at += 1,
            b'(' if depth == NESTING_MAX => return None,
            b'(' => depth += 1,
            b')' if depth == 0 => break,
            b')' => depth -= 1,
            b' ' | b'\t' => {
                // Only a title may follow.
                let rest = text[at..].trim_ascii_start();
                if !matches!(rest.first(), Some(b'"' | b'\'' | b'(' | b')')) {
                    return None;
                }
                break;
            }
            _ => {}
        }
        at += 1;
    }
    target(&text[..at]).map(|target| (target, start + at))
}

/// An address without the backslashes that Markdown puts before punctuation.
fn target(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escapes =
            character == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation);
        if !escapes {
            out.push(character);
        } else if let Some(escaped) = characters.next() {
            out.push(escaped);
        }
    }
    // An empty address is that of the file itself.
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_from_a_line() {
        for (line, expected) in [
            ("- [a](/a): about a", &["/a"][..]),
            ("[a](/a) and [b](b.md)", &["/a", "b.md"]),
            ("[a [inner] name](/a)", &["/a"]),
            ("[a](/wiki/A_(letter))", &["/wiki/A_(letter)"]),
            ("[a](</with space>)", &["/with space"]),
            (r#"[a](/a "the title (1)")"#, &["/a"]),
            (r"[a](/a\)b)", &["/a)b"]),
            (r"\[a](/a) [b\]](/b)", &["/b"]),
            ("![image](/i.png)", &[]),
            ("[![image](/i.png)](/a)", &["/a"]),
            ("`[a](/a)` [b](/b)", &["/b"]),
            ("a ` alone [b](/b)", &["/b"]),
            ("[ä](/ö?ü=ß)", &["/ö?ü=ß"]),
            ("[a] (/a)", &[]),
            ("[a](not an address)", &[]),
            ("[a](/never-closed", &[]),
            ("[a]()", &[]),
            ("](/a) [", &[]),
            ("", &[]),
            (r"[a](/a\", &[]),
        ] {
            assert_eq!(targets(line), expected, "{line}");
        }
    }

    #[test]
    fn a_text_of_brackets_takes_no_time() {
        let base = Url::parse("https://a.example/llms.txt").unwrap();
        for piece in ["[", "]", "[](", "[](<", "[](a", "[a](/a)", "`", "(", "\\["] {
            let text = piece.repeat(200_000 / piece.len());
            let started = std::time::Instant::now();
            let _ = parse(&text, &base);
            assert!(started.elapsed().as_secs() < 2, "{piece}");
        }
    }

    #[test]
    fn a_file_has_a_title_and_links() {
        let base = Url::parse("https://a.example/docs/llms.txt").unwrap();
        let text = "\u{feff}# The title #\n\n> What it is.\n\n## Docs\n\n- [One](one.md): first\n\
                    - [Two](/two#part)\n- [Two again](/two)\n- [Mail](mailto:a@b.example)\n\
                    ```\n[code](/code)\n```\n- [Far](https://b.example/x?utm_source=llms)\n# Other\n";
        let found = parse(text, &base).unwrap();
        assert_eq!(found.title.as_deref(), Some("The title"));
        let links: Vec<&str> = found.links.iter().map(Url::as_str).collect();
        assert_eq!(
            links,
            [
                "https://a.example/docs/one.md",
                "https://a.example/two",
                "https://b.example/x"
            ]
        );
        for other in [
            "",
            "Not found",
            "<!doctype html><h1>[a](/a)</h1>",
            "404\n## no",
        ] {
            assert_eq!(parse(other, &base), None, "{other}");
        }
    }
}
