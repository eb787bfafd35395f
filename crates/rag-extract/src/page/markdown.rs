//! Plain HTML to Markdown.

use htmd::element_handler::Handlers;
use htmd::options::{BulletListMarker, HrStyle, Options};
use htmd::{Element, HtmlToMarkdown};

use super::finish::{COLUMNS, undisguise};

/// The Markdown of HTML that [`super::finish`] has been over.
pub(super) fn to_markdown(html: &str) -> std::io::Result<String> {
    let options = Options {
        hr_style: HrStyle::Dashes,
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    let converter = HtmlToMarkdown::builder()
        .options(options)
        .add_handler(vec!["table"], |handlers: &dyn Handlers, table: Element| {
            let rows = handlers.walk_children(table.node).content;
            Some(format!("\n\n{}\n\n", rows.trim()).into())
        })
        .add_handler(
            vec!["thead", "tbody", "tfoot"],
            |handlers: &dyn Handlers, part: Element| Some(handlers.walk_children(part.node)),
        )
        .add_handler(vec!["tr"], |handlers: &dyn Handlers, row: Element| {
            let cells = handlers.walk_children(row.node).content;
            Some(format!("|{}\n{}", cells.trim_end(), rule(&row)).into())
        })
        .add_handler(
            vec!["td", "th"],
            |handlers: &dyn Handlers, cell: Element| {
                let text = handlers.walk_children(cell.node).content;
                Some(cell_text(&text).into())
            },
        )
        .build();
    Ok(undisguise(&converter.convert(html)?))
}

/// The line below a header.
fn rule(row: &Element) -> String {
    let columns = row
        .attrs
        .iter()
        .find(|attribute| *attribute.name.local == *COLUMNS);
    let columns = columns.and_then(|attribute| attribute.value.parse().ok());
    columns.map_or_else(String::new, |columns| {
        format!("|{}\n", " --- |".repeat(columns))
    })
}

fn cell_text(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return " |".to_owned();
    }
    format!(" {} |", words.join(" ").replace('|', "\\|"))
}
