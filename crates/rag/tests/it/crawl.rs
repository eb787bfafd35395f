//! Web pages at the command line, with a real browser where they need one.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testsite::{Answer, Site, sites};

use crate::program::{Run, User};

/// A user who may reach a site, with the collection `docs`.
fn visitor(site: &Site) -> User {
    User::new()
        .with("RAG_ALLOW_PRIVATE_HOSTS", site.host())
        .with_collection("docs")
}

/// The addresses of the documents in `docs`, and how many there are.
pub(crate) fn sources(user: &User) -> (BTreeSet<String>, usize) {
    let list = user.json(&["document", "list", "-c", "docs", "--limit", "200"]);
    let documents = list["documents"].as_array().unwrap();
    let source = |document: &Value| document["source_uri"].as_str().unwrap().to_owned();
    (documents.iter().map(source).collect(), documents.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_put_in_and_kept_up_to_date() {
    let site = Site::start().await;
    sites::documentation(&site);
    let user = visitor(&site);
    let root = site.url("/").to_string();
    let crawl = [
        "ingest",
        "url",
        &root,
        "-c",
        "docs",
        "--follow-links",
        "--max-depth",
        "5",
    ];
    let run = user.rag(&crawl);
    let pages = sites::DOCUMENTATION_PAGES.len();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains(&format!("{pages} ingested (")),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("skipped ") && run.stdout.contains(sites::DOCUMENTATION_FORBIDDEN),
        "{}",
        run.stdout
    );
    assert_eq!(site.count(sites::DOCUMENTATION_FORBIDDEN), 0);
    let (addresses, documents) = sources(&user);
    assert_eq!(
        (addresses.len(), documents),
        (pages, pages),
        "{addresses:?}"
    );
    for (path, question, sentence) in sites::FACTS {
        let found = user.json(&["search", question, "-c", "docs", "--limit", "3"]);
        let hit = found["results"].as_array().unwrap().iter().find(|hit| {
            let content = hit["content"].as_str().unwrap().split_whitespace();
            content.collect::<Vec<_>>().join(" ").contains(sentence)
        });
        let hit = hit.unwrap_or_else(|| panic!("{question}: {found}"));
        assert_eq!(hit["source_uri"], site.url(path).as_str());
    }

    let again = user.rag(&crawl);
    assert_eq!(again.code, 4, "{}", again.stderr);
    assert!(again.stderr.contains("rag recrawl"), "{}", again.stderr);

    let recrawl = [
        "recrawl",
        &root,
        "-c",
        "docs",
        "--follow-links",
        "--max-depth",
        "5",
    ];
    let same = user.json(&recrawl);
    assert_eq!(
        (&same["pages_unchanged"], &same["pages_ingested"]),
        (&json!(pages), &json!(0)),
        "{same}"
    );
    site.remove("/guide/backup");
    let new = "<html><title>Errors</title><main><h1>Errors</h1><p>The relay says teapot when it is \
               asked for coffee, and nothing else at all.</p></main></html>";
    site.put("/reference/errors", Answer::html(new));
    let changed = user.json(&recrawl);
    assert_eq!(
        (&changed["pages_ingested"], &changed["old_pages_deleted"]),
        (&json!(1), &json!(1)),
        "{changed}"
    );
    site.go_down().await;
    let down = user.rag(&recrawl);
    assert_eq!(down.code, 9, "{}{}", down.stdout, down.stderr);
    assert_eq!(
        sources(&user).1,
        pages - 1,
        "a site that is down loses nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_renders_what_needs_one_and_does_not_stay() {
    let site = Site::start().await;
    sites::javascript(&site);
    let user = visitor(&site);
    let shells = ["/js/shell", "/js/fetched"];
    for path in shells {
        let url = site.url(path).to_string();
        let run = user.rag(&["ingest", "url", &url, "-c", "docs"]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        let (_, sentence) = sites::JAVASCRIPT_PAGES
            .iter()
            .find(|page| page.0 == path)
            .unwrap();
        let found = user.json(&["search", sentence, "-c", "docs"]);
        assert!(
            found.to_string().contains(sentence),
            "{}{found}",
            run.stdout
        );
    }
    assert_eq!(processes_of(&user), Vec::<String>::new());
    let url = site.url("/js/linked").to_string();
    let never = user.rag(&["ingest", "url", &url, "-c", "docs", "--render", "never"]);
    let told = format!("{}{}", never.stdout, never.stderr);
    assert!(told.contains("/js/linked"), "{told}");
    let without = user.command(&["ingest", "url", &url, "-c", "docs", "--render", "always"]);
    let mut without = without;
    without.env("RAG_CHROMIUM", "/nowhere/chromium");
    let without = Run::of(without, "");
    let told = format!("{}{}", without.stdout, without.stderr);
    assert!(told.contains("RAG_CHROMIUM"), "{told}");
}

/// The processes that this user's programs left behind.
#[cfg(target_os = "linux")]
fn processes_of(user: &User) -> Vec<String> {
    let home = format!("HOME={}", user.home().display());
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let own = processes.filter(|process| {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == home.as_bytes())
    });
    own.map(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    })
    .collect()
}

#[cfg(not(target_os = "linux"))]
fn processes_of(_: &User) -> Vec<String> {
    Vec::new()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_that_is_cut_says_how_to_go_on() {
    let site = Site::start().await;
    sites::many(&site, 30);
    let user = visitor(&site);
    let root = site.url("/").to_string();
    let options = [
        "-c",
        "docs",
        "--follow-links",
        "--max-depth",
        "3",
        "--max-pages",
    ];
    let cut = user.rag(&[&["ingest", "url", &root], &options[..], &["5"]].concat());
    assert_eq!(cut.code, 0, "{}{}", cut.stdout, cut.stderr);
    assert!(
        cut.stdout.contains("warning: ") && cut.stdout.contains("recrawl"),
        "{}",
        cut.stdout
    );
    let more = user.json(&[&["recrawl", &root], &options[..], &["100"]].concat());
    assert_eq!(
        (&more["pages_ingested"], &more["pages_unchanged"]),
        (&json!(25), &json!(5)),
        "{more}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_fail_are_named_and_tried_again() {
    let site = Site::start().await;
    let links = "<a href='/good'>good</a> <a href='/bad'>bad</a>";
    let page = |text: &str| {
        let text = format!("{text} ").repeat(30);
        Answer::html(format!(
            "<title>T</title><main><h1>T</h1><p>{text}</p>{links}</main>"
        ))
    };
    site.put("/", page("The lighthouse is painted white and red."));
    site.put("/good", page("The keeper counts the ships at dusk."));
    site.put("/bad", Answer::status(500));
    let user = visitor(&site);
    let root = site.url("/").to_string();
    let crawl = ["ingest", "url", &root, "-c", "docs", "--follow-links"];
    let run = user.rag(&crawl);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    let failed = format!("failed {}: ", site.url("/bad"));
    assert!(run.stdout.contains(&failed), "{}", run.stdout);
    assert!(run.stdout.contains("rag job retry "), "{}", run.stdout);

    let list = user.json(&["job", "list", "--collection", "docs"]);
    let id = list["jobs"][0]["job_id"].as_str().unwrap();
    let show = user.rag(&["job", "show", id]);
    assert!(show.stdout.contains(&failed), "{}", show.stdout);
    let all = user.json(&["job", "show", id, "--items", "all"]);
    assert_eq!(all["items"].as_array().unwrap().len(), 3, "{all}");

    site.put("/bad", page("The foghorn has been repaired since."));
    let retried = user.json(&[&crawl[..], &["--retry-failed"]].concat());
    assert_eq!(retried["job_id"], id, "{retried}");
    assert_eq!(
        (&retried["pages_failed"], &retried["pages_ingested"]),
        (&json!(0), &json!(3)),
        "{retried}"
    );
    let table = user.rag(&["job", "list"]).stdout;
    assert!(table.contains("crawl") && table.contains("done"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_reached_says_what_to_do() {
    let site = Site::start().await;
    sites::documentation(&site);
    let user = User::new().with_collection("docs");
    let root = site.url("/").to_string();
    for arguments in [
        &["ingest", "url", &root, "-c", "docs"][..],
        &["recrawl", &root, "-c", "docs"],
        &["analyze", &root],
    ] {
        let run = user.rag(arguments);
        assert_eq!(run.code, 5, "{arguments:?}: {}", run.stderr);
        assert!(
            run.stderr.contains("is a private address")
                && run.stderr.contains("RAG_ALLOW_PRIVATE_HOSTS"),
            "{arguments:?}: {}",
            run.stderr
        );
    }
    for (address, part) in [
        ("ftp://example.org/", "http"),
        ("not an address", "https://"),
    ] {
        let run = user.rag(&["ingest", "url", address, "-c", "docs"]);
        assert_eq!(run.code, 2, "{address}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{address}: {}", run.stderr);
    }
    assert_eq!(site.requests().len(), 0);
}
