//! The settings of the embedder that asks an endpoint.

use rag_core::port::Embedder;
use rag_embed::{RemoteEmbedder, RemoteOptions};

use crate::chain;

const KEY: &str = "sk-very-secret-0123456789";

#[test]
fn settings_are_checked_when_given() {
    type Change = fn(&mut RemoteOptions);
    let cases: [(Change, Option<&str>); 12] = [
        (|_| {}, None),
        (
            |o| o.model = "openai/text-embedding-3-large".to_owned(),
            None,
        ),
        (|o| o.dimensions = Some(256), None),
        (|o| o.dimensions = Some(0), Some("0 dimensions")),
        (
            |o| o.dimensions = Some(2_000),
            Some("gives vectors of 1536 dimensions, not of 2000"),
        ),
        (
            |o| o.model = "someone-elses".to_owned(),
            Some("is not known; set them beside the model"),
        ),
        (|o| o.model = " ".to_owned(), Some("its name is empty")),
        (|o| o.api_key = None, Some("set `OPENAI_API_KEY`")),
        (
            |o| o.api_key = Some("  ".to_owned()),
            Some("set `OPENAI_API_KEY`"),
        ),
        (
            |o| o.api_key = Some("a\nb".to_owned()),
            Some("characters that no key has"),
        ),
        (
            |o| o.base_url = "localhost:11434".to_owned(),
            Some("not `https:`"),
        ),
        (
            |o| o.base_url = "ftp://example.org/v1".to_owned(),
            Some("not `https:`"),
        ),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let mut options = RemoteOptions {
            api_key: Some(KEY.to_owned()),
            ..RemoteOptions::new("text-embedding-3-small")
        };
        change(&mut options);
        match (RemoteEmbedder::new(options), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => {
                assert!(
                    chain(&error).contains(expected),
                    "case {number}: {}",
                    chain(&error)
                );
            }
            (Ok(_), Some(expected)) => panic!("case {number} was accepted, not `{expected}`"),
            (Err(error), None) => panic!("case {number} was refused: {}", chain(&error)),
        }
    }
}

#[test]
fn known_models_have_their_dimensions() {
    for (model, dimensions) in [
        ("text-embedding-3-small", 1_536),
        ("text-embedding-3-large", 3_072),
        ("text-embedding-ada-002", 1_536),
    ] {
        let options = RemoteOptions {
            api_key: Some(KEY.to_owned()),
            ..RemoteOptions::new(model)
        };
        let embedder = RemoteEmbedder::new(options).unwrap();
        assert_eq!(embedder.space().dimensions, dimensions);
        assert_eq!(embedder.space().model, model);
    }
}
