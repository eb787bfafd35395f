//! Looking at a web site before it is put in: what its sitemaps, robots.txt and
//! llms.txt say, and how its pages group.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rag_web::{Discovery, discover};
use url::Url;

use super::{Memory, check, crawl};
use crate::api::{AnalyzeWebsite, LlmsTxtOffer, PatternStats, WebsiteAnalysis};
use crate::{Error, ErrorKind, Scope};

/// The most pages that are counted: what one sitemap may have.
const URLS_MAX: usize = 50_000;
/// How many pages stand for a group.
const EXAMPLES: usize = 3;
/// How many groups are told.
const PATTERNS_MAX: usize = 200;
/// How many requests the time limit of one is allowed for, in all.
const REQUESTS_TIMED: u32 = 12;

impl Memory {
    /// What a site has, by its own account. A site that cannot be reached is an
    /// error; one that names no pages is told as such.
    pub async fn analyze_website(&self, request: AnalyzeWebsite) -> Result<WebsiteAnalysis, Error> {
        self.access.require(&[Scope::Ingest])?;
        let root = crawl::address(&request.base_url)?;
        let seconds = check::in_range("timeout", request.timeout, 1..=60)?;
        let listed_max = check::in_range(
            "max_urls_per_pattern",
            request.max_urls_per_pattern,
            1..=1_000,
        )?;
        let limit = Duration::from_secs(seconds as u64) * REQUESTS_TIMED;
        let found =
            tokio::time::timeout(limit, discover(&self.options.web.fetcher, &root, URLS_MAX));
        let found = found.await.map_err(|_| {
            let message = format!("`{root}` was not analyzed within {} s", limit.as_secs());
            Error::new(ErrorKind::Unavailable, message)
                .hint("it is slow or has many sitemaps: raise timeout, or name a folder of it")
        })??;
        let mut analysis = analysis(&root, found, listed_max);
        if !request.include_url_lists {
            analysis.url_groups = None;
        }
        Ok(analysis)
    }
}

fn analysis(root: &Url, found: Discovery, listed_max: usize) -> WebsiteAnalysis {
    let from_sitemaps: Vec<Url> = found.urls.into_iter().map(|page| page.url).collect();
    let offered = found
        .llms_txt
        .as_ref()
        .map(|llms| llms.links.clone())
        .unwrap_or_default();
    let (method, urls) = match (from_sitemaps.is_empty(), offered.is_empty()) {
        (false, _) => ("sitemap", from_sitemaps),
        (true, false) => ("llms_txt", offered),
        (true, true) => ("not_found", Vec::new()),
    };
    let mut groups: BTreeMap<String, Vec<&Url>> = BTreeMap::new();
    for url in &urls {
        groups.entry(pattern(url)).or_default().push(url);
    }
    for group in groups.values_mut() {
        group.sort_by_key(|url| (url.path().len(), url.as_str()));
    }
    let mut patterns: Vec<String> = groups.keys().cloned().collect();
    patterns.sort_by_key(|pattern| std::cmp::Reverse(groups[pattern].len()));
    let mut warnings = found.warnings;
    if patterns.len() > PATTERNS_MAX {
        let left = patterns.len() - PATTERNS_MAX;
        warnings.push(format!("{left} smaller patterns are left out"));
        patterns.truncate(PATTERNS_MAX);
        groups.retain(|pattern, _| patterns.contains(pattern));
    }
    if found.truncated {
        warnings.push(format!(
            "the sitemaps name more than {URLS_MAX} pages; the rest is not counted"
        ));
    }
    let stats = |group: &Vec<&Url>| PatternStats {
        count: group.len(),
        avg_depth: mean_depth(group),
        example_urls: group
            .iter()
            .take(EXAMPLES)
            .map(ToString::to_string)
            .collect(),
    };
    let shortest = |group: Vec<&Url>| -> Vec<String> {
        group
            .into_iter()
            .take(listed_max)
            .map(ToString::to_string)
            .collect()
    };
    let domains: BTreeSet<&str> = urls.iter().filter_map(Url::host_str).collect();
    WebsiteAnalysis {
        base_url: root.as_str().trim_end_matches('/').to_owned(),
        analysis_method: method.to_owned(),
        total_urls: urls.len(),
        domains: domains.into_iter().map(str::to_owned).collect(),
        notes: notes(method, found.crawling_forbidden, &warnings),
        pattern_stats: groups
            .iter()
            .map(|(name, group)| (name.clone(), stats(group)))
            .collect(),
        patterns,
        url_groups: Some(
            groups
                .into_iter()
                .map(|(name, group)| (name, shortest(group)))
                .collect(),
        ),
        crawling_forbidden: found.crawling_forbidden,
        crawl_delay: found.crawl_delay_s,
        sitemaps: found.sitemaps.iter().map(ToString::to_string).collect(),
        llms_txt: found.llms_txt.map(|llms| LlmsTxtOffer {
            url: llms.url.into(),
            title: llms.title,
            link_count: llms.links.len(),
        }),
        warnings,
    }
}

/// The first segment of a path, `/` for the root.
fn pattern(url: &Url) -> String {
    let first = url
        .path_segments()
        .and_then(|mut parts| parts.next())
        .unwrap_or_default();
    match first {
        "" => "/".to_owned(),
        first => format!("/{first}"),
    }
}

/// The mean number of path segments, to a tenth.
fn mean_depth(group: &[&Url]) -> f64 {
    let depth = |url: &&Url| {
        url.path()
            .split('/')
            .filter(|part| !part.is_empty())
            .count()
    };
    let sum: usize = group.iter().map(depth).sum();
    (sum as f64 / group.len().max(1) as f64 * 10.0).round() / 10.0
}

fn notes(method: &str, forbidden: bool, warnings: &[String]) -> String {
    let found = match method {
        "sitemap" => "the pages are those that the site's sitemaps name; there may be more",
        "llms_txt" => "there is no sitemap; the pages are those that llms.txt links to",
        _ if warnings.is_empty() => {
            "the site has neither sitemap nor llms.txt; ingest_url with follow_links finds its \
             pages by their links"
        }
        _ => "the site names no pages that could be read; see warnings",
    };
    match forbidden {
        true => format!("{found}. robots.txt forbids crawling it"),
        false => found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_group_by_their_first_segment() {
        let page = |path: &str| Url::parse(&format!("https://example.org{path}")).unwrap();
        assert_eq!(pattern(&page("/")), "/");
        assert_eq!(pattern(&page("/docs/a/b")), "/docs");
        assert_eq!(
            mean_depth(&[&page("/docs"), &page("/docs/a"), &page("/docs/a")]),
            1.7
        );
    }
}
