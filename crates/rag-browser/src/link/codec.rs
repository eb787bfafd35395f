//! Where one message ends and the next begins on a pipe: at a zero byte.

use std::io;

use tokio_util::bytes::BytesMut;
use tokio_util::codec::Decoder;

/// Splits what a pipe carries into messages. One that is too long is lost, and
/// those after it are not: any page can have the browser send a long one.
#[derive(Debug)]
pub(super) struct Messages {
    bytes_max: usize,
    /// How much of the buffer has no end of a message in it.
    searched: usize,
    /// Whether the message whose end is looked for is too long.
    discards: bool,
}

impl Messages {
    /// Messages of at most `bytes_max` bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Messages {
            bytes_max,
            searched: 0,
            discards: false,
        }
    }
}

impl Decoder for Messages {
    type Item = BytesMut;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<BytesMut>, io::Error> {
        while let Some(end) = buffer[self.searched..].iter().position(|byte| *byte == 0) {
            let end = self.searched + end;
            let mut message = buffer.split_to(end + 1);
            self.searched = 0;
            if std::mem::take(&mut self.discards) || end > self.bytes_max {
                tracing::debug!("a message of the browser is too long, and was lost");
                continue;
            }
            message.truncate(end);
            return Ok(Some(message));
        }
        self.searched = buffer.len();
        if self.discards || buffer.len() > self.bytes_max {
            // Its memory goes as well.
            *buffer = BytesMut::new();
            self.searched = 0;
            self.discards = true;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_too_long_is_lost_and_those_after_it_are_not() {
        for pieces in [
            &["one\0", "two\0"][..],
            &["o", "ne", "\0two\0"],
            &["one\0far too long\0two\0"],
            &["one\0far", " too", " long", "\0two\0"],
            &["far too long", " and longer", "\0one\0t", "wo", "\0"],
        ] {
            let (mut messages, mut buffer) = (Messages::new(5), BytesMut::new());
            let mut found = Vec::new();
            for piece in pieces {
                buffer.extend_from_slice(piece.as_bytes());
                while let Some(message) = messages.decode(&mut buffer).unwrap() {
                    found.push(String::from_utf8(message.to_vec()).unwrap());
                }
                assert!(buffer.len() <= 5, "{pieces:?}");
            }
            assert_eq!(found, ["one", "two"], "{pieces:?}");
        }
    }
}
