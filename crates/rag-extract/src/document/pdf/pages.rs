//! The pages of a text that has marks between them.

/// What a page's mark begins and ends with, on a line of its own.
const MARK: (&str, &str) = ("<!-- Page ", " -->");
/// What stands between two pages.
const BREAK: &str = "\n\n";

/// The text of each page. Marks count upwards, so what looks like one in a
/// page's text is none.
pub(super) fn split(markdown: &str, page_count: u32) -> Vec<String> {
    let mut pages = vec![String::new(); page_count as usize];
    let mut current = 0;
    for line in markdown.lines() {
        let mark = line.strip_prefix(MARK.0);
        let number = mark.and_then(|mark| mark.strip_suffix(MARK.1)?.parse().ok());
        match number {
            Some(number) if number > current && number <= pages.len() => current = number,
            _ => {
                if let Some(page) = pages.get_mut(current.saturating_sub(1)) {
                    page.push_str(line);
                    page.push('\n');
                }
            }
        }
    }
    for page in &mut pages {
        *page = page.trim_matches('\n').to_owned();
    }
    pages
}

/// Gives the empty page at `index` what is its own of the text before it:
/// from where the text that it has `alone` begins.
pub(super) fn part(pages: &mut [String], index: usize, alone: &str) {
    let first = alone
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with(MARK.0));
    let before = pages[..index].iter().rposition(|page| !page.is_empty());
    let (Some(first), Some(before)) = (first, before) else {
        return;
    };
    if let Some(at) = pages[before].find(first).filter(|&at| at > 0) {
        let own = pages[before].split_off(at);
        pages[before].truncate(pages[before].trim_end().len());
        pages[index] = own;
    }
}

/// All pages as one text, and the character at which each begins. A page
/// without text begins where the next one does.
pub(super) fn join(pages: &[String]) -> (String, Vec<u64>) {
    let mut text = String::new();
    let mut chars = 0;
    let mut offsets = Vec::with_capacity(pages.len());
    for page in pages {
        if !page.is_empty() && !text.is_empty() {
            text.push_str(BREAK);
            chars += BREAK.len() as u64;
        }
        let pending = page.is_empty() && !text.is_empty();
        offsets.push(chars + if pending { BREAK.len() as u64 } else { 0 });
        text.push_str(page);
        chars += page.chars().count() as u64;
    }
    for offset in &mut offsets {
        *offset = (*offset).min(chars);
    }
    text.push('\n');
    (text, offsets)
}

/// Ascending numbers for people: `2, 5–7`.
pub(super) fn ranges(numbers: &[usize]) -> String {
    let mut shown = Vec::new();
    let mut numbers = numbers.iter().copied().peekable();
    while let Some(first) = numbers.next() {
        let mut last = first;
        while numbers.next_if_eq(&(last + 1)).is_some() {
            last += 1;
        }
        shown.push(match first == last {
            true => first.to_string(),
            false => format!("{first}–{last}"),
        });
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_in_characters_and_one_for_each_page() {
        let marked = "<!-- Page 1 -->\n\nÄpfel\n<!-- Page 9 -->\n<!-- Page 3 -->\n\ntwo\n";
        let pages = split(marked, 4);
        assert_eq!(pages, ["Äpfel\n<!-- Page 9 -->", "", "two", ""]);
        let (text, offsets) = join(&pages);
        assert_eq!(text, "Äpfel\n<!-- Page 9 -->\n\ntwo\n");
        assert_eq!(offsets, [0, 23, 23, 26]);
        assert_eq!(ranges(&[2, 5, 6, 7, 12]), "2, 5–7, 12");
    }

    #[test]
    fn a_table_gets_its_page_back() {
        let mut pages = split("<!-- Page 1 -->\n\ntext\n\n| a |\n| b |\n", 2);
        part(&mut pages, 1, "\n| a |\n| b |\n");
        assert_eq!(pages, ["text", "| a |\n| b |"]);
    }
}
