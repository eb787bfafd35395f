//! Documents of every format: what their text is, and what they are called.

use rag_core::model::{Extracted, MediaType};
use rag_extract::{About, ExtractError, Format, Limits, detect, extract_document};

use crate::samples::{SAMPLES, about, sample, text};

fn read(name: &str) -> Result<Extracted, ExtractError> {
    extract_document(sample(name), &about(name), &Limits::default())
}

#[test]
fn formats_are_told_by_content() {
    for (name, format) in SAMPLES {
        for called in [name, "without-extension", "wrong.txt", "wrong.png"] {
            let found = detect(&sample(name), &about(called));
            assert_eq!(found, Ok(*format), "{name} as {called}");
        }
    }
    for (content, name, expected) in [
        (&b"# Hi"[..], "a.md", Ok(Format::Markdown)),
        (b"Hi\n==", "a.rst", Ok(Format::RestructuredText)),
        (b"fn main() {}", "a.RS", Ok(Format::Code)),
        (b"a,b\n1,2", "a.csv", Ok(Format::Table)),
        (b"hi", "notes", Ok(Format::Text)),
        (b"all:\n", "src/Makefile", Ok(Format::Code)),
        (b"", "empty", Ok(Format::Text)),
        (b"<p>no doctype</p>", "a.html", Ok(Format::Html)),
        (
            b"\xef\xbb\xbf <!-- x -->\n<!DOCTYPE HTML><p>x",
            "page",
            Ok(Format::Html),
        ),
        (
            b"<?xml version='1.0'?><html xmlns='x'/>",
            "page",
            Ok(Format::Html),
        ),
        (b"<!doctype html><?php echo 1 ?>", "a.php", Ok(Format::Code)),
        (
            b"<html>\n\n# Markdown all the same",
            "a.md",
            Ok(Format::Markdown),
        ),
        (b"<htmlish>", "notes", Ok(Format::Text)),
        (
            b"{\"nbformat\": 4, \"cells\": [], \"x\": {}}",
            "a.json",
            Ok(Format::Notebook),
        ),
        (
            b"{\"nbformat\": {}, \"cells\": {}}",
            "schema.json",
            Ok(Format::Code),
        ),
        (
            b"The header of a PDF is `%PDF-1.7`.",
            "a.md",
            Ok(Format::Markdown),
        ),
        (
            b"junk\n%PDF-1.4\n...\nstartxref\n0\n%%EOF",
            "a",
            Ok(Format::Pdf),
        ),
        (b"MZ is how programs begin", "a.txt", Ok(Format::Text)),
        (b"\x89PNG\r\n\x1a\n\0\0", "a.md", Err("a PNG image")),
        (b"MZ\x90\0\x03\0", "a.txt", Err("a program")),
        (b"\x7fELF\x02", "rag", Err("a program")),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a", Err("a WebP image")),
        (b"SQLite format 3\0", "a.db", Err("an SQLite database")),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0",
            "a.doc",
            Err("an OLE compound file"),
        ),
    ] {
        let expected = expected.map_err(|what| ExtractError::Unsupported { what });
        assert_eq!(detect(content, &about(name)), expected, "{name}");
    }
    let served = About {
        content_type: Some("text/html; charset=utf-8"),
        ..About::default()
    };
    assert_eq!(detect(b"<p>x", &served), Ok(Format::Html));
}

#[test]
fn text_is_kept_as_it_is() {
    let kept = text("# Titel\n\nÄpfel\r\n".as_bytes(), "a.md").unwrap();
    assert_eq!(kept.text, "# Titel\n\nÄpfel\r\n");
    assert_eq!(
        (kept.title.as_str(), kept.media_type),
        ("Titel", MediaType::Markdown)
    );
    let kept = text(b"{\"a\": 1}", "a.json").unwrap();
    assert_eq!(
        (kept.title.as_str(), kept.media_type),
        ("a.json", MediaType::Code)
    );
    let kept = text(b"Lamps\n=====\n\nText", "a.rst").unwrap();
    assert_eq!(
        (kept.title.as_str(), kept.media_type),
        ("Lamps", MediaType::Plain)
    );
    let kept = text(b"Stra\xdfenfest im S\xfcden, weil es regnet", "a.txt").unwrap();
    assert!(kept.text.contains("Straßenfest im Süden"), "{}", kept.text);
    assert_eq!(kept.warnings.len(), 1);
    assert_eq!(text(b" \n", "a.txt").unwrap().text, " \n");
    assert!(matches!(
        text(b"a\0b", "a.txt"),
        Err(ExtractError::NotText { .. })
    ));
    let small = Limits {
        text_bytes_max: 3,
        ..Limits::default()
    };
    let long = extract_document(b"four".to_vec(), &about("a.txt"), &small).unwrap_err();
    assert_eq!(long.to_string(), "it has more than 3 bytes of text");
}

#[test]
fn the_pages_of_a_pdf_are_where_it_says() {
    let book = read("handbook.pdf").unwrap();
    assert_eq!(
        (book.title.as_str(), book.media_type),
        ("Keeping the Lamp", MediaType::Markdown)
    );
    assert_eq!(book.metadata["page_count"], 3);
    let offsets: Vec<usize> =
        serde_json::from_value(book.metadata["page_offsets"].clone()).unwrap();
    let letters: Vec<char> = book.text.chars().collect();
    let page = |number: usize| -> String {
        let end = offsets.get(number).copied().unwrap_or(letters.len());
        letters[offsets[number - 1]..end].iter().collect()
    };
    assert!(
        page(1).starts_with("# Duties of the keeper\n"),
        "{}",
        page(1)
    );
    for (number, own) in [(2, "the copper funnel"), (3, "the bronze bell")] {
        for other in 1..=3 {
            assert_eq!(
                page(other).contains(own),
                other == number,
                "{own} on {other}"
            );
        }
    }
    // What stands below every page is told once, and nothing else is lost.
    assert_eq!(
        book.text.matches("Handbook of the Northern Lights").count(),
        1,
        "{}",
        book.text
    );
    assert_eq!(
        book.text.matches("every ninety seconds").count(),
        13,
        "{}",
        book.text
    );
    assert_eq!(book.warnings, [""; 0]);
    let readable = read("owner-password.pdf").unwrap();
    assert_eq!(readable.text, book.text);
}

#[test]
fn scans_are_told_and_left_out() {
    let part = read("partly-scanned.pdf").unwrap();
    assert_eq!(
        part.warnings,
        ["3 of 5 pages without text left out (pages 2, 4–5); scans need OCR first"]
    );
    assert_eq!(part.title, "Duties of the keeper");
    assert_eq!(part.metadata["page_offsets"].as_array().unwrap().len(), 5);
    let whole = read("scanned.pdf").unwrap_err();
    assert_eq!(
        whole.to_string(),
        "it has no text: it consists of images; OCR it first"
    );
    let recognised = read("scanned-with-text.pdf").unwrap();
    assert!(
        recognised.text.contains("ninety seconds"),
        "{}",
        recognised.text
    );
    assert!(
        recognised.warnings[0].contains("recognised"),
        "{:?}",
        recognised.warnings
    );
    assert_eq!(read("encrypted.pdf"), Err(ExtractError::Encrypted));
    let few = Limits {
        pages_max: 2,
        ..Limits::default()
    };
    let long = extract_document(sample("handbook.pdf"), &about("a"), &few).unwrap_err();
    assert_eq!(long.to_string(), "it has more than 2 pages");
}

#[test]
fn word_processors_give_markdown() {
    let docx = read("keeper.docx").unwrap();
    assert_eq!(
        (docx.title.as_str(), docx.media_type),
        ("Keeping the Lamp", MediaType::Markdown)
    );
    for part in [
        "# Duties of the keeper\n",
        "## Oil\n",
        "1. Trim the wick\n2. Wipe the lens\n",
        "| Agnes Moar | first | 41.5 |",
    ] {
        assert!(docx.text.contains(part), "{part}: {}", docx.text);
    }
    assert_eq!(read("keeper.doc").unwrap().text, docx.text);
    let odt = read("keeper.odt").unwrap();
    assert_eq!(odt.title, "Keeping the Lamp");
    assert!(odt.text.contains("## Fog\n"), "{}", odt.text);
    let rtf = read("keeper.rtf").unwrap();
    assert_eq!(rtf.title, "Keeping the Lamp");
    assert!(rtf.text.contains("Straße und Café"), "{}", rtf.text);
    let epub = read("keeper.epub").unwrap();
    assert_eq!(epub.title, "Keeping the Lamp");
    assert_eq!(epub.metadata["language"], "en-GB");
    assert!(
        epub.text.contains("# Fog\n\nIn fog the bell"),
        "{}",
        epub.text
    );
}

#[test]
fn sheets_are_sections_and_rows_name_their_columns() {
    let book = read("stores.xlsx").unwrap();
    for part in [
        "## Wages\n\n| Keeper | Watch | Wage |\n| --- | --- | --- |\n| Agnes Moar | first | 41.5 |\n",
        "## Stores & Oil\n\n- Item: colza oil lot 1; Barrels: 3; Cellar: row 1\n",
        "- Item: colza oil lot 40; Barrels: 120; Cellar: row 5\n",
    ] {
        assert!(book.text.contains(part), "{part}: {}", book.text);
    }
    assert!(!book.text.contains("Empty"), "{}", book.text);
    assert_eq!(book.title, "stores.xlsx");
    let single = read("tides.xlsx").unwrap();
    assert!(
        single.text.starts_with("## Tides\n\n| Harbour |"),
        "{}",
        single.text
    );
    let old = read("wages.xls").unwrap();
    assert!(
        old.text.contains("## Notes\n\n- In fog the bell"),
        "{}",
        old.text
    );
    let open = read("stores.ods").unwrap();
    assert!(
        open.text.contains("## Tides\n\n| Harbour | High water |"),
        "{}",
        open.text
    );
    let values = text(b"Keeper,Wage\nAgnes,41.5\n", "wages.csv").unwrap();
    assert_eq!(
        values.text,
        "| Keeper | Wage |\n| --- | --- |\n| Agnes | 41.5 |\n\n"
    );
    let ragged = text(b"a,b\n1\n2,3,4\n5\n", "a.csv").unwrap();
    assert_eq!(
        (ragged.media_type, ragged.warnings.len()),
        (MediaType::Plain, 1)
    );
}

#[test]
fn slides_have_numbers() {
    let deck = read("training.pptx").unwrap();
    assert_eq!(deck.title, "Training for keepers");
    assert_eq!(
        deck.text.trim_end(),
        "## Slide 1: Keeping the Lamp\n\nA course in three evenings\n\n\
         ## Slide 2: Oil\n\n- Fill the reservoir with colza oil up to the brass mark.\n\n\
         > Show them the brass mark.\n\n\
         ## Slide 4\n\nIn fog the bell is struck every ninety seconds."
            .replace("Lamp\n\nA", "Lamp\n\n\nA")
            .replace("Oil\n\n-", "Oil\n\n\n-")
    );
    let open = read("training.odp").unwrap();
    assert!(
        open.text.contains("## Slide 2\n\nFill the reservoir"),
        "{}",
        open.text
    );
    let old = read("training.ppt.gz").unwrap();
    assert!(old.text.contains("## Oil\n"), "{}", old.text);
}

#[test]
fn notebooks_give_code_and_what_it_printed() {
    let book = read("tides.ipynb").unwrap();
    assert_eq!(book.title, "Tides of the Firth");
    assert_eq!(
        book.text.trim_end(),
        "# Tides of the Firth\n\nWe read the gauge.\n\n\
         ```python\nheights = [3.1, 2.7]\nprint(max(heights))\n```\n\n```\n3.1\n```\n\nRaw notes."
    );
}

#[test]
fn pages_in_files_are_read_like_those_of_the_web() {
    let page = "<!doctype html><html lang=en><head><title>Tides</title>\
        <meta name=description content='When the water comes'></head><body><main><h1>Tides</h1>\
        <p>The water comes twice a day, and goes as often, for those who wait at the steps.</p>\
        <p>Neap tides come a week after spring tides.</p></main></body></html>";
    let read = text(page.as_bytes(), "tides.html").unwrap();
    assert_eq!(
        (read.title.as_str(), read.media_type),
        ("Tides", MediaType::Markdown)
    );
    assert_eq!(read.metadata["language"], "en");
    assert_eq!(read.metadata["description"], "When the water comes");
    assert!(read.text.contains("twice a day"), "{}", read.text);
    let blank = text(b"<!doctype html><body> </body>", "a.html");
    assert!(
        matches!(blank, Err(ExtractError::Blank { .. })),
        "{blank:?}"
    );
}
