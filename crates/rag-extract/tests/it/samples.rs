//! The documents that are read: committed ones, and made ones.

use std::io::{Read, Write};
use std::path::PathBuf;

use rag_core::model::Extracted;
use rag_extract::{About, ExtractError, Format, Limits, extract_document};

/// The samples and what they are.
pub(crate) const SAMPLES: &[(&str, Format)] = &[
    ("handbook.pdf", Format::Pdf),
    ("keeper.doc", Format::Doc),
    ("keeper.docx", Format::Docx),
    ("keeper.epub", Format::Epub),
    ("keeper.odt", Format::Odt),
    ("keeper.rtf", Format::Rtf),
    ("owner-password.pdf", Format::Pdf),
    ("partly-scanned.pdf", Format::Pdf),
    ("stores.ods", Format::Ods),
    ("stores.xlsx", Format::Xlsx),
    ("tides.ipynb", Format::Notebook),
    ("tides.xlsx", Format::Xlsx),
    ("training.odp", Format::Odp),
    ("training.ppt.gz", Format::Ppt),
    ("training.pptx", Format::Pptx),
    ("wages.xls", Format::Xls),
];

pub(crate) fn sample(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/document");
    let bytes = std::fs::read(folder.join(name)).unwrap();
    match name.strip_suffix(".gz") {
        None => bytes,
        Some(_) => {
            let mut unpacked = Vec::new();
            let mut reader = flate2::read::GzDecoder::new(&bytes[..]);
            reader.read_to_end(&mut unpacked).unwrap();
            unpacked
        }
    }
}

pub(crate) fn about(name: &str) -> About<'_> {
    About {
        name: Some(name),
        ..About::default()
    }
}

pub(crate) fn text(content: &[u8], name: &str) -> Result<Extracted, ExtractError> {
    extract_document(content.to_vec(), &about(name), &Limits::default())
}

/// A zip file of these parts.
pub(crate) fn zip_of(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A PDF of these objects, numbered from 1; the first is the catalogue.
pub(crate) fn pdf_of(objects: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.5\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(objects) {
        offsets.push(bytes.len());
        bytes.extend(format!("{number} 0 obj\n").into_bytes());
        bytes.extend_from_slice(object);
        bytes.extend(b"\nendobj\n");
    }
    let table = bytes.len();
    let count = objects.len() + 1;
    bytes.extend(format!("xref\n0 {count}\n0000000000 65535 f \n").into_bytes());
    for offset in offsets {
        bytes.extend(format!("{offset:010} 00000 n \n").into_bytes());
    }
    bytes.extend(
        format!("trailer\n<</Size {count}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF").into_bytes(),
    );
    bytes
}
