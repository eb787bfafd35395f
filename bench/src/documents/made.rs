//! Documents of any length, made of the same few sentences.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What pages are made of. A number in each line keeps lines apart.
const SENTENCES: [&str; 6] = [
    "The lamp of the rock is lit at dusk and tended until dawn by one keeper",
    "Fill the reservoir with colza oil up to the brass mark before the wick is trimmed",
    "In fog the bell is struck every ninety seconds, and the log says who struck it",
    "Supplies come by boat twice a month when the swell allows a landing at the steps",
    "The lens is wiped with a dry cloth each morning and washed with spirits on Sundays",
    "When the clockwork stops, the keeper turns it by hand and sends for the artificer",
];
/// Lines on a page.
const LINES: usize = 45;

fn line(number: usize) -> String {
    format!("{} ({number}).", SENTENCES[number % SENTENCES.len()])
}

/// A PDF: a heading and as many lines as fit on each page.
pub(super) fn pdf(pages: usize) -> Vec<u8> {
    let mut objects: Vec<String> = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        String::new(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>".to_owned(),
    ];
    let mut kids = String::new();
    for page in 0..pages {
        let mut content = format!("BT /F2 18 Tf 60 780 Td (Watch {}) Tj ET\n", page + 1);
        content.push_str("BT /F1 10 Tf 14 TL 60 750 Td\n");
        for number in 0..LINES {
            let text = line(page * LINES + number).replace(['(', ')'], "");
            writeln!(content, "({text}) Tj T*").expect("a string takes all text");
        }
        content.push_str("ET");
        let number = objects.len() + 1;
        write!(kids, "{number} 0 R ").expect("a string takes all text");
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {} 0 R\
             /Resources<</Font<</F1 3 0 R/F2 4 0 R>>>>>>",
            number + 1
        ));
        objects.push(format!(
            "<</Length {}>>stream\n{content}\nendstream",
            content.len()
        ));
    }
    objects[1] = format!("<</Type/Pages/Kids[{kids}]/Count {pages}>>");
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut table = String::new();
    for (number, object) in (1..).zip(&objects) {
        writeln!(table, "{:010} 00000 n ", out.len()).expect("a string takes all text");
        out.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let (begin, count) = (out.len(), objects.len() + 1);
    out.extend_from_slice(
        format!(
            "xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<</Size {count}/Root 1 0 R>>\n\
             startxref\n{begin}\n%%EOF\n"
        )
        .as_bytes(),
    );
    out
}

const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A package of one main part and those it needs.
fn package(main: &str, parts: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let types = format!("<Types xmlns=\"{PACKAGE}/content-types\"/>");
    let relations = format!(
        "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"r\" \
         Type=\"{OFFICE}/officeDocument\" Target=\"{main}\"/></Relationships>"
    );
    let own = [
        ("[Content_Types].xml", &*types),
        ("_rels/.rels", &*relations),
    ];
    for (name, content) in own.iter().chain(parts) {
        writer.start_file(*name, SimpleFileOptions::default())?;
        writer.write_all(content.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}

/// The same text as a Word document, a paragraph of five lines each.
pub(super) fn docx(pages: usize) -> anyhow::Result<Vec<u8>> {
    let mut body = String::new();
    for page in 0..pages {
        write!(
            body,
            "<w:p><w:pPr><w:outlineLvl w:val=\"0\"/></w:pPr><w:r><w:t>Watch {}</w:t></w:r></w:p>",
            page + 1
        )?;
        for paragraph in 0..LINES / 5 {
            let first = page * LINES + paragraph * 5;
            let lines: Vec<String> = (first..first + 5).map(line).collect();
            write!(body, "<w:p><w:r><w:t>{}</w:t></w:r></w:p>", lines.join(" "))?;
        }
    }
    let document = format!(
        "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body>{body}</w:body></w:document>"
    );
    package("word/document.xml", &[("word/document.xml", &document)])
}

/// A sheet of five columns.
pub(super) fn xlsx(rows: usize) -> anyhow::Result<Vec<u8>> {
    let mut data = String::new();
    let text = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let names = ["Day", "Keeper", "Oil", "Wind", "Remark"]
        .map(text)
        .concat();
    write!(data, "<row>{names}</row>")?;
    for row in 0..rows {
        let remark = text(&line(row));
        let keeper = text(["Agnes Moar", "Tobias Flett"][row % 2]);
        write!(
            data,
            "<row><c><v>{row}</v></c>{keeper}<c><v>{}.5</v></c><c><v>{}</v></c>{remark}</row>",
            row % 40,
            row % 12
        )?;
    }
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{data}</sheetData></worksheet>");
    let book = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{OFFICE}\"><sheets>\
         <sheet name=\"Log\" sheetId=\"1\" r:id=\"s\"/></sheets></workbook>"
    );
    let relations = format!(
        "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"s\" \
         Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    package(
        "xl/workbook.xml",
        &[
            ("xl/workbook.xml", &book),
            ("xl/_rels/workbook.xml.rels", &relations),
            ("xl/worksheets/sheet1.xml", &sheet),
        ],
    )
}
