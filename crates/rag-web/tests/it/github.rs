//! Repositories, from a double of GitHub's API.

use std::sync::Arc;

use rag_web::{FetchError, GitHub, GitHubError, GitHubOptions, Guard, RepositoryRef};
use testsite::{Answer, GitHubDouble};

const TOKEN: &str = "ghp_verysecret";

pub(crate) fn github(hub: &GitHubDouble) -> GitHub {
    client(hub, hub.api().as_str(), 4 << 20)
}

pub(crate) fn client(hub: &GitHubDouble, api: &str, tarball_bytes_max: u64) -> GitHub {
    let options = GitHubOptions {
        api: api.parse().unwrap(),
        token: Some(TOKEN.to_owned()),
        tarball_bytes_max,
    };
    assert!(!format!("{options:?}").contains(TOKEN));
    let github = GitHub::new(Arc::new(Guard::new(&hub.hosts()).unwrap()), options);
    assert!(!format!("{github:?}").contains(TOKEN));
    github
}

pub(crate) fn repository(text: &str) -> RepositoryRef {
    text.parse().unwrap()
}

#[tokio::test]
async fn the_newest_commit_of_a_path_is_found() {
    let hub = GitHubDouble::start().await;
    hub.put_file("o/r", "docs/a.md", "one");
    let first = hub.commit("o/r");
    hub.put_file("o/r", "src/main.rs", "fn main() {}");
    let second = hub.commit("o/r");
    hub.tag("o/r", "v1", &first);
    hub.branch("o/r", "feature/x", &first);
    hub.put_file("o/r", "docs/b c+d.md", "two");
    let third = hub.commit("o/r");
    let github = github(&hub);
    for (text, expected) in [
        ("o/r", &third),
        ("o/r/docs", &third),
        ("o/r/docs/a.md", &first),
        ("o/r/docs/b c+d.md", &third),
        ("o/r/src", &second),
        ("o/r@v1", &first),
        ("o/r@feature/x", &first),
        ("o/r/docs@main", &third),
        (&format!("o/r@{second}"), &second),
    ] {
        let commit = github.commit(&repository(text)).await.unwrap();
        assert_eq!(&commit.sha, expected, "{text}");
    }
    for text in ["o/missing", "o/r/missing", "o/r@missing", "o/r/src@v1"] {
        let error = github.commit(&repository(text)).await.unwrap_err();
        let what = text.to_owned();
        assert_eq!(error, GitHubError::NotFound { what });
    }
}

#[tokio::test]
async fn commits_behind_are_counted_over_pages() {
    let hub = GitHubDouble::start().await;
    let mut shas = Vec::new();
    for number in 0..1_010 {
        hub.put_file("o/r", "docs/a.md", number.to_string());
        shas.push(hub.commit("o/r"));
    }
    hub.put_file("o/r", "other.md", "x");
    shas.push(hub.commit("o/r"));
    let github = github(&hub);
    let docs = repository("o/r/docs");
    for (sha, expected) in [
        (&shas[1_009], Some(0)),
        (&shas[1_008], Some(1)),
        (&shas[909], Some(100)),
        (&shas[10], Some(999)),
        (&shas[9], None),
        (&shas[1_010], None),
        (&"0".repeat(40), None),
    ] {
        assert_eq!(
            github.commits_behind(&docs, sha).await.unwrap(),
            expected,
            "{sha}"
        );
    }
    let all = github
        .commits_behind(&repository("o/r"), &shas[1_009])
        .await;
    assert_eq!(all, Ok(Some(1)));
}

#[tokio::test]
async fn what_has_not_changed_is_not_counted_as_a_request() {
    let hub = GitHubDouble::start().await;
    hub.put_file("o/r", "a.md", "one");
    let first = hub.commit("o/r");
    let github = github(&hub);
    let whole = repository("o/r");
    assert_eq!(github.commit(&whole).await.unwrap().sha, first);
    hub.clear_requests();
    hub.rate_limit(1, 60);
    for _ in 0..3 {
        assert_eq!(github.commit(&whole).await.unwrap().sha, first);
    }
    assert!(
        hub.requests()
            .iter()
            .all(|seen| seen.header("if-none-match").is_some())
    );
    hub.put_file("o/r", "a.md", "two");
    let second = hub.commit("o/r");
    assert_eq!(github.commit(&whole).await.unwrap().sha, second);
}

#[tokio::test]
async fn the_token_goes_to_the_api_only() {
    let hub = GitHubDouble::start().await;
    hub.put_file("o/r", "a.md", "one");
    let sha = hub.commit("o/r");
    hub.accept_only_token(TOKEN);
    // With the path that an Enterprise server's API has.
    let github = client(&hub, hub.api().join("api/v3").unwrap().as_str(), 1 << 20);
    assert_eq!(github.commit(&repository("o/r")).await.unwrap().sha, sha);
    github.tarball(&repository("o/r"), &sha).await.unwrap();
    let codeload = hub.codeload().to_string();
    let mut elsewhere = 0;
    for seen in hub.requests() {
        let is_elsewhere = codeload.contains(seen.header("host").unwrap());
        elsewhere += usize::from(is_elsewhere);
        let expected = (!is_elsewhere).then(|| format!("Bearer {TOKEN}"));
        assert_eq!(
            seen.header("authorization"),
            expected.as_deref(),
            "{}",
            seen.path()
        );
        if !is_elsewhere {
            assert!(
                seen.path().starts_with("/api/v3/repos/o/r/"),
                "{}",
                seen.path()
            );
            assert_eq!(seen.header("accept"), Some("application/vnd.github+json"));
            assert!(seen.header("x-github-api-version").is_some());
        }
    }
    assert_eq!(elsewhere, 1);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let hub = GitHubDouble::start().await;
    hub.put_file("o/r", "a.md", "one");
    let sha = hub.commit("o/r");
    let (github, whole) = (github(&hub), repository("o/r"));

    hub.rate_limit(0, 90);
    let error = github.commit(&whole).await.unwrap_err();
    assert!(
        matches!(
            error,
            GitHubError::RateLimited {
                reset_s: Some(80..=90)
            }
        ),
        "{error:?}"
    );
    hub.no_rate_limit();
    hub.accept_only_token("another");
    assert_eq!(github.commit(&whole).await, Err(GitHubError::BadToken));
    let error = github.tarball(&whole, &sha).await.unwrap_err();
    assert_eq!(error, GitHubError::BadToken);

    let commits = "/repos/o/r/commits";
    let api = hub.api_site();
    let denied = |status, message: &str| GitHubError::Denied {
        status,
        message: message.to_owned(),
    };
    let limited = |reset_s| GitHubError::RateLimited { reset_s };
    let json = |text: &str| Answer::bytes("application/json", text.as_bytes());
    for (answer, expected) in [
        (
            json(r#"{"message": "SSO"}"#).with_status(403),
            denied(403, "SSO"),
        ),
        (
            Answer::html("<p>no").with_status(451),
            denied(451, "without a word"),
        ),
        (
            json("{}").with_status(403).header("retry-after", "7"),
            limited(Some(7)),
        ),
        (
            json(r#"{"message": "Secondary rate limit"}"#).with_status(403),
            limited(None),
        ),
        (Answer::status(429), limited(None)),
    ] {
        api.put(commits, answer);
        assert_eq!(github.commit(&whole).await, Err(expected));
    }
    for answer in [
        json("[{"),
        json(r#"[{"sha": "../x"}]"#),
        Answer::html("<p>hi"),
    ] {
        api.put(commits, answer);
        let error = github.commit(&whole).await.unwrap_err();
        assert!(matches!(error, GitHubError::BadAnswer { .. }), "{error}");
    }
    api.put(commits, json("[]").failing_first(2, 502, None));
    let error = github.commit(&whole).await.unwrap_err();
    assert!(matches!(error, GitHubError::NotFound { .. }), "{error}");
    api.put(commits, Answer::status(502));
    let error = github.commit(&whole).await.unwrap_err();
    assert!(
        matches!(
            error,
            GitHubError::Fetch(FetchError::Status { status: 502, .. })
        ),
        "{error}"
    );
    let elsewhere = format!("{commits}-elsewhere");
    api.put(&elsewhere, json("[]").broken_off());
    for location in [&format!("{elsewhere}?token=secret"), "ftp://secret/"] {
        api.put(commits, Answer::redirect(location));
        let error = github.commit(&whole).await.unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
    api.put(commits, Answer::redirect(commits));
    let error = github.commit(&whole).await.unwrap_err();
    assert!(
        matches!(
            error,
            GitHubError::Fetch(FetchError::TooManyRedirects { .. })
        ),
        "{error}"
    );
    api.go_down().await;
    let error = github.commit(&whole).await.unwrap_err();
    assert!(
        matches!(error, GitHubError::Fetch(FetchError::Unreachable { .. })),
        "{error}"
    );
}
