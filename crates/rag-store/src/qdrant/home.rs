//! Collections: their records, and what is told of them.
//!
//! A collection's **home** is a name that no other one ever had. Everything in
//! the collection carries it, so that what belonged to a removed collection
//! never turns up in a later one of the same name.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use qdrant_client::qdrant::{Condition, Filter, PointId, Value};
use rag_core::model::{Collection, CollectionInfo, CollectionName, EmbeddingSpace};
use rag_core::port::{DeletedCollection, StoreError};

use super::failure::Failure;
use super::points::Fields;
use super::row::{Payload, Row, number, optional, payload, time};
use super::server::Server;
use super::totals::{self, Totals};
use super::{record, space, token};

/// How often a change is tried again that another process came before.
pub(super) const TRIES_MAX: usize = 16;

/// A collection as it is recorded.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) collection: Collection,
    /// The name that everything in it carries.
    pub(super) key: String,
    /// The key of its space.
    pub(super) space: String,
    /// Its record as it was read.
    pub(super) seen: Payload,
}

/// The id of the record of a collection.
pub(super) fn point(name: &CollectionName) -> PointId {
    token::point(&["collection", name.as_str()])
}

/// The collection in a record, unless it was removed.
pub(super) fn read(seen: &Payload) -> Result<Option<Home>, Failure> {
    let row = Row(seen);
    if row.text("kind")? != "collection" {
        return Ok(None);
    }
    let schema = match row.maybe_text("schema") {
        Some(_) => Some(row.metadata("schema")?),
        None => None,
    };
    let collection = Collection {
        name: row.name("name")?,
        description: row.text("description")?.to_owned(),
        metadata_schema: schema,
        space: space::read(row)?,
        created_at: row.time("created_at")?,
    };
    Ok(Some(Home {
        key: row.text("home")?.to_owned(),
        space: space::key(&collection.space),
        collection,
        seen: seen.clone(),
    }))
}

/// The collection of that name; [`StoreError::NoCollection`] when there is none.
pub(super) async fn one(server: &Server, name: &CollectionName) -> Result<Home, Failure> {
    let found = match server.record(&point(name)).await? {
        Some(found) => read(&found)?,
        None => None,
    };
    found.ok_or_else(|| StoreError::NoCollection(name.clone()).into())
}

/// The collections of these names that are there.
pub(super) async fn named(
    server: &Server,
    names: impl Iterator<Item = &CollectionName>,
) -> Result<HashMap<CollectionName, Home>, Failure> {
    let names: BTreeSet<&CollectionName> = names.collect();
    let ids: Vec<PointId> = names.into_iter().map(point).collect();
    let mut homes = HashMap::new();
    for found in server.get(server.records(), &ids, Fields::All, &[]).await? {
        if let Some(home) = read(&found.payload)? {
            homes.insert(home.collection.name.clone(), home);
        }
    }
    Ok(homes)
}

/// All collections, newest first, then by name.
pub(super) async fn all(server: &Server) -> Result<Vec<Home>, Failure> {
    let filter = Filter::must([Condition::matches("kind", "collection".to_owned())]);
    let found = server.scroll(server.records(), &filter, None, usize::MAX, Fields::All);
    let mut homes = Vec::new();
    for point in found.await? {
        homes.extend(read(&point.payload)?);
    }
    homes.sort_by(|one: &Home, other: &Home| {
        let key = |home: &Home| Reverse(home.collection.created_at);
        let names = one.collection.name.cmp(&other.collection.name);
        key(one).cmp(&key(other)).then(names)
    });
    Ok(homes)
}

/// The collections with what is in them.
pub(super) async fn infos(
    server: &Server,
    homes: Vec<Home>,
) -> Result<Vec<CollectionInfo>, Failure> {
    let mut totals: HashMap<String, Totals> = HashMap::new();
    for (space, keys) in by_space(&homes) {
        totals.extend(totals::of(server, &space, &keys).await?);
    }
    let info = |home: Home| {
        let totals = totals.get(&home.key).copied().unwrap_or_default();
        CollectionInfo {
            collection: home.collection,
            document_count: totals.documents,
            chunk_count: totals.chunks,
        }
    };
    Ok(homes.into_iter().map(info).collect())
}

/// The keys of homes by the key of their space.
pub(super) fn by_space<'home>(
    homes: impl IntoIterator<Item = &'home Home>,
) -> HashMap<String, Vec<String>> {
    let mut spaces: HashMap<String, Vec<String>> = HashMap::new();
    for home in homes {
        let keys = spaces.entry(home.space.clone()).or_default();
        keys.push(home.key.clone());
    }
    spaces
}

pub(super) async fn create(server: &Server, collection: &Collection) -> Result<(), Failure> {
    let name = &collection.name;
    let _alone = server.locks.whole(name.as_str()).await;
    let id = point(name);
    let taken = || Failure::from(StoreError::CollectionExists(name.clone()));
    let seen = server.record(&id).await?;
    if let Some(seen) = &seen
        && read(seen)?.is_some()
    {
        return Err(taken());
    }
    space::ensure(server, &collection.space).await?;
    let fields = fields(collection, &token::new());
    let made = record::swap(server, &id, seen.as_ref(), fields, &[]).await?;
    if made.is_done { Ok(()) } else { Err(taken()) }
}

pub(super) async fn describe(
    server: &Server,
    name: &CollectionName,
    description: &str,
) -> Result<(), Failure> {
    let described = |home: &Home| {
        let collection = Collection {
            description: description.to_owned(),
            ..home.collection.clone()
        };
        fields(&collection, &home.key)
    };
    change(server, name, described).await
}

/// Makes `space` that of a collection that was seen. Whether it was still so.
pub(super) async fn move_to(
    server: &Server,
    home: &Home,
    space: &EmbeddingSpace,
) -> Result<bool, Failure> {
    let moved = Collection {
        space: space.clone(),
        ..home.collection.clone()
    };
    let id = point(&home.collection.name);
    let fields = fields(&moved, &home.key);
    let done = record::swap(server, &id, Some(&home.seen), fields, &[]).await?;
    server.totals.forget();
    Ok(done.is_done)
}

/// Changes a collection's record, whoever else does so at the same time.
async fn change(
    server: &Server,
    name: &CollectionName,
    changed: impl Fn(&Home) -> Payload,
) -> Result<(), Failure> {
    for _ in 0..TRIES_MAX {
        let home = one(server, name).await?;
        let fields = changed(&home);
        let done = record::swap(server, &point(name), Some(&home.seen), fields, &[]).await?;
        if done.is_done {
            return Ok(());
        }
    }
    Err(busy(&format!("collection `{name}`")))
}

/// Removes a collection. Its record goes first, and with that all of it; what
/// is left then is taken out of Qdrant.
pub(super) async fn delete(
    server: &Server,
    name: &CollectionName,
) -> Result<DeletedCollection, Failure> {
    let _alone = server.locks.whole(name.as_str()).await;
    for _ in 0..TRIES_MAX {
        let home = one(server, name).await?;
        let id = point(name);
        let marked = record::swap(
            server,
            &id,
            Some(&home.seen),
            record::gone(),
            std::slice::from_ref(&id),
        );
        let marked = marked.await?;
        if !marked.is_done {
            continue;
        }
        server.totals.forget();
        let totals = totals::of(server, &home.space, std::slice::from_ref(&home.key)).await?;
        let totals = totals.get(&home.key).copied().unwrap_or_default();
        clear(server, &home.key).await?;
        if let Some(mark) = marked.others.get(&id) {
            record::forget(server, &id, mark).await?;
        }
        return Ok(DeletedCollection {
            document_count: totals.documents,
            chunk_count: totals.chunks,
        });
    }
    Err(busy(&format!("collection `{name}`")))
}

/// Takes everything that carries a home out of Qdrant.
pub(super) async fn clear(server: &Server, home: &str) -> Result<(), Failure> {
    let of_home = Filter::must([Condition::matches("home", home.to_owned())]);
    for space in space::all(server).await? {
        let chunks = server.chunks(&space::key(&space));
        server.delete(&chunks, &of_home).await?;
    }
    server.delete(server.records(), &of_home).await
}

/// What is said when others come first again and again.
pub(super) fn busy(what: &str) -> Failure {
    Failure::Stuck(format!(
        "{what} is changed by others all the time\n\nhint: try again"
    ))
}

fn fields(collection: &Collection, home: &str) -> Payload {
    let schema = collection.metadata_schema.clone();
    let schema = schema.map(|schema| serde_json::Value::Object(schema).to_string());
    payload([
        ("kind", Value::from("collection")),
        ("name", Value::from(collection.name.as_str())),
        ("home", Value::from(home)),
        ("description", Value::from(collection.description.as_str())),
        ("schema", optional(schema)),
        ("model", Value::from(collection.space.model.as_str())),
        ("dimensions", number(collection.space.dimensions)),
        ("created_at", time(collection.created_at)),
    ])
}
