//! What the parser's Markdown has too much of.

/// Takes the HTML out of Markdown: places that links lead to, which no text
/// shows, and line breaks, which tables cannot have otherwise. Code keeps all.
pub(super) fn tidy(markdown: &str) -> String {
    let mut tidied = String::with_capacity(markdown.len());
    let mut in_code = false;
    for line in markdown.lines() {
        in_code ^= line.trim_start().starts_with("```");
        match !in_code && line.contains('<') {
            true => tidied.push_str(&without_tags(line)),
            false => tidied.push_str(line),
        }
        tidied.push('\n');
    }
    tidied
}

fn without_tags(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        kept.push_str(before);
        // What the document itself says in angle brackets is escaped.
        let escaped = before.ends_with('\\');
        rest = if let Some(after) = tag.strip_prefix("<br>").filter(|_| !escaped) {
            kept.push(' ');
            after
        } else if let Some((_, after)) = tag.split_once("</a>").filter(|(anchor, _)| {
            !escaped && anchor.starts_with("<a id=\"") && anchor.ends_with("\">")
        }) {
            after
        } else {
            kept.push('<');
            &tag[1..]
        };
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn anchors_and_breaks_go() {
        let text = "# A<a id=\"x\"></a>B\n| a<br>b |\n\\<br> 1 < 2\n```\n<br>\n```\n<br>";
        assert_eq!(
            tidy(text),
            "# AB\n| a b |\n\\<br> 1 < 2\n```\n<br>\n```\n \n"
        );
    }
}
