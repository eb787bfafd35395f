//! Records that several processes change: each has a version, and is changed
//! only from the version that was seen.
//!
//! Qdrant applies the condition of a write and the write itself in one step, but
//! does not say whether the condition held. So a record keeps the versions it
//! had last, and whoever changed it looks whether its own is among them.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    Condition, Filter, NamedVectors, PointId, PointStruct, Value, Vectors, vectors,
};

use super::failure::Failure;
use super::points::Fields;
use super::row::{Payload, Row, texts};
use super::server::Server;
use super::token;

/// How many versions a record keeps of those it had.
const VERSIONS_KEPT: usize = 8;

/// What became of a change.
pub(super) struct Swapped {
    /// Whether it was made.
    pub(super) is_done: bool,
    /// The records that were read along with it, as they were right after.
    pub(super) others: HashMap<PointId, Payload>,
}

/// Writes `payload` as the record `id`, in place of `seen`, what was there
/// before; `None` when nothing was. Reads the records `along` when it is done.
pub(super) async fn swap(
    server: &Server,
    id: &PointId,
    seen: Option<&Payload>,
    mut payload: Payload,
    along: &[PointId],
) -> Result<Swapped, Failure> {
    let version = token::new();
    let mut versions = vec![version.as_str()];
    versions.extend(seen.map_or(Vec::new(), |seen| Row(seen).texts("versions")));
    versions.truncate(VERSIONS_KEPT);
    payload.insert("versions".to_owned(), texts(versions));
    payload.insert("version".to_owned(), Value::from(version.as_str()));
    match seen {
        Some(seen) => {
            let condition = same(id, Row(seen).text("version")?);
            server.overwrite(&condition, payload).await?;
        }
        None => {
            let point = PointStruct {
                id: Some(id.clone()),
                vectors: Some(no_vectors()),
                payload,
            };
            let never = Filter::must([Condition::matches("kind", "nothing".to_owned())]);
            server
                .upsert(server.records(), vec![point], Some(&never))
                .await?;
        }
    }
    let ids: Vec<PointId> = std::iter::once(id).chain(along).cloned().collect();
    let found = server.get(server.records(), &ids, Fields::All, &[]).await?;
    let mut others = by_id(found);
    let now = match along.contains(id) {
        true => others.get(id).cloned(),
        false => others.remove(id),
    };
    let is_done = now.is_some_and(|now| Row(&now).texts("versions").contains(&version.as_str()));
    Ok(Swapped { is_done, others })
}

/// Takes the record `id` away, if it is still what was `seen`. Whether this
/// call took it is known since it is marked first.
pub(super) async fn remove(server: &Server, id: &PointId, seen: &Payload) -> Result<bool, Failure> {
    let marked = swap(server, id, Some(seen), gone(), std::slice::from_ref(id)).await?;
    let now = marked.others.get(id).filter(|_| marked.is_done);
    if let Some(now) = now {
        forget(server, id, now).await?;
    }
    Ok(marked.is_done)
}

/// Takes a marked record out of Qdrant.
pub(super) async fn forget(server: &Server, id: &PointId, mark: &Payload) -> Result<(), Failure> {
    let condition = same(id, Row(mark).text("version")?);
    server.delete(server.records(), &condition).await
}

/// What stands in for a record until it is taken out.
pub(super) fn gone() -> Payload {
    super::row::payload([("kind", Value::from("gone"))])
}

/// The records by their ids.
pub(super) fn by_id(
    points: Vec<qdrant_client::qdrant::RetrievedPoint>,
) -> HashMap<PointId, Payload> {
    let points = points.into_iter();
    points
        .filter_map(|point| Some((point.id?, point.payload)))
        .collect()
}

/// Points of records have no vectors, which Qdrant wants to be told.
pub(super) fn no_vectors() -> Vectors {
    Vectors {
        vectors_options: Some(vectors::VectorsOptions::Vectors(NamedVectors::default())),
    }
}

fn same(id: &PointId, version: &str) -> Filter {
    Filter::must([
        Condition::has_id([id.clone()]),
        Condition::matches("version", version.to_owned()),
    ])
}
