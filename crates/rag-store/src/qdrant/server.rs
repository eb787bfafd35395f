//! The connection to Qdrant: waiting for it, and trying again.
//!
//! What Qdrant is asked for is in `points`. Every call may be made twice.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use qdrant_client::config::QdrantConfig;
use qdrant_client::{Qdrant, QdrantError};
use rag_core::port::StoreError;
use tokio::sync::OnceCell;

use super::QdrantOptions;
use super::failure::{self, Failure};
use super::locks::Locks;
use super::schema;
use super::totals::KnownTotals;

/// The first pause after a call that failed; each next one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How long one try to connect may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// A Qdrant server and the names that this store has there.
pub(super) struct Server {
    pub(super) client: Qdrant,
    location: String,
    prefix: String,
    records: String,
    retry_for: Duration,
    startup_wait: Duration,
    ready: OnceCell<()>,
    /// The spaces that are known to have their Qdrant collection.
    spaces: Mutex<HashSet<String>>,
    pub(super) locks: Locks,
    pub(super) totals: KnownTotals,
}

impl Server {
    pub(super) fn new(options: QdrantOptions) -> Result<Self, StoreError> {
        let location = location(&options.url)?;
        let mut config = QdrantConfig::from_url(&options.url).skip_compatibility_check();
        config.timeout = options.timeout;
        config.connect_timeout = options.timeout.min(CONNECT_MAX);
        config.api_key = options.api_key;
        // One connection carries any number of calls at once.
        config.pool_size = 1;
        let client = Qdrant::new(config)
            .map_err(|error| Failure::from(error).told(&format!("use {location}"), &location))?;
        Ok(Server {
            client,
            location,
            records: format!("{}_records", options.prefix),
            prefix: options.prefix,
            retry_for: options.retry_for,
            startup_wait: options.startup_wait,
            ready: OnceCell::new(),
            spaces: Mutex::default(),
            locks: Locks::new(),
            totals: KnownTotals::default(),
        })
    }

    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// The Qdrant collection of everything but chunks.
    pub(super) fn records(&self) -> &str {
        &self.records
    }

    /// The Qdrant collection of the chunks of a space.
    pub(super) fn chunks(&self, space: &str) -> String {
        format!("{}_chunks_{space}", self.prefix)
    }

    /// Waits for the server at the first call, and sees that it has what this
    /// store needs.
    pub(super) async fn ready(&self) -> Result<(), Failure> {
        let begin = || async {
            let health = || self.client.health_check();
            let health = self.call_for(self.startup_wait, health).await?;
            schema::check_version(&health.version)?;
            schema::ensure(self).await
        };
        self.ready.get_or_try_init(begin).await.copied()
    }

    /// Whether a space is known to have its Qdrant collection.
    pub(super) fn knows(&self, space: &str) -> bool {
        let spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        spaces.contains(space)
    }

    pub(super) fn remember(&self, space: &str) {
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        spaces.insert(space.to_owned());
    }

    /// Makes a call until it works, fails for good, or has failed long enough.
    pub(super) async fn call<T, Calling>(&self, attempt: impl Fn() -> Calling) -> Result<T, Failure>
    where
        Calling: Future<Output = Result<T, QdrantError>>,
    {
        self.call_for(self.retry_for, attempt).await
    }

    /// Makes a call until it works, fails for good, or has been tried for `patience`.
    async fn call_for<T, Calling>(
        &self,
        patience: Duration,
        attempt: impl Fn() -> Calling,
    ) -> Result<T, Failure>
    where
        Calling: Future<Output = Result<T, QdrantError>>,
    {
        let deadline = Instant::now() + patience;
        let mut pause = PAUSE_MIN;
        loop {
            let error = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = failure::asked_to_wait(&error).unwrap_or_else(|| jittered(pause));
            if !failure::is_transient(&error) || Instant::now() + wait > deadline {
                return Err(error.into());
            }
            tracing::debug!("{} does not answer, trying again: {error}", self.location);
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

/// Something between half of `pause` and all of it.
fn jittered(pause: Duration) -> Duration {
    let nanos = jiff::Timestamp::now().subsec_nanosecond().unsigned_abs();
    pause / 2 + pause.mul_f64(f64::from(nanos % 1_000) / 2_000.0)
}

/// `url` without anything secret: `qdrant://host:port`.
pub(super) fn location(url: &str) -> Result<String, StoreError> {
    let refused = |why: &str| StoreError::Unavailable {
        action: "use the address of Qdrant".to_owned(),
        source: format!(
            "{why}\n\nhint: an address looks like `http://localhost:6334`, with `https` for TLS"
        )
        .into(),
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(refused("it does not begin with `http://` or `https://`"));
    };
    if !["http", "https"].contains(&scheme) {
        return Err(refused("it is neither `http` nor `https`"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.is_empty() {
        return Err(refused("it names no host"));
    }
    Ok(format!("qdrant://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_have_no_secrets() {
        for (url, expected) in [
            ("http://localhost:6334", Some("qdrant://localhost:6334")),
            (
                "https://u:secret@q.example:6334/x?key=secret",
                Some("qdrant://q.example:6334"),
            ),
            ("localhost:6334", None),
            ("qdrant://localhost:6334", None),
            ("http://", None),
        ] {
            assert_eq!(location(url).ok().as_deref(), expected, "{url}");
        }
    }
}
