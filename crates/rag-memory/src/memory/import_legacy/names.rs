//! What the collections of an earlier memory, whose names may be any text, are
//! called here. It follows from the names alone, so that every run comes to the
//! same.

use rag_core::model::{COLLECTION_NAME_CHARS_MAX, CollectionName, ContentHash};

use crate::Error;

/// What a name without a letter or digit of ours becomes.
const NAMELESS: &str = "collection";
/// How many digits of its hash tell a name from others that would become the same.
const DIGITS: usize = 8;

/// The names here, in the order of those there; no two are the same.
///
/// A name that is one of ours stays. Others are lower-cased, and runs of other
/// characters become a hyphen; where that is what another one is called too, they
/// end in a hash of what they were.
pub(super) fn ours(theirs: &[&str]) -> Result<Vec<CollectionName>, Error> {
    let wanted: Vec<String> = theirs.iter().map(|name| wanted(name)).collect();
    let mut ours: Vec<CollectionName> = Vec::with_capacity(theirs.len());
    for (theirs, own) in theirs.iter().zip(&wanted) {
        let shared = wanted.iter().filter(|other| *other == own).count() > 1;
        let name = match shared && theirs != own {
            true => with_hash(own, theirs),
            false => own.clone(),
        };
        let name: CollectionName = name
            .parse()
            .expect("it has only characters that names may have");
        if ours.contains(&name) {
            let message = format!("two collections of the earlier memory would be called `{name}`");
            return Err(Error::invalid(message).hint(format!(
                "rename `{theirs}` there, or take others with --collection"
            )));
        }
        ours.push(name);
    }
    Ok(ours)
}

/// The name made of characters that names may have.
fn wanted(name: &str) -> String {
    if name.parse::<CollectionName>().is_ok() {
        return name.to_owned();
    }
    let mut made = String::new();
    for char in name.chars().flat_map(char::to_lowercase) {
        match char {
            'a'..='z' | '0'..='9' | '_' => made.push(char),
            _ if made.is_empty() || made.ends_with('-') => {}
            _ => made.push('-'),
        }
    }
    made.truncate(COLLECTION_NAME_CHARS_MAX);
    match made.trim_end_matches('-') {
        "" => NAMELESS.to_owned(),
        made => made.to_owned(),
    }
}

fn with_hash(own: &str, theirs: &str) -> String {
    let hash = ContentHash::of(theirs).to_string();
    let kept = own.len().min(COLLECTION_NAME_CHARS_MAX - DIGITS - 1);
    format!("{}-{}", own[..kept].trim_end_matches('-'), &hash[..DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(theirs: &[&str], expected: &[&str]) {
        let ours = ours(theirs).unwrap();
        let ours: Vec<&str> = ours.iter().map(CollectionName::as_str).collect();
        assert_eq!(ours, expected, "{theirs:?}");
    }

    #[test]
    fn names_stay_or_become_what_they_say() {
        check(
            &["docs", "a_b-c", "My Docs!", " Über  uns ", "日本語", ""],
            &[
                "docs",
                "a_b-c",
                "my-docs",
                "ber-uns",
                "collection-77710aed",
                "collection-e3b0c442",
            ],
        );
        check(&["日本語"], &["collection"]);
        let (long, cut) = ("X".repeat(70), "x".repeat(64));
        check(&[&long], &[&cut]);
    }

    #[test]
    fn two_names_never_become_one() {
        check(
            &["My Docs", "my docs", "my-docs"],
            &["my-docs-36f8f9d0", "my-docs-ede1dfbc", "my-docs"],
        );
        let (one, two) = ("x".repeat(65), "x".repeat(66));
        let ours = ours(&[&one, &two]).unwrap();
        assert_ne!(ours[0], ours[1]);
        assert!(ours.iter().all(|name| name.as_str().len() == 64));
    }
}
