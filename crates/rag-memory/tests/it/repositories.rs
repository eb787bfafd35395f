//! Putting repositories in, against a double of GitHub.

use rag_memory::api::{GetIndexStatus, IngestRepository, JobStatus, ListDocuments};
use rag_memory::{ErrorKind, Watch};
use testsite::GitHubDouble;

use crate::Fixture;

const REPOSITORY: &str = "acme/handbook";

async fn double() -> (Fixture, GitHubDouble) {
    let github = GitHubDouble::start().await;
    for (path, content) in [
        (
            "docs/index.md",
            "# Handbook\n\nThe relay listens on port 7411.",
        ),
        (
            "docs/deep/retries.md",
            "# Retries\n\nEvery message is retried nine times.",
        ),
        ("docs/logo.png", "\u{89}PNG not really"),
        ("src/main.rs", "fn main() {}"),
        ("README.md", "# Acme"),
    ] {
        github.put_file(REPOSITORY, path, content);
    }
    github.commit(REPOSITORY);
    let mut fixture = Fixture::new().await;
    fixture.reopen_at(&github.api());
    (fixture, github)
}

impl Fixture {
    async fn sync(&self, repository: &str) -> rag_memory::api::RepositoryIngested {
        let request = IngestRepository::new(repository, "docs");
        self.memory
            .ingest_repository(request, &Watch::nobody())
            .await
            .unwrap()
    }

    async fn paths(&self) -> Vec<String> {
        let request = ListDocuments {
            include_details: true,
            ..ListDocuments::default()
        };
        let list = self.memory.list_documents(request).await.unwrap();
        let path =
            |metadata: rag_memory::api::Object| metadata["path"].as_str().unwrap().to_owned();
        let mut paths: Vec<_> = list
            .documents
            .into_iter()
            .filter_map(|item| item.metadata)
            .map(path)
            .collect();
        paths.sort();
        paths
    }
}

#[tokio::test]
async fn only_what_changed_is_put_in_again() {
    let (fixture, github) = double().await;
    let first = fixture.sync(REPOSITORY).await;
    assert_eq!((first.status, first.files_ingested), (JobStatus::Done, 3));
    assert_eq!(
        fixture.paths().await,
        ["README.md", "docs/deep/retries.md", "docs/index.md"]
    );

    let again = fixture.sync(REPOSITORY).await;
    assert!(again.up_to_date);
    let tarballs = || {
        github
            .requests()
            .iter()
            .filter(|seen| seen.path().contains("tarball"))
            .count()
    };
    assert_eq!(tarballs(), 1, "nothing was fetched the second time");

    github.put_file(
        REPOSITORY,
        "docs/index.md",
        "# Handbook\n\nThe relay listens on port 7500.",
    );
    github.remove_file(REPOSITORY, "README.md");
    let sha = github.commit(REPOSITORY);
    let moved = fixture.sync(REPOSITORY).await;
    assert_eq!(
        (
            moved.files_ingested,
            moved.files_unchanged,
            moved.files_removed
        ),
        (1, 1, 1)
    );
    assert_eq!(moved.source_commit, Some(sha));
    assert_eq!(
        fixture.paths().await,
        ["docs/deep/retries.md", "docs/index.md"]
    );
}

#[tokio::test]
async fn a_folder_a_pattern_and_a_reference_narrow_it() {
    let (fixture, github) = double().await;
    let docs = fixture.sync("acme/handbook/docs").await;
    assert_eq!(docs.files_ingested, 2);
    let request = IngestRepository {
        include: vec!["**/*.rs".to_owned()],
        ..IngestRepository::new("https://github.com/acme/handbook", "docs")
    };
    let code = fixture
        .memory
        .ingest_repository(request, &Watch::nobody())
        .await
        .unwrap();
    assert_eq!(code.files_ingested, 1);

    let old = github.commit(REPOSITORY);
    github.tag(REPOSITORY, "v1", &old);
    github.put_file(
        REPOSITORY,
        "docs/new.md",
        "# New\n\nNot in the first version.",
    );
    github.commit(REPOSITORY);
    let tagged = fixture.sync("acme/handbook/docs@v1").await;
    assert_eq!(tagged.files_found, 2);
}

#[tokio::test]
async fn the_index_status_tells_how_far_behind_it_is() {
    let (fixture, github) = double().await;
    let synced = fixture.sync(REPOSITORY).await;
    let ask = || async {
        let request = GetIndexStatus {
            collection_name: "docs".to_owned(),
        };
        fixture.memory.get_index_status(request).await.unwrap()
    };
    let status = ask().await;
    assert_eq!((status.total_docs, status.sources.len()), (3, 1));
    assert_eq!(status.sources[0].source_commit, synced.source_commit);
    assert_eq!(status.sources[0].commits_behind, Some(0));
    assert!(status.last_sync_time.is_some());
    for text in ["one", "two"] {
        github.put_file(REPOSITORY, "docs/index.md", text);
        github.commit(REPOSITORY);
    }
    let source = &ask().await.sources[0];
    assert_eq!(source.commits_behind, Some(2));
    assert!(
        source
            .stale_warning
            .as_ref()
            .unwrap()
            .contains("2 commits behind")
    );
    github.rate_limit(0, 60);
    let source = &ask().await.sources[0];
    assert_eq!(source.commits_behind, None);
    assert!(source.stale_warning.as_ref().unwrap().contains("not known"));
}

#[tokio::test]
async fn what_cannot_be_had_leaves_everything_as_it_was() {
    let (fixture, github) = double().await;
    fixture.sync(REPOSITORY).await;
    github.put_file(REPOSITORY, "docs/index.md", "changed");
    github.commit(REPOSITORY);
    github.rate_limit(0, 60);
    let request = IngestRepository::new(REPOSITORY, "docs");
    let error = fixture
        .memory
        .ingest_repository(request, &Watch::nobody())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
    assert_eq!(fixture.paths().await.len(), 3);
    github.no_rate_limit();
    assert_eq!(fixture.sync(REPOSITORY).await.files_ingested, 1);

    for (repository, kind) in [
        ("acme/none", ErrorKind::NotFound),
        ("acme/handbook@none", ErrorKind::NotFound),
        ("acme", ErrorKind::Invalid),
        ("acme/hand book", ErrorKind::Invalid),
    ] {
        let request = IngestRepository::new(repository, "docs");
        let error = fixture
            .memory
            .ingest_repository(request, &Watch::nobody())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{repository}: {error}");
    }
}
