//! One sign bit for each dimension of each vector: small enough to keep in
//! memory, and telling enough to find the few vectors worth reading.
//!
//! Candidates are narrowed twice. First the signs of the query are compared
//! with all signs, which costs a few nanoseconds a vector. Of the best of
//! these the query's own numbers, added with the vector's signs, give a much
//! better order. The vectors themselves are not known here.

use std::ops::Range;

/// A word holds the signs of this many dimensions.
const WORD_BITS: usize = 64;

const BYTE_VALUES: usize = 256;

/// How many times as many candidates the signs alone must name as the sums
/// then keep.
const SIGNS_PER_SUM: usize = 8;

/// The signs of vectors of one space.
#[derive(Debug)]
pub(super) struct Codes {
    /// Words per vector.
    width: usize,
    words: Vec<u64>,
}

/// How many bytes the signs of a vector take in the file.
pub(super) fn code_bytes(dimensions: usize) -> usize {
    dimensions.div_ceil(WORD_BITS) * size_of::<u64>()
}

/// The signs of `vector` as words: bit `d % 64` of word `d / 64` is set when
/// number `d` is above 0.
fn signs(vector: &[f32]) -> impl Iterator<Item = u64> {
    vector.chunks(WORD_BITS).map(|numbers| {
        let bits = numbers.iter().enumerate();
        bits.fold(0, |word, (bit, number)| {
            word | u64::from(*number > 0.0) << bit
        })
    })
}

/// The signs of `vector` as they are kept in the file.
pub(super) fn signs_to_bytes(vector: &[f32]) -> impl Iterator<Item = u8> {
    signs(vector).flat_map(u64::to_le_bytes)
}

impl Codes {
    pub(super) fn new(dimensions: usize) -> Self {
        Codes {
            width: dimensions.div_ceil(WORD_BITS),
            words: Vec::new(),
        }
    }

    /// How many vectors there are.
    pub(super) fn len(&self) -> usize {
        self.words.len().checked_div(self.width).unwrap_or(0)
    }

    /// Adds vectors as [`signs_to_bytes`] wrote them.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        let (words, _) = bytes.as_chunks::<{ size_of::<u64>() }>();
        self.words
            .extend(words.iter().map(|&word| u64::from_le_bytes(word)));
    }

    /// About the `count` places in `ranges` whose vectors are likely the
    /// nearest to `query`, in no order.
    pub(super) fn likely_nearest(
        &self,
        query: &[f32],
        ranges: &[Range<usize>],
        count: usize,
    ) -> Vec<usize> {
        let places = self.nearest_by_signs(query, ranges, count * SIGNS_PER_SUM);
        if places.len() <= count {
            return places;
        }
        let sums = Sums::new(query);
        let score = |place: usize| sums.of(&self.words[place * self.width..][..self.width]);
        let mut scored: Vec<(f32, usize)> = places
            .into_iter()
            .map(|place| (score(place), place))
            .collect();
        scored.select_nth_unstable_by(count - 1, |one, other| other.0.total_cmp(&one.0));
        scored.truncate(count);
        scored.into_iter().map(|(_, place)| place).collect()
    }

    /// At least the `count` places whose signs differ least from the query's,
    /// and those that differ as little, up to twice as many in all.
    fn nearest_by_signs(&self, query: &[f32], ranges: &[Range<usize>], count: usize) -> Vec<usize> {
        let query: Vec<u64> = signs(query).collect();
        let mut differences = Vec::with_capacity(ranges.iter().map(Range::len).sum());
        for range in ranges {
            let words = &self.words[range.start * self.width..range.end * self.width];
            push_differences(&query, words, &mut differences);
        }
        let farthest = nth_smallest(&differences, count, self.width * WORD_BITS);
        let mut places = Vec::with_capacity(2 * count);
        let mut rest = differences.as_slice();
        for range in ranges {
            let (here, after) = rest.split_at(range.len());
            rest = after;
            for (place, _) in range.clone().zip(here).filter(|(_, far)| **far <= farthest) {
                places.push(place);
            }
        }
        places.truncate(2 * count);
        places
    }
}

/// For each code in `words` in how many bits it differs from `query`.
fn push_differences(query: &[u64], words: &[u64], differences: &mut Vec<u32>) {
    // A step of fixed length lets the compiler unroll it: 384 dimensions are
    // one step of six words.
    match query.len() {
        0 => {}
        width if width % 24 == 0 => push_by::<24>(query, words, differences),
        width if width % 12 == 0 => push_by::<12>(query, words, differences),
        width if width % 6 == 0 => push_by::<6>(query, words, differences),
        width if width % 4 == 0 => push_by::<4>(query, words, differences),
        _ => push_by::<1>(query, words, differences),
    }
}

fn push_by<const STEP: usize>(query: &[u64], words: &[u64], differences: &mut Vec<u32>) {
    let (query_steps, _) = query.as_chunks::<STEP>();
    let between = |code: &[u64]| {
        let (code_steps, _) = code.as_chunks::<STEP>();
        query_steps
            .iter()
            .zip(code_steps)
            .map(|(query, code)| difference(query, code))
            .sum::<u32>()
    };
    differences.extend(words.chunks_exact(query.len()).map(between));
}

/// In how many bits `one` differs from `other`.
///
/// Counting the bits of a word is a dozen operations where the processor's own
/// instruction cannot be counted on. Most of them are shared here by three
/// words, and the last by all: `STEP` must be at most 30, so that no field of
/// eight bits overflows.
#[inline]
fn difference<const STEP: usize>(one: &[u64; STEP], other: &[u64; STEP]) -> u32 {
    const { assert!(STEP <= 30) };
    let (ones, one_rest) = one.as_chunks::<3>();
    let (others, other_rest) = other.as_chunks::<3>();
    let mut by_eight = 0;
    for (one, other) in ones.iter().zip(others) {
        let by_four: u64 = (0..3)
            .map(|word| counts_by_four(one[word] ^ other[word]))
            .sum();
        by_eight += (by_four & 0x0f0f_0f0f_0f0f_0f0f) + (by_four >> 4 & 0x0f0f_0f0f_0f0f_0f0f);
    }
    let by_sixteen = (by_eight & 0x00ff_00ff_00ff_00ff) + (by_eight >> 8 & 0x00ff_00ff_00ff_00ff);
    let in_threes = by_sixteen.wrapping_mul(0x0001_0001_0001_0001) >> 48;
    let rest = one_rest.iter().zip(other_rest);
    let in_rest: u32 = rest.map(|(one, other)| (one ^ other).count_ones()).sum();
    u32::try_from(in_threes).expect("16 bits fit") + in_rest
}

/// For each four bits of `word`, in their place, how many are set.
fn counts_by_four(word: u64) -> u64 {
    let by_two = word - (word >> 1 & 0x5555_5555_5555_5555);
    (by_two & 0x3333_3333_3333_3333) + (by_two >> 2 & 0x3333_3333_3333_3333)
}

/// The `count`th smallest of `numbers`, which are at most `max`; `max` when
/// there are not that many.
fn nth_smallest(numbers: &[u32], count: usize, max: usize) -> u32 {
    let mut histogram = vec![0usize; max + 1];
    for &number in numbers {
        histogram[number as usize] += 1;
    }
    let mut below = 0;
    for (number, occurrences) in (0u32..).zip(&histogram) {
        below += occurrences;
        if below >= count {
            return number;
        }
    }
    u32::MAX
}

/// For each byte of a code, and each value it can have, the sum of the query's
/// numbers whose bits are set.
struct Sums(Vec<f32>);

impl Sums {
    fn new(query: &[f32]) -> Self {
        let bytes = query.len().div_ceil(WORD_BITS) * size_of::<u64>();
        let mut sums = vec![0.0; bytes * BYTE_VALUES];
        for (numbers, sums) in query.chunks(8).zip(sums.chunks_exact_mut(BYTE_VALUES)) {
            for (bit, number) in numbers.iter().enumerate() {
                let (lower, higher) = sums.split_at_mut(1 << bit);
                for (with, without) in higher.iter_mut().zip(lower) {
                    *with = *without + number;
                }
            }
        }
        Sums(sums)
    }

    /// Grows with the cosine of the query and the vector of these signs.
    fn of(&self, code: &[u64]) -> f32 {
        let bytes = code.iter().flat_map(|word| word.to_le_bytes());
        let sums = self.0.chunks_exact(BYTE_VALUES);
        bytes
            .zip(sums)
            .map(|(byte, sums)| sums[usize::from(byte)])
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, from -1 to 1.
    fn vector(seed: usize, dimensions: usize) -> Vec<f32> {
        (0..dimensions)
            .map(|d| ((seed * 7_919 + d * 104_729) as f32 * 0.618).sin())
            .collect()
    }

    fn codes(dimensions: usize, count: usize) -> Codes {
        let mut codes = Codes::new(dimensions);
        for seed in 0..count {
            let bytes: Vec<u8> = signs_to_bytes(&vector(seed, dimensions)).collect();
            assert_eq!(bytes.len(), code_bytes(dimensions));
            codes.append(&bytes);
        }
        codes
    }

    #[test]
    fn differences_are_counted_at_every_width() {
        for dimensions in [
            1, 64, 100, 192, 256, 300, 384, 512, 768, 1_024, 1_536, 3_072,
        ] {
            let codes = codes(dimensions, 9);
            let query = vector(3, dimensions);
            let mut found = Vec::new();
            push_differences(&signs(&query).collect::<Vec<_>>(), &codes.words, &mut found);
            let expected: Vec<u32> = (0..9)
                .map(|seed| {
                    let other = vector(seed, dimensions);
                    let pairs = query.iter().zip(&other);
                    pairs
                        .map(|(a, b)| u32::from((*a > 0.0) != (*b > 0.0)))
                        .sum()
                })
                .collect();
            assert_eq!(found, expected, "{dimensions} dimensions");
        }
    }

    #[test]
    fn sums_follow_the_signs() {
        let (query, stored) = (vector(1, 100), vector(2, 100));
        let pairs = query.iter().zip(&stored);
        let expected: f32 = pairs
            .filter(|(_, stored)| **stored > 0.0)
            .map(|(q, _)| q)
            .sum();
        let code: Vec<u64> = signs(&stored).collect();
        assert!((Sums::new(&query).of(&code) - expected).abs() < 1e-4);
    }

    #[test]
    fn a_vector_is_likely_nearest_to_itself_within_the_ranges() {
        let codes = codes(128, 500);
        let query = vector(77, 128);
        assert!(
            codes
                .likely_nearest(&query, std::slice::from_ref(&(0..500)), 5)
                .contains(&77)
        );
        assert!(
            codes
                .likely_nearest(&query, &[3..9, 70..80], 5)
                .contains(&77)
        );
        let elsewhere = codes.likely_nearest(&query, &[3..9, 78..80], 5);
        assert_eq!(elsewhere.len(), 5);
        assert!(
            elsewhere
                .iter()
                .all(|place| (3..9).contains(place) || (78..80).contains(place))
        );
        assert_eq!(codes.likely_nearest(&query, &[], 5), Vec::<usize>::new());
    }
}
