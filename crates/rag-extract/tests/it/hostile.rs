//! Documents that mean harm, or came to it: each has an outcome, soon.

use std::io::{Read, Write};

use proptest::prelude::*;
use rag_extract::{ExtractError, Limits, extract_document};

use crate::samples::{SAMPLES, about, pdf_of, sample, text, zip_of};

#[test]
fn bombs_are_refused() {
    const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");
    let zeros = vec![b' '; 40 << 20];
    let mut nested = b"<?xml version='1.0'?>".to_vec();
    nested.extend(b"<w:p xmlns:w='x'>".repeat(100_000));
    let mut laughs = String::from("<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a0 'ha'>");
    for level in 1..40 {
        let before = level - 1;
        laughs.push_str(&format!(
            "<!ENTITY a{level} '&a{before};&a{before};&a{before};'>"
        ));
    }
    laughs.push_str("]><w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body><w:p><w:r><w:t>&a39;</w:t></w:r></w:p></w:body></w:document>");
    for (name, parts, expected) in [
        (
            "a.docx",
            vec![TYPES, ("word/document.xml", &zeros[..])],
            "more than 300 times",
        ),
        (
            "a.xlsx",
            vec![TYPES, ("xl/workbook.xml", &zeros)],
            "more than 300 times",
        ),
        ("a.docx", vec![TYPES, ("word/document.xml", &nested)], ""),
        (
            "a.epub",
            vec![("mimetype", b"application/epub+zip"), ("a.opf", &zeros)],
            "300 times",
        ),
        (
            "a.odt",
            vec![
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                ("content.xml", &nested),
            ],
            "",
        ),
    ] {
        let outcome = text(&zip_of(&parts), name);
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains(expected), "{name}: {message}");
    }
    // Entities of a document's own are not expanded, so there is nothing to refuse.
    let laughs = text(
        &zip_of(&[TYPES, ("word/document.xml", laughs.as_bytes())]),
        "a.docx",
    );
    assert!(laughs.unwrap().text.len() < 20);
    let deep = format!(
        "{{\\rtf1 {}deep{}}}",
        "{".repeat(200_000),
        "}".repeat(200_000)
    );
    assert_eq!(text(deep.as_bytes(), "a.rtf").unwrap().text, "deep\n");
    let deep = format!("{{\"nbformat\":4,\"cells\":{}", "[".repeat(100_000));
    let refused = text(deep.as_bytes(), "a.ipynb").unwrap_err();
    assert!(
        matches!(
            refused,
            ExtractError::Damaged {
                format: "Jupyter notebook",
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn hostile_pdfs_have_an_outcome() {
    let catalogue = b"<</Type/Catalog/Pages 2 0 R>>";
    let page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R>>";
    let pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>";
    let deflated = |content: &[u8]| {
        let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(content).unwrap();
        writer.finish().unwrap()
    };
    let stream = |filters: &str, data: &[u8]| {
        let mut object =
            format!("<</Length {}/Filter[{filters}]>>stream\n", data.len()).into_bytes();
        object.extend_from_slice(data);
        object.extend(b"\nendstream");
        object
    };
    let large = vec![b' '; 70 << 20];
    let flate = deflated(&large);
    let bomb = stream("/FlateDecode", &flate);
    let twice = stream("/FlateDecode/FlateDecode", &deflated(&flate));
    let escaped = stream("/Fl#61teDecode", &flate);
    let hex: String = flate.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = stream("/ASCIIHexDecode/FlateDecode", (hex + ">").as_bytes());
    let ascii = deflated(&b"z".repeat(18 << 20));
    let ascii = stream("/FlateDecode/ASCII85Decode", &ascii);
    let lzw = deflated(&lzw_cycle().repeat(2_400));
    let lzw = stream("/FlateDecode/LZWDecode", &lzw);
    // Runs of 128 letters.
    let runs = deflated(&[129, b' '].repeat(600_000));
    let runs = stream("/FlateDecode/RunLengthDecode", &runs);
    let far = format!(
        "<</Filter/FlateDecode/Rest({})/Length {}>>stream\n",
        "x".repeat(4_096),
        flate.len()
    );
    let far = [far.as_bytes(), &flate, b"\nendstream"].concat();
    let brotli = stream("/BrotliDecode", BROTLI);
    let rows = b"<</Length 9/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 9999999999>>>>\
        stream\n123456789\nendstream";
    let picture = [b"<</Subtype/Image".as_slice(), &bomb[2..]].concat();
    let nested = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let drawing = stream("", &b"q ".repeat(500_000));
    for (name, third, fourth, refused) in [
        ("bomb", &page[..], &bomb[..], true),
        ("bomb in a bomb", page, &twice, true),
        ("escaped name", page, &escaped, true),
        ("hexadecimal", page, &hex, true),
        ("base 85", page, &ascii, true),
        ("LZW", page, &lzw, true),
        ("runs", page, &runs, true),
        ("Brotli", page, &brotli, true),
        ("a filter far before its data", page, &far, true),
        ("a row for itself", page, rows, true),
        ("a picture is not unpacked", page, &picture, false),
        ("nested arrays", page, &nested, false),
        ("saved states", page, &drawing, false),
        (
            "a loop of pages",
            b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>",
            b"null",
            false,
        ),
        (
            "contents that are themselves",
            b"<</Type/Page/Parent 2 0 R/Contents[3 0 R 3 0 R]>>",
            b"null",
            false,
        ),
    ] {
        let bytes = pdf_of(&[catalogue, pages, third, fourth]);
        let outcome = text(&bytes, "a.pdf").unwrap_err();
        let too_large = matches!(outcome, ExtractError::TooLarge { .. });
        assert_eq!(too_large, refused, "{name}: {outcome}");
    }
}

/// 70 MiB of spaces as Brotli.
const BROTLI: &[u8] =
    b"\xcf\xff\xff\x7f\xf8\x25\x40\xe2\xb1\x40\x20\xf7\xfe\x9f\xff\xff\xff\xf0\x4b\x00\
    \xc4\x61\x01\x80\xee\xfd\x3f\xff\xff\xff\xe1\x97\x00\x88\xc3\x22\x00\xdd\xfb\x7f\
    \xfe\xff\xff\xc3\x2f\x01\x10\x87\x05\x00\xba\xf7\xff\xf9\xff\xff\x85\x5f\x02\x20\
    \x0e\x0b\x00\x74\xef\xbf\x00";

/// 30,628 spaces as LZW, from a clear table on: each code is the one that the
/// reader is about to know, as long as codes have nine bits.
fn lzw_cycle() -> Vec<u8> {
    let codes = [256_u32, 32].into_iter().chain(258..=503);
    let bits = codes.flat_map(|code| (0..9).rev().map(move |bit| (code >> bit & 1) as u8));
    let bits: Vec<u8> = bits.collect();
    let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit);
    bits.chunks(8).map(byte).collect()
}

#[test]
fn references_and_members_are_not_multiplied() {
    // A hundred references to one object, and a stream of objects that are all one.
    let catalogue = b"<</Type/Catalog/Pages 2 0 R>>";
    let pages = b"<</Type/Pages/Kids[]/Count 0>>";
    let array = ["[", &"1 ".repeat(100_000), "]"].concat();
    let mut whole = pdf_of(&[catalogue, pages, array.as_bytes()]);
    let table = whole.windows(4).rposition(|four| four == b"xref").unwrap();
    let table = whole[..table]
        .windows(5)
        .rposition(|five| five == b"\nxref")
        .unwrap()
        + 1;
    let at = whole
        .windows(7)
        .position(|seven| seven == b"3 0 obj")
        .unwrap();
    whole.truncate(table);
    whole.extend(b"xref\n1 2\n");
    for object in [&b"1 0 obj"[..], b"2 0 obj"] {
        let at = whole.windows(7).position(|seven| seven == object).unwrap();
        whole.extend(format!("{at:010} 00000 n \n").into_bytes());
    }
    whole.extend(b"3 100\n");
    whole.extend(format!("{at:010} 00000 n \n").repeat(100).into_bytes());
    let trailer = format!("trailer\n<</Size 103/Root 1 0 R>>\nstartxref\n{table}\n%%EOF");
    whole.extend(trailer.into_bytes());

    let index: String = (10..110).map(|number| format!("{number} 0 ")).collect();
    let content = [&index, &*array].concat();
    let header = format!(
        "<</Type/ObjStm/N 100/First {}/Length {}>>stream\n",
        index.len(),
        content.len()
    );
    let members = [header.as_bytes(), content.as_bytes(), b"\nendstream"].concat();
    let members = pdf_of(&[catalogue, pages, &members]);
    for (name, bytes) in [("references", whole), ("members", members)] {
        let error = text(&bytes, "a.pdf").unwrap_err();
        assert!(
            matches!(error, ExtractError::TooLarge { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_part_is_no_larger_than_it_is_said_to_be() {
    let types = ("[Content_Types].xml", &b"<Types/>"[..]);
    let large = vec![b' '; 1 << 20];
    let mut lying = zip_of(&[types, ("word/document.xml", &large)]);
    let central = lying.windows(4).rposition(|four| four == b"PK\x01\x02");
    let size = central.unwrap() + 24;
    lying[size..size + 4].copy_from_slice(&1_000_u32.to_le_bytes());
    let error = text(&lying, "a.docx").unwrap_err();
    assert!(error.to_string().contains("more bytes than"), "{error}");
}

/// What a mutation does to a file.
#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Cut(usize),
    Remove(usize, usize),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<usize>(), 1..=255u8).prop_map(|(at, bits)| Change::Flip(at, bits)),
        1 => any::<usize>().prop_map(Change::Cut),
        1 => (any::<usize>(), 1..200usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (any::<usize>(), 1..200usize).prop_map(|(at, count)| Change::Repeat(at, count)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let length = bytes.len().max(1);
        let range = |at: usize, count: usize| at % length..(at % length + count).min(bytes.len());
        match *change {
            Change::Flip(at, bits) => {
                if let Some(byte) = bytes.get_mut(at % length) {
                    *byte ^= bits;
                }
            }
            Change::Cut(at) => bytes.truncate(at % length),
            Change::Remove(at, count) => {
                bytes.drain(range(at, count));
            }
            Change::Repeat(at, count) => {
                let again = bytes[range(at, count)].to_vec();
                bytes.extend(again);
            }
        }
    }
    bytes
}

/// A sample with one of its parts changed, where it is a package of parts.
fn with_changed_part(bytes: &[u8], part: usize, changes: &[Change]) -> Option<Vec<u8>> {
    let mut package = zip::ZipArchive::new(std::io::Cursor::new(bytes)).ok()?;
    let part = part % package.len();
    let mut parts = Vec::new();
    for index in 0..package.len() {
        let mut file = package.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        if index == part {
            content = changed(content, changes);
        }
        parts.push((file.name().to_owned(), content));
    }
    let parts: Vec<(&str, &[u8])> = parts
        .iter()
        .map(|(name, part)| (&**name, &**part))
        .collect();
    Some(zip_of(&parts))
}

/// A PDF whose streams are not compressed, so that changes reach what they say.
fn plain_pdf() -> Vec<u8> {
    let content = b"BT /F1 12 Tf 72 720 Td (The lamp is lit) Tj 0 -14 Td [(at) -200 (dusk)] TJ ET";
    let stream = [b"<</Length 78>>stream\n", &content[..], b"\nendstream"].concat();
    pdf_of(&[
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R\
          /Resources<</Font<</F1 5 0 R>>>>>>",
        &stream,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
        b"<</Length 95>>stream\n/CIDInit /ProcSet findresource begin begincmap 1 beginbfrange\
          <20> <7e> <0020> endbfrange endcmap\nendstream",
    ])
}

#[test]
fn a_plain_pdf_is_read() {
    let read = text(&plain_pdf(), "a.pdf").unwrap();
    assert!(read.text.contains("The lamp is lit"), "{}", read.text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_documents_have_an_outcome(
        which in 0..=SAMPLES.len(),
        part in prop::option::of(any::<usize>()),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let (name, whole) = match SAMPLES.get(which) {
            Some((name, _)) => (*name, sample(name)),
            None => ("plain.pdf", plain_pdf()),
        };
        let bytes = part
            .and_then(|part| with_changed_part(&whole, part, &changes))
            .unwrap_or_else(|| changed(whole, &changes));
        match extract_document(bytes, &about(name), &Limits::default()) {
            Ok(document) => prop_assert!(!document.text.is_empty() || document.title == name),
            Err(error) => prop_assert!(!matches!(error, ExtractError::ParserFailed { .. }), "{}", error),
        }
    }
}
