//! A new store, filled the way the program fills it.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use rag_core::fuse::Fusion;
use rag_core::ingest::{self, IngestError};
use rag_core::model::{Collection, CollectionName, Extracted, Filter, Metadata, Timestamp};
use rag_core::port::{Embedder, Expect, Store};
use rag_core::search::{Mode, Query};

use crate::location::{Fresh, StoreUrl};

/// Documents on their way in at a time.
const CONCURRENT: usize = 4;

/// A filled store.
pub(crate) struct Filled {
    pub(crate) store: Arc<dyn Store>,
    /// How many documents went in.
    pub(crate) document_count: usize,
    /// How many chunks they have.
    pub(crate) chunk_count: usize,
    /// What is to be removed.
    pub(crate) fresh: Fresh,
}

/// Puts `documents` into one collection of a new store at `url`. Blank ones are left out.
pub(crate) async fn fill(
    url: &StoreUrl,
    embedder: &Arc<dyn Embedder>,
    documents: Vec<Extracted>,
) -> anyhow::Result<Filled> {
    let fresh = url.fresh()?;
    let store = fresh.location.open()?;
    let collection = collection();
    store
        .create_collection(&measured(&collection, &**embedder))
        .await?;
    let counts: Vec<Option<usize>> = stream::iter(documents)
        .map(|document| put(&*store, embedder, &collection, document))
        .buffer_unordered(CONCURRENT)
        .try_collect()
        .await?;
    Ok(Filled {
        store,
        document_count: counts.iter().flatten().count(),
        chunk_count: counts.iter().flatten().sum(),
        fresh,
    })
}

/// The collection that everything is put into.
pub(crate) fn collection() -> CollectionName {
    "measured".parse().expect("these characters are allowed")
}

/// The collection of that name for the vectors of `embedder`.
pub(crate) fn measured(name: &CollectionName, embedder: &dyn Embedder) -> Collection {
    Collection {
        name: name.clone(),
        description: "What is measured".to_owned(),
        metadata_schema: None,
        space: embedder.space().clone(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// Puts a document in and says how many chunks it has.
async fn put(
    store: &dyn Store,
    embedder: &Arc<dyn Embedder>,
    collection: &CollectionName,
    document: Extracted,
) -> anyhow::Result<Option<usize>> {
    let text = match ingest::identify(collection.clone(), document, u64::MAX) {
        Err(IngestError::Blank { .. }) => return Ok(None),
        text => text?,
    };
    let shared = Arc::clone(embedder);
    let draft = tokio::task::spawn_blocking(move || ingest::prepare(&*shared, text)).await??;
    let document = ingest::embed(store, &**embedder, draft, Timestamp::UNIX_EPOCH).await?;
    let chunk_count = document.chunks.len();
    ingest::put(store, embedder.space(), document, None, Expect::Absent).await?;
    Ok(Some(chunk_count))
}

/// A question to all that is there, with every option but these at its plainest.
pub(crate) fn query(text: &str, mode: Mode, fusion: Fusion, limit: usize) -> Query {
    Query {
        text: text.to_owned(),
        filter: Filter {
            collections: Vec::new(),
            metadata: Metadata::new(),
        },
        mode,
        fusion,
        limit,
        threshold: None,
        per_document_max: limit,
        tokens_max: None,
        neighbours: 0,
    }
}
