//! Where a text can be cut when nothing but its characters is known.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

/// What a text is cut into, and so how much a cut there hurts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// Blank lines before a line that is indented as little as any: functions.
    Groups,
    /// Blank lines: paragraphs.
    Paragraphs,
    /// Lines, where a line is a unit and not just the width of a page.
    Lines,
    /// Every line.
    AllLines,
    /// Sentences, by Unicode's rules.
    Sentences,
    /// Two halves, between words if there are any.
    Halves,
}

/// What prose is cut into, coarsest first.
pub(super) const PROSE: &[Grain] = &[
    Grain::Paragraphs,
    Grain::Lines,
    Grain::Sentences,
    Grain::Halves,
];
/// What code is cut into.
pub(super) const CODE: &[Grain] = &[
    Grain::Groups,
    Grain::Paragraphs,
    Grain::AllLines,
    Grain::Halves,
];
/// What HTML is cut into.
pub(super) const HTML: &[Grain] = &[
    Grain::Paragraphs,
    Grain::AllLines,
    Grain::Sentences,
    Grain::Halves,
];
/// What the row of a table is cut into.
pub(super) const ROW: &[Grain] = &[Grain::Sentences, Grain::Halves];

/// Longer lines than this are paragraphs, whatever else they look like.
const WRAPPED_CHARS_MAX: usize = 120;
/// Shorter lines than this, on average, are verse, records or lists.
const WRAPPED_CHARS_MIN: usize = 40;
/// How far a cut may be moved so as not to part a letter from its marks.
const MARKS_MAX: usize = 32;

impl Grain {
    /// The places in `range` of `text` to cut at, rising, its ends left out.
    pub(super) fn cuts(self, text: &str, range: &Range<usize>) -> Vec<usize> {
        let part = &text[range.clone()];
        let mut cuts = match self {
            Grain::Groups => groups(part),
            Grain::Paragraphs => paragraphs(part).map(|(start, _)| start).collect(),
            Grain::Lines if is_wrapped(part) => Vec::new(),
            Grain::Lines | Grain::AllLines => lines(part).map(|(start, _)| start).collect(),
            Grain::Sentences => sentences(part),
            Grain::Halves => vec![middle(part)],
        };
        cuts.retain(|&cut| cut > 0 && cut < part.len());
        cuts.iter_mut().for_each(|cut| *cut += range.start);
        cuts
    }

    /// How much a cut before such a part hurts; 1 is as bad as an empty chunk.
    pub(super) fn seam(self) -> f32 {
        match self {
            Grain::Groups => 0.0,
            Grain::Paragraphs => 0.02,
            Grain::Lines => 0.05,
            Grain::AllLines => 0.1,
            Grain::Sentences => 0.15,
            Grain::Halves => 0.4,
        }
    }
}

/// The lines with where they start.
fn lines(part: &str) -> impl Iterator<Item = (usize, &str)> {
    part.split_inclusive('\n').scan(0, |end, line| {
        let start = *end;
        *end += line.len();
        Some((start, line))
    })
}

/// The lines that follow a blank one.
fn paragraphs(part: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut after_blank = false;
    lines(part).filter(move |(_, line)| {
        let blank = line.trim().is_empty();
        let begins = after_blank && !blank;
        after_blank = blank;
        begins
    })
}

fn groups(part: &str) -> Vec<usize> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let filled = lines(part).filter(|(_, line)| !line.trim().is_empty());
    let least = filled.map(|(_, line)| indent(line)).min().unwrap_or(0);
    paragraphs(part)
        .filter(|(_, line)| indent(line) == least)
        .map(|(start, _)| start)
        .collect()
}

/// Whether lines end where the page does and not where a thought does.
fn is_wrapped(part: &str) -> bool {
    let ended = part.trim_end();
    let Some((all_but_last, _)) = ended.rsplit_once('\n') else {
        return true;
    };
    let lengths = || all_but_last.lines().map(|line| line.trim().chars().count());
    let (sum, count) = lengths().fold((0, 0), |(sum, count), length| (sum + length, count + 1));
    lengths().all(|length| length <= WRAPPED_CHARS_MAX) && sum >= WRAPPED_CHARS_MIN * count
}

/// Unicode ends a sentence at every line break; in wrapped text only those
/// count that follow the end of a sentence.
fn sentences(part: &str) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut before = "";
    for (start, sentence) in part.split_sentence_bound_indices() {
        let wrapped = before.ends_with(['\n', '\r']) && !ends_sentence(before);
        if !wrapped {
            cuts.push(start);
        }
        before = sentence;
    }
    cuts
}

fn ends_sentence(line: &str) -> bool {
    let closing = |char| {
        matches!(
            char,
            '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '」' | '』' | '*' | '_'
        )
    };
    let text = line.trim_end().trim_end_matches(closing);
    text.is_empty() || text.ends_with(['.', '!', '?', '…', ':', '。', '！', '？', '؟', '।', '۔'])
}

/// The best place to cut near the middle: a line break, else a space or a
/// clause's end, else between two characters.
fn middle(part: &str) -> usize {
    let low = part.floor_char_boundary(part.len() / 4);
    let half = part.floor_char_boundary(part.len() / 2);
    let high = part.ceil_char_boundary(part.len() - part.len() / 4);
    let near = |is_end: fn(char) -> bool| {
        let below = part[low..half].rfind(is_end).map(|at| low + at);
        let above = part[half..high].find(is_end).map(|at| half + at);
        let after = |at: usize| at + part[at..].chars().next().map_or(0, char::len_utf8);
        match (below, above) {
            (Some(below), Some(above)) if half - below <= above - half => Some(after(below)),
            (below, above) => above.or(below).map(after),
        }
    };
    near(|char| char == '\n')
        .or_else(|| near(|char| char.is_whitespace() || "，、；：。！？".contains(char)))
        .unwrap_or_else(|| between_letters(part, half))
}

/// The first place from `half` on that parts no letter from its marks; the
/// place after the first character when `half` is 0.
fn between_letters(part: &str, half: usize) -> usize {
    let joins = |char| is_combining_mark(char) || matches!(char, '\u{200d}' | '\u{fe0f}');
    let half = if half == 0 {
        part.chars().next().map_or(0, char::len_utf8)
    } else {
        half
    };
    let marks = part[half..]
        .chars()
        .take(MARKS_MAX)
        .take_while(|&char| joins(char));
    let whole = half + marks.map(char::len_utf8).sum::<usize>();
    if whole < part.len() { whole } else { half }
}
