//! What the API answers to a request. The history is left to `history`, the
//! archive to `tarball`.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use url::Url;

use super::history::{Commit, DEFAULT_BRANCH, Repository};
use super::tarball::tarball;
use crate::{Answer, SeenRequest};

const PER_PAGE: usize = 30;
const PER_PAGE_MAX: usize = 100;

/// All repositories, and who may ask how often.
#[derive(Debug)]
pub(super) struct Hub {
    api: Url,
    codeload: Url,
    repositories: BTreeMap<String, Repository>,
    /// The only token that is accepted.
    pub(super) token: Option<String>,
    limit: Option<Limit>,
}

#[derive(Debug)]
struct Limit {
    remaining: u32,
    resets: SystemTime,
}

/// What cannot be answered: a status and GitHub's message.
struct Problem(u16, &'static str);

const NOT_FOUND: Problem = Problem(404, "Not Found");

impl Hub {
    pub(super) fn new(api: Url, codeload: Url) -> Self {
        Hub {
            api,
            codeload,
            repositories: BTreeMap::new(),
            token: None,
            limit: None,
        }
    }

    /// A repository to change, new when there is none of that name.
    pub(super) fn change(&mut self, name: &str) -> &mut Repository {
        self.repositories
            .entry(name.to_ascii_lowercase())
            .or_insert_with(|| Repository::new(name))
    }

    pub(super) fn limit(&mut self, remaining: u32, reset_in_s: u64) {
        self.limit = Some(Limit {
            remaining,
            resets: SystemTime::now() + Duration::from_secs(reset_in_s),
        });
    }

    pub(super) fn no_limit(&mut self) {
        self.limit = None;
    }

    /// The answer of the API.
    pub(super) fn api(&mut self, request: &SeenRequest) -> Answer {
        let used_up = self
            .limit
            .as_ref()
            .is_some_and(|limit| limit.remaining == 0);
        let answer = match self.token_is_bad(request) {
            true => Err(Problem(401, "Bad credentials")),
            false if used_up => Err(Problem(403, "API rate limit exceeded for 127.0.0.1.")),
            false => self.endpoint(request),
        };
        let answer = answer
            .unwrap_or_else(|Problem(status, message)| {
                json_answer(&json!({ "message": message, "status": status.to_string() }))
                    .with_status(status)
            })
            .resolve(request);
        self.with_limit(answer)
    }

    /// The answer of the site that serves tarballs.
    pub(super) fn codeload(&self, request: &SeenRequest) -> Answer {
        let path = decoded(request.path());
        let tarball = || {
            let (name, rest) = split_name(path.strip_prefix('/')?)?;
            let repository = self.repositories.get(&name)?;
            let commit = repository.find(rest.strip_prefix("legacy.tar.gz/")?)?;
            Some(tarball(&repository.name, commit))
        };
        match tarball() {
            Some(archive) => Answer::bytes("application/x-gzip", archive).with_etag(),
            None => Answer::text("404: Not Found").with_status(404),
        }
    }

    fn token_is_bad(&self, request: &SeenRequest) -> bool {
        let Some((token, given)) = self.token.as_ref().zip(request.header("authorization")) else {
            return false;
        };
        let given = given.split_once(' ').map_or("", |(_, given)| given.trim());
        given != token
    }

    fn with_limit(&mut self, answer: Answer) -> Answer {
        let Some(limit) = &mut self.limit else {
            return answer;
        };
        if answer.status != 304 {
            limit.remaining = limit.remaining.saturating_sub(1);
        }
        let resets = limit.resets.duration_since(UNIX_EPOCH);
        let resets_s = resets.map_or(0, |since| since.as_secs());
        answer
            .header("x-ratelimit-limit", "60")
            .header("x-ratelimit-remaining", limit.remaining.to_string())
            .header("x-ratelimit-reset", resets_s.to_string())
            .header("x-ratelimit-resource", "core")
    }

    fn endpoint(&self, request: &SeenRequest) -> Result<Answer, Problem> {
        let path = decoded(request.path());
        let path = path.strip_prefix("/api/v3").unwrap_or(&path);
        let (name, rest) = path
            .strip_prefix("/repos/")
            .and_then(split_name)
            .ok_or(NOT_FOUND)?;
        let repository = self.repositories.get(&name).ok_or(NOT_FOUND)?;
        match rest.split_once('/').unwrap_or((rest, "")) {
            ("", _) => Ok(json_answer(&self.description(repository))),
            ("commits", "") => self.log(repository, request),
            ("commits", reference) => {
                let missing = Problem(422, "No commit found for the ref");
                let commit = repository.find(reference).ok_or(missing)?;
                Ok(json_answer(&commit_json(repository, commit)))
            }
            ("compare", range) => {
                let (base, head) = range.split_once("...").ok_or(NOT_FOUND)?;
                let (ahead, behind) = repository.compare(base, head).ok_or(NOT_FOUND)?;
                Ok(json_answer(&comparison(ahead, behind)))
            }
            ("tarball", reference) => self.to_tarball(repository, reference),
            _ => Err(NOT_FOUND),
        }
    }

    fn description(&self, repository: &Repository) -> Value {
        let name = &repository.name;
        let short = name.split_once('/').map_or(&**name, |(_, short)| short);
        json!({
            "name": short,
            "full_name": name,
            "private": false,
            "url": format!("{}repos/{name}", self.api),
            "default_branch": DEFAULT_BRANCH,
        })
    }

    /// A page of the log, newest first, with a link to the next.
    fn log(&self, repository: &Repository, request: &SeenRequest) -> Result<Answer, Problem> {
        if repository.is_empty() {
            return Err(Problem(409, "Git Repository is empty."));
        }
        let text = |name: &str| request.parameter(name);
        let number = |name: &str| text(name).and_then(|text| text.parse::<usize>().ok());
        let reference = text("sha").unwrap_or_else(|| DEFAULT_BRANCH.to_owned());
        let path = text("path").unwrap_or_default();
        let per_page = number("per_page")
            .unwrap_or(PER_PAGE)
            .clamp(1, PER_PAGE_MAX);
        let page = number("page").unwrap_or(1).max(1);

        let log = repository.log(&reference, &path).ok_or(NOT_FOUND)?;
        let start = (page - 1).saturating_mul(per_page);
        let commits = log.iter().skip(start).take(per_page);
        let commits: Vec<_> = commits
            .map(|commit| commit_json(repository, commit))
            .collect();
        let answer = json_answer(&Value::from(commits));
        if start.saturating_add(per_page) >= log.len() {
            return Ok(answer);
        }
        let link = |page: usize, relation: &str| {
            let mut url = self.api.clone();
            url.set_path(request.path());
            url.query_pairs_mut()
                .append_pair("sha", &reference)
                .append_pair("path", &path)
                .append_pair("per_page", &per_page.to_string())
                .append_pair("page", &page.to_string());
            format!("<{url}>; rel=\"{relation}\"")
        };
        let last = log.len().div_ceil(per_page);
        let links = format!("{}, {}", link(page + 1, "next"), link(last, "last"));
        Ok(answer.header("link", links))
    }

    fn to_tarball(&self, repository: &Repository, reference: &str) -> Result<Answer, Problem> {
        let reference = match reference {
            "" => DEFAULT_BRANCH,
            reference => reference,
        };
        repository.find(reference).ok_or(NOT_FOUND)?;
        let mut url = self.codeload.clone();
        url.set_path(&format!("{}/legacy.tar.gz/{reference}", repository.name));
        Ok(Answer::redirect(url))
    }
}

fn json_answer(value: &Value) -> Answer {
    Answer::bytes("application/json; charset=utf-8", value.to_string()).with_etag()
}

fn commit_json(repository: &Repository, commit: &Commit) -> Value {
    let parents: Vec<_> = repository
        .parent_sha(commit)
        .map(|sha| json!({ "sha": sha }))
        .into_iter()
        .collect();
    json!({
        "sha": commit.sha,
        "commit": { "message": format!("Commit at {}", commit.time_s) },
        "parents": parents,
    })
}

fn comparison(ahead: usize, behind: usize) -> Value {
    let status = match (ahead, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    json!({
        "status": status,
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
    })
}

/// `owner/name` in lower case, and what follows, without its slash.
fn split_name(path: &str) -> Option<(String, &str)> {
    let (owner, rest) = path.split_once('/')?;
    let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
    Some((format!("{owner}/{name}").to_ascii_lowercase(), rest))
}

/// A path with its percent-encoding undone. The decoder is that of forms, which
/// would take a plus for a space.
fn decoded(path: &str) -> String {
    let path = path
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    url::form_urlencoded::parse(path.as_bytes())
        .map(|(path, _)| path.into_owned())
        .collect()
}
