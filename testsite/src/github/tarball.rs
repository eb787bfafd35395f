//! A commit as the archive that GitHub makes of it.

use std::collections::BTreeSet;
use std::io;

use tar::{Builder, EntryType, Header};

use super::history::{Commit, Tree};
use crate::answer::gzip;

/// Longer paths do not fit the classic header and take a pax header of their own.
const PATH_BYTES_MAX: usize = 100;

/// The commit as a gzip tar: a pax global header that names it, then one top
/// folder, folders before what is in them.
pub(super) fn tarball(repository: &str, commit: &Commit) -> Vec<u8> {
    let top = format!("{}-{}", repository.replace('/', "-"), &commit.sha[..7]);
    let archive = write(&top, commit).expect("a vector takes any archive");
    gzip(&archive)
}

fn write(top: &str, commit: &Commit) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    let comment = pax_record("comment", &commit.sha);
    let global = ("pax_global_header", &*comment);
    append(
        &mut archive,
        EntryType::XGlobalHeader,
        global,
        commit.time_s,
    )?;
    for folder in folders(&commit.tree) {
        let path = format!("{top}/{folder}");
        append(
            &mut archive,
            EntryType::Directory,
            (&path, b""),
            commit.time_s,
        )?;
    }
    for (path, content) in &commit.tree {
        let path = format!("{top}/{path}");
        append(
            &mut archive,
            EntryType::Regular,
            (&path, content),
            commit.time_s,
        )?;
    }
    archive.into_inner()
}

/// The folders of a tree, with their final slash; the root is the empty one.
fn folders(tree: &Tree) -> BTreeSet<&str> {
    let above = |path: &str| path.rfind('/').map_or(0, |slash| slash + 1);
    let mut folders = BTreeSet::from([""]);
    for path in tree.keys() {
        let mut end = above(path);
        while end > 0 && folders.insert(&path[..end]) {
            end = above(&path[..end - 1]);
        }
    }
    folders
}

fn append(
    archive: &mut Builder<Vec<u8>>,
    kind: EntryType,
    (path, content): (&str, &[u8]),
    time_s: u64,
) -> io::Result<()> {
    let mut short = path;
    if path.len() > PATH_BYTES_MAX {
        let record = pax_record("path", path);
        let name = ("pax_header", &*record);
        append(archive, EntryType::XHeader, name, time_s)?;
        short = path.get(..PATH_BYTES_MAX).unwrap_or("long");
    }
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..short.len()].copy_from_slice(short.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(if kind.is_dir() { 0o775 } else { 0o664 });
    header.set_mtime(time_s);
    header.set_cksum();
    archive.append(&header, content)
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself (POSIX pax, extended header).
fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length.to_string().len() + rest.len() != length {
        length = length.to_string().len() + rest.len();
    }
    format!("{length}{rest}").into_bytes()
}
