//! The files of repositories, from tarballs good and bad.

use std::io::Write as _;
use std::ops::ControlFlow;

use flate2::Compression;
use flate2::write::GzEncoder;
use rag_web::{FetchError, GitHubError, RepositoryFile, Tarball};
use tar::{Builder, EntryType, Header};
use testsite::{Answer, GitHubDouble};

use crate::github::{client, github, repository};

/// All files of at most 100 bytes, and the names of those that are larger.
fn files(tarball: &Tarball) -> Result<(Vec<RepositoryFile>, Vec<String>, u64), GitHubError> {
    let (mut found, mut large) = (Vec::new(), Vec::new());
    let nameless = tarball.files(
        &|_| true,
        100,
        &mut |file| {
            found.push(file);
            ControlFlow::Continue(())
        },
        &mut |path, size| large.push(format!("{path} {size}")),
    )?;
    Ok((found, large, nameless))
}

fn paths(files: &[RepositoryFile]) -> Vec<&str> {
    files.iter().map(|file| file.path.as_str()).collect()
}

#[tokio::test]
async fn a_tarball_has_the_files() {
    let hub = GitHubDouble::start().await;
    let long = format!(
        "docs/{}/deep.md",
        "folder/".repeat(30).trim_end_matches('/')
    );
    hub.put_file("o/r", "README.md", "hello\n");
    hub.put_file("o/r", "docs/a.md", "");
    hub.put_file("o/r", "docs/größe.md", "ü");
    hub.put_file("o/r", "docs/large.md", "x".repeat(101));
    hub.put_file("o/r", "docs-other/b.md", "b");
    hub.put_file("o/r", &long, "deep");
    let sha = hub.commit("o/r");
    let github = github(&hub);
    for (text, expected) in [
        (
            "o/r",
            &[
                "README.md",
                "docs-other/b.md",
                "docs/a.md",
                &long,
                "docs/größe.md",
            ][..],
        ),
        ("o/r/docs", &["docs/a.md", &long, "docs/größe.md"]),
        ("o/r/docs/a.md", &["docs/a.md"]),
        ("o/r/doc", &[]),
    ] {
        let tarball = github.tarball(&repository(text), &sha).await.unwrap();
        // Twice, since it starts anew each time.
        for _ in 0..2 {
            let (found, large, nameless) = files(&tarball).unwrap();
            assert_eq!(paths(&found), expected, "{text}");
            let is_there = matches!(text, "o/r" | "o/r/docs");
            assert_eq!(large, vec!["docs/large.md 101"; usize::from(is_there)]);
            assert_eq!(nameless, 0);
        }
    }
    let tarball = github.tarball(&repository("o/r"), &sha).await.unwrap();
    let (found, ..) = files(&tarball).unwrap();
    assert_eq!(found[0].content, b"hello\n");
    // What `git hash-object` says.
    assert_eq!(
        found[0].blob_sha,
        "ce013625030ba8dba906f756967f9e9ca394464a"
    );
    assert_eq!(
        found[2].blob_sha,
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    );

    let mut seen = Vec::new();
    let stop = &mut |file: RepositoryFile| {
        seen.push(file.path);
        ControlFlow::Break(())
    };
    let wanted = |path: &str| path.ends_with("a.md");
    tarball.files(&wanted, 100, stop, &mut |_, _| {}).unwrap();
    assert_eq!(seen, ["docs/a.md"]);
}

#[tokio::test]
async fn a_tarball_that_is_too_large_is_not_kept() {
    let hub = GitHubDouble::start().await;
    hub.put_file("o/r", "a.md", "one");
    let sha = hub.commit("o/r");
    let small = client(&hub, hub.api().as_str(), 100);
    let archive = format!("/o/r/legacy.tar.gz/{sha}");
    let too_large = GitHubError::TooLarge { bytes_max: 100 };
    for answer in [
        Answer::bytes("application/x-gzip", vec![7; 101]),
        Answer::bytes("application/x-gzip", vec![7; 60]).endless(),
    ] {
        hub.codeload_site().put(&archive, answer);
        let error = small.tarball(&repository("o/r"), &sha).await.unwrap_err();
        assert_eq!(error, too_large);
    }
}

/// What is read of an archive of these entries, served for a commit.
struct Crafted {
    hub: GitHubDouble,
    sha: String,
}

impl Crafted {
    async fn start() -> Self {
        let hub = GitHubDouble::start().await;
        hub.put_file("o/r", "a.md", "one");
        let sha = hub.commit("o/r");
        Crafted { hub, sha }
    }

    async fn read(
        &self,
        archive: Answer,
    ) -> Result<(Vec<RepositoryFile>, Vec<String>, u64), GitHubError> {
        let path = format!("/o/r/legacy.tar.gz/{}", self.sha);
        self.hub.codeload_site().put(&path, archive);
        files(
            &github(&self.hub)
                .tarball(&repository("o/r"), &self.sha)
                .await?,
        )
    }
}

fn entry(archive: &mut Builder<Vec<u8>>, kind: EntryType, name: &[u8], content: &[u8]) {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append(&header, content).unwrap();
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn archive(entries: &[(EntryType, &[u8], &[u8])]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (kind, name, content) in entries {
        entry(&mut archive, *kind, name, content);
    }
    gzipped(&archive.into_inner().unwrap())
}

fn answer(bytes: Vec<u8>) -> Answer {
    Answer::bytes("application/x-gzip", bytes)
}

#[tokio::test]
async fn what_is_no_file_is_left_out() {
    let crafted = Crafted::start().await;
    let entries = archive(&[
        (EntryType::Directory, b"top/", b""),
        (EntryType::Regular, b"top/a\xff.md", b"no name"),
        (EntryType::Symlink, b"top/link.md", b""),
        (EntryType::Fifo, b"top/fifo", b""),
        (
            EntryType::GNULongName,
            b"././@LongLink",
            b"top/long/name.md\0",
        ),
        (EntryType::Regular, b"top/short", b"long"),
        (EntryType::Regular, b"top/b.md", b"b"),
        (EntryType::Regular, b"stray", b"x"),
    ]);
    let (found, large, nameless) = crafted.read(answer(entries)).await.unwrap();
    assert_eq!(paths(&found), ["long/name.md", "b.md"]);
    assert_eq!((large.len(), nameless), (0, 1));
}

#[tokio::test]
async fn damaged_tarballs_are_told() {
    let crafted = Crafted::start().await;
    // Noise, since what compresses well is too short to be cut.
    let noise: Vec<u8> = (0..100_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes())
        .collect();
    let good = archive(&[(EntryType::Regular, b"top/a.md", &noise[..90])]);
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let long = vec![b'a'; 100 << 10];
    for (name, archive) in [
        ("cut", good[..good.len() / 2].to_vec()),
        ("without its checksum", good[..good.len() - 4].to_vec()),
        ("flipped", flipped),
        ("no archive", b"<html>".to_vec()),
        ("empty", Vec::new()),
        ("no tar", gzipped(&[b'x'; 2_000])),
        (
            "above",
            archive(&[(EntryType::Regular, b"top/../../a", b"x")]),
        ),
        (
            "absolute",
            archive(&[(EntryType::Regular, b"/etc/passwd", b"x")]),
        ),
        (
            "a long name",
            archive(&[(EntryType::GNULongName, b"x", &long)]),
        ),
    ] {
        let error = crafted.read(answer(archive)).await.unwrap_err();
        let is_told =
            matches!(&error, GitHubError::BadAnswer { message } if message.contains("damaged"));
        assert!(is_told, "{name}: {error}");
    }
    let error = crafted.read(answer(good).broken_off()).await.unwrap_err();
    assert!(
        matches!(error, GitHubError::Fetch(FetchError::Unreachable { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn archives_are_read_within_bounds() {
    let crafted = Crafted::start().await;
    let mut many = Builder::new(Vec::new());
    for _ in 0..200_001 {
        entry(&mut many, EntryType::Directory, b"top/", b"");
    }
    let many = gzipped(&many.into_inner().unwrap());
    let error = crafted.read(answer(many)).await.unwrap_err();
    assert!(
        error.to_string().contains("more than 200000 entries"),
        "{error}"
    );
}
