//! Rows of values as text that is found again.
//!
//! A passage from the middle of a long table does not say what its columns
//! are. So each row of a table that has a header becomes an item of a list that
//! names them, `- Keeper: Agnes Moar; Wage: 41.5`. Small tables, which stay in
//! one passage, and tables without a header stay tables.

mod separated;

use super::too_much_text;
use crate::{ExtractError, Limits};

/// A table of this size stays one.
const SMALL_BYTES: usize = 600;
/// A name of a column is no longer than this.
const NAME_CHARS_MAX: usize = 80;

/// Values with separators as Markdown. The error says why they are no table
/// worth it, or nothing if there is just nothing in them.
pub(super) fn of_values(text: &str, bytes_max: u64) -> Result<String, Option<&'static str>> {
    let rows = separated::rows(text)?;
    let mut markdown = String::new();
    let limits = Limits {
        text_bytes_max: bytes_max,
        ..Limits::default()
    };
    write(rows, &limits, &mut markdown).map_err(|_| Some("it would be too long otherwise"))?;
    Ok(markdown)
}

/// Writes rows as Markdown. Fails when there is too much of it.
pub(super) fn write(
    mut rows: Vec<Vec<String>>,
    limits: &Limits,
    out: &mut String,
) -> Result<(), ExtractError> {
    let width = tidy(&mut rows);
    let bytes: usize = rows.iter().flatten().map(|value| value.len() + 3).sum();
    let (head, body) = match rows.split_first() {
        None => return Ok(()),
        Some((first, rest)) if is_header(first, rest) => (Some(first), rest),
        Some(_) => (None, &rows[..]),
    };
    let write_row: &dyn Fn(&[String], &mut String) = match head {
        _ if width == 1 => &|row, out| out.push_str(&format!("- {}\n", row[0])),
        Some(names) if bytes > SMALL_BYTES => &|row, out| write_record(names, row, out),
        _ => &write_cells,
    };
    if width > 1 && (head.is_none() || bytes <= SMALL_BYTES) {
        let unnamed = vec![String::new(); width];
        write_cells(head.unwrap_or(&unnamed), out);
        out.push_str(&format!("|{}\n", " --- |".repeat(width)));
    }
    for row in body {
        write_row(row, out);
        if out.len() as u64 > limits.text_bytes_max {
            return Err(too_much_text(limits));
        }
    }
    out.push('\n');
    Ok(())
}

/// Makes each value one line, drops what is blank around them, and makes all
/// rows as wide as the widest, which is the result.
fn tidy(rows: &mut Vec<Vec<String>>) -> usize {
    for value in rows.iter_mut().flatten() {
        if value.contains(['\n', '\r', '\t']) || value.trim().len() != value.len() {
            *value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
    rows.retain(|row| row.iter().any(|value| !value.is_empty()));
    let last = |row: &Vec<String>| row.iter().rposition(|value| !value.is_empty());
    let width = rows
        .iter()
        .filter_map(last)
        .max()
        .map_or(0, |last| last + 1);
    for row in rows {
        row.resize(width, String::new());
    }
    width
}

/// Whether the first row names the columns: different short words and no
/// numbers, with something below.
fn is_header(first: &[String], rest: &[Vec<String>]) -> bool {
    let mut names: Vec<&String> = first.iter().filter(|name| !name.is_empty()).collect();
    let named = names.len();
    let words = names.iter().all(|name| {
        name.chars().count() <= NAME_CHARS_MAX
            && name.chars().any(char::is_alphabetic)
            && name.parse::<f64>().is_err()
    });
    names.sort_unstable();
    names.dedup();
    // In a single column nothing tells a name from a value.
    first.len() > 1 && !rest.is_empty() && words && names.len() == named && named * 2 > first.len()
}

fn write_cells(row: &[String], out: &mut String) {
    out.push('|');
    for value in row {
        out.push(' ');
        out.push_str(&value.replace('|', "\\|"));
        out.push_str(" |");
    }
    out.push('\n');
}

fn write_record(names: &[String], row: &[String], out: &mut String) {
    let mut mark = "- ";
    for (name, value) in names.iter().zip(row) {
        if value.is_empty() {
            continue;
        }
        out.push_str(mark);
        if !name.is_empty() {
            out.push_str(name);
            out.push_str(": ");
        }
        out.push_str(value);
        mark = "; ";
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(text: &str) -> String {
        of_values(text, 1_000_000).unwrap_or_else(|reason| format!("no table: {reason:?}"))
    }

    #[test]
    fn rows_of_long_tables_name_their_columns() {
        let mut text = String::from("Keeper,Wage,\"Note, if any\"\n");
        for number in 0..40 {
            text.push_str(&format!("Agnes {number},{number}.5,\n"));
        }
        text.push_str("Tobias,38,\"two\nlines | and \"\"quotes\"\"\"\n");
        let table = markdown(&text);
        assert!(
            table.starts_with("- Keeper: Agnes 0; Wage: 0.5\n"),
            "{table}"
        );
        assert!(
            table
                .contains("- Keeper: Tobias; Wage: 38; Note, if any: two lines | and \"quotes\"\n"),
            "{table}"
        );
    }

    #[test]
    fn small_and_nameless_tables_stay_tables() {
        for (text, expected) in [
            (
                "A,B\n1,x|y\n",
                "| A | B |\n| --- | --- |\n| 1 | x\\|y |\n\n",
            ),
            (
                "1;2\n3;4\n",
                "|  |  |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |\n\n",
            ),
            (
                "a\tb\tc\n1\t\t3\n",
                "| a | b | c |\n| --- | --- | --- |\n| 1 |  | 3 |\n\n",
            ),
            (
                "just one line",
                "no table: Some(\"its rows are not alike\")",
            ),
            (
                "a,b\n1\n2,3,4\n",
                "no table: Some(\"its rows are not alike\")",
            ),
            ("", "no table: None"),
        ] {
            assert_eq!(markdown(text), expected, "{text:?}");
        }
    }
}
