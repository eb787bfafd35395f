//! `search` and `fetch` in the shapes that ChatGPT's connectors expect; other
//! clients have `search_documents` and `get_document_by_id`, which tell more.

use rag_memory::api::{DocumentView, GetDocument, Hit, Object, SearchDocuments};
use rag_memory::{Error, Memory};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resources::{DOCUMENT_CHARS_MAX, document_uri};

/// The most documents one search gives.
const RESULTS_MAX: i64 = 10;

/// A search as ChatGPT asks it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchRequest {
    /// Question or keywords
    query: String,
}

/// The documents found.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SearchedDocuments {
    /// Best first, each document once
    results: Vec<SearchedDocument>,
}

/// A document found.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SearchedDocument {
    /// Pass it to fetch
    id: String,
    /// Title
    title: String,
    /// Where people can look at it
    url: String,
}

/// A document to read.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FetchRequest {
    /// Document id
    id: String,
}

/// A document, whole.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FetchedDocument {
    /// Id
    id: String,
    /// Title
    title: String,
    /// Its text
    text: String,
    /// Where people can look at it
    url: String,
    /// Its metadata, and where it is from
    metadata: Object,
}

/// The documents with the best passages.
pub(crate) async fn search(
    memory: &Memory,
    request: SearchRequest,
) -> Result<SearchedDocuments, Error> {
    let question = SearchDocuments {
        limit: RESULTS_MAX,
        max_per_document: 1,
        ..SearchDocuments::new(request.query)
    };
    let hits = memory.search_documents(question).await?.results;
    Ok(SearchedDocuments {
        results: hits.into_iter().map(found).collect(),
    })
}

fn found(hit: Hit) -> SearchedDocument {
    SearchedDocument {
        url: url(&hit.source_uri, &hit.source_document_id),
        id: hit.source_document_id,
        title: hit.source_filename,
    }
}

/// A document with its text up to [`DOCUMENT_CHARS_MAX`]; where it is cut,
/// `next_offset` in the metadata says so.
pub(crate) async fn fetch(
    memory: &Memory,
    request: FetchRequest,
) -> Result<FetchedDocument, Error> {
    let wanted = GetDocument {
        max_chars: DOCUMENT_CHARS_MAX,
        ..GetDocument::new(request.id)
    };
    let document = memory.get_document(wanted).await?;
    let url = url(&document.source_uri, &document.id);
    let metadata = metadata(&document);
    Ok(FetchedDocument {
        id: document.id,
        title: document.filename,
        text: document.content,
        url,
        metadata,
    })
}

/// The document's own metadata and, under names it does not use itself, where
/// it is from.
fn metadata(document: &DocumentView) -> Object {
    let mut metadata = document.metadata.clone();
    let mut add = |key: &str, value: serde_json::Value| {
        metadata.entry(key).or_insert(value);
    };
    add("collection_name", document.collection_name.as_str().into());
    add("source_uri", document.source_uri.as_str().into());
    add("updated_at", document.updated_at.as_str().into());
    if let Some(offset) = document.next_offset {
        add("next_offset", offset.into());
        add("total_chars", document.total_chars.into());
    }
    metadata
}

/// The document's own address if a browser can open it, else its resource.
fn url(source_uri: &str, id: &str) -> String {
    if source_uri.starts_with("https://") || source_uri.starts_with("http://") {
        return source_uri.to_owned();
    }
    document_uri(id)
}
