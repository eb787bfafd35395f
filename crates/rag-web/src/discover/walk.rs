//! The way through a site's sitemaps: each once, within bounds.

use std::collections::{HashSet, VecDeque};
use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use url::{Origin, Url};

use super::sitemap::{self, Problem};
use super::{Discovery, LlmsTxt, fetch_guessed};
use crate::fetch::Limits;
use crate::{FetchError, FetchRequest, Fetched, Fetcher, canonical};

/// How deep indexes may name each other.
const DEPTH_MAX: usize = 5;

/// The most sitemaps that are asked for, indexes included.
const SITEMAPS_MAX: usize = 500;

/// How long sitemaps are read in all. What was found until then stays.
const TIME_MAX: Duration = Duration::from_secs(300);

/// What bounds the fetch of one.
const LIMITS: Limits = Limits {
    body_bytes_max: sitemap::BYTES_MAX,
    redirects_max: 5,
    cut: false,
    insist: false,
    // An invitation holds for what is the inviter's.
    obey_elsewhere: true,
};

/// The most warnings that are kept: a broken generator breaks every sitemap.
const WARNINGS_MAX: usize = 50;

/// What stands for the others.
const MORE: &str = "there is more to say of the kind";

pub(super) struct Walk<'a> {
    fetcher: &'a Fetcher,
    /// The site that is asked about.
    site: Origin,
    urls_max: usize,
    found: Discovery,
    /// The canonical addresses of the pages found.
    pages: HashSet<Url>,
    /// Those of the sitemaps asked for, and those where they were in the end.
    asked: HashSet<Url>,
    read: HashSet<Url>,
    until: Instant,
    /// Whether there is enough, so that no more sitemaps are read.
    stopped: bool,
}

impl<'a> Walk<'a> {
    /// `found` is added to.
    pub(super) fn new(fetcher: &'a Fetcher, root: &Url, urls_max: usize, found: Discovery) -> Self {
        Walk {
            fetcher,
            site: root.origin(),
            urls_max,
            found,
            pages: HashSet::new(),
            asked: HashSet::new(),
            read: HashSet::new(),
            until: Instant::now() + TIME_MAX,
            stopped: false,
        }
    }

    pub(super) fn has_pages(&self) -> bool {
        !self.found.urls.is_empty()
    }

    pub(super) fn set_llms_txt(&mut self, llms_txt: LlmsTxt) {
        self.found.llms_txt = Some(llms_txt);
    }

    pub(super) fn into_found(self) -> Discovery {
        self.found
    }

    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        match self.found.warnings.len() {
            ..WARNINGS_MAX => self.found.warnings.push(warning.into()),
            WARNINGS_MAX => self.found.warnings.push(MORE.to_owned()),
            _ => {}
        }
    }

    /// Reads sitemaps that the site names, and those that they name.
    pub(super) async fn read_named(&mut self, sitemaps: &[Url]) {
        let mut queue: VecDeque<(Url, usize)> = sitemaps
            .iter()
            .take(SITEMAPS_MAX)
            .map(|url| (url.clone(), 0))
            .collect();
        self.read_queue(&mut queue).await;
    }

    /// Reads a sitemap that may be there, and those that it names. The error is
    /// that of the first.
    pub(super) async fn read_guessed(&mut self, sitemap: &Url) -> Result<(), FetchError> {
        if self.stopped || !self.asked.insert(canonical(sitemap)) {
            return Ok(());
        }
        let fetching = fetch_guessed(self.fetcher, sitemap, &LIMITS);
        let fetched = match timeout_at(self.until, fetching).await {
            Ok(fetched) => fetched?,
            Err(_) => {
                self.stop_in_time();
                None
            }
        };
        let Some(fetched) = fetched else {
            return Ok(());
        };
        let mut queue = VecDeque::new();
        self.read_one(fetched, 0, true, &mut queue).await;
        self.read_queue(&mut queue).await;
        Ok(())
    }

    async fn read_queue(&mut self, queue: &mut VecDeque<(Url, usize)>) {
        while let Some((url, depth)) = queue.pop_front() {
            if self.stopped || !self.asked.insert(canonical(&url)) {
                continue;
            }
            if self.asked.len() > SITEMAPS_MAX {
                self.stop(format!("only the first {SITEMAPS_MAX} sitemaps are read"));
                return;
            }
            // Forbidding what one names oneself is not meant for those who ask for
            // it; what others name may well be.
            let mut request = FetchRequest::new(url);
            request.obey_robots = request.url.origin() != self.site;
            let fetching = self.fetcher.follow(&request, &LIMITS);
            match timeout_at(self.until, fetching).await {
                Ok(Ok(fetched)) => self.read_one(fetched, depth, false, queue).await,
                Ok(Err(error)) => self.warn(format!("a sitemap cannot be read: {error}")),
                Err(_) => return self.stop_in_time(),
            }
        }
    }

    /// Keeps what a sitemap names: its pages, and in `queue` its sitemaps.
    /// Whether a guessed one is a sitemap at all is not for sure: many sites
    /// answer every address with some page.
    async fn read_one(
        &mut self,
        fetched: Fetched,
        depth: usize,
        guessed: bool,
        queue: &mut VecDeque<(Url, usize)>,
    ) {
        let Fetched { url, body, .. } = fetched;
        if !self.read.insert(canonical(&url)) {
            return;
        }
        let base = url.clone();
        // A sitemap of 50 MB keeps a thread busy for a while.
        let reading = tokio::task::spawn_blocking(move || sitemap::read(&body, &base)).await;
        let Ok(reading) = reading else {
            return self.warn_of(&url, "cannot be read");
        };
        match reading.problem {
            Some(Problem::NoSitemap) if guessed => return,
            Some(Problem::NoSitemap) => return self.warn_of(&url, Problem::NoSitemap),
            Some(Problem::TooMany) => {
                self.found.truncated = true;
                self.warn_of(&url, Problem::TooMany);
            }
            Some(problem) => self.warn_of(&url, problem),
            None => {}
        }
        if !reading.sitemaps.is_empty() && depth == DEPTH_MAX {
            self.warn_of(&url, format!("is nested more than {DEPTH_MAX} deep"));
        } else {
            let room = SITEMAPS_MAX.saturating_sub(queue.len()) + 1;
            let sitemaps = reading.sitemaps.into_iter().take(room);
            queue.extend(sitemaps.map(|sitemap| (sitemap, depth + 1)));
        }
        if reading.is_index {
            return;
        }
        self.found.sitemaps.push(url);
        for page in reading.pages {
            let known = canonical(&page.url);
            if self.pages.contains(&known) {
                continue;
            }
            if self.found.urls.len() == self.urls_max {
                self.found.truncated = true;
                self.stopped = true;
                return;
            }
            self.pages.insert(known);
            self.found.urls.push(page);
        }
    }

    /// Reads no more sitemaps, and says so however much there is to say already.
    fn stop(&mut self, why: String) {
        self.found.truncated = true;
        self.stopped = true;
        self.found.warnings.push(why);
    }

    fn stop_in_time(&mut self) {
        let seconds = TIME_MAX.as_secs();
        self.stop(format!("reading sitemaps was stopped after {seconds} s"));
    }

    fn warn_of(&mut self, url: &Url, what: impl Display) {
        self.warn(format!("the sitemap `{url}` {what}"));
    }
}
