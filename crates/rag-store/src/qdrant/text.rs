//! The texts of documents, in pieces that fit into messages.

use std::collections::HashMap;

use qdrant_client::qdrant::{Condition, Filter, PointId, PointStruct, Value};

use super::document::Kept;
use super::failure::Failure;
use super::points::Fields;
use super::row::{Row, number, payload};
use super::server::Server;
use super::{record, token};

/// The most bytes of a piece.
const PIECE_BYTES: usize = 512 << 10;

/// How many pieces are read at once.
const PIECES_READ: usize = 8;

/// `text` in pieces, each of whole characters.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Writes the pieces of a text for whoever names `owner` later.
pub(super) async fn write(
    server: &Server,
    home: &str,
    owner: &str,
    pieces: &[&str],
) -> Result<(), Failure> {
    let points = pieces.iter().enumerate().map(|(place, piece)| {
        let fields = payload([
            ("kind", Value::from("text")),
            ("home", Value::from(home)),
            ("owner", Value::from(owner)),
            ("place", number(place)),
            ("piece", Value::from(*piece)),
        ]);
        let point = PointStruct {
            id: Some(point(owner, place)),
            vectors: Some(record::no_vectors()),
            payload: fields,
        };
        (point, piece.len())
    });
    server.upsert_all(server.records(), points).await
}

/// The text of a document; `None` when not all of it is there any more.
pub(super) async fn read(server: &Server, kept: &Kept) -> Result<Option<String>, Failure> {
    let ids = (0..kept.piece_count as usize).map(|place| point(&kept.text, place));
    let ids: Vec<PointId> = ids.collect();
    let mut text = String::new();
    for some in ids.chunks(PIECES_READ) {
        let found = server.get(server.records(), some, Fields::Only(&["piece"]), &[]);
        let found: HashMap<_, _> = record::by_id(found.await?);
        for id in some {
            match found.get(id) {
                Some(piece) => text.push_str(Row(piece).text("piece")?),
                None => return Ok(None),
            }
        }
    }
    Ok(Some(text))
}

/// Takes the text of an owner out of Qdrant.
pub(super) async fn forget(server: &Server, owner: &str) -> Result<(), Failure> {
    let filter = Filter::must([
        Condition::matches("kind", "text".to_owned()),
        Condition::matches("owner", owner.to_owned()),
    ]);
    server.delete(server.records(), &filter).await
}

fn point(owner: &str, place: usize) -> PointId {
    token::point(&["text", owner, &place.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_text() {
        for text in [
            "",
            "a",
            &"ä".repeat(PIECE_BYTES),
            &"日本".repeat(PIECE_BYTES),
        ] {
            let pieces = pieces(text);
            assert_eq!(pieces.concat(), text);
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES));
        }
    }
}
