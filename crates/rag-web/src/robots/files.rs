//! The robots.txt files of sites, fetched when first asked for and remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;
use url::Url;

use super::Robots;
use crate::client::Client;
use crate::fetch::Limits;
use crate::{FetchError, FetchRequest, Fetched, Fetcher};

/// How long a file is taken to say the same still; RFC 9309, 2.4, allows a day.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// How long a site is let alone whose server cannot say what it allows.
const REFUSED: Duration = Duration::from_secs(60);

/// How long a site is taken to be out of reach still: for those who ask at the
/// same time.
const UNREACHABLE: Duration = Duration::from_secs(2);

/// How many sites are remembered.
const SITES_MAX: usize = 32;

/// How much of a file is read: what RFC 9309, 2.5, asks for.
const LIMITS: Limits = Limits {
    body_bytes_max: 500 << 10,
    redirects_max: 5,
    cut: true,
    insist: true,
    obey_elsewhere: false,
};

/// Fetches the files, each once for all who ask.
#[derive(Default)]
pub(crate) struct RobotsFiles {
    sites: Mutex<HashMap<url::Origin, Arc<Site>>>,
}

/// One site's file. Who holds the lock fetches it, the others wait for that.
#[derive(Default)]
struct Site {
    known: tokio::sync::Mutex<Option<Known>>,
}

struct Known {
    outcome: Result<Robots, FetchError>,
    until: Instant,
}

impl RobotsFiles {
    /// What the file of the URL's site says, from wherever `client` may go.
    pub(crate) async fn of(
        &self,
        fetcher: &Fetcher,
        client: &Client,
        url: &Url,
    ) -> Result<Robots, FetchError> {
        let site = self.site(url);
        let mut known = site.known.lock().await;
        match &*known {
            Some(known) if Instant::now() < known.until => known.outcome.clone(),
            _ => {
                let outcome = load(fetcher, client, url).await;
                let kept = match &outcome {
                    Ok(_) => KEPT,
                    Err(FetchError::NoRobots { .. }) => REFUSED,
                    Err(_) => UNREACHABLE,
                };
                let until = Instant::now() + kept;
                known.insert(Known { outcome, until }).outcome.clone()
            }
        }
    }

    /// The pause that the file of the URL's site asks for, if it is known;
    /// without fetching or waiting for it.
    pub(crate) fn known_delay(&self, url: &Url) -> Duration {
        let sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let site = sites.get(&url.origin()).map(Arc::clone);
        drop(sites);
        let known = site.as_ref().and_then(|site| site.known.try_lock().ok());
        match known.as_deref() {
            Some(Some(Known {
                outcome: Ok(robots),
                ..
            })) => robots.crawl_delay.unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }

    fn site(&self, url: &Url) -> Arc<Site> {
        let origin = url.origin();
        // A map of sites is whole whatever panicked.
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        if sites.len() >= SITES_MAX && !sites.contains_key(&origin) {
            // Any: asking a site once more is cheap. Those in use live on.
            let any = sites.keys().next().cloned();
            any.map(|any| sites.remove(&any));
        }
        Arc::clone(sites.entry(origin).or_default())
    }
}

async fn load(fetcher: &Fetcher, client: &Client, url: &Url) -> Result<Robots, FetchError> {
    let Some(host) = url.host_str() else {
        return Ok(Robots::default());
    };
    let no_robots = |message: String| FetchError::NoRobots {
        host: host.to_owned(),
        message,
    };
    let mut place = url.clone();
    place.set_path("/robots.txt");
    place.set_query(None);
    let request = FetchRequest {
        obey_robots: false,
        ..FetchRequest::new(place)
    };
    // What is refused after this is what the site redirects to.
    client.admit(&request.url).await?;
    match fetcher.follow_by(client, &request, &LIMITS).await {
        Ok(Fetched { url, body, .. }) => {
            let read = spawn_blocking(move || Robots::read(&url, &body)).await;
            read.unwrap_or(Err("its parser failed"))
                .map_err(|message| no_robots(message.to_owned()))
        }
        // What is not there forbids nothing (RFC 9309, 2.3.1.3), nor does what
        // leads nowhere (2.3.1.2).
        Err(FetchError::Status { status, .. }) if status < 500 => Ok(Robots::default()),
        Err(
            FetchError::TooManyRedirects { .. }
            | FetchError::BadRedirect { .. }
            | FetchError::Refused(_),
        ) => Ok(Robots::default()),
        // Who cannot be reached cannot be crawled either, and that says more.
        Err(error @ (FetchError::Unreachable { .. } | FetchError::Timeout { .. })) => Err(error),
        Err(error) => Err(no_robots(error.to_string())),
    }
}
