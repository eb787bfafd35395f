//! How many documents and chunks a collection has, and how many terms in them.
//!
//! Qdrant counts records but adds nothing up. So a document says which binary
//! digits the numbers of its chunks and terms have, as values of one field:
//! counting the documents that have each value gives all three sums at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use qdrant_client::qdrant::{Condition, FacetValue, Filter, facet_value::Variant};

use super::failure::Failure;
use super::server::Server;

/// How long sums that only weigh words may be old.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// Sums over documents.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Totals {
    pub(super) documents: u64,
    pub(super) chunks: u64,
    pub(super) terms: u64,
}

/// The field of documents that says what they have in a space.
pub(super) fn field(space: &str) -> String {
    format!("totals_{space}")
}

/// The values of that field for a document of `home`. There is at least one.
pub(super) fn digits(home: &str, chunks: u64, terms: u64) -> Vec<String> {
    let mut values = vec![format!("{home} d")];
    for (letter, number) in [('c', chunks), ('t', terms)] {
        let places = (0..u64::BITS).filter(|place| number >> place & 1 == 1);
        values.extend(places.map(|place| format!("{home} {letter}{place}")));
    }
    values
}

/// What the collections of these homes have in a space, by home.
pub(super) async fn of(
    server: &Server,
    space: &str,
    homes: &[String],
) -> Result<HashMap<String, Totals>, Failure> {
    let mut totals: HashMap<String, Totals> = HashMap::new();
    if homes.is_empty() {
        return Ok(totals);
    }
    let filter = Filter::must([
        Condition::matches("kind", "document".to_owned()),
        Condition::matches("home", homes.to_vec()),
    ]);
    for hit in server.facet(&field(space), &filter).await? {
        let Some(FacetValue {
            variant: Some(Variant::StringValue(value)),
        }) = hit.value
        else {
            continue;
        };
        let Some((home, digit)) = value.split_once(' ') else {
            continue;
        };
        totals
            .entry(home.to_owned())
            .or_default()
            .add(digit, hit.count);
    }
    Ok(totals)
}

impl Totals {
    fn add(&mut self, digit: &str, count: u64) {
        let place = digit.get(1..).and_then(|place| place.parse().ok());
        let sum = place.map_or(0, |place: u32| count.checked_shl(place).unwrap_or(0));
        match digit.as_bytes().first() {
            Some(b'd') => self.documents += count,
            Some(b'c') => self.chunks += sum,
            Some(b't') => self.terms += sum,
            _ => {}
        }
    }
}

/// The average lengths of chunks by space, as they were a moment ago.
#[derive(Debug, Default)]
pub(super) struct KnownTotals(Mutex<HashMap<String, (Instant, Totals)>>);

impl KnownTotals {
    /// Forgets all of them: this process has written something.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn get(&self, space: &str) -> Option<Totals> {
        let known = self.lock();
        let (at, totals) = known.get(space)?;
        (at.elapsed() < FRESH_FOR).then_some(*totals)
    }

    fn keep(&self, space: &str, totals: Totals) {
        self.lock()
            .insert(space.to_owned(), (Instant::now(), totals));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Instant, Totals)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all of `homes`, those of a space, have together: as of now, or of a
/// few seconds ago when only others wrote since.
pub(super) async fn recent(
    server: &Server,
    space: &str,
    homes: &[String],
) -> Result<Totals, Failure> {
    if let Some(known) = server.totals.get(space) {
        return Ok(known);
    }
    let mut all = Totals::default();
    for totals in of(server, space, homes).await?.into_values() {
        all.documents += totals.documents;
        all.chunks += totals.chunks;
        all.terms += totals.terms;
    }
    server.totals.keep(space, all);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_add_up() {
        let documents = [(1, 7), (0, 0), (5_000, 1_000_003), (3, 64)];
        let mut counts: HashMap<String, u64> = HashMap::new();
        for (chunks, terms) in documents {
            for value in digits("home", chunks, terms) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let mut totals = Totals::default();
        for (value, count) in counts {
            let (home, digit) = value.split_once(' ').unwrap();
            assert_eq!(home, "home");
            totals.add(digit, count);
        }
        let expected = Totals {
            documents: 4,
            chunks: 5_004,
            terms: 1_000_074,
        };
        assert_eq!(totals, expected);
    }
}
