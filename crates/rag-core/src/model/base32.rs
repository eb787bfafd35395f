//! How ids are written: numbers of 63 bits as 13 characters of Crockford's
//! base 32 in lower case (no `i`, `l`, `o`, `u`), which are few tokens and can
//! be read out.

use std::fmt;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const CHARS: usize = 13;

/// Writes a number that is not negative.
pub(super) fn write(number: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for place in (0..CHARS).rev() {
        let digit = usize::try_from((number >> (5 * place)) & 31).expect("below 32");
        write!(f, "{}", char::from(DIGITS[digit]))?;
    }
    Ok(())
}

/// The number written so, in either case of letters.
pub(super) fn read(text: &str) -> Option<i64> {
    if text.len() != CHARS {
        return None;
    }
    let mut number: u128 = 0;
    for byte in text.bytes() {
        let byte = byte.to_ascii_lowercase();
        let digit = DIGITS.iter().position(|&known| known == byte)?;
        number = number << 5 | digit as u128;
    }
    i64::try_from(number).ok()
}
