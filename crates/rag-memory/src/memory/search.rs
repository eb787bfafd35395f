//! Search.

use std::collections::HashMap;
use std::time::Instant;

use metrics::{counter, histogram};
use rag_core::model::{ChunkRef, DocumentId, Filter, Metadata};
use rag_core::search::{Mode, Passage, Query, search};
use serde_json::Value;

use super::document::PAGE_OFFSETS;
use super::{Memory, check};
use crate::api::{Hit, SearchDocuments, SearchMode, SearchResults};
use crate::{Error, Scope};

/// The most passages one search gives.
const LIMIT_MAX: i64 = 50;
/// The most chunks of context on each side of a passage.
const NEIGHBORS_MAX: i64 = 5;
/// The largest budget of tokens that is understood as one.
const TOKENS_MAX: i64 = 10_000_000;
/// The most bytes of whole sources in one answer.
const SOURCES_BYTES_MAX: usize = 1_000_000;
/// The most characters a query may have; models read far less of it.
const QUERY_CHARS_MAX: usize = 10_000;

impl Memory {
    /// The passages that answer a question.
    pub async fn search_documents(&self, request: SearchDocuments) -> Result<SearchResults, Error> {
        self.access.require(&[Scope::Read])?;
        let started = Instant::now();
        let found = self.searched(request).await;
        let outcome = match &found {
            Ok(_) => "ok",
            Err(error) => error.kind().name(),
        };
        counter!("rag_searches_total", "outcome" => outcome).increment(1);
        histogram!("rag_search_duration_seconds").record(started.elapsed());
        found
    }

    #[tracing::instrument(name = "search", skip_all)]
    async fn searched(&self, request: SearchDocuments) -> Result<SearchResults, Error> {
        let include = (request.include_source, request.include_metadata);
        let started = Instant::now();
        let Some(query) = self.query(request).await? else {
            return Ok(SearchResults {
                results: Vec::new(),
                warnings: Vec::new(),
            });
        };
        let answer = search(&*self.store, &*self.embedder, &query).await?;
        let mut sources = HashMap::new();
        let mut warnings = answer.warnings;
        let mut source_bytes = 0;
        if include.0 {
            for passage in &answer.passages {
                let id = passage.document.id;
                if !sources.contains_key(&id)
                    && let Some(document) = self.store.document(id).await?
                {
                    source_bytes += document.text.len();
                    if source_bytes > SOURCES_BYTES_MAX {
                        let title = &passage.document.title;
                        warnings.push(format!(
                            "the source `{title}` and those after it are left out: they are too \
                             long together; get_document_by_id reads them"
                        ));
                        break;
                    }
                    sources.insert(id, document.text);
                }
            }
        }
        tracing::info!(
            duration_ms = started.elapsed().as_secs_f64() * 1e3,
            results = answer.passages.len(),
            "searched"
        );
        let hit = |passage| hit(passage, &mut sources, include.1);
        Ok(SearchResults {
            results: answer.passages.into_iter().map(hit).collect(),
            warnings,
        })
    }

    /// What is to be looked for. `None` when there is nothing that the caller may search.
    async fn query(&self, request: SearchDocuments) -> Result<Option<Query>, Error> {
        let chars = request.query.chars().count();
        if chars > QUERY_CHARS_MAX {
            let message = format!("`query` has {chars} characters, it may have {QUERY_CHARS_MAX}");
            return Err(Error::invalid(message).hint("ask a question rather than pasting a text"));
        }
        let threshold = match request.threshold {
            Some(value) if !(-1.0..=1.0).contains(&value) => {
                let message =
                    format!("`threshold` must be a cosine from -1 to 1 or null, not {value}");
                return Err(Error::invalid(message));
            }
            #[expect(clippy::cast_possible_truncation, reason = "similarities are f32")]
            threshold => threshold.map(|value| value as f32),
        };
        let tokens_max = request
            .max_tokens
            .map(|value| check::in_range("max_tokens", value, 1..=TOKENS_MAX));
        let neighbours = check::in_range("neighbors", request.neighbors, 0..=NEIGHBORS_MAX)?;
        let limit = check::in_range("limit", request.limit, 1..=LIMIT_MAX)?;
        let per_document_max =
            check::in_range("max_per_document", request.max_per_document, 1..=LIMIT_MAX)?;
        let filter = self
            .filter_named(request.collection_name.as_deref())
            .await?;
        let Some(filter) = filter else {
            return Ok(None);
        };
        Ok(Some(Query {
            limit,
            per_document_max,
            text: request.query,
            filter: Filter {
                metadata: request.metadata_filter,
                ..filter
            },
            mode: match request.mode {
                SearchMode::Hybrid => Mode::Hybrid,
                SearchMode::Vector => Mode::Vector,
                SearchMode::Keyword => Mode::Keyword,
            },
            fusion: self.options.fusion,
            threshold,
            tokens_max: tokens_max.transpose()?,
            neighbours: u32::try_from(neighbours).expect("at most NEIGHBORS_MAX"),
        }))
    }
}

fn hit(passage: Passage, sources: &mut HashMap<DocumentId, String>, details: bool) -> Hit {
    let Passage {
        document,
        chunk,
        similarity,
        score,
        also_in,
    } = passage;
    let page = page(&document.metadata, chunk.span.char_start);
    let mut metadata = document.metadata;
    metadata.remove(PAGE_OFFSETS);
    let id = ChunkRef {
        document: document.id,
        index: chunk.index,
    };
    Hit {
        content: chunk.text,
        similarity: similarity.map(rounded),
        score: rounded(score),
        source_document_id: document.id.to_string(),
        source_filename: document.title,
        source_uri: document.source_uri,
        collection_name: document.collection.to_string(),
        heading_path: chunk.heading_path,
        char_start: chunk.span.char_start,
        char_end: chunk.span.char_end,
        also_in: also_in.iter().map(ToString::to_string).collect(),
        chunk_id: details.then(|| super::document::chunk_id(id)),
        chunk_index: details.then_some(chunk.index),
        metadata: details.then_some(metadata),
        page,
        source_content: sources.remove(&document.id),
    }
}

/// The page that a character stands on, from 1, in a document that has pages.
fn page(metadata: &Metadata, character: usize) -> Option<usize> {
    let offsets = metadata.get(PAGE_OFFSETS)?.as_array()?;
    let begins = |offset: &Value| {
        offset
            .as_u64()
            .is_some_and(|offset| offset <= character as u64)
    };
    let page = offsets.partition_point(begins);
    (page > 0).then_some(page)
}

/// Four digits tell all that matters, and readers pay for each.
fn rounded(value: f32) -> f32 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_from_one() {
        let metadata: Metadata =
            serde_json::from_str(r#"{"page_offsets": [0, 10, 10, 25]}"#).unwrap();
        for (character, expected) in [(0, 1), (9, 1), (10, 3), (24, 3), (25, 4), (99, 4)] {
            assert_eq!(page(&metadata, character), Some(expected), "{character}");
        }
        assert_eq!(page(&Metadata::new(), 5), None);
    }
}
