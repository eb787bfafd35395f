//! What searches keep in memory: which chunks there are, of which document,
//! how many terms each has, and the signs of its vector.
//!
//! The file stays the only truth. A search begins by reading how far the
//! file's log of changes has got and catches up with it, whether this process
//! made the changes or another. Nothing is loaded before the first search.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

use rag_core::model::{ChunkRef, DocumentId};
use rusqlite::{Connection, OptionalExtension, Row};

use super::codes::{Codes, code_bytes};
use super::error::Failure;
use super::postings::KnownTerms;
use super::row;

/// How many changes the log keeps; who is further behind reads everything.
pub(super) const CHANGES_KEPT: i64 = 10_000;

/// Chunks that are gone are kept in memory until there are this many of them
/// and they are more than the others.
const GONE_CHUNKS_MIN: usize = 1_000;

/// The chunks of every document, in the order they were put in.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The last change it includes; `None` before anything was read.
    sequence: Option<i64>,
    slots: Vec<Slot>,
    slot_of: HashMap<DocumentId, usize>,
    codes: HashMap<i64, Codes>,
    term_counts: Vec<u32>,
    chunk_count: usize,
    term_count: u64,
    known_terms: Mutex<KnownTerms>,
}

/// The chunks of one document.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) document: DocumentId,
    pub(super) collection: i64,
    pub(super) space: i64,
    /// The id of its first chunk; the others follow.
    pub(super) first_chunk: i64,
    pub(super) chunk_count: u32,
    /// Where its chunks begin among all chunks.
    pub(super) position: usize,
    /// Where its chunks begin among the codes of its space.
    pub(super) place: usize,
    /// Whether the document is gone.
    pub(super) is_gone: bool,
}

impl Slot {
    /// The chunk `offset` after the first.
    pub(super) fn chunk(&self, offset: usize) -> ChunkRef {
        let index = u32::try_from(offset).expect("a slot has at most `u32::MAX` chunks");
        ChunkRef {
            document: self.document,
            index,
        }
    }
}

impl Index {
    /// Does `work` in a transaction on `connection` with an index that
    /// includes exactly what the transaction sees.
    pub(super) fn with_current<T>(
        index: &RwLock<Index>,
        connection: &Connection,
        work: impl FnOnce(&Connection, &Index) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        {
            let transaction = connection.unchecked_transaction()?;
            let sequence = last_change(&transaction)?;
            let index = index.read().unwrap_or_else(PoisonError::into_inner);
            if index.sequence == Some(sequence) {
                return work(&transaction, &index);
            }
        }
        // A transaction that begins while nobody else can move the index on
        // never finds it ahead.
        let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.unchecked_transaction()?;
        let sequence = last_change(&transaction)?;
        if index.sequence != Some(sequence) {
            index.catch_up(&transaction, sequence)?;
        }
        work(&transaction, &RwLockWriteGuard::downgrade(index))
    }

    /// All slots, by first chunk.
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The codes of a space, if there are any.
    pub(super) fn codes(&self, space: i64) -> Option<&Codes> {
        self.codes.get(&space)
    }

    /// How many terms the chunk at each position has.
    pub(super) fn term_counts(&self) -> &[u32] {
        &self.term_counts
    }

    /// How many chunks there are, the gone ones left out.
    pub(super) fn chunk_count(&self) -> usize {
        self.chunk_count
    }

    /// How many terms these have.
    pub(super) fn term_count(&self) -> u64 {
        self.term_count
    }

    /// The id of a chunk; `None` when it is gone or of another space.
    pub(super) fn chunk_id(&self, space: i64, chunk: ChunkRef) -> Option<i64> {
        let slot = &self.slots[*self.slot_of.get(&chunk.document)?];
        let is_there = slot.space == space && chunk.index < slot.chunk_count;
        is_there.then(|| slot.first_chunk + i64::from(chunk.index))
    }

    /// The chunk at a position.
    pub(super) fn chunk_at(&self, position: usize) -> ChunkRef {
        let after = self.slots.partition_point(|slot| slot.position <= position);
        let slot = &self.slots[after - 1];
        slot.chunk(position - slot.position)
    }

    /// What is known of the terms of its chunks.
    pub(super) fn known_terms(&self) -> MutexGuard<'_, KnownTerms> {
        self.known_terms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn catch_up(&mut self, connection: &Connection, sequence: i64) -> Result<(), Failure> {
        // Should reading fail half way, the next search begins afresh.
        let seen = self.sequence.take();
        self.known_terms = Mutex::default();
        let caught_up = match seen {
            Some(seen) => self.follow(connection, seen)?,
            None => false,
        };
        let gone = self.term_counts.len() - self.chunk_count;
        if !caught_up || gone > GONE_CHUNKS_MIN.max(self.chunk_count) {
            self.reload(connection)?;
        }
        self.sequence = Some(sequence);
        Ok(())
    }

    fn reload(&mut self, connection: &Connection) -> Result<(), Failure> {
        *self = Index::default();
        let mut statement = connection.prepare(&format!("{SELECT_CODE} ORDER BY first_chunk"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.append(row)?;
        }
        Ok(())
    }

    /// Follows the log from `seen` on; false when it no longer reaches back.
    fn follow(&mut self, connection: &Connection, seen: i64) -> Result<bool, Failure> {
        let mut statement = connection.prepare_cached(
            "SELECT sequence, document_id, collection_id FROM change WHERE sequence > ?1
             ORDER BY sequence",
        )?;
        let mut rows = statement.query([seen])?;
        let mut documents = BTreeSet::new();
        let mut expected = seen + 1;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(0)? != expected {
                return Ok(false);
            }
            expected += 1;
            if let Some(collection) = row.get::<_, Option<i64>>(2)? {
                self.forget_collection(collection);
            } else {
                documents.insert(row::document_id(row, 1)?);
            }
        }
        let mut first_chunks = Vec::with_capacity(documents.len());
        for document in documents {
            self.forget(document);
            let mut statement = connection.prepare_cached(
                "SELECT first_chunk FROM document WHERE id = ?1 AND chunk_count > 0",
            )?;
            let found: Option<i64> = statement
                .query_row([document.as_i64()], |row| row.get(0))
                .optional()?;
            first_chunks.extend(found);
        }
        first_chunks.sort_unstable();
        let mut statement =
            connection.prepare_cached(&format!("{SELECT_CODE} WHERE first_chunk = ?1"))?;
        for first_chunk in first_chunks {
            let mut rows = statement.query([first_chunk])?;
            let row = rows.next()?.ok_or_else(|| {
                Failure::Damaged(format!("there are no codes for chunk {first_chunk}"))
            })?;
            self.append(row)?;
        }
        Ok(true)
    }

    /// Takes in a row of [`SELECT_CODE`].
    fn append(&mut self, row: &Row<'_>) -> Result<(), Failure> {
        let first_chunk: i64 = row.get(0)?;
        let document = row::document_id(row, 1)?;
        let (collection, space) = (row.get(2)?, row.get(3)?);
        let signs = row::blob(row, 4)?;
        let (term_counts, _) = row::blob(row, 5)?.as_chunks::<{ size_of::<u32>() }>();
        let dimensions = usize::try_from(row.get::<_, u32>(6)?).expect("32 bits fit");
        let out_of_step = signs.len() != term_counts.len() * code_bytes(dimensions)
            || self
                .slots
                .last()
                .is_some_and(|last| last.first_chunk >= first_chunk);
        let chunk_count = u32::try_from(term_counts.len())
            .ok()
            .filter(|_| !out_of_step);
        let chunk_count = chunk_count.ok_or_else(|| {
            Failure::Damaged(format!(
                "the codes of document `{document}` do not fit its chunks"
            ))
        })?;

        let codes = self
            .codes
            .entry(space)
            .or_insert_with(|| Codes::new(dimensions));
        let (position, place) = (self.term_counts.len(), codes.len());
        codes.append(signs);
        self.term_counts
            .extend(term_counts.iter().map(|&count| u32::from_le_bytes(count)));
        self.chunk_count += term_counts.len();
        self.term_count += sum(&self.term_counts[position..]);
        self.slot_of.insert(document, self.slots.len());
        self.slots.push(Slot {
            document,
            collection,
            space,
            first_chunk,
            chunk_count,
            position,
            place,
            is_gone: false,
        });
        Ok(())
    }

    fn forget(&mut self, document: DocumentId) {
        let Some(slot) = self.slot_of.remove(&document) else {
            return;
        };
        let slot = &mut self.slots[slot];
        slot.is_gone = true;
        let chunk_count = slot.chunk_count as usize;
        self.chunk_count -= chunk_count;
        self.term_count -= sum(&self.term_counts[slot.position..][..chunk_count]);
    }

    fn forget_collection(&mut self, collection: i64) {
        let live = self
            .slots
            .iter()
            .filter(|slot| slot.collection == collection && !slot.is_gone);
        let documents: Vec<DocumentId> = live.map(|slot| slot.document).collect();
        for document in documents {
            self.forget(document);
        }
    }
}

const SELECT_CODE: &str = "
    SELECT first_chunk, document_id, collection_id, space_id, signs, term_counts,
           (SELECT dimensions FROM space WHERE space.id = code.space_id)
    FROM code";

fn sum(term_counts: &[u32]) -> u64 {
    term_counts.iter().map(|&count| u64::from(count)).sum()
}

fn last_change(connection: &Connection) -> Result<i64, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT coalesce(max(sequence), 0) FROM change")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
