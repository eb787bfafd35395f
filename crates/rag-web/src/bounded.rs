//! Reading at most so much of what may be a bomb.

use std::io::{self, Read};

/// A reader that fails when there is more than its bound, instead of ending
/// there as [`Read::take`] does: what is cut must not look whole.
pub(crate) struct Bounded<R> {
    inner: R,
    bytes_left: u64,
    bytes_max: u64,
}

impl<R: Read> Bounded<R> {
    pub(crate) fn new(inner: R, bytes_max: u64) -> Self {
        Bounded {
            inner,
            bytes_left: bytes_max,
            bytes_max,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.bytes_left.checked_sub(count as u64) {
            Some(left) => self.bytes_left = left,
            None => {
                let message = format!("it has more than {} bytes unpacked", self.bytes_max);
                return Err(io::Error::other(message));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_does_not_look_whole() {
        for (bytes_max, expected) in [(4, false), (5, true), (6, true)] {
            let mut text = String::new();
            let outcome = Bounded::new("hello".as_bytes(), bytes_max).read_to_string(&mut text);
            assert_eq!(outcome.is_ok(), expected, "{bytes_max}");
        }
    }
}
