//! Vectors as bytes, and how alike two of them are.

/// How many sums a dot product keeps at once, so that the compiler can use
/// the processor's wide registers.
const LANES: usize = 8;

const F32_BYTES: usize = size_of::<f32>();

/// `vector` as little-endian bytes.
pub(crate) fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

/// The vector that [`to_bytes`] made `bytes` of.
pub(crate) fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    numbers(bytes).collect()
}

/// The length of `vector`.
pub(crate) fn length(vector: &[f32]) -> f32 {
    vector
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt()
}

/// The cosine similarity of `query`, which is `query_length` long, and the
/// vector in `bytes`. It is 0 where there is no angle between the two.
pub(crate) fn cosine(query: &[f32], query_length: f32, bytes: &[u8]) -> f32 {
    let mut dots = [0.0; LANES];
    let mut squares = [0.0; LANES];
    let queries = query.chunks_exact(LANES);
    let stored = bytes.chunks_exact(LANES * F32_BYTES);
    let rest = queries.remainder().iter().zip(numbers(stored.remainder()));
    for (query, stored) in queries.zip(stored) {
        for (lane, number) in numbers(stored).enumerate() {
            dots[lane] += query[lane] * number;
            squares[lane] += number * number;
        }
    }
    for (lane, (query, number)) in rest.enumerate() {
        dots[lane] += query * number;
        squares[lane] += number * number;
    }
    let dot: f32 = dots.iter().sum();
    let square: f32 = squares.iter().sum();
    let cosine = dot / (query_length * square.sqrt());
    if cosine.is_finite() {
        cosine.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = f32> {
    let (numbers, _) = bytes.as_chunks::<F32_BYTES>();
    numbers.iter().map(|&number| f32::from_le_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_back() {
        let vector: Vec<f32> = (0..19).map(|number| number as f32 / 7.0 - 1.0).collect();
        assert_eq!(from_bytes(&to_bytes(&vector)), vector);
    }

    #[test]
    fn cosines() {
        let long: Vec<f32> = (0..21).map(|number| (number as f32).sin()).collect();
        let opposite: Vec<f32> = long.iter().map(|number| number * -3.0).collect();
        for (one, other, expected) in [
            (&[1.0, 0.0][..], &[2.0, 0.0][..], 1.0),
            (&[1.0, 0.0], &[0.0, 5.0], 0.0),
            (&[3.0, 4.0], &[4.0, 3.0], 0.96),
            (&[0.0, 0.0], &[1.0, 0.0], 0.0),
            (&[1.0, 0.0], &[0.0, 0.0], 0.0),
            (&[f32::NAN, 0.0], &[1.0, 0.0], 0.0),
            (&long, &long, 1.0),
            (&long, &opposite, -1.0),
        ] {
            let found = cosine(one, length(one), &to_bytes(other));
            assert!(
                (found - expected).abs() < 1e-6,
                "{found} instead of {expected}"
            );
        }
    }
}
