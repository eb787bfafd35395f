//! Spreadsheets: a section for each sheet, its rows as [`table`] writes them.

use anydoc::model::{Block, CellSlot, Table, inlines_to_plain_text};

use super::properties::Properties;
use super::{Format, failed, theirs};
use crate::document::{table, too_much_text};
use crate::{ExtractError, Limits};

/// How deep lists and quotes in a cell are followed.
const DEPTH_MAX: usize = 8;

/// Reads a workbook. Hidden sheets are left out.
pub(super) fn read(
    bytes: &[u8],
    format: Format,
    properties: &Properties,
    limits: &Limits,
) -> Result<String, ExtractError> {
    let workbook =
        anydoc::to_document(bytes, theirs(format)).map_err(|error| failed(error, format))?;
    let mut text = String::new();
    let mut sheets = 0;
    // With a single sheet there is no heading for it.
    let named = workbook
        .blocks
        .iter()
        .any(|block| matches!(block, Block::Heading { .. }));
    if let (false, Some(name)) = (named, &properties.first_sheet) {
        push_heading(name, &mut text);
    }
    for block in workbook.blocks {
        match block {
            Block::Heading { content, .. } => {
                sheets += 1;
                if sheets > limits.pages_max {
                    return Err(ExtractError::TooLarge {
                        limit: format!("{} sheets", limits.pages_max),
                    });
                }
                push_heading(&inlines_to_plain_text(&content), &mut text);
            }
            Block::Table(sheet) => table::write(rows(sheet), limits, &mut text)?,
            other => {
                text.push_str(&text_of(&[other], 0));
                text.push_str("\n\n");
            }
        }
        if text.len() as u64 > limits.text_bytes_max {
            return Err(too_much_text(limits));
        }
    }
    Ok(text)
}

fn push_heading(name: &str, text: &mut String) {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    text.push_str(&format!("## {name}\n\n"));
}

/// The values of a sheet. What is merged counts once.
fn rows(sheet: Table) -> Vec<Vec<String>> {
    let value = |slot: CellSlot| match slot {
        CellSlot::Origin(cell) => text_of(&cell.blocks, 0),
        CellSlot::Covered { .. } => String::new(),
    };
    let rows = sheet.grid.into_iter();
    rows.map(|row| row.into_iter().map(value).collect())
        .collect()
}

fn text_of(blocks: &[Block], depth: usize) -> String {
    if depth > DEPTH_MAX {
        return String::new();
    }
    let mut parts = Vec::new();
    for block in blocks {
        match block {
            Block::Heading { content, .. } | Block::Paragraph(content) => {
                parts.push(inlines_to_plain_text(content));
            }
            Block::List(list) => {
                let items = list.items.iter();
                parts.extend(items.map(|item| text_of(&item.blocks, depth + 1)));
            }
            Block::BlockQuote(blocks) => parts.push(text_of(blocks, depth + 1)),
            Block::CodeBlock { text, .. } | Block::Math(text) => parts.push(text.clone()),
            Block::Table(_) | Block::Rule => {}
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.join(" ")
}
