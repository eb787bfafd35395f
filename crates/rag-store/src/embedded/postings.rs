//! Which chunks have a term, and how often: read from the full-text index, and
//! kept in memory for the terms that take long to read.
//!
//! A few hundred common terms are in most queries, so that little memory saves
//! most of the reading. What a posting is worth is not known here.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::error::Failure;
use super::index::Slot;

/// A term that fewer chunks have is read again each time.
const TERM_POSTINGS_MIN: usize = 200;

/// A term that more chunks have is hardly worth searching; only their number
/// is kept.
const TERM_POSTINGS_MAX: usize = POSTINGS_MAX / 16;

/// How many postings are kept, at five bytes each; past that, all go
/// and only their numbers stay.
const POSTINGS_MAX: usize = 800_000;

/// The chunks that have a term, by position.
#[derive(Debug, Default)]
pub(super) struct Postings {
    positions: Vec<u32>,
    /// How often each of them has the term.
    occurrences: Vec<u8>,
}

impl Postings {
    /// The first chunks of `slots` that have `term`, `count_max` at the most.
    pub(super) fn read(
        connection: &Connection,
        slots: &[Slot],
        term: &str,
        count_max: usize,
    ) -> Result<Self, Failure> {
        let mut statement =
            connection.prepare_cached("SELECT doc, col FROM word_instance WHERE term = ?1")?;
        let mut rows = statement.query([term])?;
        let mut postings = Postings::default();
        let mut slot = 0;
        while postings.len() < count_max
            && let Some(row) = rows.next()?
        {
            let chunk: i64 = row.get(0)?;
            slot += slots_before(&slots[slot..], chunk);
            let Some(found) = slots.get(slot) else { break };
            let offset = usize::try_from(chunk - found.first_chunk).unwrap_or(usize::MAX);
            if offset < found.chunk_count as usize && !found.is_gone {
                let column = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
                let position = u32::try_from(found.position + offset);
                postings
                    .positions
                    .push(position.expect("the signs of 2^32 vectors fit no memory"));
                postings.occurrences.push(occurrences(column)?);
            }
        }
        Ok(postings)
    }

    /// How many chunks these are.
    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }

    /// The position of each chunk, and how often it has the term.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, u8)> {
        let positions = self.positions.iter().map(|&position| position as usize);
        positions.zip(self.occurrences.iter().copied())
    }
}

/// The number that is the name of a column.
fn occurrences(column: &str) -> Result<u8, Failure> {
    let number = column.parse();
    number.map_err(|_| Failure::Damaged(format!("the words have a column `{column}`")))
}

/// How many of `slots` end before `chunk`. It looks at slots twice as far each
/// time, since the next chunk of a common term is usually near.
fn slots_before(slots: &[Slot], chunk: i64) -> usize {
    let ends_before = |slot: &Slot| slot.first_chunk + i64::from(slot.chunk_count) <= chunk;
    let mut reach = 1;
    while slots.get(reach - 1).is_some_and(ends_before) {
        reach *= 2;
    }
    let near = &slots[reach / 2..reach.min(slots.len())];
    reach / 2 + near.partition_point(ends_before)
}

/// What is known of a term.
#[derive(Clone, Debug)]
pub(super) struct Term {
    /// How many chunks have it, as far as they were read.
    pub(super) frequency: u64,
    /// Whether all of them were read.
    is_whole: bool,
    /// Which ones, unless they are too many to keep.
    pub(super) postings: Option<Arc<Postings>>,
}

impl Term {
    /// A term of which `postings` were read, `count_max` at the most.
    pub(super) fn new(postings: Postings, count_max: usize) -> Self {
        Term {
            frequency: postings.len() as u64,
            is_whole: postings.len() < count_max,
            postings: Some(Arc::new(postings)),
        }
    }

    /// Whether reading up to `count_max` chunks would tell no more.
    pub(super) fn is_enough(&self, count_max: usize) -> bool {
        self.is_whole || self.frequency >= count_max as u64
    }
}

/// The terms that were read, as far as they are worth keeping.
#[derive(Debug, Default)]
pub(super) struct KnownTerms {
    terms: HashMap<String, Term>,
    /// The postings kept of all terms together.
    posting_count: usize,
}

impl KnownTerms {
    pub(super) fn get(&self, term: &str) -> Option<Term> {
        self.terms.get(term).cloned()
    }

    /// Keeps what was read of `term`, where that pays.
    pub(super) fn keep(&mut self, term: &str, read: &Term) {
        let count = read.postings.as_ref().map_or(0, |postings| postings.len());
        if count < TERM_POSTINGS_MIN {
            return;
        }
        let mut kept = read.clone();
        if !kept.is_whole || count > TERM_POSTINGS_MAX {
            kept.postings = None;
        } else if self.posting_count + count > POSTINGS_MAX {
            self.terms
                .values_mut()
                .for_each(|term| term.postings = None);
            self.posting_count = 0;
        }
        let added = kept.postings.as_ref().map_or(0, |postings| postings.len());
        let had = self.terms.insert(term.to_owned(), kept);
        let had = had.and_then(|had| had.postings);
        self.posting_count += added;
        self.posting_count -= had.map_or(0, |postings| postings.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(count: usize, count_max: usize) -> Term {
        let postings = Postings {
            positions: vec![0; count],
            occurrences: vec![1; count],
        };
        Term::new(postings, count_max)
    }

    #[test]
    fn what_is_kept_is_worth_it_and_bounded() {
        for (count, count_max, is_known, has_postings) in [
            (0, usize::MAX, false, false),
            (TERM_POSTINGS_MIN - 1, usize::MAX, false, false),
            (TERM_POSTINGS_MIN, usize::MAX, true, true),
            (1_000, 1_000, true, false),
            (TERM_POSTINGS_MAX, usize::MAX, true, true),
            (TERM_POSTINGS_MAX + 1, usize::MAX, true, false),
        ] {
            let mut known = KnownTerms::default();
            known.keep("term", &term(count, count_max));
            let found = known.get("term");
            assert_eq!(found.is_some(), is_known, "{count} of {count_max}");
            let kept = found.is_some_and(|found| found.postings.is_some());
            assert_eq!(kept, has_postings, "{count} of {count_max}");
        }
        let mut known = KnownTerms::default();
        for number in 0..100 {
            for _ in 0..2 {
                known.keep(
                    &format!("term {number}"),
                    &term(TERM_POSTINGS_MAX, usize::MAX),
                );
                let all = known.terms.values();
                let kept = all.filter_map(|term| term.postings.as_ref());
                assert_eq!(
                    known.posting_count,
                    kept.map(|kept| kept.len()).sum::<usize>()
                );
                assert!((1..=POSTINGS_MAX).contains(&known.posting_count));
            }
        }
    }
}
