//! The double of GitHub's API.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;

use testsite::GitHubDouble;
use url::Url;

use crate::client::{Reply, get};

const REPOSITORY: &str = "Owner/Notes";

async fn ask(github: &GitHubDouble, path: &str, headers: &str) -> Reply {
    get(github.api_site().address(), path, headers)
        .await
        .unwrap()
}

fn shas(reply: &Reply) -> Vec<String> {
    let json = reply.json();
    let commits = json.as_array().unwrap().iter();
    commits
        .map(|commit| commit["sha"].as_str().unwrap().to_owned())
        .collect()
}

/// Three commits: two files; one of them changed; the other removed.
async fn notes() -> (GitHubDouble, [String; 3]) {
    let github = GitHubDouble::start().await;
    github.put_file(REPOSITORY, "docs/a.md", "one");
    github.put_file(REPOSITORY, "docs-old/b.md", "two");
    let first = github.commit(REPOSITORY);
    github.put_file(REPOSITORY, "docs/a.md", "three");
    let second = github.commit(REPOSITORY);
    github.remove_file(REPOSITORY, "docs-old/b.md");
    let third = github.commit(REPOSITORY);
    (github, [first, second, third])
}

#[tokio::test]
async fn the_log_is_newest_first_filtered_and_paged() {
    let (github, [first, second, third]) = notes().await;
    github.branch(REPOSITORY, "feature/x", &second);
    github.tag(REPOSITORY, "v1", &first);
    let all = [third.clone(), second.clone(), first.clone()];
    for (query, expected) in [
        ("", &all[..]),
        ("?sha=main", &all),
        ("?sha=feature%2Fx", &all[1..]),
        ("?sha=v1", &all[2..]),
        ("?path=docs", &all[1..]),
        ("?path=docs/a.md", &all[1..]),
        ("?path=nowhere", &[]),
        ("?path=docs-old&per_page=1", &all[..1]),
        ("?per_page=2&page=2", &all[2..]),
    ] {
        let reply = ask(&github, &format!("/repos/owner/notes/commits{query}"), "").await;
        assert_eq!(shas(&reply), expected, "{query}");
    }
    let paged = ask(&github, "/repos/owner/notes/commits?per_page=2", "").await;
    let next = paged.header("link").unwrap();
    let next = next
        .strip_prefix('<')
        .unwrap()
        .split_once(">; rel=\"next\"")
        .unwrap()
        .0;
    let next = Url::parse(next).unwrap();
    let last = ask(&github, &next[url::Position::BeforePath..], "").await;
    assert_eq!(
        (shas(&last), last.header("link")),
        (vec![first.clone()], None)
    );

    let known = format!("if-none-match: {}\r\n", paged.header("etag").unwrap());
    let path = "/repos/owner/notes/commits?per_page=2";
    assert_eq!(ask(&github, path, &known).await.status, 304);
    github.commit(REPOSITORY);
    assert_eq!(ask(&github, path, &known).await.status, 200);
}

#[tokio::test]
async fn references_and_comparisons_are_resolved() {
    let (github, [first, second, third]) = notes().await;
    github.branch(REPOSITORY, "feature/x", &second);
    let enterprise = "/api/v3/repos/owner/notes";
    assert_eq!(
        ask(&github, enterprise, "").await.json()["default_branch"],
        "main"
    );
    for (reference, sha) in [
        ("main", &third),
        ("HEAD", &third),
        ("feature/x", &second),
        ("refs%2Fheads%2Ffeature%2Fx", &second),
        (&first[..7], &first),
    ] {
        let reply = ask(
            &github,
            &format!("/repos/owner/notes/commits/{reference}"),
            "",
        )
        .await;
        assert_eq!(reply.json()["sha"], **sha, "{reference}");
    }
    let compare = format!("/repos/owner/notes/compare/{first}...main");
    assert_eq!(ask(&github, &compare, "").await.json()["ahead_by"], 2);
    // A force push: the head is no longer after what it was.
    github.branch(REPOSITORY, "main", &first);
    github.commit(REPOSITORY);
    let compare = format!("/repos/owner/notes/compare/{third}...main");
    let json = ask(&github, &compare, "").await.json();
    assert_eq!(
        (&json["status"], &json["ahead_by"]),
        (&"diverged".into(), &1.into())
    );
}

#[tokio::test]
async fn a_tarball_is_served_elsewhere_and_names_its_commit() {
    let (github, [first, ..]) = notes().await;
    let long = format!("docs/{}/ä.md", "long-name/".repeat(12));
    github.put_file(REPOSITORY, &long, "far down");
    github.commit(REPOSITORY);
    let redirect = ask(
        &github,
        "/repos/owner/notes/tarball/main",
        "authorization: Bearer t\r\n",
    )
    .await;
    assert_eq!(redirect.status, 302);
    let location = Url::parse(redirect.header("location").unwrap()).unwrap();
    assert_eq!(location.port(), github.codeload().port());
    let address = SocketAddr::from(([127, 0, 0, 1], location.port().unwrap()));
    let archive = get(address, location.path(), "").await.unwrap();

    let decoder = flate2::read::GzDecoder::new(&*archive.body);
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(decoder).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        files.insert(path, content);
    }
    let head = ask(&github, "/repos/owner/notes/commits/main", "").await;
    let sha = head.json()["sha"].as_str().unwrap().to_owned();
    let top = format!("Owner-Notes-{}", &sha[..7]);
    assert_eq!(files["pax_global_header"], format!("52 comment={sha}\n"));
    assert_eq!(files[&format!("{top}/docs/a.md")], "three");
    assert_eq!(files[&format!("{top}/{long}")], "far down");
    assert!(files.contains_key(&format!("{top}/docs/")));
    assert!(!files.contains_key(&format!("{top}/docs-old/b.md")));
    assert_ne!(sha, first);

    let told: Vec<_> = github
        .requests()
        .iter()
        .map(|seen| seen.header("authorization").is_some())
        .collect();
    assert_eq!(told, [true, false, false]);
}

#[tokio::test]
async fn what_cannot_be_answered_is_said_as_github_says_it() {
    let (github, [first, ..]) = notes().await;
    github.put_file("owner/empty", "README.md", "not committed");
    for (path, status) in [
        ("/repos/owner/missing", 404),
        ("/repos/owner/missing/commits", 404),
        ("/repos/owner/empty/commits", 409),
        ("/repos/owner/notes/commits?sha=missing", 404),
        ("/repos/owner/notes/commits/missing", 422),
        ("/repos/owner/notes/tarball/missing", 404),
        ("/repos/owner/notes/compare/0000000...main", 404),
        ("/elsewhere", 404),
    ] {
        let reply = ask(&github, path, "").await;
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.json()["message"].is_string(), "{path}");
    }
    github.accept_only_token("good");
    let path = format!("/repos/owner/notes/commits/{first}");
    for (headers, status) in [
        ("", 200),
        ("authorization: Bearer good\r\n", 200),
        ("authorization: token good\r\n", 200),
        ("authorization: Bearer bad\r\n", 401),
    ] {
        assert_eq!(
            ask(&github, &path, headers).await.status,
            status,
            "{headers}"
        );
    }
    github.rate_limit(1, 60);
    for (status, remaining) in [(200, "0"), (403, "0")] {
        let reply = ask(&github, &path, "").await;
        assert_eq!(
            (reply.status, reply.header("x-ratelimit-remaining")),
            (status, Some(remaining))
        );
        assert!(reply.header("x-ratelimit-reset").is_some());
    }
    github.no_rate_limit();
    assert_eq!(ask(&github, &path, "").await.status, 200);
}
