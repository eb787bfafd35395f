//! What a site says about itself: robots.txt, sitemaps, llms.txt. Which of the
//! pages are wanted is left to the caller's [`crate::Scope`].

mod llms;
mod sitemap;
mod walk;

use url::Url;

use crate::fetch::Limits;
use crate::{FetchError, FetchRequest, Fetched, Fetcher};
use walk::Walk;

/// Where sitemaps are when robots.txt does not say it, in the order of trying.
const USUAL_SITEMAPS: &[&str] = &[
    "sitemap.xml",
    "sitemap_index.xml",
    "sitemap1.xml",
    "sitemap.xml.gz",
];

/// What a site says about itself.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Whether there is a robots.txt.
    pub has_robots: bool,
    /// Whether it forbids the root to crawlers like this one.
    pub crawling_forbidden: bool,
    /// The seconds it asks to wait between two pages.
    pub crawl_delay_s: Option<f64>,
    /// The sitemaps that were read, indexes left out.
    pub sitemaps: Vec<Url>,
    /// The pages they name, each once, in order, at most `urls_max`.
    pub urls: Vec<SitemapUrl>,
    /// Whether there are more than that.
    pub truncated: bool,
    /// What llms.txt offers.
    pub llms_txt: Option<LlmsTxt>,
    /// What was wrong with any of these, in sentences.
    pub warnings: Vec<String>,
}

/// A page that a sitemap names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitemapUrl {
    /// Its address, http or https, on whatever host.
    pub url: Url,
    /// When it was last changed, as the sitemap writes it.
    pub last_modified: Option<String>,
}

/// What an llms.txt offers (llmstxt.org).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LlmsTxt {
    /// Where it is.
    pub url: Url,
    /// Its first heading.
    pub title: Option<String>,
    /// The pages it links to, each once, in order.
    pub links: Vec<Url>,
}

/// Asks a site for robots.txt, sitemaps (those that robots.txt names, else the
/// usual places) and llms.txt. The error is that of the site: unreachable, or
/// refused; files that are missing are none, and those that cannot be used are
/// warnings.
///
/// Sitemaps and llms.txt are looked for in the root's folder first, then at the
/// top of the site. Sitemaps that robots.txt names are read even where it
/// forbids everything: naming them is an invitation. On other hosts their own
/// robots.txt is obeyed.
pub async fn discover(
    fetcher: &Fetcher,
    root: &Url,
    urls_max: usize,
) -> Result<Discovery, FetchError> {
    let robots = fetcher.robots(root).await?;
    let found = Discovery {
        has_robots: robots.exists,
        crawling_forbidden: !robots.allowed(root),
        crawl_delay_s: robots.crawl_delay.map(|delay| delay.as_secs_f64()),
        ..Discovery::default()
    };
    let mut walk = Walk::new(fetcher, root, urls_max, found);
    walk.read_named(&robots.sitemaps).await;
    let mut site = SiteAnswers::new(root);
    for place in places(root, USUAL_SITEMAPS) {
        if walk.has_pages() {
            break;
        }
        if let Err(error) = site.note(walk.read_guessed(&place).await)? {
            walk.warn(error.to_string());
        }
    }
    for place in places(root, &["llms.txt"]) {
        match site.note(llms::read(fetcher, &place).await)? {
            Ok(Some(llms_txt)) => {
                walk.set_llms_txt(llms_txt);
                break;
            }
            Ok(None) => {}
            Err(error) => walk.warn(error.to_string()),
        }
    }
    Ok(walk.into_found())
}

/// Tells a site that is down, though its robots.txt is still known from before,
/// from one of whose files something is wrong.
struct SiteAnswers<'a> {
    root: &'a Url,
    any: bool,
}

impl<'a> SiteAnswers<'a> {
    fn new(root: &'a Url) -> Self {
        SiteAnswers { root, any: false }
    }

    /// The outer error is the site's, the inner one that of a file.
    fn note<T>(
        &mut self,
        outcome: Result<T, FetchError>,
    ) -> Result<Result<T, FetchError>, FetchError> {
        self.any |= outcome.is_ok();
        match outcome {
            Err(FetchError::Unreachable { url, message }) if !self.any && self.is_of_site(&url) => {
                Err(FetchError::Unreachable { url, message })
            }
            other => Ok(other),
        }
    }

    fn is_of_site(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin() == self.root.origin())
    }
}

/// `names` in the root's folder, then at the top of its site. A root whose last
/// segment has no extension is taken for a folder: `/docs` for `/docs/`.
fn places(root: &Url, names: &[&str]) -> Vec<Url> {
    let mut root = root.clone();
    root.set_query(None);
    root.set_fragment(None);
    let is_page = |path: &str| {
        path.rsplit('/')
            .next()
            .is_some_and(|name| name.contains('.'))
    };
    if !root.path().ends_with('/') && !is_page(root.path()) {
        let folder = format!("{}/", root.path());
        root.set_path(&folder);
    }
    let mut places: Vec<Url> = Vec::new();
    for folder in ["", "/"] {
        for name in names {
            // Names like these join to any address that has a host.
            let place = root.join(&format!("{folder}{name}"));
            places.extend(place.ok().filter(|place| !places.contains(place)));
        }
    }
    places
}

/// What is at a place where something may be: nothing, when the server says so
/// or robots.txt forbids to look.
async fn fetch_guessed(
    fetcher: &Fetcher,
    url: &Url,
    limits: &Limits,
) -> Result<Option<Fetched>, FetchError> {
    let request = FetchRequest::new(url.clone());
    match fetcher.follow(&request, limits).await {
        Ok(fetched) => Ok(Some(fetched)),
        Err(FetchError::Forbidden { .. }) => Ok(None),
        Err(FetchError::Status { status, .. }) if (400..500).contains(&status) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_folder_and_the_top() {
        for (root, expected) in [
            ("https://a.example", &["/llms.txt"][..]),
            ("https://a.example/?q=1#x", &["/llms.txt"]),
            ("https://a.example/docs", &["/docs/llms.txt", "/llms.txt"]),
            ("https://a.example/docs/", &["/docs/llms.txt", "/llms.txt"]),
            (
                "https://a.example/docs/a.html",
                &["/docs/llms.txt", "/llms.txt"],
            ),
            ("https://a.example/index.html", &["/llms.txt"]),
        ] {
            let places = places(&Url::parse(root).unwrap(), &["llms.txt"]);
            let paths: Vec<&str> = places.iter().map(Url::path).collect();
            assert_eq!(paths, expected, "{root}");
        }
    }
}
