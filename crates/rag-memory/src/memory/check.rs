//! Checks of what callers give, with errors that say what would be right.

use std::ops::RangeInclusive;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rag_core::model::{CollectionInfo, CollectionName, DocumentId, Filter, JobId, Metadata};
use rag_core::port::StoreError;
use rag_web::RepositoryRef;

use super::Memory;
use super::document::PAGE_OFFSETS;
use crate::{Error, ErrorKind};

/// The most characters a description or a title may have.
const LINE_CHARS_MAX: usize = 2_000;
/// The most bytes a document's metadata may have as JSON.
const METADATA_BYTES_MAX: usize = 64 * 1024;
/// How many collections an error lists.
const NAMES_LISTED_MAX: usize = 10;
/// How alike a name must be to be suggested, from 0 to 1.
const SUGGESTION_MIN: f64 = 0.7;

/// The collection name in `text`.
pub(super) fn collection_name(text: &str) -> Result<CollectionName, Error> {
    text.parse()
        .map_err(|error: rag_core::model::InvalidCollectionName| Error::invalid(error.to_string()))
}

/// The document id in `text`.
pub(super) fn document_id(text: &str) -> Result<DocumentId, Error> {
    text.trim()
        .parse()
        .map_err(|error: rag_core::model::InvalidDocumentId| {
            Error::invalid(error.to_string()).hint("search_documents and list_documents tell ids")
        })
}

/// The job id in `text`.
pub(super) fn job_id(text: &str) -> Result<JobId, Error> {
    text.trim()
        .parse()
        .map_err(|error: rag_core::model::InvalidJobId| {
            Error::invalid(error.to_string()).hint("list_jobs (`rag job list`) tells ids")
        })
}

/// A job that does not exist.
pub(super) fn no_job(id: JobId) -> Error {
    Error::new(ErrorKind::NotFound, format!("job `{id}` does not exist"))
        .hint("list_jobs (`rag job list`) shows those that do; the oldest are forgotten")
}

/// The repository in `text`.
pub(super) fn repository(text: &str) -> Result<RepositoryRef, Error> {
    text.trim()
        .parse()
        .map_err(|error: rag_web::InvalidRepository| Error::invalid(error.to_string()))
}

/// Patterns of paths: `*` stays within a part, `**` does not; one without a
/// slash matches a name anywhere.
pub(super) fn globs(patterns: &[String]) -> Result<GlobSet, Error> {
    let mut globs = GlobSetBuilder::new();
    for pattern in patterns {
        let whole = match pattern.contains('/') {
            true => pattern.trim_start_matches('/').to_owned(),
            false => format!("**/{pattern}"),
        };
        let glob = GlobBuilder::new(&whole).literal_separator(true).build();
        globs.add(glob.map_err(|error| {
            Error::invalid(format!("`{pattern}` is not a pattern: {}", error.kind()))
                .hint("write it like `docs/**/*.md` or `*.rst`")
        })?);
    }
    globs
        .build()
        .map_err(|error| Error::invalid(format!("the patterns are too large together: {error}")))
}

/// `value` of the argument `name`, if it is in `range`.
pub(super) fn in_range(name: &str, value: i64, range: RangeInclusive<i64>) -> Result<usize, Error> {
    let (least, most) = (range.start(), range.end());
    let error = || {
        Error::invalid(format!(
            "`{name}` must be from {least} to {most}, not {value}"
        ))
    };
    if !range.contains(&value) {
        return Err(error());
    }
    usize::try_from(value).map_err(|_| error())
}

/// `text` of the argument `name` as one line, if it has something to read and
/// is no longer than a line should be.
pub(super) fn line(name: &str, text: &str) -> Result<String, Error> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Err(Error::invalid(format!("`{name}` is blank")));
    }
    if text.contains(char::is_control) {
        return Err(Error::invalid(format!("`{name}` has control characters")));
    }
    let chars = text.chars().count();
    if chars > LINE_CHARS_MAX {
        let message = format!("`{name}` has {chars} characters, it may have {LINE_CHARS_MAX}");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(text)
}

/// `text` as one line that a description or a title may be: cut, if it is longer;
/// blank, if there is nothing to read.
pub(super) fn shortened(text: &str) -> String {
    let words = text.split(|char: char| char.is_whitespace() || char.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LINE_CHARS_MAX).collect()
}

/// The same for metadata among which are a document's page offsets: a thousand
/// pages are no fault of the caller's.
pub(super) fn own_metadata(own: &Metadata) -> Result<(), Error> {
    if !own.contains_key(PAGE_OFFSETS) {
        return metadata(own);
    }
    let mut callers = own.clone();
    callers.remove(PAGE_OFFSETS);
    metadata(&callers)
}

/// Refuses metadata that are a document by themselves.
pub(super) fn metadata(metadata: &Metadata) -> Result<(), Error> {
    let bytes = serde_json::to_string(metadata).map_or(0, |json| json.len());
    if bytes <= METADATA_BYTES_MAX {
        return Ok(());
    }
    let message =
        format!("the metadata have {bytes} bytes as JSON, they may have {METADATA_BYTES_MAX}");
    Err(Error::new(ErrorKind::TooLarge, message).hint("put long texts into the document"))
}

/// A document that does not exist.
pub(super) fn no_document(id: DocumentId) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("document `{id}` does not exist"),
    )
    .hint("search_documents and list_documents tell ids")
}

impl Memory {
    /// The collection called `name`, if the caller may use it; the error for one
    /// that does not exist suggests those that do.
    pub(super) async fn collection_named(&self, name: &str) -> Result<CollectionInfo, Error> {
        let wanted = collection_name(name)?;
        self.access.require_collection(&wanted)?;
        match self.store.collection(&wanted).await {
            Err(error @ StoreError::NoCollection(_)) => {
                let infos = self.usable_collections().await?;
                let names: Vec<&str> = infos
                    .iter()
                    .map(|info| info.collection.name.as_str())
                    .collect();
                let message = error.to_string();
                Err(Error::new(ErrorKind::NotFound, message).hint(instead(name, &names)))
            }
            other => Ok(other?),
        }
    }

    /// The collections that the caller may use, newest first.
    pub(super) async fn usable_collections(&self) -> Result<Vec<CollectionInfo>, Error> {
        let mut infos = self.store.collections().await?;
        infos.retain(|info| self.access.admits(&info.collection.name));
        Ok(infos)
    }

    /// What a request is about that may name a collection: that one, or all that
    /// the caller may use. `None` when there is none of these.
    pub(super) async fn filter_named(&self, name: Option<&str>) -> Result<Option<Filter>, Error> {
        let collections = match (name, self.access.collections()) {
            (Some(name), _) => vec![self.collection_named(name).await?.collection.name],
            // No names are all collections.
            (None, None) => return Ok(Some(Filter::default())),
            (None, Some(_)) => {
                let usable = self.usable_collections().await?;
                usable
                    .into_iter()
                    .map(|info| info.collection.name)
                    .collect()
            }
        };
        let filter = Filter {
            collections,
            ..Filter::default()
        };
        Ok((!filter.collections.is_empty()).then_some(filter))
    }
}

/// What to do about a collection that does not exist.
fn instead(wanted: &str, names: &[&str]) -> String {
    let likeness = |name: &str| strsim::jaro_winkler(wanted, name);
    let nearest = names
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest {
        None => "there are no collections yet: create one first".to_owned(),
        Some(name) if likeness(name) >= SUGGESTION_MIN => format!("did you mean `{name}`?"),
        Some(_) => {
            let listed = names
                .iter()
                .take(NAMES_LISTED_MAX)
                .map(|name| format!("`{name}`"));
            let more = if names.len() > NAMES_LISTED_MAX {
                ", …"
            } else {
                ""
            };
            format!(
                "collections are {}{more}",
                listed.collect::<Vec<_>>().join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions() {
        for (wanted, names, expected) in [
            ("dcos", &["docs", "notes"][..], "did you mean `docs`?"),
            ("zzz", &["docs", "notes"], "collections are `docs`, `notes`"),
            (
                "docs",
                &[],
                "there are no collections yet: create one first",
            ),
        ] {
            assert_eq!(instead(wanted, names), expected);
        }
    }

    #[test]
    fn ranges() {
        assert_eq!(in_range("limit", 5, 1..=50).unwrap(), 5);
        for wrong in [0, -1, 51, i64::MAX, i64::MIN] {
            let error = in_range("limit", wrong, 1..=50).unwrap_err();
            assert_eq!(
                error.message(),
                format!("`limit` must be from 1 to 50, not {wrong}")
            );
        }
    }
}
