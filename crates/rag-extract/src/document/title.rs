//! What a document calls itself.

/// The longest title that is one.
const TITLE_CHARS_MAX: usize = 300;
/// What programs write when nobody gave a title.
const MEANINGLESS: &[&str] = &[
    "untitled",
    "(anonymous)",
    "unnamed",
    "powerpoint presentation",
    "presentation",
    "document",
    "document1",
    "book1",
    "slide 1",
    "template",
    "no title",
    "title",
    "microsoft word",
    "print",
];
/// What follows the name of the file that a document was made of.
const FILE_ENDINGS: &[&str] = &[
    ".doc", ".docx", ".dvi", ".indd", ".tex", ".qxd", ".ppt", ".pptx", ".xls", ".xlsx", ".rtf",
    ".odt", ".pdf", ".fm", ".p65", ".cdr", ".dwg", ".txt", ".htm", ".html",
];
/// How many lines are searched for a heading.
const LINES_SEARCHED: usize = 2_000;

/// A title from a document's properties, unless it is one that says nothing.
pub(super) fn sensible(title: &str) -> Option<String> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = title
        .strip_prefix("Microsoft Word - ")
        .or_else(|| title.strip_prefix("Microsoft PowerPoint - "))
        .unwrap_or(&title);
    let lower = title.to_lowercase();
    let speaks = title
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .count()
        >= 2
        && !title.contains('\u{fffd}')
        && title.chars().count() <= TITLE_CHARS_MAX
        && !MEANINGLESS.contains(&lower.as_str())
        && !FILE_ENDINGS.iter().any(|ending| lower.ends_with(ending));
    speaks.then(|| title.to_owned())
}

/// The first heading of a Markdown text, as a reader sees it.
pub(super) fn of_markdown(text: &str) -> Option<String> {
    let mut fence: Option<&str> = None;
    let mut before = "";
    for line in text.lines().take(LINES_SEARCHED) {
        let line = line.trim_end();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (Some(_), _) => {}
            (None, None) => {
                let level = line.bytes().take_while(|&byte| byte == b'#').count();
                if (1..=6).contains(&level) && line[level..].starts_with(' ') {
                    return plain(line[level..].trim_end_matches('#'));
                }
                let underlined = !line.is_empty() && line.bytes().all(|byte| byte == b'=');
                if underlined && !before.trim().is_empty() {
                    return plain(before);
                }
            }
        }
        before = line;
    }
    None
}

/// The title of a reStructuredText: the first line under (and perhaps also
/// over) which there is a line of one punctuation character, at least as long.
pub(super) fn of_restructured(text: &str) -> Option<String> {
    let lines: Vec<&str> = text
        .lines()
        .take(LINES_SEARCHED)
        .map(str::trim_end)
        .collect();
    lines.windows(2).find_map(|pair| {
        let (line, under) = (pair[0].trim(), pair[1]);
        let titled = !line.is_empty()
            && !is_adornment(line)
            && !line.starts_with("..")
            && is_adornment(under)
            && under.chars().count() >= line.chars().count();
        titled.then(|| plain(line)).flatten()
    })
}

fn is_adornment(line: &str) -> bool {
    let mut letters = line.chars();
    letters.next().is_some_and(|first| {
        first.is_ascii_punctuation() && line.len() >= 2 && letters.all(|letter| letter == first)
    })
}

/// A heading without its marks: links as their text, no emphasis.
fn plain(heading: &str) -> Option<String> {
    let mut text = String::with_capacity(heading.len());
    let mut letters = heading.trim().chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek().is_some_and(char::is_ascii_punctuation) => {
                text.extend(letters.next());
            }
            '`' | '*' | '[' => {}
            // The target of a link.
            ']' if letters.peek() == Some(&'(') => {
                letters.by_ref().find(|&letter| letter == ')');
            }
            ']' => {}
            letter => text.push(letter),
        }
    }
    let text: String = text.trim().chars().take(TITLE_CHARS_MAX).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_write_is_no_title() {
        for (title, expected) in [
            ("  Keeping\n the Lamp ", Some("Keeping the Lamp")),
            ("Microsoft Word - Tides", Some("Tides")),
            ("Microsoft Word - tides.doc", None),
            ("Untitled", None),
            ("thesis.dvi", None),
            ("PowerPoint Presentation", None),
            ("12", None),
            ("", None),
        ] {
            assert_eq!(sensible(title).as_deref(), expected, "{title:?}");
        }
    }

    #[test]
    fn the_first_heading_is_found() {
        for (text, expected) in [
            ("# One\n\n# Two", Some("One")),
            (
                "intro\n\n## The `lamp` and [oil](x.md) ##\n",
                Some("The lamp and oil"),
            ),
            ("```sh\n# no heading\n```\n# Yes", Some("Yes")),
            ("Under\n=====\n", Some("Under")),
            ("#no\n#######\n", None),
            ("plain", None),
        ] {
            assert_eq!(of_markdown(text).as_deref(), expected, "{text:?}");
        }
        for (text, expected) in [
            ("=====\nLamps\n=====\n\nText", Some("Lamps")),
            (".. _ref:\n\nOil\n---\n", Some("Oil")),
            ("Too long\n---\n", None),
        ] {
            assert_eq!(of_restructured(text).as_deref(), expected, "{text:?}");
        }
    }
}
