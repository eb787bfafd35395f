//! Exact cosines with vectors of the file, wherever in it they are.

use rag_core::model::ChunkRef;
use rusqlite::{CachedStatement, Connection, Row};

use super::error::Failure;
use super::index::Index;
use super::row;
use crate::vector::{cosine, length};

/// A vector that others are compared with.
pub(super) struct Comparison<'query> {
    query: &'query [f32],
    length: f32,
}

impl<'query> Comparison<'query> {
    pub(super) fn new(query: &'query [f32]) -> Self {
        Comparison {
            query,
            length: length(query),
        }
    }

    /// The cosine with the vector in the first column of `row`.
    pub(super) fn with(&self, row: &Row<'_>) -> Result<f32, Failure> {
        let bytes = row::blob(row, 0)?;
        if bytes.len() != size_of_val(self.query) {
            return Err(Failure::Damaged(format!(
                "a vector has {} bytes, not {}",
                bytes.len(),
                size_of_val(self.query)
            )));
        }
        Ok(cosine(self.query, self.length, bytes))
    }
}

/// Reads single vectors. Neighbours share a page of the file, so it is quickest
/// in the order of chunk ids.
pub(super) struct VectorReader<'connection>(CachedStatement<'connection>);

impl<'connection> VectorReader<'connection> {
    pub(super) fn new(connection: &'connection Connection) -> Result<Self, Failure> {
        let statement =
            connection.prepare_cached("SELECT vector FROM vector WHERE chunk_id = ?1")?;
        Ok(VectorReader(statement))
    }

    /// The cosine with the vector of a chunk that is there.
    pub(super) fn compare(
        &mut self,
        comparison: &Comparison<'_>,
        chunk: i64,
    ) -> Result<f32, Failure> {
        let mut rows = self.0.query([chunk])?;
        let row = rows
            .next()?
            .ok_or_else(|| Failure::Damaged(format!("chunk {chunk} has no vector")))?;
        comparison.with(row)
    }
}

/// The cosines of `query`, a vector of `space`, with `chunks`; `None` for one
/// that is gone or of another space.
pub(super) fn similarities(
    connection: &Connection,
    index: &Index,
    space: i64,
    query: &[f32],
    chunks: &[ChunkRef],
) -> Result<Vec<Option<f32>>, Failure> {
    let numbered = chunks.iter().enumerate();
    let mut there: Vec<(i64, usize)> = numbered
        .filter_map(|(number, &chunk)| Some((index.chunk_id(space, chunk)?, number)))
        .collect();
    there.sort_unstable();
    let comparison = Comparison::new(query);
    let mut vectors = VectorReader::new(connection)?;
    let mut similarities = vec![None; chunks.len()];
    for (chunk, number) in there {
        similarities[number] = Some(vectors.compare(&comparison, chunk)?);
    }
    Ok(similarities)
}
