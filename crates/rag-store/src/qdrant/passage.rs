//! Chunks by where they stand, and vectors by the text they belong to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use qdrant_client::qdrant::{Condition, Filter, PointId, RetrievedPoint, ScrollPoints};
use rag_core::model::{Chunk, ChunkRef, ContentHash, DocumentId, EmbeddingSpace};
use rag_core::port::StoredPassage;

use super::document::{self, Cut, Present, READS_MAX, Rereads};
use super::failure::Failure;
use super::home::busy;
use super::points::{Fields, with_vectors};
use super::row::Row;
use super::schema::DENSE;
use super::server::Server;
use super::{chunk, space};
use crate::vector::{cosine, length, to_bytes};

/// How many hashes are looked up at once.
const HASHES_READ: usize = 64;

/// How many vectors are read at once to find those of some hashes. Where the
/// same text is in very many chunks, some hashes may go without: a vector that
/// is not found here is made again.
const HASH_VECTORS_READ: u32 = 256;

/// How often hashes that were not found yet are looked up again.
const HASH_LOOKUPS_MAX: usize = 8;

pub(super) async fn chunks(
    server: &Server,
    id: DocumentId,
    first: u32,
    last: u32,
) -> Result<Vec<Chunk>, Failure> {
    let mut rereads = Rereads::default();
    loop {
        let Some(found) = document::one(server, id).await? else {
            return Ok(Vec::new());
        };
        let cut = found.cut()?;
        if let Some(chunks) = chunk::range(server, &found.home.space, &cut, first, last).await? {
            return Ok(chunks);
        }
        rereads.note(id, &cut.token)?;
    }
}

pub(super) async fn passages(
    server: &Server,
    wanted: &[ChunkRef],
) -> Result<Vec<StoredPassage>, Failure> {
    let read = |point: &RetrievedPoint| chunk::read(Row(&point.payload));
    let found = each(server, wanted, &chunk::CHUNK_FIELDS, &[], read).await?;
    let mut passages = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        if let Some((present, chunk)) = found.get(wanted) {
            passages.push(StoredPassage {
                document: present.info()?,
                chunk: chunk.clone(),
            });
        }
    }
    Ok(passages)
}

pub(super) async fn similarities(
    server: &Server,
    space: &EmbeddingSpace,
    query: &[f32],
    wanted: &[ChunkRef],
) -> Result<Vec<Option<f32>>, Failure> {
    let query_length = length(query);
    let read = |point: &RetrievedPoint| {
        let vector = chunk::dense(point.vectors.as_ref())?;
        // Of another space, it is not told at all.
        Ok(cosine(query, query_length, &to_bytes(&vector)))
    };
    let found = each(server, wanted, &["index"], &[DENSE], read).await?;
    let similarity = |wanted: &ChunkRef| {
        let (present, similarity) = found.get(wanted)?;
        (present.home.collection.space == *space).then_some(*similarity)
    };
    Ok(wanted.iter().map(similarity).collect())
}

/// What `read` makes of each of the chunks that are there, with its document:
/// those of one document all of one revision.
async fn each<T>(
    server: &Server,
    wanted: &[ChunkRef],
    fields: &[&str],
    vectors: &[&str],
    read: impl Fn(&RetrievedPoint) -> Result<T, Failure>,
) -> Result<HashMap<ChunkRef, (Present, T)>, Failure> {
    let mut done = HashMap::new();
    let mut left: BTreeSet<ChunkRef> = wanted.iter().copied().collect();
    for _ in 0..READS_MAX {
        if left.is_empty() {
            return Ok(done);
        }
        let ids: BTreeSet<DocumentId> = left.iter().map(|chunk| chunk.document).collect();
        let documents = document::present(server, ids.into_iter()).await?;
        let mut cuts: HashMap<DocumentId, Cut> = HashMap::new();
        for (&id, present) in &documents {
            cuts.insert(id, present.cut()?);
        }
        left.retain(|chunk| {
            cuts.get(&chunk.document)
                .is_some_and(|cut| chunk.index < cut.chunk_count)
        });
        let mut spaces: BTreeMap<&str, HashMap<PointId, ChunkRef>> = BTreeMap::new();
        for wanted in &left {
            let point = chunk::point(&cuts[&wanted.document].token, wanted.index);
            let space = documents[&wanted.document].home.space.as_str();
            spaces.entry(space).or_default().insert(point, *wanted);
        }
        let mut read_now = HashMap::new();
        for (space, points) in &spaces {
            let ids: Vec<PointId> = points.keys().cloned().collect();
            let chunks = server.chunks(space);
            let found = server.get(&chunks, &ids, Fields::Only(fields), vectors);
            for point in found.await? {
                let wanted = point.id.as_ref().and_then(|id| points.get(id));
                if let Some(wanted) = wanted {
                    read_now.insert(*wanted, read(&point)?);
                }
            }
        }
        // A document of which any chunk is missing was replaced: all of its
        // chunks are read again.
        let replaced: BTreeSet<DocumentId> = left
            .iter()
            .filter(|wanted| !read_now.contains_key(wanted))
            .map(|wanted| wanted.document)
            .collect();
        for (wanted, read) in read_now {
            if !replaced.contains(&wanted.document) {
                left.remove(&wanted);
                let present = documents[&wanted.document].clone();
                done.insert(wanted, (present, read));
            }
        }
    }
    if left.is_empty() {
        return Ok(done);
    }
    Err(busy("a document"))
}

/// The vectors in `space` of texts with these hashes, whoever has them.
pub(super) async fn vectors(
    server: &Server,
    space: &EmbeddingSpace,
    hashes: &[ContentHash],
) -> Result<Vec<Option<Vec<f32>>>, Failure> {
    let mut found: HashMap<String, Vec<f32>> = HashMap::new();
    let texts: BTreeSet<String> = hashes.iter().map(ContentHash::to_string).collect();
    let texts: Vec<String> = texts.into_iter().collect();
    let chunks = server.chunks(&space::key(space));
    for some in texts.chunks(HASHES_READ) {
        let done = look_up(server, &chunks, some, &mut found).await;
        match done {
            // Nobody ever used that space.
            Err(failure) if failure.is_missing() => break,
            done => done?,
        }
    }
    let vector = |hash: &ContentHash| found.get(&hash.to_string()).cloned();
    Ok(hashes.iter().map(vector).collect())
}

/// Adds what is there of the vectors of some hashes.
async fn look_up(
    server: &Server,
    chunks: &str,
    hashes: &[String],
    found: &mut HashMap<String, Vec<f32>>,
) -> Result<(), Failure> {
    let mut left = hashes.to_vec();
    for _ in 0..HASH_LOOKUPS_MAX {
        let request = ScrollPoints {
            collection_name: chunks.to_owned(),
            filter: Some(Filter::must([Condition::matches("hash", left.clone())])),
            limit: Some(HASH_VECTORS_READ),
            with_payload: Fields::Only(&["hash"]).of_query(),
            with_vectors: Some(with_vectors(&[DENSE])),
            ..ScrollPoints::default()
        };
        let page = server.page(&request).await?;
        let is_last = page.len() < HASH_VECTORS_READ as usize;
        for point in page {
            let hash = Row(&point.payload).text("hash")?;
            if !found.contains_key(hash) {
                found.insert(hash.to_owned(), chunk::dense(point.vectors.as_ref())?);
            }
        }
        left.retain(|hash| !found.contains_key(hash));
        if is_last || left.is_empty() {
            break;
        }
    }
    Ok(())
}
