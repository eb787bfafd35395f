//! What stands at the top or the bottom of every page: titles, page numbers.
//! In the middle of a passage that goes over two pages it is in the way.

use std::collections::HashMap;

/// How many lines at either end of a page may be such.
const LINES: usize = 2;
/// They are no longer than this.
const CHARS_MAX: usize = 120;
/// On how many pages a line must be, and on which share of them.
const PAGES_MIN: usize = 3;
const SHARE_MIN: f64 = 0.5;

/// Removes lines that most pages begin or end with, numbers aside. The first
/// time they stay.
pub(super) fn remove(pages: &mut [String]) {
    let mut counts: HashMap<(bool, String), usize> = HashMap::new();
    for page in pages.iter() {
        let mut seen = Vec::new();
        for (_, key) in ends(page) {
            if !seen.contains(&key) {
                *counts.entry(key.clone()).or_default() += 1;
                seen.push(key);
            }
        }
    }
    let written = pages.iter().filter(|page| !page.is_empty()).count();
    counts.retain(|_, count| *count >= PAGES_MIN && *count as f64 >= written as f64 * SHARE_MIN);
    let mut stayed = Vec::new();
    for page in pages.iter_mut() {
        let mut repeated = Vec::new();
        for (line, key) in ends(page) {
            if counts.contains_key(&key) && !repeated.contains(&line) {
                match stayed.contains(&key) {
                    true => repeated.push(line),
                    false => stayed.push(key),
                }
            }
        }
        if !repeated.is_empty() {
            let kept = page
                .lines()
                .enumerate()
                .filter(|(line, _)| !repeated.contains(line))
                .map(|(_, line)| line);
            *page = kept
                .collect::<Vec<_>>()
                .join("\n")
                .trim_matches('\n')
                .to_owned();
        }
    }
}

/// The lines at both ends of a page that could repeat: their number, and
/// whether they are at the top together with their text without numbers.
fn ends(page: &str) -> Vec<(usize, (bool, String))> {
    let lines: Vec<(usize, &str)> = page
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    let top = lines.iter().take(LINES).map(|line| (line, true));
    let bottom = lines.iter().rev().take(LINES).map(|line| (line, false));
    top.chain(bottom)
        .filter(|((_, line), _)| line.chars().count() <= CHARS_MAX && !line.starts_with('|'))
        .map(|(&(number, line), is_top)| (number, (is_top, without_numbers(line))))
        .collect()
}

fn without_numbers(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for letter in line.trim().trim_start_matches('#').trim().chars() {
        match letter.is_ascii_digit() {
            true if text.ends_with('#') => {}
            true => text.push('#'),
            false => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::remove;

    #[test]
    fn what_repeats_stays_once() {
        let page = |number: usize| {
            format!("Handbook\n\nOn page {number} of them\n\nText {number}a.\n\nMore.\n\n{number}")
        };
        let mut pages: Vec<String> = (1..=4).map(page).collect();
        let others = ["A scan", "", "Handbook of Oil\n\nAll else"].map(str::to_owned);
        pages.extend(others.clone());
        remove(&mut pages);
        assert_eq!(pages[0], page(1));
        assert_eq!(pages[1], "Text 2a.");
        assert_eq!(pages[4..], others);
    }

    #[test]
    fn two_pages_are_not_enough() {
        let mut pages = vec!["Same\n\nA".to_owned(), "Same\n\nB".to_owned()];
        remove(&mut pages);
        assert_eq!(pages, ["Same\n\nA", "Same\n\nB"]);
    }
}
