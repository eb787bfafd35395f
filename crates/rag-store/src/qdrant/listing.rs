//! Listings of documents: last updated first, then by id.

use std::cmp::Reverse;

use qdrant_client::qdrant::{Condition, Direction, OrderBy, RetrievedPoint, ScrollPoints};
use rag_core::model::{DocumentId, Metadata, Timestamp, contains};
use rag_core::port::DocumentPage;

use super::document;
use super::failure::Failure;
use super::narrow::Narrowed;
use super::points::Fields;
use super::row::Row;
use super::server::Server;

/// A document in a listing, in the order of the listing.
type Listed = (Reverse<Timestamp>, DocumentId);

/// The fields of a [`Listed`].
const LISTED_FIELDS: [&str; 2] = ["updated_at", "id"];

/// A page of the documents that pass.
pub(super) async fn page(
    server: &Server,
    narrowed: &Narrowed,
    offset: usize,
    limit: usize,
) -> Result<DocumentPage, Failure> {
    if narrowed.homes.is_empty() {
        return Ok(DocumentPage {
            documents: Vec::new(),
            total: 0,
        });
    }
    let (listed, total) = match &narrowed.unsure {
        None => first(server, narrowed, offset.saturating_add(limit)).await?,
        Some(wanted) => checked(server, narrowed, wanted).await?,
    };
    let wanted = listed.into_iter().skip(offset).take(limit);
    let wanted: Vec<DocumentId> = wanted.map(|(_, id)| id).collect();
    let mut found = document::present(server, wanted.iter().copied()).await?;
    let mut documents = Vec::with_capacity(wanted.len());
    for id in wanted {
        if let Some(present) = found.remove(&id) {
            documents.push(present.info()?);
        }
    }
    Ok(DocumentPage { documents, total })
}

/// The first `end` documents that pass by their fields alone, and how many pass.
/// Qdrant puts them in the order of their times; those that share the last time
/// are all listed, since it puts these in no order.
async fn first(
    server: &Server,
    narrowed: &Narrowed,
    end: usize,
) -> Result<(Vec<Listed>, u64), Failure> {
    let filter = narrowed.documents();
    let total = server.count(server.records(), &filter).await?;
    let end = u64::try_from(end).map_or(total, |end| end.min(total));
    if end == 0 {
        return Ok((Vec::new(), total));
    }
    let request = ScrollPoints {
        collection_name: server.records().to_owned(),
        filter: Some(filter.clone()),
        limit: Some(u32::try_from(end).unwrap_or(u32::MAX)),
        order_by: Some(OrderBy {
            key: "updated_at".to_owned(),
            direction: Some(Direction::Desc.into()),
            start_from: None,
        }),
        with_payload: Fields::Only(&LISTED_FIELDS).of_query(),
        ..ScrollPoints::default()
    };
    let mut listed = all(&server.page(&request).await?)?;
    if let Some(&(last, _)) = listed.last() {
        listed.retain(|(time, _)| *time != last);
        let mut of_last = filter;
        let micros = last.0.as_microsecond();
        of_last.must.push(Condition::matches("updated_at", micros));
        let fields = Fields::Only(&LISTED_FIELDS);
        let tied = server.scroll(server.records(), &of_last, None, usize::MAX, fields);
        listed.extend(all(&tied.await?)?);
    }
    listed.sort_unstable();
    Ok((listed, total))
}

/// All documents that pass and whose metadata contain `wanted`, and how many:
/// the metadata of each that may pass are looked into.
async fn checked(
    server: &Server,
    narrowed: &Narrowed,
    wanted: &Metadata,
) -> Result<(Vec<Listed>, u64), Failure> {
    let filter = narrowed.documents();
    let fields = Fields::Only(&["updated_at", "id", "metadata"]);
    let found = server.scroll(server.records(), &filter, None, usize::MAX, fields);
    let mut passing = Vec::new();
    for point in found.await? {
        if contains(&Row(&point.payload).metadata("metadata")?, wanted) {
            passing.push(point);
        }
    }
    let mut listed = all(&passing)?;
    listed.sort_unstable();
    let total = listed.len() as u64;
    Ok((listed, total))
}

fn all(points: &[RetrievedPoint]) -> Result<Vec<Listed>, Failure> {
    let listed = points.iter().map(|point| {
        let row = Row(&point.payload);
        Ok((Reverse(row.time("updated_at")?), document::id(row)?))
    });
    listed.collect()
}
