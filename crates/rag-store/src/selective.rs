//! Which terms of a query are worth searching: the same choice for every store.

/// Up to this many chunks no term counts as common, whatever its share.
pub const COMMON_CHUNKS_MIN: u64 = 100;

/// How many matches the terms of one query may have together in a small store
/// ([`matches_read_max`]). Past it the most common terms, which tell the least
/// and cost the most, are left out.
pub const MATCHES_READ_MAX: u64 = 10_000;

/// How many matches the terms of one query may have together among
/// `chunk_count` chunks, as long as a rarer one remains.
pub fn matches_read_max(chunk_count: u64) -> u64 {
    MATCHES_READ_MAX.max(chunk_count / 10)
}

/// The terms to search, as indices into `frequencies`, rarest first.
///
/// `frequencies` says for each term how many chunks have it, `chunk_count` how
/// many chunks there are. Terms nobody has are left out. So are those that more
/// than four in five chunks have, and those that would bring the matches to
/// read above the bound of [`MATCHES_READ_MAX`], as long as a rarer one remains.
pub fn selective_terms(frequencies: &[u64], chunk_count: u64) -> Vec<usize> {
    let mut terms: Vec<usize> = (0..frequencies.len())
        .filter(|&term| frequencies[term] > 0)
        .collect();
    terms.sort_by_key(|&term| (frequencies[term], term));
    let Some(&rarest) = terms.first() else {
        return terms;
    };
    let matches_max = matches_read_max(chunk_count);
    let mut matches = 0u64;
    terms.retain(|&term| {
        let frequency = frequencies[term];
        matches = matches.saturating_add(frequency);
        let is_common = frequency > COMMON_CHUNKS_MIN && frequency > chunk_count / 5 * 4;
        let is_cheap = matches <= matches_max;
        frequency == frequencies[rarest] || (!is_common && is_cheap)
    });
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_terms_give_way_to_rarer_ones() {
        for (frequencies, chunk_count, expected) in [
            (&[][..], 10, &[][..]),
            (&[0, 0], 10, &[]),
            (&[5, 1, 3], 10, &[1, 2, 0]),
            (&[2, 0, 2], 2, &[0, 2]),
            (&[90, 1], 90, &[1, 0]),
            (&[900, 3, 700], 1_000, &[1, 2]),
            (&[900], 1_000, &[0]),
            (&[950, 950], 1_000, &[0, 1]),
            (&[9_000, 10, 4_000, 5_000], 100_000, &[1, 2, 3]),
            (&[60_000, 50_000], 100_000, &[1]),
            (&[60_000, 10, 30_000], 1_000_000, &[1, 2, 0]),
        ] {
            assert_eq!(
                selective_terms(frequencies, chunk_count),
                expected,
                "{frequencies:?}"
            );
        }
    }
}
