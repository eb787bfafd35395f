//! Embedding spaces: each has a Qdrant collection for the chunks in it, and a
//! key that the names of fields and collections are made with.

use qdrant_client::qdrant::{Condition, Filter, PointStruct, Value};
use rag_core::model::{ContentHash, EmbeddingSpace};

use super::failure::Failure;
use super::points::Fields;
use super::row::{Row, number, payload};
use super::server::Server;
use super::{record, schema, token};

/// The key of a space.
pub(super) fn key(space: &EmbeddingSpace) -> String {
    let parts = [space.model.as_str(), &space.dimensions.to_string()];
    format!("{:016x}", ContentHash::of_parts(&parts).head())
}

/// Makes what a space needs, and gives its key.
pub(super) async fn ensure(server: &Server, space: &EmbeddingSpace) -> Result<String, Failure> {
    let key = key(space);
    if server.knows(&key) {
        return Ok(key);
    }
    let id = token::point(&["space", &key]);
    if server.record(&id).await?.is_none() {
        schema::ensure_space(server, &key, space.dimensions).await?;
        let fields = payload([
            ("kind", Value::from("space")),
            ("model", Value::from(space.model.as_str())),
            ("dimensions", number(space.dimensions)),
        ]);
        let point = PointStruct {
            id: Some(id),
            vectors: Some(record::no_vectors()),
            payload: fields,
        };
        server.upsert(server.records(), vec![point], None).await?;
    }
    server.remember(&key);
    Ok(key)
}

/// Whether anything was ever put in a space.
pub(super) async fn is_there(server: &Server, space: &EmbeddingSpace) -> Result<bool, Failure> {
    let key = key(space);
    Ok(server.knows(&key)
        || server
            .record(&token::point(&["space", &key]))
            .await?
            .is_some())
}

/// All spaces that anything was ever put in, by model and dimensions.
pub(super) async fn all(server: &Server) -> Result<Vec<EmbeddingSpace>, Failure> {
    let filter = Filter::must([Condition::matches("kind", "space".to_owned())]);
    let found = server.scroll(server.records(), &filter, None, usize::MAX, Fields::All);
    let mut spaces = Vec::new();
    for point in found.await? {
        spaces.push(read(Row(&point.payload))?);
    }
    spaces
        .sort_by(|one, other| (&one.model, one.dimensions).cmp(&(&other.model, other.dimensions)));
    Ok(spaces)
}

/// The space in the fields of a record.
pub(super) fn read(row: Row<'_>) -> Result<EmbeddingSpace, Failure> {
    Ok(EmbeddingSpace {
        model: row.text("model")?.to_owned(),
        dimensions: row.number("dimensions")?,
    })
}
