//! Taking out of Qdrant what no record names: left over when a process was
//! killed, or a connection broke, between two writes that belong together.
//!
//! What is young is left alone, since its record may be about to be written.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use qdrant_client::qdrant::{Condition, Filter, PointId, RetrievedPoint};

use super::failure::Failure;
use super::points::Fields;
use super::put::WRITING_MAX;
use super::row::Row;
use super::server::Server;
use super::{home, record, space, token};

/// How many points are looked at at once.
const LOOKED_AT: usize = 4_096;

/// How many tokens are taken out at once.
const TOKENS_REMOVED: usize = 256;

/// By how much the clocks of two machines may differ.
const CLOCKS: Duration = Duration::from_secs(300);

/// Removes what is left over, and says how many points that were.
pub(super) async fn sweep(server: &Server) -> Result<u64, Failure> {
    sweep_older(server, WRITING_MAX + CLOCKS).await
}

/// Removes what is left over and older than `age`.
pub(super) async fn sweep_older(server: &Server, age: Duration) -> Result<u64, Failure> {
    let mut removed = homeless(server).await?;
    for space in space::all(server).await? {
        let space = space::key(&space);
        let named = format!("token_{space}");
        let chunks = server.chunks(&space);
        removed += unnamed(server, &chunks, "token", &named, None, age).await?;
    }
    let records = server.records();
    let texts = Condition::matches("kind", "text".to_owned());
    removed += unnamed(server, records, "owner", "text", Some(texts), age).await?;
    Ok(removed + unopened(server, age).await?)
}

/// Removes what belongs to collections that are gone.
async fn homeless(server: &Server) -> Result<u64, Failure> {
    let homes: Vec<String> = home::all(server)
        .await?
        .into_iter()
        .map(|home| home.key)
        .collect();
    let mut collections = vec![server.records().to_owned()];
    for space in space::all(server).await? {
        collections.push(server.chunks(&space::key(&space)));
    }
    let mut strays = Filter::default();
    strays.must_not.push(Condition::is_empty("home"));
    if !homes.is_empty() {
        strays.must_not.push(Condition::matches("home", homes));
    }
    let mut gone: BTreeSet<String> = BTreeSet::new();
    for collection in &collections {
        let fields = Fields::Only(&["home"]);
        let found = server.scroll(collection, &strays, None, usize::MAX, fields);
        for point in found.await? {
            gone.insert(Row(&point.payload).text("home")?.to_owned());
        }
    }
    // A collection made meanwhile is not gone.
    for home in home::all(server).await? {
        gone.remove(&home.key);
    }
    let mut removed = 0;
    for home in gone {
        let of_home = Filter::must([Condition::matches("home", home)]);
        for collection in &collections {
            removed += remove(server, collection, &of_home).await?;
        }
    }
    Ok(removed)
}

/// Removes the points of a Qdrant collection whose token no record of a
/// document has in the field `named`.
async fn unnamed(
    server: &Server,
    collection: &str,
    token_field: &str,
    named: &str,
    only: Option<Condition>,
    age: Duration,
) -> Result<u64, Failure> {
    let filter = Filter::must(only);
    let mut next: Option<PointId> = None;
    let mut old: HashSet<String> = HashSet::new();
    loop {
        let fields = Fields::Only(&[token_field]);
        let page = server.scroll(collection, &filter, next.take(), LOOKED_AT, fields);
        let page: Vec<RetrievedPoint> = page.await?;
        for point in &page {
            let token = Row(&point.payload).text(token_field)?;
            if token::age(token) > age {
                old.insert(token.to_owned());
            }
        }
        match page.last() {
            // The page starts with the last point of the one before.
            Some(last) if page.len() == LOOKED_AT => next.clone_from(&last.id),
            _ => break,
        }
    }
    for token in named_tokens(server, named).await? {
        old.remove(&token);
    }
    let mut removed = 0;
    let old: Vec<String> = old.into_iter().collect();
    for some in old.chunks(TOKENS_REMOVED) {
        let tokens = Filter::must([Condition::matches(token_field, some.to_vec())]);
        removed += remove(server, collection, &tokens).await?;
    }
    Ok(removed)
}

/// The tokens that records of documents have in a field.
async fn named_tokens(server: &Server, field: &str) -> Result<Vec<String>, Failure> {
    let documents = Filter::must([Condition::matches("kind", "document".to_owned())]);
    let fields = [field];
    let found = server.scroll(
        server.records(),
        &documents,
        None,
        usize::MAX,
        Fields::Only(&fields),
    );
    let found = found.await?;
    let tokens = found
        .iter()
        .filter_map(|point| Row(&point.payload).maybe_text(field));
    Ok(tokens.map(str::to_owned).collect())
}

/// Removes jobs that were never opened, and marks of what is gone.
async fn unopened(server: &Server, age: Duration) -> Result<u64, Failure> {
    let filter = Filter::must([Condition::matches(
        "kind",
        vec!["job".to_owned(), "gone".to_owned()],
    )]);
    let fields = Fields::Only(&["kind", "opened", "version"]);
    let found = server.scroll(server.records(), &filter, None, usize::MAX, fields);
    let mut removed = 0;
    for point in found.await? {
        let row = Row(&point.payload);
        let is_unopened = row.text("kind")? == "gone" || row.maybe_text("opened") == Some("");
        let Some(id) = point.id.as_ref().filter(|_| is_unopened) else {
            continue;
        };
        if token::age(row.text("version")?) > age {
            record::forget(server, id, &point.payload).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

async fn remove(server: &Server, collection: &str, filter: &Filter) -> Result<u64, Failure> {
    let count = server.count(collection, filter).await?;
    if count > 0 {
        server.delete(collection, filter).await?;
    }
    Ok(count)
}
