//! Makes the memory that the configuration names. The only place that knows
//! which stores, embedders and browsers there are.

use std::sync::Arc;
use std::time::Duration;

use rag_core::port::{Embedder, Store};
use rag_embed::{LocalEmbedder, RemoteEmbedder, RemoteOptions};
use rag_memory::{Error, Memory, MemoryOptions, Web};
use rag_source::FileRoots;
use rag_store::embedded::EmbeddedStore;
use rag_store::legacy::LegacyPostgres;
use rag_store::postgres::{PostgresOptions, PostgresStore};
use rag_store::qdrant::{QdrantOptions, QdrantStore};
use rag_web::{Fetcher, FetcherOptions, GitHub, GitHubOptions, Guard, Renderer};

use crate::config::{Config, Embedding, PostgresConfig, StoreConfig, WebConfig};

/// The most bytes of a repository's tarball, compressed.
const TARBALL_BYTES_MAX: u64 = 512 << 20;

/// How long the first call waits for a Qdrant that is still coming up: one that
/// starts beside this program takes seconds. A server goes on without it after that.
const QDRANT_STARTUP_WAIT: Duration = Duration::from_secs(15);

/// When a process first sweeps a store that has no transactions, and how often after.
const SWEEP_FIRST: Duration = Duration::from_secs(60);
const SWEEP_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// The memory of `config`, which may read files below `file_roots`. Opens the
/// store's file, or gets ready to reach its server; loads no model and starts no
/// browser.
pub(crate) fn memory(config: &Config, file_roots: FileRoots) -> Result<Memory, Error> {
    let store = store(&config.store)?;
    let embedder: Arc<dyn Embedder> = match &config.embedding {
        Embedding::Bundled => Arc::new(LocalEmbedder::bundled()),
        Embedding::Directory(path) => Arc::new(LocalEmbedder::from_directory(path)?),
        Embedding::Remote {
            model,
            dimensions,
            base_url,
            api_key,
        } => Arc::new(RemoteEmbedder::new(RemoteOptions {
            base_url: base_url.reveal().to_owned(),
            api_key: api_key.as_ref().map(|key| key.reveal().to_owned()),
            dimensions: *dimensions,
            ..RemoteOptions::new(model)
        })?),
    };
    let options = MemoryOptions {
        file_roots,
        document_bytes_max: config.document_bytes_max,
        fusion: config.fusion,
        job_wait: config.job_wait,
        web: web(&config.web, config.document_bytes_max),
    };
    Ok(Memory::new(store, embedder, options))
}

fn store(config: &StoreConfig) -> Result<Arc<dyn Store>, Error> {
    Ok(match config {
        StoreConfig::Embedded(path) => Arc::new(EmbeddedStore::open(path)?),
        StoreConfig::Postgres(config) => Arc::new(postgres(config)?),
        StoreConfig::Qdrant {
            url,
            api_key,
            prefix,
        } => {
            let store = QdrantStore::new(QdrantOptions {
                prefix: prefix.clone(),
                startup_wait: QDRANT_STARTUP_WAIT,
                api_key: api_key.as_ref().map(|key| key.reveal().to_owned()),
                ..QdrantOptions::new(url)
            })?;
            tokio::spawn(keep_swept(store.clone()));
            Arc::new(store)
        }
    })
}

/// Takes what crashes left behind out of a store, now and then, for as long as the
/// process lives. Commands that are over soon leave it to servers.
async fn keep_swept(store: QdrantStore) {
    let mut pause = SWEEP_FIRST;
    loop {
        tokio::time::sleep(pause).await;
        match store.sweep().await {
            Ok(0) => {}
            Ok(points) => tracing::info!(points, "swept what was left behind in the store"),
            Err(error) => tracing::warn!("cannot sweep the store: {error}"),
        }
        pause = SWEEP_EVERY;
    }
}

/// Brings a store to the newest version of its schema, and says in which words.
pub(crate) async fn migrate(config: &StoreConfig) -> Result<String, Error> {
    if let StoreConfig::Postgres(config) = config {
        let schema = &config.schema;
        let migrated = postgres(config)?.migrate().await?;
        return Ok(match migrated.from == migrated.to {
            true => format!("schema `{schema}` has version {}, the newest", migrated.to),
            false => format!(
                "brought schema `{schema}` from version {} to {}",
                migrated.from, migrated.to
            ),
        });
    }
    // The others see to it themselves when they are used.
    let status = store(config)?.status().await?;
    Ok(format!("{} has the newest version", status.location))
}

fn postgres(config: &PostgresConfig) -> Result<PostgresStore, Error> {
    Ok(PostgresStore::new(PostgresOptions {
        schema: config.schema.clone(),
        connections_max: config.connections_max,
        migrate: config.migrate,
        ..PostgresOptions::new(config.url.reveal())
    })?)
}

/// The database of the first prior system at `url`. Its times are in `time_zone`,
/// or else in the server's.
pub(crate) async fn legacy(url: &str, time_zone: Option<&str>) -> Result<LegacyPostgres, Error> {
    let source = LegacyPostgres::open(url).await?;
    match time_zone {
        Some(name) => Ok(source.in_time_zone(name).await?),
        None => Ok(source),
    }
}

/// What fetches, all of it behind one guard.
fn web(config: &WebConfig, body_bytes_max: u64) -> Web {
    let guard = Arc::new(config.guard.clone());
    let options = FetcherOptions {
        body_bytes_max,
        ..FetcherOptions::default()
    };
    let github = GitHubOptions {
        api: config.github_api.clone(),
        token: config
            .github_token
            .as_ref()
            .map(|token| token.reveal().to_owned()),
        tarball_bytes_max: TARBALL_BYTES_MAX,
    };
    Web {
        fetcher: Fetcher::new(guard.clone(), options),
        github: GitHub::new(guard.clone(), github),
        renderer: renderer(config, guard),
    }
}

#[cfg(feature = "browser")]
fn renderer(config: &WebConfig, guard: Arc<Guard>) -> Option<Arc<dyn Renderer>> {
    let options = browser_options(config);
    Some(Arc::new(rag_browser::Browser::new(guard, options)))
}

#[cfg(not(feature = "browser"))]
fn renderer(_: &WebConfig, _: Arc<Guard>) -> Option<Arc<dyn Renderer>> {
    None
}

/// The browser that renders pages, for people; the error says why there is none.
#[cfg(feature = "browser")]
pub(crate) fn browser(config: &WebConfig) -> Result<String, String> {
    if config.browser_url.is_some() {
        return Ok("the one that runs at RAG_BROWSER_URL".to_owned());
    }
    match rag_browser::Browser::find(&browser_options(config)) {
        Ok(program) => Ok(program.display().to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// The browser that renders pages, for people; the error says why there is none.
#[cfg(not(feature = "browser"))]
pub(crate) fn browser(_: &WebConfig) -> Result<String, String> {
    Err("this program was built without the feature `browser`".to_owned())
}

#[cfg(feature = "browser")]
fn browser_options(config: &WebConfig) -> rag_browser::BrowserOptions {
    let mut options = rag_browser::BrowserOptions::default();
    let usual = std::mem::take(&mut options.folders);
    options.folders = config
        .program_folders
        .iter()
        .cloned()
        .chain(usual)
        .collect();
    options.program.clone_from(&config.chromium);
    options.remote = config.browser_url.as_ref().map(|url| {
        let checked = url::Url::parse(url.reveal());
        checked.expect("the configuration made it of an address")
    });
    options
}
