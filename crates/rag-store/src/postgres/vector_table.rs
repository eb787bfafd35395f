//! The tables of vectors, one for each embedding space, and their indexes.

use rag_core::model::EmbeddingSpace;
use rag_core::port::StoreError;
use sqlx::postgres::PgRow;

use super::error::Failure;
use super::row;
use super::session::{Session, built, sql};
use super::text::kept;

/// The most dimensions pgvector's vectors may have.
const DIMENSIONS_MAX: usize = 16_000;

/// The most whose vectors fit a page beside the other columns. Those of more are
/// kept apart from their row.
const DIMENSIONS_INLINE_MAX: usize = 1_990;

/// The most that an index may have at full precision, and at half.
const DIMENSIONS_INDEXED_MAX: usize = 2_000;
const DIMENSIONS_HALF_MIN: usize = DIMENSIONS_INDEXED_MAX + 1;
const DIMENSIONS_HALF_MAX: usize = 4_000;

/// From this many vectors on a table has an index. Comparing fewer one by one
/// takes about as long, and is exact; and putting one in takes a millisecond
/// longer with it.
pub(super) const INDEXED_CHUNKS_MIN: i64 = 5_000;

/// Who has this advisory lock makes a table: `ragt`.
const TABLE_LOCK: i64 = 0x7261_6774;

/// A space that has a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Space {
    pub(super) id: i32,
    pub(super) dimensions: usize,
    /// Whether its vectors have an index.
    pub(super) is_indexed: bool,
}

impl Space {
    /// The name of its table.
    pub(super) fn table(&self) -> String {
        format!("vector_{}", self.id)
    }

    /// The type of its vectors.
    pub(super) fn vector(&self) -> String {
        format!("vector({})", self.dimensions)
    }

    /// The distance of a row's vector from the one in parameter `number`, as
    /// its index has it.
    pub(super) fn indexed_distance(&self, number: usize) -> String {
        let dimensions = self.dimensions;
        if dimensions <= DIMENSIONS_INDEXED_MAX {
            format!("v.embedding <=> ${number}::real[]::vector({dimensions})")
        } else {
            format!(
                "v.embedding::halfvec({dimensions}) \
                 <=> ${number}::real[]::vector({dimensions})::halfvec({dimensions})"
            )
        }
    }

    /// The exact cosine of a row's vector with the one in parameter `number`; 0
    /// where there is no angle between the two.
    pub(super) fn cosine(&self, number: usize) -> String {
        let dimensions = self.dimensions;
        format!(
            "coalesce(nullif(1 - (v.embedding <=> ${number}::real[]::vector({dimensions})), 'NaN'), \
             0)::real"
        )
    }
}

/// The columns that [`read`] reads.
pub(super) const SPACE_COLUMNS: &str = "s.id, s.dimensions, s.is_indexed";

/// The space in the columns from `first` on.
pub(super) fn read(row: &PgRow, first: usize) -> Result<Space, Failure> {
    let dimensions: i32 = row::get(row, first + 1)?;
    Ok(Space {
        id: row::get(row, first)?,
        dimensions: usize::try_from(dimensions)
            .map_err(|_| Failure::Damaged("a space has negative dimensions".to_owned()))?,
        is_indexed: row::get(row, first + 2)?,
    })
}

/// A space, if anything was ever kept in it.
pub(super) async fn find(
    session: &mut Session,
    space: &EmbeddingSpace,
) -> Result<Option<Space>, Failure> {
    let Ok(dimensions) = i32::try_from(space.dimensions) else {
        return Ok(None);
    };
    let select = built(format!(
        "SELECT {SPACE_COLUMNS} FROM space s WHERE s.model = $1 AND s.dimensions = $2"
    ));
    let select = select.bind(kept(&space.model)).bind(dimensions);
    let found = session.row(select).await?;
    found.map(|row| read(&row, 0)).transpose()
}

/// A space, made with its table when it is not there.
pub(super) async fn ensure(
    session: &mut Session,
    space: &EmbeddingSpace,
) -> Result<Space, Failure> {
    if let Some(found) = find(session, space).await? {
        return Ok(found);
    }
    let dimensions = space.dimensions;
    if !(1..=DIMENSIONS_MAX).contains(&dimensions) {
        return Err(StoreError::Unavailable {
            action: format!("keep vectors of {space}"),
            source: format!("PostgreSQL keeps vectors of 1 to {DIMENSIONS_MAX} dimensions").into(),
        }
        .into());
    }
    session
        .batch(format!("SELECT pg_advisory_xact_lock({TABLE_LOCK})"))
        .await?;
    if let Some(found) = find(session, space).await? {
        return Ok(found);
    }
    let insert = built(format!(
        "INSERT INTO space AS s (model, dimensions) VALUES ($1, $2) RETURNING {SPACE_COLUMNS}"
    ));
    let insert = insert
        .bind(kept(&space.model))
        .bind(i32::try_from(dimensions).unwrap_or(i32::MAX));
    let made = read(&session.one(insert).await?, 0)?;
    let (table, vector) = (made.table(), made.vector());
    let storage = match dimensions {
        ..=DIMENSIONS_INLINE_MAX => "PLAIN",
        _ => "EXTERNAL",
    };
    session
        .batch(format!(
            "CREATE TABLE {table} (
                 document_id bigint NOT NULL REFERENCES document (id) ON DELETE CASCADE,
                 collection_id bigint NOT NULL,
                 index integer NOT NULL,
                 embedding {vector} NOT NULL,
                 PRIMARY KEY (document_id, index)
             );
             ALTER TABLE {table} ALTER COLUMN embedding SET STORAGE {storage};
             CREATE INDEX {table}_by_collection ON {table} (collection_id)"
        ))
        .await?;
    Ok(made)
}

/// The names of all tables of vectors.
pub(super) async fn all(session: &mut Session) -> Result<Vec<String>, Failure> {
    let select = built(format!("SELECT {SPACE_COLUMNS} FROM space s ORDER BY s.id"));
    session
        .each(select, |row| read(row, 0).map(|space| space.table()))
        .await
}

/// Makes the index of a space's table, unless it is there or another makes it, who
/// has the space's row meanwhile.
///
/// It is made when there are just enough vectors, which takes seconds, and kept
/// up to date from there. Meanwhile who writes to the table waits. `CONCURRENTLY`
/// would let them, but leaves an index that is of no use when it is interrupted,
/// and takes several transactions, which is more than a pooler gives.
pub(super) async fn index(session: &mut Session, id: i32) -> Result<(), Failure> {
    let select = built(format!(
        "SELECT {SPACE_COLUMNS} FROM space s WHERE s.id = $1 FOR NO KEY UPDATE SKIP LOCKED"
    ));
    let Some(found) = session.row(select.bind(id)).await? else {
        return Ok(());
    };
    let space = read(&found, 0)?;
    if space.is_indexed {
        return Ok(());
    }
    let (table, dimensions) = (space.table(), space.dimensions);
    let what = match dimensions {
        1..=DIMENSIONS_INDEXED_MAX => "embedding vector_cosine_ops".to_owned(),
        DIMENSIONS_HALF_MIN..=DIMENSIONS_HALF_MAX => {
            format!("(embedding::halfvec({dimensions})) halfvec_cosine_ops")
        }
        // Compared one by one.
        _ => return Ok(()),
    };
    session
        .batch(format!(
            "CREATE INDEX {table}_by_embedding ON {table} USING hnsw ({what})
             WITH (m = 16, ef_construction = 100);
             ANALYZE {table}"
        ))
        .await?;
    let update = sql("UPDATE space SET is_indexed = true WHERE id = $1");
    session.execute(update.bind(id)).await?;
    Ok(())
}
