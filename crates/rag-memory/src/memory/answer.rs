//! Answers to requests that may come once more, kept for a day: whoever lost one
//! asks again with the same key and gets it, and nothing is done twice
//! ([the Idempotency-Key header](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/)).

use std::time::Duration;

use rag_core::model::{ContentHash, Timestamp};
use rag_core::port::{Entry, EntryKind};
use serde_json::{Value, json};

use super::Memory;
use crate::{Error, Scope};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a request is taken to be under way that nobody ended.
const UNDER_WAY_MAX: Duration = Duration::from_secs(10 * 60);
/// The largest answer that is kept, in bytes of JSON.
const ANSWER_BYTES_MAX: usize = 32 * 1024;

/// A request with a key, which is the caller's alone.
#[derive(Clone, Debug)]
pub struct Keyed {
    key: String,
    fingerprint: String,
}

/// What is to be done about a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// Do it, and tell the answer to [`Memory::keep_answer`].
    Do,
    /// It was done: this was the answer.
    Done(Value),
    /// Somebody is at it.
    UnderWay,
    /// The key belongs to another request.
    Other,
}

impl Memory {
    /// Begins a request that the caller named `key`, and that is told apart from
    /// others by `request`.
    pub async fn claim(&self, key: &str, request: &str) -> Result<(Keyed, Claim), Error> {
        self.access.require(&[Scope::Ingest])?;
        let keyed = Keyed {
            key: ContentHash::of_parts(&[self.access.caller(), key]).to_string(),
            fingerprint: ContentHash::of_parts(&[request]).to_string(),
        };
        let now = Timestamp::now();
        let entry = keyed.entry(&Value::Null, now + UNDER_WAY_MAX);
        let claim = match self.store.add_entry(&entry, now).await? {
            None => Claim::Do,
            Some(found) if found.value["fingerprint"] != keyed.fingerprint => Claim::Other,
            Some(found) => match &found.value["answer"] {
                Value::Null => Claim::UnderWay,
                answer => Claim::Done(answer.clone()),
            },
        };
        Ok((keyed, claim))
    }

    /// Keeps the answer to a request that was claimed. One that is too large is
    /// not: the request may be done again then.
    pub async fn keep_answer(&self, keyed: &Keyed, answer: &Value) -> Result<(), Error> {
        let now = Timestamp::now();
        if answer.to_string().len() > ANSWER_BYTES_MAX {
            return self.give_up_claim(keyed).await;
        }
        let entry = keyed.entry(answer, now + KEPT);
        self.store.replace_entry(&entry, now).await?;
        Ok(())
    }

    /// Lets a request be done again: it failed in a way that may pass.
    pub async fn give_up_claim(&self, keyed: &Keyed) -> Result<(), Error> {
        self.store
            .remove_entry(EntryKind::Answer, &keyed.key)
            .await?;
        Ok(())
    }
}

impl Keyed {
    fn entry(&self, answer: &Value, expires_at: Timestamp) -> Entry {
        Entry {
            kind: EntryKind::Answer,
            key: self.key.clone(),
            value: json!({"fingerprint": self.fingerprint, "answer": answer}),
            expires_at: Some(expires_at),
        }
    }
}
