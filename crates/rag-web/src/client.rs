//! One hop by HTTP: a request to an address that the guard vetted, and the body
//! of its answer up to a bound. Redirects, pace and trying again are left to
//! the callers.

use std::error::Error;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use reqwest::{Response, redirect};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{FetchError, Guard};

const USER_AGENT: &str = concat!(
    "rag-memory/",
    env!("CARGO_PKG_VERSION"),
    " (+",
    env!("CARGO_PKG_REPOSITORY"),
    ")"
);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that nothing is asked of stays open.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How many connections of a host stay open while nothing is asked of them.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// How long the addresses of a host are taken to be right before it is vetted anew.
const VETTED_FOR: Duration = Duration::from_secs(300);

/// How many hosts have connections at a time; those used last.
const HOSTS_MAX: usize = 16;

/// Makes requests of one hop each: no redirects, no proxy, no cookies, no
/// referer, no credentials but those in the headers it is given.
pub(crate) struct Client {
    guard: Arc<Guard>,
    timeout: Duration,
    /// Those used last come last.
    hosts: Mutex<Vec<VettedHost>>,
}

/// What connects to one host on one port, and only to its vetted addresses.
struct VettedHost {
    origin: url::Origin,
    addresses: Vec<SocketAddr>,
    vetted_at: Instant,
    client: reqwest::Client,
}

impl Client {
    /// A client that asks `guard`, and waits for the head of an answer no
    /// longer than `timeout`.
    pub(crate) fn new(guard: Arc<Guard>, timeout: Duration) -> Self {
        Client {
            guard,
            timeout,
            hosts: Mutex::default(),
        }
    }

    /// Whether the guard lets `url` through; without asking anything of it.
    pub(crate) async fn admit(&self, url: &Url) -> Result<(), FetchError> {
        self.vetted(url).await.map(drop)
    }

    /// The head of what `url` answers, whatever its status. Credentials in the
    /// URL are dropped: whoever wrote the link put them there.
    pub(crate) async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Response, FetchError> {
        let url = bare(url);
        let deadline = Deadline::after(self.timeout);
        let exchange = async {
            let client = self.vetted(&url).await?;
            let sent = client.get(url.clone()).headers(headers).send().await;
            sent.map_err(|error| {
                // Its addresses may have changed: the next try looks again.
                self.hosts().retain(|host| host.origin != url.origin());
                unreachable(&url, &error)
            })
        };
        deadline.keep(&url, exchange).await?
    }

    /// A client that is pinned to the addresses of the URL's host.
    async fn vetted(&self, url: &Url) -> Result<reqwest::Client, FetchError> {
        let origin = url.origin();
        if let Some(client) = self.known(&origin, |host| host.vetted_at.elapsed() < VETTED_FOR) {
            return Ok(client);
        }
        let addresses = self.guard.vet(url).await?;
        let is_same = |host: &mut VettedHost| {
            let same = host.addresses == addresses;
            if same {
                host.vetted_at = Instant::now();
            }
            same
        };
        if let Some(client) = self.known(&origin, is_same) {
            return Ok(client);
        }
        let client = build(url, addresses.clone()).map_err(|error| unreachable(url, &error))?;
        let mut hosts = self.hosts();
        hosts.retain(|host| host.origin != origin);
        if hosts.len() == HOSTS_MAX {
            hosts.remove(0);
        }
        hosts.push(VettedHost {
            origin,
            addresses,
            vetted_at: Instant::now(),
            client: client.clone(),
        });
        Ok(client)
    }

    fn known(
        &self,
        origin: &url::Origin,
        is_good: impl FnOnce(&mut VettedHost) -> bool,
    ) -> Option<reqwest::Client> {
        let mut hosts = self.hosts();
        let place = hosts.iter().position(|host| host.origin == *origin)?;
        hosts[place..].rotate_left(1);
        let host = hosts.last_mut()?;
        is_good(host).then(|| host.client.clone())
    }

    fn hosts(&self) -> MutexGuard<'_, Vec<VettedHost>> {
        // Nothing panics while it is held, and a list of clients is always whole.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body, decompressed. [`FetchError::TooLarge`] as soon as it has more than
/// `bytes_max` bytes: no more than that is ever held.
pub(crate) async fn read(
    response: Response,
    bytes_max: u64,
    deadline: Deadline,
) -> Result<Vec<u8>, FetchError> {
    let url = response.url().clone();
    let announced = response.content_length().unwrap_or_default();
    if announced <= bytes_max {
        let (body, whole) = read_some(response, bytes_max, deadline).await?;
        if whole {
            return Ok(body);
        }
    }
    Err(FetchError::TooLarge {
        url: url.to_string(),
        bytes_max,
    })
}

/// The first `bytes_max` bytes of the body, decompressed.
pub(crate) async fn read_start(
    response: Response,
    bytes_max: u64,
    deadline: Deadline,
) -> Result<Vec<u8>, FetchError> {
    let (body, _) = read_some(response, bytes_max, deadline).await?;
    Ok(body)
}

/// The body up to `bytes_max`, and whether that is all of it.
async fn read_some(
    mut response: Response,
    bytes_max: u64,
    deadline: Deadline,
) -> Result<(Vec<u8>, bool), FetchError> {
    let url = response.url().clone();
    let reading = async {
        let mut body = Vec::new();
        while let Some(chunk) = next(&mut response).await? {
            let room = bytes_max - body.len() as u64;
            if chunk.len() as u64 > room {
                let fitting = usize::try_from(room).unwrap_or(chunk.len());
                body.extend_from_slice(&chunk[..fitting]);
                return Ok((body, false));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((body, true))
    };
    deadline.keep(&url, reading).await?
}

/// The next part of a body, decompressed; `None` at its end.
pub(crate) async fn next(
    response: &mut Response,
) -> Result<Option<impl Deref<Target = [u8]>>, FetchError> {
    match response.chunk().await {
        Ok(chunk) => Ok(chunk),
        Err(error) => Err(unreachable(response.url(), &error)),
    }
}

/// When something has to be done, and how long that was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    given: Duration,
    /// What it cannot be postponed beyond.
    latest: Option<Instant>,
}

impl Deadline {
    /// From now on.
    pub(crate) fn after(given: Duration) -> Self {
        Deadline {
            at: Instant::now() + given,
            given,
            latest: None,
        }
    }

    /// From now on, waits do not postpone it beyond `total`, or beyond what was
    /// given if that is more. Only the first bound counts.
    pub(crate) fn bound(&mut self, total: Duration) {
        self.latest
            .get_or_insert_with(|| Instant::now() + total.max(self.given));
    }

    /// What comes of `work`, which does not count: the deadline is postponed by
    /// as long as that takes. [`FetchError::Timeout`] for `url` at the bound.
    pub(crate) async fn wait<T>(
        &mut self,
        url: &Url,
        work: impl Future<Output = T>,
    ) -> Result<T, FetchError> {
        let begun = Instant::now();
        let outcome = match self.latest {
            Some(latest) => timeout_at(latest, work)
                .await
                .map_err(|_| self.missed(url))?,
            None => work.await,
        };
        self.at += begun.elapsed();
        if let Some(latest) = self.latest {
            self.at = self.at.min(latest);
        }
        Ok(outcome)
    }

    /// What comes of `work`, or [`FetchError::Timeout`] for `url`.
    pub(crate) async fn keep<T>(
        self,
        url: &Url,
        work: impl Future<Output = T>,
    ) -> Result<T, FetchError> {
        timeout_at(self.at, work)
            .await
            .map_err(|_| self.missed(url))
    }

    fn missed(&self, url: &Url) -> FetchError {
        FetchError::Timeout {
            url: url.to_string(),
            seconds: self.given.as_secs(),
        }
    }
}

/// The URL without what is not to be sent.
pub(crate) fn bare(url: &Url) -> Url {
    let mut url = url.clone();
    // These fail for URLs without a host only, which the guard refuses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

fn build(url: &Url, addresses: Vec<SocketAddr>) -> Result<reqwest::Client, reqwest::Error> {
    // Fails when a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .dns_resolver(Vetted(addresses))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX);
    if url.scheme() == "http" {
        // No encryption, so machines without certificates can do it too.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// Answers for the one name that its client is used for. Literal addresses are
/// not asked for here, which is why every hop is vetted before.
struct Vetted(Vec<SocketAddr>);

impl Resolve for Vetted {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// The error with the first of its causes, which says what happened; those
/// above it say only where.
fn unreachable(url: &Url, error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return FetchError::Timeout {
            url: url.to_string(),
            seconds: CONNECT_TIMEOUT.as_secs(),
        };
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    FetchError::Unreachable {
        url: url.to_string(),
        message: cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Client {
        /// Has the URL's host vetted, at these addresses.
        pub(crate) fn pin(&self, url: &Url, addresses: Vec<SocketAddr>) {
            self.hosts().push(VettedHost {
                origin: url.origin(),
                addresses: addresses.clone(),
                vetted_at: Instant::now(),
                client: build(url, addresses).unwrap(),
            });
        }
    }

    #[tokio::test]
    async fn waits_postpone_a_deadline_up_to_its_bound() {
        let url: Url = "http://a.example/".parse().unwrap();
        let ms = Duration::from_millis;
        let mut deadline = Deadline::after(ms(20));
        let begun = deadline.at;
        deadline
            .wait(&url, tokio::time::sleep(ms(30)))
            .await
            .unwrap();
        assert!(deadline.at >= begun + ms(30));
        deadline.bound(ms(40));
        deadline.bound(ms(60_000));
        let waiting = deadline.wait(&url, std::future::pending::<()>());
        let error = tokio::time::timeout(ms(5_000), waiting).await.unwrap();
        assert!(
            matches!(error, Err(FetchError::Timeout { .. })),
            "{error:?}"
        );
    }
}
