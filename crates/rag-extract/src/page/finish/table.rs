//! Tables: regular ones become rows of cells with one line of text each; those
//! that only lay a page out become what they hold.

use dom_query::{Document, NodeRef, Selection};

use super::super::head::squeeze;
use super::super::tree::{has_any, unwrap, unwrap_apart};
use super::is_block;

/// The attribute of a table's first row, its header, that says how many columns
/// the table has.
pub(in crate::page) const COLUMNS: &str = "data-columns";

/// The most columns a table may have; beyond that it is taken apart.
const COLUMNS_MAX: usize = 100;

/// The most cells a table may come to, those that span several counted often.
const CELLS_MAX: usize = 50_000;

/// Rewrites all tables, those in others first.
pub(super) fn rewrite(content: &Document) {
    let tables = content.select("table");
    for table in tables.nodes().iter().rev() {
        caption(table);
        match Grid::read(table) {
            Some(grid) if !lays_out(table, &grid) => table.replace_with_html(grid.to_html()),
            _ => take_apart(table),
        }
    }
}

/// Puts a table's caption before it, in bold type.
fn caption(table: &NodeRef) {
    let captions = Selection::from(*table).select("caption");
    for caption in captions.nodes() {
        let text = squeeze(&caption.text());
        caption.remove_from_parent();
        if !text.is_empty() {
            let paragraph = table.tree.new_element("p");
            let strong = table.tree.new_element("strong");
            strong.set_text(text);
            paragraph.append_child(&strong);
            table.insert_before(&paragraph);
        }
    }
}

/// Whether the table is there for the looks: it holds blocks that a cell of
/// Markdown cannot, or it has only one row or column.
fn lays_out(table: &NodeRef, grid: &Grid) -> bool {
    let has_lines = |block: &NodeRef| block.text().trim().contains('\n');
    table
        .attr_or("role", "")
        .eq_ignore_ascii_case("presentation")
        || grid.columns < 2
        || grid.rows.len() < 2 && !grid.has_header
        || has_any(table, "table")
        || has_any(table, "h1, h2, h3")
        || Selection::from(*table)
            .select("pre")
            .nodes()
            .iter()
            .any(has_lines)
}

/// Makes boxes of a table and its cells.
pub(in crate::page) fn take_apart(table: &NodeRef) {
    let parts = Selection::from(*table).select("tbody, thead, tfoot, tr, td, th, colgroup");
    for part in parts.nodes() {
        // Tables within are done, and stay.
        let owner = part.ancestors_it(None).find(|node| node.has_name("table"));
        if owner.is_some_and(|owner| owner.id == table.id) {
            part.rename("div");
            part.remove_all_attrs();
        }
    }
    table.rename("div");
    table.remove_all_attrs();
}

/// The cells of a table by row and column.
struct Grid {
    rows: Vec<Vec<String>>,
    columns: usize,
    has_header: bool,
}

impl Grid {
    /// Reads a table; `None` when it has too many cells.
    fn read(table: &NodeRef) -> Option<Grid> {
        let mut grid = Grid {
            rows: Vec::new(),
            columns: 0,
            has_header: false,
        };
        // For each column, for how many more rows a cell from above fills it.
        let mut above: Vec<(usize, String)> = Vec::new();
        let mut cells = 0;
        for row in Selection::from(*table).select("tr").nodes() {
            let in_head = row.parent().is_some_and(|parent| parent.has_name("thead"));
            let mut line: Vec<String> = Vec::new();
            let mut all_headers = true;
            for cell in row.element_children() {
                let is_header = cell.has_name("th");
                if !is_header && !cell.has_name("td") {
                    continue;
                }
                all_headers &= is_header;
                fill(&mut line, &mut above);
                let html = cell_html(&cell);
                let (width, height) = (span(&cell, "colspan"), span(&cell, "rowspan"));
                for part in 0..width {
                    let html = if part == 0 {
                        html.clone()
                    } else {
                        String::new()
                    };
                    let column = line.len();
                    if above.len() <= column {
                        above.resize(column + 1, (0, String::new()));
                    }
                    above[column] = (height - 1, html.clone());
                    line.push(html);
                }
                cells += width;
                if cells > CELLS_MAX || line.len() > COLUMNS_MAX {
                    return None;
                }
            }
            fill(&mut line, &mut above);
            if line.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            grid.has_header |= grid.rows.is_empty() && (in_head || all_headers);
            grid.columns = grid.columns.max(line.len());
            grid.rows.push(line);
        }
        (grid.rows.len() * grid.columns <= CELLS_MAX).then_some(grid)
    }

    fn to_html(&self) -> String {
        let mut html = String::from("<table>");
        let (header, rows) = match self.rows.split_first() {
            Some((header, rows)) if self.has_header => (&header[..], rows),
            _ => (&[][..], &self.rows[..]),
        };
        push_row(&mut html, header, self.columns, true);
        for row in rows {
            push_row(&mut html, row, self.columns, false);
        }
        html.push_str("</table>");
        html
    }
}

fn push_row(html: &mut String, cells: &[String], columns: usize, is_header: bool) {
    if is_header {
        html.push_str(&format!("<tr {COLUMNS}=\"{columns}\">"));
    } else {
        html.push_str("<tr>");
    }
    for column in 0..columns {
        html.push_str("<td>");
        html.push_str(cells.get(column).map_or("", String::as_str));
        html.push_str("</td>");
    }
    html.push_str("</tr>");
}

/// Repeats in a row what reaches into it from above, up to the next free column.
fn fill(line: &mut Vec<String>, above: &mut [(usize, String)]) {
    while let Some((left @ 1.., html)) = above.get_mut(line.len()) {
        *left -= 1;
        line.push(html.clone());
    }
}

fn span(cell: &NodeRef, name: &str) -> usize {
    let asked = cell.attr_or(name, "1").trim().parse().unwrap_or(1);
    usize::clamp(asked, 1, COLUMNS_MAX)
}

/// What is in a cell, on one line.
fn cell_html(cell: &NodeRef) -> String {
    for node in cell.descendants() {
        if node.has_name("br") {
            node.replace_with(&cell.tree.new_text(" "));
        } else if node.has_name("pre") {
            unwrap(&node);
        } else if node.has_name("li") && node.next_element_sibling().is_some() {
            node.append_child(&cell.tree.new_text(";"));
            unwrap_apart(&node);
        } else if is_block(&node) {
            unwrap_apart(&node);
        }
    }
    cell.inner_html().to_string()
}
