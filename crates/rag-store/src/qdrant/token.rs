//! Names that nobody has used before, and the ids of points.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use qdrant_client::qdrant::PointId;
use rag_core::model::{ContentHash, DocumentId};

/// A name that no other call, process or machine has made: when it was made,
/// and something random.
pub(super) fn new() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    // Each hasher of the standard library starts with random keys.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(COUNTER.fetch_add(1, Ordering::Relaxed));
    hasher.write_u32(std::process::id());
    let micros = Timestamp::now().as_microsecond();
    format!("{micros:016x}-{:016x}", hasher.finish())
}

/// How long ago `token` was made, by this machine's clock; nothing for one
/// that was made later, or that is none.
pub(super) fn age(token: &str) -> Duration {
    let made = token.split('-').next().unwrap_or_default();
    let made = i64::from_str_radix(made, 16).unwrap_or(i64::MAX);
    let age = Timestamp::now().as_microsecond().saturating_sub(made);
    Duration::from_micros(u64::try_from(age).unwrap_or(0))
}

/// The id of the point that `parts` name.
pub(super) fn point(parts: &[&str]) -> PointId {
    let hash = ContentHash::of_parts(parts).to_string();
    PointId::from(format!(
        "{}-{}-{}-{}-{}",
        &hash[..8],
        &hash[8..12],
        &hash[12..16],
        &hash[16..20],
        &hash[20..32]
    ))
}

/// The id of a document's point: its own number, so that points of documents
/// are in the order of their ids.
pub(super) fn document(id: DocumentId) -> PointId {
    PointId::from(id.as_i64().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_tell_their_age() {
        let (one, other) = (new(), new());
        assert_ne!(one, other);
        assert!(age(&one) < Duration::from_secs(60));
        assert!(age("0000000000000001-x") > Duration::from_secs(60));
        assert_eq!(age("no token"), Duration::ZERO);
    }

    #[test]
    fn points_are_named_by_all_their_parts() {
        assert_eq!(point(&["a", "bc"]), point(&["a", "bc"]));
        assert_ne!(point(&["a", "bc"]), point(&["ab", "c"]));
    }
}
