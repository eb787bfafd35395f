//! Vectors of unit length.

/// Scales `vector` to unit length. `false`, with the vector as it was, when it
/// has none: all zero, or a number in it is not finite.
pub(crate) fn normalise(vector: &mut [f32]) -> bool {
    let length = vector
        .iter()
        .map(|&number| f64::from(number).powi(2))
        .sum::<f64>()
        .sqrt();
    if !length.is_normal() {
        return false;
    }
    for number in vector {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a component of a unit vector"
        )]
        let scaled = (f64::from(*number) / length) as f32;
        *number = scaled;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_become_unit_vectors_or_are_refused() {
        for (given, expected) in [
            (vec![3.0, 4.0], Some(vec![0.6, 0.8])),
            (vec![0.0, -1e-30], Some(vec![0.0, -1.0])),
            (vec![f32::MAX, 0.0], Some(vec![1.0, 0.0])),
            (vec![0.0, 0.0], None),
            (vec![], None),
            (vec![f32::NAN, 1.0], None),
            (vec![f32::INFINITY, 1.0], None),
        ] {
            let mut vector = given.clone();
            let scaled = normalise(&mut vector).then_some(vector);
            assert_eq!(scaled, expected, "{given:?}");
        }
    }
}
