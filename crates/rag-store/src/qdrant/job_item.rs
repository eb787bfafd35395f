//! The items of jobs: points of their own that carry the name of their job.
//!
//! All items of one call are written at once, which Qdrant does whole or not at
//! all; so many that they do not fit into one message are written with the
//! pending ones first, so that what an item brought to be done is there before
//! the item is done.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    Condition, Direction, FacetValue, Filter, OrderBy, PointId, PointStruct, ScrollPoints, Value,
    facet_value::Variant,
};
use rag_core::model::{DocumentId, ItemCounts, ItemState, JobId, JobItem};

use super::failure::Failure;
use super::job_record;
use super::points::Fields;
use super::row::{Payload, Row, number, optional, payload};
use super::server::Server;
use super::{record, token};

/// What an item takes of a message beside its texts, about.
const OVERHEAD_BYTES: usize = 300;

/// An item to be written.
struct Change<'item> {
    position: u64,
    item: &'item JobItem,
}

/// Writes items of a job. `false` when it is not this worker's.
pub(super) async fn put(
    server: &Server,
    id: JobId,
    worker: &str,
    items: &[JobItem],
) -> Result<bool, Failure> {
    let _alone = server.locks.one(id).await;
    let Some(job) = job_record::one(server, id).await? else {
        return Ok(false);
    };
    if job.worker.as_deref() != Some(worker) {
        return Ok(false);
    }
    let changes = changes(server, &job.owner, items).await?;
    let (pending, done): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .partition(|change| change.item.state == ItemState::Pending);
    let points = pending.iter().chain(&done).map(|change| {
        let point = PointStruct {
            id: Some(point(&job.owner, &change.item.name)),
            vectors: Some(record::no_vectors()),
            payload: fields(&job.home, &job.owner, change),
        };
        (point, bytes(change.item))
    });
    server.upsert_all(server.records(), points).await?;
    Ok(true)
}

/// What of `items` changes anything, by position.
async fn changes<'item>(
    server: &Server,
    owner: &str,
    items: &'item [JobItem],
) -> Result<Vec<Change<'item>>, Failure> {
    let mut ids: HashMap<&str, PointId> = HashMap::new();
    for item in items {
        ids.insert(&item.name, point(owner, &item.name));
    }
    let wanted: Vec<PointId> = ids.values().cloned().collect();
    let fields = Fields::Only(&["position"]);
    let found = server.get(server.records(), &wanted, fields, &[]);
    let found = record::by_id(found.await?);
    let mut next = match found.len() < ids.len() {
        // Items do not go one by one, so positions have no gaps.
        true => server.count(server.records(), &of(owner)).await?,
        false => 0,
    };
    let mut changes: HashMap<&str, Change<'item>> = HashMap::new();
    for item in items {
        let name = item.name.as_str();
        let position = match (changes.get(name), found.get(&ids[name])) {
            (Some(change), _) => Some(change.position),
            (None, Some(found)) => Some(Row(found).number("position")?),
            (None, None) => None,
        };
        let position = match position {
            Some(_) if item.state == ItemState::Pending => continue,
            Some(position) => position,
            None => {
                next += 1;
                next - 1
            }
        };
        changes.insert(name, Change { position, item });
    }
    let mut changes: Vec<Change<'item>> = changes.into_values().collect();
    changes.sort_unstable_by_key(|change| change.position);
    Ok(changes)
}

/// Items of a job in their order, of one state or of all.
pub(super) async fn list(
    server: &Server,
    id: JobId,
    state: Option<ItemState>,
    offset: usize,
    limit: usize,
) -> Result<Vec<JobItem>, Failure> {
    let Some(job) = job_record::one(server, id).await? else {
        return Ok(Vec::new());
    };
    let mut filter = of(&job.owner);
    if let Some(state) = state {
        let name = state.as_str().to_owned();
        filter.must.push(Condition::matches("state", name));
    }
    let there = server.count(server.records(), &filter).await?;
    let there = usize::try_from(there).unwrap_or(usize::MAX);
    if offset >= there || limit == 0 {
        return Ok(Vec::new());
    }
    // No more than there are, so that no listing asks for memory in vain.
    let end = offset.saturating_add(limit).min(there);
    let request = ScrollPoints {
        collection_name: server.records().to_owned(),
        filter: Some(filter),
        limit: Some(u32::try_from(end).unwrap_or(u32::MAX)),
        order_by: Some(OrderBy {
            key: "position".to_owned(),
            direction: Some(Direction::Asc.into()),
            start_from: None,
        }),
        with_payload: Fields::Only(&["position"]).of_query(),
        ..ScrollPoints::default()
    };
    let listed = server.page(&request).await?;
    let wanted: Vec<PointId> = listed
        .into_iter()
        .skip(offset)
        .filter_map(|point| point.id)
        .collect();
    let found = server.get(server.records(), &wanted, Fields::All, &[]);
    let found = record::by_id(found.await?);
    let items = wanted.iter().filter_map(|id| found.get(id));
    items.map(read).collect()
}

/// How many items there are of each state, and the chunks of those put in.
pub(super) async fn counts(server: &Server, owner: &str) -> Result<ItemCounts, Failure> {
    let mut counts = ItemCounts::default();
    for hit in server.facet("state", &of(owner)).await? {
        let Some(FacetValue {
            variant: Some(Variant::StringValue(name)),
        }) = hit.value
        else {
            continue;
        };
        let count = match ItemState::from_name(&name) {
            Some(ItemState::Pending) => &mut counts.pending,
            Some(ItemState::Ingested) => &mut counts.ingested,
            Some(ItemState::Unchanged) => &mut counts.unchanged,
            Some(ItemState::Skipped) => &mut counts.skipped,
            Some(ItemState::Failed) => &mut counts.failed,
            Some(ItemState::Removed) => &mut counts.removed,
            None => continue,
        };
        *count += hit.count;
    }
    if counts.ingested > 0 {
        let mut put_in = of(owner);
        let name = ItemState::Ingested.as_str().to_owned();
        put_in.must.push(Condition::matches("state", name));
        for hit in server.facet("chunk_count", &put_in).await? {
            if let Some(FacetValue {
                variant: Some(Variant::IntegerValue(chunk_count)),
            }) = hit.value
            {
                counts.chunks += chunk_count.unsigned_abs() * hit.count;
            }
        }
    }
    Ok(counts)
}

/// Makes the failed items pending, as if they had not been tried.
pub(super) async fn retry_failed(server: &Server, owner: &str) -> Result<(), Failure> {
    let mut failed = of(owner);
    let name = ItemState::Failed.as_str().to_owned();
    failed.must.push(Condition::matches("state", name));
    let fields = payload([
        ("state", Value::from(ItemState::Pending.as_str())),
        ("reason", optional(None::<&str>)),
        ("document", optional(None::<i64>)),
        ("chunk_count", Value::from(0)),
    ]);
    server.set(&failed, fields).await
}

/// Takes the items of a job out of Qdrant.
pub(super) async fn forget(server: &Server, owner: &str) -> Result<(), Failure> {
    server.delete(server.records(), &of(owner)).await
}

/// The items of a job.
fn of(owner: &str) -> Filter {
    Filter::must([
        Condition::matches("kind", "item".to_owned()),
        Condition::matches("owner", owner.to_owned()),
    ])
}

fn point(owner: &str, name: &str) -> PointId {
    token::point(&["item", owner, name])
}

fn bytes(item: &JobItem) -> usize {
    let texts = [Some(&item.name), item.reason.as_ref(), item.parent.as_ref()];
    let texts = texts.into_iter().flatten().map(String::len);
    OVERHEAD_BYTES + texts.sum::<usize>()
}

fn fields(home: &str, owner: &str, change: &Change<'_>) -> Payload {
    let item = change.item;
    payload([
        ("kind", Value::from("item")),
        ("home", Value::from(home)),
        ("owner", Value::from(owner)),
        ("position", number(change.position)),
        ("name", Value::from(item.name.as_str())),
        ("state", Value::from(item.state.as_str())),
        ("reason", optional(item.reason.as_deref())),
        ("document", optional(item.document.map(DocumentId::as_i64))),
        ("chunk_count", Value::from(i64::from(item.chunk_count))),
        ("depth", Value::from(i64::from(item.depth))),
        ("parent", optional(item.parent.as_deref())),
    ])
}

fn read(seen: &Payload) -> Result<JobItem, Failure> {
    let row = Row(seen);
    Ok(JobItem {
        name: row.text("name")?.to_owned(),
        state: row.named("state", ItemState::from_name)?,
        reason: row.maybe_text("reason").map(str::to_owned),
        document: row.maybe_number("document")?.and_then(DocumentId::from_i64),
        chunk_count: row.number("chunk_count")?,
        depth: row.number("depth")?,
        parent: row.maybe_text("parent").map(str::to_owned),
    })
}
