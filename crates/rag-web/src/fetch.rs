//! Fetching by HTTP: guarded, bounded, polite.
//!
//! This module follows redirects, each hop vetted, allowed by robots.txt and in
//! its host's turn. What begins at a public page stays with public hosts: those
//! that an operator allows are for what the operator asks for. `hop` makes one and tries again while that can help,
//! `answer` reads what comes back. What becomes of a body is left to the callers.

mod answer;
mod error;
mod hop;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use url::Url;

pub use self::error::FetchError;
use self::hop::{Hop, Tries};
use crate::client::{self, Client, Deadline};
use crate::pace::Pace;
use crate::robots::{Robots, RobotsFiles};
use crate::{Guard, Refused};

/// How many redirects of a page are followed.
const REDIRECTS_MAX: u32 = 10;

/// The pause between the starts of two requests of a host that is not the
/// operator's own.
const PAUSE: Duration = Duration::from_millis(200);

/// Documents rather than data, where a server has both.
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("text/html,application/xhtml+xml,text/markdown;q=0.9,*/*;q=0.8");

/// Fetches. Cheap to clone; clones share connections, pace and what robots.txt
/// files say.
#[derive(Clone)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

struct Shared {
    guard: Arc<Guard>,
    options: FetcherOptions,
    /// What lets through all that the guard does.
    client: Client,
    /// What lets through public hosts only.
    public: Client,
    pace: Pace,
    robots: RobotsFiles,
}

/// What an operator decides about fetching.
#[derive(Clone, Debug)]
pub struct FetcherOptions {
    /// The most bytes of a body, after decompression.
    pub body_bytes_max: u64,
    /// How long one request may take, with its redirects and further tries, but
    /// without waiting for the host's turn. With that it takes three minutes at
    /// most after its first turn, or this if it is more.
    pub timeout: Duration,
}

impl Default for FetcherOptions {
    /// 20 MiB and 30 seconds.
    fn default() -> Self {
        FetcherOptions {
            body_bytes_max: 20 << 20,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What to fetch.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// From where.
    pub url: Url,
    /// The validators of the version that is known: the answer may be that
    /// nothing changed.
    pub etag: Option<String>,
    /// As above, as the server wrote it.
    pub last_modified: Option<String>,
    /// Whether what robots.txt forbids is refused.
    pub obey_robots: bool,
}

impl FetchRequest {
    /// A page, whatever version, as far as robots.txt allows.
    pub fn new(url: Url) -> Self {
        FetchRequest {
            url,
            etag: None,
            last_modified: None,
            obey_robots: true,
        }
    }
}

/// What was fetched. Only successes (2xx and 304) become one.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where it came from in the end, after redirects; without a fragment.
    pub url: Url,
    /// The status, 2xx or 304.
    pub status: u16,
    /// The known version is still the newest; there is no body.
    pub not_modified: bool,
    /// What the server says it is.
    pub content_type: Option<String>,
    /// What tells this version from others.
    pub etag: Option<String>,
    /// When it was last changed, as the server writes it.
    pub last_modified: Option<String>,
    /// What it asks robots to do (`X-Robots-Tag`), such as `noindex`.
    pub robots_tag: Option<String>,
    /// The content, decompressed; empty for a medium, see [`Fetched::is_media`].
    pub body: Vec<u8>,
}

impl Fetched {
    /// Whether this is an image, a sound, a video or a font by its type: no
    /// document, whose body was left where it is.
    pub fn is_media(&self) -> bool {
        self.content_type.as_deref().is_some_and(answer::is_media)
    }
}

/// What bounds a fetch.
pub(crate) struct Limits {
    pub(crate) body_bytes_max: u64,
    pub(crate) redirects_max: u32,
    /// Whether a body that is longer is cut, rather than refused.
    pub(crate) cut: bool,
    /// Whether every error of the server is taken for a passing one.
    pub(crate) insist: bool,
    /// Whether a request that need not obey robots.txt does so after all where a
    /// redirect takes it to another site.
    pub(crate) obey_elsewhere: bool,
}

impl Fetcher {
    /// A fetcher that asks `guard`.
    pub fn new(guard: Arc<Guard>, options: FetcherOptions) -> Self {
        let shared = Shared {
            client: Client::new(Arc::clone(&guard), options.timeout),
            public: Client::new(Arc::new(guard.without_rules()), options.timeout),
            guard,
            options,
            pace: Pace::default(),
            robots: RobotsFiles::default(),
        };
        Fetcher {
            shared: Arc::new(shared),
        }
    }

    /// Fetches, when it is this host's turn. Tries again on 429, 503, gateway
    /// errors and broken connections, within bounds: a few times, and as long
    /// as the host asks for no more than a minute.
    ///
    /// What is sent names this program and nothing else: no cookies, no
    /// referer, and no credentials, those in the URL being dropped. The body of
    /// what is no document by its type is not asked for, see
    /// [`Fetched::is_media`].
    ///
    /// A public page leads, by its redirects, to public hosts only, whatever
    /// else the guard allows; a host that it allows by a rule may lead anywhere
    /// that the guard does.
    pub async fn fetch(&self, request: &FetchRequest) -> Result<Fetched, FetchError> {
        let limits = Limits {
            body_bytes_max: self.shared.options.body_bytes_max,
            redirects_max: REDIRECTS_MAX,
            cut: false,
            insist: false,
            obey_elsewhere: false,
        };
        self.follow(request, &limits).await
    }

    /// What the robots.txt of the URL's site says; asked for once an hour.
    ///
    /// # Errors
    /// [`FetchError::NoRobots`] when the server cannot say it now, so that the
    /// site may not be crawled; else what kept the server from being reached.
    pub async fn robots(&self, url: &Url) -> Result<Robots, FetchError> {
        let client = self.client_for(url).await?;
        self.shared.robots.of(self, client, url).await
    }

    /// Fetches with these limits, as [`Fetcher::fetch`] does.
    pub(crate) async fn follow(
        &self,
        request: &FetchRequest,
        limits: &Limits,
    ) -> Result<Fetched, FetchError> {
        let client = self.client_for(&request.url).await?;
        self.follow_by(client, request, limits).await
    }

    /// As above, to where this client may go.
    pub(crate) async fn follow_by(
        &self,
        client: &Client,
        request: &FetchRequest,
        limits: &Limits,
    ) -> Result<Fetched, FetchError> {
        let headers = headers(request);
        let mut deadline = Deadline::after(self.shared.options.timeout);
        let mut tries = Tries::default();
        let mut url = client::bare(&request.url);
        let mut left = Vec::new();
        loop {
            // Before its robots.txt is asked for, which is on the same host.
            deadline.keep(&url, client.admit(&url)).await??;
            let obeys = request.obey_robots
                || (limits.obey_elsewhere && url.origin() != request.url.origin());
            let crawl_delay = match obeys {
                true => deadline.wait(&url, self.allowed(client, &url)).await??,
                false => self.shared.robots.known_delay(&url),
            };
            let pause_min = self.pause(&url).max(crawl_delay);
            let hop = Hop {
                client,
                url: &url,
                headers: &headers,
                pause_min,
                limits,
            };
            let next = match self.hop(&hop, &mut tries, &mut deadline).await? {
                hop::Outcome::Fetched(fetched) => return Ok(fetched),
                hop::Outcome::Redirect(next) => next,
            };
            left.push(std::mem::replace(&mut url, next));
            // Without cookies, who comes back to an address goes in a circle.
            if left.len() > limits.redirects_max as usize || left.contains(&url) {
                return Err(FetchError::TooManyRedirects {
                    url: left.swap_remove(0).into(),
                    redirects_max: limits.redirects_max,
                });
            }
        }
    }

    /// How long to wait between two requests of the site, if robots.txt allows
    /// this one.
    async fn allowed(&self, client: &Client, url: &Url) -> Result<Duration, FetchError> {
        // Boxed, since reading robots.txt is a fetch itself.
        let robots = Box::pin(self.shared.robots.of(self, client, url)).await?;
        if robots.allowed(url) {
            Ok(robots.crawl_delay.unwrap_or_default())
        } else {
            Err(FetchError::Forbidden {
                host: url.host_str().unwrap_or_default().to_owned(),
                path: url.path().to_owned(),
            })
        }
    }

    /// What a fetch that begins at `url` is made by: a host that may be reached
    /// without the operator's rules, and is not named by them, leads to such
    /// hosts only. Else whoever publishes a page reads by it what is private.
    async fn client_for(&self, url: &Url) -> Result<&Client, FetchError> {
        let shared = &self.shared;
        if shared.guard.is_own(url) {
            return Ok(&shared.client);
        }
        match shared.public.admit(url).await {
            Ok(()) => Ok(&shared.public),
            // No rule gives a name an address.
            Err(FetchError::Refused(refused)) if !matches!(refused, Refused::NoSuchHost { .. }) => {
                Ok(&shared.client)
            }
            Err(error) => Err(error),
        }
    }

    fn pause(&self, url: &Url) -> Duration {
        if self.shared.guard.is_own(url) {
            Duration::ZERO
        } else {
            PAUSE
        }
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = &self.shared;
        let mut debug = formatter.debug_struct("Fetcher");
        debug.field("guard", &shared.guard);
        debug.field("options", &shared.options);
        debug.finish_non_exhaustive()
    }
}

fn headers(request: &FetchRequest) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(ACCEPT, ACCEPTED)]);
    let conditions = [
        (IF_NONE_MATCH, &request.etag),
        (IF_MODIFIED_SINCE, &request.last_modified),
    ];
    for (name, value) in conditions {
        // A validator that no header can hold never came from one: left out,
        // the page is fetched whole.
        let value = value.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(value)) = value {
            headers.insert(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use testsite::{Answer, Site};

    #[tokio::test]
    async fn public_pages_lead_to_public_hosts_only() {
        let (public, own) = (Site::start().await, Site::start().await);
        let guard = Guard::new(&[own.host()]).unwrap();
        let fetcher = Fetcher::new(Arc::new(guard), FetcherOptions::default());
        // Stands for what has a public address, which no test may have.
        let root: Url = "http://public.example/".parse().unwrap();
        let addresses = vec![public.address()];
        for client in [&fetcher.shared.client, &fetcher.shared.public] {
            client.pin(&root, addresses.clone());
        }
        let fetch = |url: Url| {
            let fetcher = fetcher.clone();
            async move { fetcher.fetch(&FetchRequest::new(url)).await }
        };
        public.put("/page", Answer::html("public"));
        public.put("/out", Answer::redirect(own.url("/page")));
        own.put("/page", Answer::html("own"));
        own.put("/in", Answer::redirect("/page"));
        own.put("/out", Answer::redirect(root.join("/page").unwrap()));
        own.put(
            "/there-and-back",
            Answer::redirect(root.join("/out").unwrap()),
        );

        let page = fetch(root.join("/page").unwrap()).await.unwrap();
        assert_eq!(page.body, b"public");
        for obey_robots in [true, false] {
            let request = FetchRequest {
                obey_robots,
                ..FetchRequest::new(root.join("/out").unwrap())
            };
            let error = fetcher.fetch(&request).await.unwrap_err();
            let is_private = matches!(error, FetchError::Refused(Refused::Private { .. }));
            assert!(is_private, "{error}");
        }
        assert_eq!(own.requests().len(), 0);

        for (path, body) in [
            ("/in", "own"),
            ("/out", "public"),
            ("/there-and-back", "own"),
        ] {
            let fetched = fetch(own.url(path)).await.unwrap();
            assert_eq!(fetched.body, body.as_bytes(), "{path}");
        }
    }
}
