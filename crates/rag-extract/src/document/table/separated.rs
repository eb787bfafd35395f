//! Values with separators (RFC 4180, and what programs make of it).

/// What may stand between values.
const SEPARATORS: [char; 4] = [',', '\t', ';', '|'];
/// How many rows are looked at to find out which it is.
const ROWS_SAMPLED: usize = 20;
/// How many of a hundred rows must be as wide as the first.
const ALIKE_PERCENT: usize = 90;

/// The rows of `text`. The error says why they are none worth a table, if there
/// is anything at all.
pub(super) fn rows(text: &str) -> Result<Vec<Vec<String>>, Option<&'static str>> {
    if text.trim().is_empty() {
        return Err(None);
    }
    let width = |separator| {
        let sample: Vec<usize> = Rows::of(text, separator)
            .take(ROWS_SAMPLED)
            .map(|row| row.len())
            .collect();
        let first = sample.first().copied().unwrap_or(0);
        let alike = sample.iter().filter(|&&width| width == first).count();
        (alike * first, first)
    };
    let separator = SEPARATORS
        .into_iter()
        .rev()
        .filter(|&separator| width(separator).1 > 1)
        .max_by_key(|&separator| width(separator).0)
        .ok_or(Some("its rows are not alike"))?;
    let rows: Vec<Vec<String>> = Rows::of(text, separator)
        .filter(|row| row.iter().any(|value| !value.is_empty()))
        .collect();
    let first = rows.first().map_or(0, Vec::len);
    let alike = rows.iter().filter(|row| row.len() == first).count();
    match alike * 100 >= rows.len() * ALIKE_PERCENT {
        true => Ok(rows),
        false => Err(Some("its rows are not alike")),
    }
}

/// The rows of a text, one by one.
struct Rows<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    separator: char,
}

impl<'a> Rows<'a> {
    fn of(text: &'a str, separator: char) -> Self {
        Rows {
            rest: text.chars().peekable(),
            separator,
        }
    }

    /// A value up to what ends it, and whether another one follows in its row.
    fn value(&mut self) -> (String, bool) {
        let mut value = String::new();
        let mut quoted = false;
        while let Some(letter) = self.rest.next() {
            match letter {
                '"' if quoted && self.rest.next_if_eq(&'"').is_some() => value.push('"'),
                '"' if quoted => quoted = false,
                '"' if value.is_empty() => quoted = true,
                letter if quoted => value.push(letter),
                letter if letter == self.separator => return (value, true),
                '\r' if self.rest.peek() == Some(&'\n') => {}
                '\n' => return (value, false),
                letter => value.push(letter),
            }
        }
        (value, false)
    }
}

impl Iterator for Rows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest.peek()?;
        let mut row = Vec::new();
        loop {
            let (value, more) = self.value();
            row.push(value);
            if !more {
                return Some(row);
            }
        }
    }
}
