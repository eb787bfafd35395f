//! Archives: their files, and that no file in them does harm.

use std::io::Write;
use std::ops::ControlFlow;

use flate2::Compression;
use flate2::write::GzEncoder;
use rag_extract::{About, ArchiveMember, ExtractError, Format, Limits, detect, read_archive};

fn members(bytes: &[u8]) -> (Vec<ArchiveMember>, Result<(), ExtractError>) {
    let mut members = Vec::new();
    let outcome = read_archive(bytes, &Limits::default(), &mut |member| {
        members.push(member);
        ControlFlow::Continue(())
    });
    (members, outcome)
}

fn paths(bytes: &[u8]) -> Vec<String> {
    let (members, outcome) = members(bytes);
    assert_eq!(outcome, Ok(()));
    members.into_iter().map(|member| member.path).collect()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in files {
        match name.ends_with('/') {
            true => writer.add_directory(*name, options).unwrap(),
            false => {
                writer.start_file(*name, options).unwrap();
                writer.write_all(content).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

/// A tar file of raw names and what kind they are.
fn tar_of(entries: &[(&[u8], tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

#[test]
fn files_come_in_order_with_tidy_paths() {
    let zip = zip_of(&[
        ("docs/", b""),
        ("docs/b.md", b"# B"),
        ("./a.md", b"# A"),
        ("/etc/passwd", b"x"),
        ("../../up.md", b"x"),
        ("win\\sub\\c.md", b"# C"),
    ]);
    assert_eq!(detect(&zip, &About::default()), Ok(Format::Archive));
    assert_eq!(paths(&zip), ["docs/b.md", "a.md", "win/sub/c.md"]);
    let (members, _) = members(&zip);
    assert_eq!(members[0].content, Ok(b"# B".to_vec()));

    use tar::EntryType::{Char, Directory, Link, Regular, Symlink};
    let tar = tar_of(&[
        (b"docs/", Directory, b""),
        (b"docs/b.md", Regular, b"# B"),
        (b"caf\xe9.md", Regular, b"x"),
        (b"/etc/passwd", Regular, b"x"),
        (b"docs/../../up.md", Regular, b"x"),
        (b"link", Symlink, b""),
        (b"hard", Link, b""),
        (b"device", Char, b""),
    ]);
    for bytes in [tar.clone(), gzip(&tar)] {
        assert_eq!(detect(&bytes, &About::default()), Ok(Format::Archive));
        assert_eq!(paths(&bytes), ["docs/b.md", "caf%E9.md"]);
    }
}

#[test]
fn long_names_and_single_files_are_read() {
    let long = format!("{}/a.md", "folder".repeat(60));
    let mut builder = tar::Builder::new(Vec::new());
    for _ in 0..2 {
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        builder
            .append_data(&mut header, &long, &b"# A"[..])
            .unwrap();
    }
    builder
        .append_pax_extensions([("path", long.as_bytes())])
        .unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_path("short").unwrap();
    header.set_size(3);
    header.set_cksum();
    builder.append(&header, &b"# A"[..]).unwrap();
    assert_eq!(paths(&builder.into_inner().unwrap()), [&long[..]; 3]);

    let mut named = flate2::GzBuilder::new()
        .filename("notes.md")
        .write(Vec::new(), Compression::default());
    named.write_all(b"# Notes").unwrap();
    let (found, outcome) = members(&named.finish().unwrap());
    assert_eq!(outcome, Ok(()));
    assert_eq!(
        (found[0].path.as_str(), &found[0].content),
        ("notes.md", &Ok(b"# Notes".to_vec()))
    );
}

#[test]
fn names_of_other_encodings_stay_apart() {
    // The names are as long as what they are replaced by.
    let mut zip = zip_of(&[("nameA.md", b"1"), ("nameB.md", b"2")]);
    for (from, to) in [
        (b"nameA", b"\xe9\xe9\xe9\xe9A"),
        (b"nameB", b"\xe9\xe9\xe9\xe9B"),
    ] {
        while let Some(at) = zip.windows(5).position(|window| window == from) {
            zip[at..at + 5].copy_from_slice(to);
        }
    }
    let found = paths(&zip);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_ne!(found[0], found[1]);
}

#[test]
fn a_file_that_cannot_be_had_does_not_end_it() {
    let mut zip = zip_of(&[("a.md", b"first"), ("b.md", b"second"), ("c.md", b"third")]);
    // Flag bit 0 of the second file in the directory: it is encrypted.
    let central = |zip: &[u8], nth: usize| {
        let mut at = zip
            .windows(4)
            .enumerate()
            .filter(|(_, four)| *four == b"PK\x01\x02");
        at.nth(nth).unwrap().0
    };
    let at = central(&zip, 1) + 8;
    zip[at] |= 1;
    // The checksum of the third is wrong.
    let at = central(&zip, 2) + 16;
    zip[at] ^= 1;
    let (found, outcome) = members(&zip);
    assert_eq!(outcome, Ok(()));
    assert_eq!(found[0].content, Ok(b"first".to_vec()));
    assert_eq!(found[1].content, Err(ExtractError::Encrypted));
    assert!(
        matches!(found[2].content, Err(ExtractError::Damaged { .. })),
        "{found:?}"
    );
}

#[test]
fn bombs_end_at_a_bound() {
    // One file that is larger than a file may be.
    let (found, outcome) = members(&zip_of(&[("a", &vec![0; 101 << 20]), ("b", b"after")]));
    assert_eq!(outcome, Ok(()));
    assert!(matches!(
        found[0].content,
        Err(ExtractError::TooLarge { .. })
    ));
    assert_eq!(found[1].content, Ok(b"after".to_vec()));
    let (found, _) = members(&gzip(&vec![0; 101 << 20]));
    assert!(matches!(
        found[0].content,
        Err(ExtractError::TooLarge { .. })
    ));

    // More files than an archive may have.
    let mut many = tar::Builder::new(Vec::new());
    for number in 0..20_001 {
        let mut header = tar::Header::new_ustar();
        header.set_path(format!("{number}.md")).unwrap();
        header.set_size(0);
        header.set_cksum();
        many.append(&header, &b""[..]).unwrap();
    }
    let (found, outcome) = members(&many.into_inner().unwrap());
    assert_eq!(found.len(), 20_000);
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "it has more than 20000 files"
    );

    // More in all than is unpacked: eleven files of 100 MiB under gzip.
    let large = vec![0; 100 << 20];
    let mut packed = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for number in 0..11 {
        let mut header = tar::Header::new_ustar();
        header.set_path(format!("{number}.bin")).unwrap();
        header.set_size(large.len() as u64);
        header.set_cksum();
        packed.append(&header, &large[..]).unwrap();
    }
    let mut count = 0;
    let packed = packed.into_inner().unwrap().finish().unwrap();
    let outcome = read_archive(&packed, &Limits::default(), &mut |_| {
        count += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(count, 10);
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "it has more than 1073741824 bytes unpacked"
    );
}

#[test]
fn damage_is_told_and_the_caller_may_stop() {
    let zip = zip_of(&[("a.md", b"first"), ("b.md", b"second")]);
    let mut count = 0;
    let outcome = read_archive(&zip, &Limits::default(), &mut |_| {
        count += 1;
        ControlFlow::Break(())
    });
    assert_eq!((outcome, count), (Ok(()), 1));
    let cut = &zip[..zip.len() / 2];
    let (_, outcome) = members(cut);
    assert!(matches!(
        outcome,
        Err(ExtractError::Damaged { format: "zip", .. })
    ));
    let tar = tar_of(&[(b"a.md", tar::EntryType::Regular, b"first")]);
    let packed = gzip(&tar);
    let (found, outcome) = members(&packed[..packed.len() - 10]);
    assert_eq!(
        (found.len(), outcome),
        (1, Ok(())),
        "the file itself is whole"
    );
    let (found, _) = members(&packed[..packed.len() / 2]);
    assert!(
        found.iter().all(|member| member.content.is_err()),
        "{found:?}"
    );
}

#[test]
fn a_file_that_is_cut_off_is_damaged() {
    use tar::EntryType::Regular;
    let tar = tar_of(&[
        (b"a.md", Regular, b"first"),
        (b"b.md", Regular, &[b'x'; 600]),
    ]);
    // Two headers and the first file take three blocks.
    for length in [3 * 512 + 1, 3 * 512 + 512, 3 * 512 + 599] {
        let (found, outcome) = members(&tar[..length]);
        assert_eq!(found[0].content, Ok(b"first".to_vec()));
        let cut = found.get(1).map(|member| &member.content);
        let is_told = matches!(cut, Some(Err(ExtractError::Damaged { .. }))) || outcome.is_err();
        assert!(is_told, "{length}: {cut:?}");
    }
    let (found, _) = members(&tar[..3 * 512 + 600]);
    assert!(found[1].content.is_ok(), "the file itself is whole");
}
