//! Repositories, from a double of GitHub.

use serde_json::json;
use testsite::GitHubDouble;

use crate::program::User;

/// A double of GitHub with the repository `me/lib`, and a user who may reach it.
async fn connected() -> (GitHubDouble, User) {
    let github = GitHubDouble::start().await;
    github.put_file("me/lib", "README.md", "# Lib\n\nThe library counts sheep.");
    github.put_file(
        "me/lib",
        "docs/guide.md",
        "# Guide\n\nBegin with one sheep.",
    );
    github.put_file(
        "me/lib",
        "docs/old/notes.md",
        "# Notes\n\nGoats were dropped.",
    );
    github.put_file("me/lib", "src/lib.rs", "pub fn sheep() {}");
    github.commit("me/lib");
    let user = User::new()
        .with("RAG_ALLOW_PRIVATE_HOSTS", github.hosts().join(","))
        .with("GITHUB_API_URL", github.api())
        .with("GITHUB_TOKEN", "ghp_test")
        .with_collection("lib");
    (github, user)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_fetched_again() {
    let (github, user) = connected().await;
    let ingest = [
        "ingest",
        "github",
        "me/lib",
        "-c",
        "lib",
        "--exclude",
        "docs/old/**",
    ];
    let first = user.rag(&ingest);
    assert_eq!(first.code, 0, "{}{}", first.stdout, first.stderr);
    assert!(first.stdout.contains("2 ingested"), "{}", first.stdout);
    let found = user.json(&["search", "What does the library count?", "-c", "lib"]);
    assert!(
        found["results"][0]["content"]
            .as_str()
            .unwrap()
            .contains("sheep"),
        "{found}"
    );

    github.clear_requests();
    let same = user.rag(&ingest).stdout;
    assert!(same.contains("up to date"), "{same}");
    let paths: Vec<String> = github
        .requests()
        .iter()
        .map(|r| r.path_and_query.clone())
        .collect();
    assert!(!paths.iter().any(|path| path.contains("tar")), "{paths:?}");

    github.put_file(
        "me/lib",
        "docs/guide.md",
        "# Guide\n\nBegin with two sheep.",
    );
    github.remove_file("me/lib", "README.md");
    let head = github.commit("me/lib");
    let status = user.json(&["collection", "status", "lib"]);
    assert_eq!(status["sources"][0]["commits_behind"], 1, "{status}");
    let shown = user.rag(&["collection", "status", "lib"]).stdout;
    assert!(shown.contains("me/lib"), "{shown}");

    let again = user.json(&ingest);
    assert_eq!(again["source_commit"], head.as_str(), "{again}");
    let counts = ["files_ingested", "files_unchanged", "files_removed"];
    assert_eq!(
        counts.map(|name| again[name].clone()),
        [json!(1), json!(0), json!(1)],
        "{again}"
    );
    let status = user.json(&["collection", "status", "lib"]);
    assert_eq!(status["total_docs"], 1, "{status}");
    assert_ne!(status["sources"][0]["commits_behind"], 1, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_goes_to_the_api_only() {
    let (github, user) = connected().await;
    user.json(&["ingest", "github", "me/lib/docs", "-c", "lib"]);
    let api = github.api_site().host();
    let requests = github.requests();
    assert!(requests.len() >= 2);
    for request in requests {
        let sent = request
            .header("authorization")
            .is_some_and(|value| value.contains("ghp_test"));
        let to_api = request.header("host") == Some(api.as_str());
        assert_eq!(sent, to_api, "{}", request.path_and_query);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_told() {
    let (github, user) = connected().await;
    let failing = |repository: &str, code: i32, part: &str| {
        let run = user.rag(&["ingest", "github", repository, "-c", "lib"]);
        assert_eq!(run.code, code, "{repository}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{repository}: {}", run.stderr);
    };
    failing("lib", 2, "owner/repo");
    failing("me/none", 3, "me/none");
    failing("me/lib@none", 3, "none");
    github.rate_limit(0, 600);
    failing("me/lib", 8, "rate limit");
    github.no_rate_limit();
    github.accept_only_token("another");
    failing("me/lib", 5, "GITHUB_TOKEN");
}
