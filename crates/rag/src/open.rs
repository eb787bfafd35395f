//! Makes the memory that the configuration names. The only place that knows
//! which stores, embedders and browsers there are.

use std::sync::Arc;

use rag_core::port::{Embedder, Store};
use rag_embed::{LocalEmbedder, RemoteEmbedder, RemoteOptions};
use rag_memory::{Error, Memory, MemoryOptions, Web};
use rag_source::FileRoots;
use rag_store::embedded::EmbeddedStore;
use rag_web::{Fetcher, FetcherOptions, GitHub, GitHubOptions, Guard, Renderer};

use crate::config::{Config, Embedding, WebConfig};

/// The most bytes of a repository's tarball, compressed.
const TARBALL_BYTES_MAX: u64 = 512 << 20;

/// The memory of `config`, which may read files below `file_roots`. Opens the
/// store; loads no model and starts no browser.
pub(crate) fn memory(config: &Config, file_roots: FileRoots) -> Result<Memory, Error> {
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(&config.store_path)?);
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
