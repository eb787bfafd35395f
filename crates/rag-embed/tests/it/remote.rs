//! The embedder that asks an endpoint.

use std::time::{Duration, Instant};

use rag_core::port::{EmbedError, Embedder, Purpose};
use rag_embed::{RemoteEmbedder, RemoteOptions};
use serde_json::json;
use tokio::net::TcpListener;

use crate::endpoint::{DIMENSIONS, Endpoint, Scripted, vector_of};
use crate::{chain, check_unit, cosine, passages};

const KEY: &str = "sk-very-secret-0123456789";

fn options(base_url: &str) -> RemoteOptions {
    RemoteOptions {
        base_url: base_url.to_owned(),
        api_key: Some(KEY.to_owned()),
        dimensions: Some(DIMENSIONS),
        ..RemoteOptions::new("double-embedding")
    }
}

fn embedder(endpoint: &Endpoint) -> RemoteEmbedder {
    RemoteEmbedder::new(options(&endpoint.base_url)).unwrap()
}

/// A refusal in the shape OpenAI gives it.
fn refused(status: u16, code: &str) -> Scripted {
    Scripted::new(
        status,
        json!({"error": {"message": "no, not this time", "code": code}}).to_string(),
    )
}

#[tokio::test]
async fn texts_are_sent_in_batches_and_answered_in_order() {
    let endpoint = Endpoint::start(vec![]).await;
    let texts: Vec<_> = (0..300).map(|number| format!("text {number}")).collect();
    let vectors = embedder(&endpoint)
        .embed(&texts, Purpose::Passage)
        .await
        .unwrap();
    assert_eq!(vectors.len(), 300);
    for (text, vector) in texts.iter().zip(&vectors) {
        check_unit(vector, DIMENSIONS);
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        let expected: Vec<_> = vector_of(text)
            .iter()
            .map(|&number| number as f32)
            .collect();
        assert!(cosine(vector, &expected) > 0.9999, "{text}");
    }
    let seen = endpoint.seen();
    assert_eq!(seen.len(), 3);
    for request in seen {
        assert_eq!(request.authorization.unwrap(), format!("Bearer {KEY}"));
        assert_eq!(request.body["model"], "double-embedding");
        assert!(request.body.get("dimensions").is_none());
        assert!(request.body["input"].as_array().unwrap().len() <= 128);
    }
}

#[tokio::test]
async fn nothing_asked_sends_nothing_and_blank_texts_have_vectors() {
    let endpoint = Endpoint::start(vec![]).await;
    let embedder = embedder(&endpoint);
    assert!(
        embedder
            .embed(&[], Purpose::Query)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(endpoint.seen().is_empty());
    let vectors = passages(&embedder, &["", " "]).await.unwrap();
    vectors
        .iter()
        .for_each(|vector| check_unit(vector, DIMENSIONS));
    assert_eq!(endpoint.seen()[0].body["input"], json!([" ", " "]));
}

#[tokio::test]
async fn fewer_dimensions_are_asked_for_where_the_model_can() {
    let endpoint = Endpoint::start(vec![]).await;
    let options = RemoteOptions {
        model: "text-embedding-3-small".to_owned(),
        ..options(&endpoint.base_url)
    };
    let embedder = RemoteEmbedder::new(options).unwrap();
    passages(&embedder, &["a"]).await.unwrap();
    assert_eq!(endpoint.seen()[0].body["dimensions"], DIMENSIONS);
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let endpoint = Endpoint::start(vec![
        refused(429, "rate_limit_exceeded").with("retry-after", "0"),
        Scripted::new(503, "").with("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
        Scripted::new(500, "<html>").with("retry-after", "0"),
    ])
    .await;
    passages(&embedder(&endpoint), &["a"]).await.unwrap();
    assert_eq!(endpoint.seen().len(), 4);
}

#[tokio::test]
async fn failures_that_stay_are_reported_when_time_or_tries_are_up() {
    // With its own pauses it runs into the deadline.
    let endpoint = Endpoint::start(vec![Scripted::new(500, "oops"); 100]).await;
    let deadline = Duration::from_millis(400);
    let options = RemoteOptions {
        deadline,
        ..options(&endpoint.base_url)
    };
    let started = Instant::now();
    let error = passages(&RemoteEmbedder::new(options).unwrap(), &["a"])
        .await
        .unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(matches!(error, EmbedError::Unavailable { .. }), "{error}");
    assert!(
        chain(&error).contains("oops (status 500"),
        "{}",
        chain(&error)
    );
    assert!(
        (2..=4).contains(&endpoint.seen().len()),
        "{}",
        endpoint.seen().len()
    );

    // Without pauses it runs out of tries.
    let busy = refused(429, "rate_limit_exceeded").with("retry-after", "0");
    let endpoint = Endpoint::start(vec![busy; 100]).await;
    let error = passages(&embedder(&endpoint), &["a"]).await.unwrap_err();
    assert!(matches!(error, EmbedError::RateLimited { .. }), "{error}");
    assert_eq!(endpoint.seen().len(), 8);

    // A wait beyond the deadline is not begun.
    let later = refused(429, "rate_limit_exceeded").with("retry-after", "3600");
    let endpoint = Endpoint::start(vec![later]).await;
    let error = passages(&embedder(&endpoint), &["a"]).await.unwrap_err();
    let EmbedError::RateLimited { retry_after, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(retry_after, Some(Duration::from_secs(3_600)));
}

#[tokio::test]
async fn refusals_that_stay_name_their_cause_at_once() {
    type Check = fn(&EmbedError) -> bool;
    let cases: [(Scripted, Check); 8] = [
        (refused(429, "insufficient_quota"), |e| {
            matches!(e, EmbedError::NoQuota { .. })
        }),
        (refused(402, "payment_required"), |e| {
            matches!(e, EmbedError::NoQuota { .. })
        }),
        (refused(401, "invalid_api_key"), |e| {
            matches!(e, EmbedError::BadKey { .. })
        }),
        (refused(403, "forbidden"), |e| {
            matches!(e, EmbedError::BadKey { .. })
        }),
        (refused(404, "model_not_found"), |e| {
            matches!(e, EmbedError::BadModel { .. })
        }),
        (refused(400, "model_not_found"), |e| {
            matches!(e, EmbedError::BadModel { .. })
        }),
        (refused(400, "bad_request"), |e| {
            matches!(e, EmbedError::Unavailable { .. })
        }),
        (
            refused(302, "moved").with("location", "http://127.0.0.1:1/"),
            |e| matches!(e, EmbedError::Unavailable { .. }),
        ),
    ];
    for (scripted, is_expected) in cases {
        let status = scripted.status;
        let endpoint = Endpoint::start(vec![scripted]).await;
        let error = passages(&embedder(&endpoint), &["a"]).await.unwrap_err();
        assert!(is_expected(&error), "{status}: {error:?}");
        let text = chain(&error);
        assert!(text.contains("no, not this time"), "{text}");
        assert!(text.contains(&endpoint.base_url), "{text}");
        assert_eq!(endpoint.seen().len(), 1, "{text}");
    }
}

#[tokio::test]
async fn answers_that_cannot_be_right_are_refused() {
    let [vector, zero, infinite] = [[0.1; DIMENSIONS], [0.0; DIMENSIONS], [1e39; DIMENSIONS]];
    let huge = format!("{{\"data\": [{}]}}", " ".repeat(2_000_000));
    for (body, expected) in [
        (
            json!({"data": [{"embedding": [1.0, 2.0]}, {"embedding": vector}]}).to_string(),
            "of 2 dimensions",
        ),
        (
            json!({"data": []}).to_string(),
            "it has 0 vectors for 2 texts",
        ),
        ("{\"data\": [".to_owned(), "not JSON of the expected shape"),
        (
            "<html>welcome</html>".to_owned(),
            "not JSON of the expected shape",
        ),
        (huge, "it is longer than"),
        (
            json!({"data": [
                {"index": 1, "embedding": vector}, {"index": 1, "embedding": vector},
            ]})
            .to_string(),
            "numbered wrongly",
        ),
        (
            json!({"data": [
                {"index": 0, "embedding": vector}, {"index": 7, "embedding": vector},
            ]})
            .to_string(),
            "numbered wrongly",
        ),
        (
            json!({"data": [
                {"index": 0, "embedding": zero}, {"index": 1, "embedding": vector},
            ]})
            .to_string(),
            "the vector of text 0",
        ),
        (
            json!({"data": [
                {"index": 0, "embedding": vector}, {"index": 1, "embedding": infinite},
            ]})
            .to_string(),
            // Too large for a number, let alone for a vector.
            "not JSON of the expected shape",
        ),
    ] {
        let endpoint = Endpoint::start(vec![Scripted::new(200, body)]).await;
        let error = passages(&embedder(&endpoint), &["a", "b"])
            .await
            .unwrap_err();
        assert!(
            chain(&error).contains(expected),
            "{expected}: {}",
            chain(&error)
        );
        assert_eq!(endpoint.seen().len(), 1);
    }
}

#[tokio::test]
async fn answers_without_an_index_go_by_their_order() {
    let (mut first, mut second) = ([0.0; DIMENSIONS], [0.0; DIMENSIONS]);
    (first[0], second[1]) = (2.0, 3.0);
    let body = json!({"data": [{"embedding": first}, {"embedding": second}]});
    let endpoint = Endpoint::start(vec![Scripted::new(200, body.to_string())]).await;
    let vectors = passages(&embedder(&endpoint), &["a", "b"]).await.unwrap();
    assert_eq!((vectors[0][0], vectors[1][1]), (1.0, 1.0));
}

#[tokio::test]
async fn texts_beyond_the_context_are_cut_and_the_others_left_whole() {
    let endpoint = Endpoint::start_short(100).await;
    let long = "long ".repeat(60);
    let vectors = passages(&embedder(&endpoint), &["short", &long])
        .await
        .unwrap();
    assert_eq!(vectors.len(), 2);
    let alone = passages(&embedder(&endpoint), &["short"]).await.unwrap();
    assert_eq!(vectors[0], alone[0]);
    // Past the estimate it is cut before it is sent.
    let endless = "日本".repeat(50_000);
    passages(&embedder(&endpoint), &[&endless])
        .await
        .unwrap_err();
    let endpoint = Endpoint::start(vec![]).await;
    passages(&embedder(&endpoint), &[&endless]).await.unwrap();
    let sent = endpoint.seen()[0].body["input"][0]
        .as_str()
        .unwrap()
        .chars()
        .count();
    assert_eq!(sent, 4_000);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_unavailable() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let base_url = format!("http://127.0.0.1:{port}/v1/");
    let options = RemoteOptions {
        deadline: Duration::from_millis(50),
        ..options(&base_url)
    };
    let error = passages(&RemoteEmbedder::new(options).unwrap(), &["a"])
        .await
        .unwrap_err();
    let expected = format!("cannot reach the embedding endpoint {base_url}embeddings");
    assert_eq!(error.to_string(), expected);
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn the_key_is_in_no_message() {
    let echo = json!({"error": {"message": format!("Incorrect API key provided: {KEY}.")}});
    let endpoint = Endpoint::start(vec![Scripted::new(401, echo.to_string())]).await;
    let address = endpoint
        .base_url
        .replace("http://", "http://someone:hidden@");
    let options = options(&format!("{address}?token=hidden"));
    let shown = format!("{options:?}");
    let error = passages(&RemoteEmbedder::new(options).unwrap(), &["a"])
        .await
        .unwrap_err();
    for text in [shown, chain(&error), format!("{error:?}")] {
        assert!(!text.contains(KEY) && !text.contains("hidden"), "{text}");
        assert!(text.contains("***"), "{text}");
    }
    assert_eq!(
        endpoint.seen()[0].authorization.as_deref(),
        Some(format!("Bearer {KEY}").as_str())
    );
}
