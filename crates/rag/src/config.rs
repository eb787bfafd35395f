//! Settings: where each value comes from, and what they amount to.
//!
//! [`Settings`] gathers texts from flags, the environment, `./.env`,
//! `~/.rag-memory-env` and defaults, in this order; [`Config`] is what they
//! mean, with nothing left to check. The environment is read here and nowhere
//! else.

mod folders;
mod secret;
mod server;
mod setting;
mod sources;
mod store;
mod web;

use std::path::PathBuf;
use std::time::Duration;

use rag_core::fuse::Fusion;
use rag_mcp::ToolSet;

pub(crate) use folders::Folders;
pub(crate) use secret::Secret;
pub(crate) use server::{AuthMode, OauthConfig, ServerConfig, TracesConfig};
pub(crate) use setting::{Name, Origin, Setting};
pub(crate) use sources::{Settings, unknown_settings};
pub(crate) use store::{PostgresConfig, StoreConfig};
pub(crate) use web::WebConfig;

/// What the settings mean.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where everything is kept.
    pub(crate) store: StoreConfig,
    /// What turns text into vectors.
    pub(crate) embedding: Embedding,
    /// The folders that files may be read from; `None` leaves it to the surface.
    pub(crate) file_roots: Option<Vec<PathBuf>>,
    /// The largest text of a document, in bytes.
    pub(crate) document_bytes_max: u64,
    /// How rankings are joined.
    pub(crate) fusion: Fusion,
    /// Which tools agents are offered.
    pub(crate) tools: ToolSet,
    /// What is fetched, and by what.
    pub(crate) web: WebConfig,
    /// How long a tool call waits for a job.
    pub(crate) job_wait: Duration,
    /// How `rag serve` serves.
    pub(crate) server: ServerConfig,
}

/// What turns text into vectors.
#[derive(Clone, Debug)]
pub(crate) enum Embedding {
    /// The model that is part of the program.
    Bundled,
    /// A model in a folder.
    Directory(PathBuf),
    /// An OpenAI-compatible endpoint.
    Remote {
        /// The model's name there.
        model: String,
        /// The dimensions of its vectors, where its name does not tell.
        dimensions: Option<usize>,
        /// The endpoint, up to `/v1`; may hold credentials.
        base_url: Secret,
        /// The key for it.
        api_key: Option<Secret>,
    },
}

/// A setting whose value cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The value is not of its kind.
    #[error(
        "{name} (from {origin}) is `{value}`, but must be {expected}\n\nhint: what is on the \
         command line wins over the environment, and that over files; `rag config` shows all"
    )]
    Invalid {
        /// The setting.
        name: Name,
        /// Where it came from.
        origin: Origin,
        /// Its value, masked if it is a secret.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A settings file cannot be read or parsed.
    #[error("cannot read the settings in `{}`: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Nobody knows whom tokens must be for.
    #[error(
        "RAG_OAUTH_ISSUER is set, but not whom its tokens must be for\n\nhint: set RAG_PUBLIC_URL, \
         or RAG_OAUTH_AUDIENCE to what the issuer writes into `aud`"
    )]
    NoAudience,
    /// The log level is none.
    #[error(
        "LOG_LEVEL is `{0}`, but must be error, warn, info, debug, trace, off or a filter such as \
         `warn,rag_store=debug`"
    )]
    LogLevel(String),
    /// There is no home directory to keep data in.
    #[error("there is no home directory to keep the memory in\n\nhint: set RAG_DATA_DIR")]
    NoHome,
}

impl Config {
    /// What `settings` mean.
    pub(crate) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Config {
            store: StoreConfig::new(settings)?,
            embedding: embedding(settings)?,
            file_roots: settings
                .value(Name::FileRoots)
                .map(|roots| std::env::split_paths(roots).collect()),
            document_bytes_max: settings
                .parse(
                    Name::DocumentBytesMax,
                    "a number of bytes from 1 to 1073741824",
                    |text| {
                        text.parse()
                            .ok()
                            .filter(|bytes| (1..=1 << 30).contains(bytes))
                    },
                )?
                .expect("it has a default"),
            fusion: settings
                .parse(Name::Fusion, "`convex` or `rrf`", |text| match text {
                    "convex" => Some(Fusion::Convex),
                    "rrf" => Some(Fusion::ReciprocalRank),
                    _ => None,
                })?
                .expect("it has a default"),
            tools: settings
                .parse(
                    Name::Tools,
                    "`all`, `read-only`, or names of tools separated by commas",
                    ToolSet::parse,
                )?
                .expect("it has a default"),
            web: WebConfig::new(settings)?,
            job_wait: settings
                .parse(
                    Name::JobWait,
                    "a number of seconds from 0 to 3600",
                    |text| {
                        let seconds = text.parse().ok().filter(|seconds| *seconds <= 3600)?;
                        Some(Duration::from_secs(seconds))
                    },
                )?
                .expect("it has a default"),
            server: ServerConfig::new(settings)?,
        })
    }
}

/// The parts of a list, which commas separate.
fn list(value: Option<&str>) -> Vec<String> {
    let parts = value.unwrap_or_default().split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn embedding(settings: &Settings) -> Result<Embedding, ConfigError> {
    let chosen = settings.value(Name::Embedding).expect("it has a default");
    if chosen == "local" {
        return Ok(Embedding::Bundled);
    }
    // A path says that it is one: `./model`, `/models/e5`, `~` is the shell's.
    if chosen.starts_with(['.', '/']) || chosen.contains('\\') {
        return Ok(Embedding::Directory(PathBuf::from(chosen)));
    }
    Ok(Embedding::Remote {
        model: chosen.to_owned(),
        dimensions: settings.parse(
            Name::EmbeddingDimensions,
            "a number from 1 to 65536",
            |text| {
                text.parse()
                    .ok()
                    .filter(|dimensions| (1..=65_536).contains(dimensions))
            },
        )?,
        base_url: Secret::new(
            settings
                .value(Name::OpenaiBaseUrl)
                .expect("it has a default"),
        ),
        api_key: settings.value(Name::OpenaiApiKey).map(Secret::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut all = vec![("RAG_DATA_DIR", "/data")];
        all.extend_from_slice(pairs);
        Config::new(&Settings::from_pairs(&all))
    }

    #[test]
    fn defaults() {
        let config = config(&[]).unwrap();
        assert_eq!(store(&[]), "Embedded(\"/data/memory.sqlite\")");
        assert!(matches!(config.embedding, Embedding::Bundled));
        let server = config.server;
        assert_eq!((server.host.as_str(), server.port), ("127.0.0.1", 8000));
        assert_eq!(server.auth, AuthMode::Auto);
        assert_eq!(config.file_roots, None);
    }

    fn store(pairs: &[(&str, &str)]) -> String {
        format!("{:?}", config(pairs).unwrap().store)
    }

    #[test]
    fn stores_are_named_by_their_address() {
        let postgres = "Postgres(PostgresConfig { url: ***, schema: \"rag\", connections_max: 10, migrate: true })";
        let qdrant = "Qdrant { url: \"http://db:6334\", api_key: None, prefix: \"rag\" }";
        for (pairs, expected) in [
            (&[("DATABASE_URL", "sqlite:m.db")][..], "Embedded(\"m.db\")"),
            (&[("DATABASE_URL", "sqlite:///m.db")], "Embedded(\"/m.db\")"),
            (&[("DATABASE_URL", "postgres://me:secret@db/rag")], postgres),
            (
                &[("DATABASE_URL", "postgresql://me:secret@db/rag")],
                postgres,
            ),
            (&[("DATABASE_URL", "qdrant://db:6334")], qdrant),
            (&[("DATABASE_URL", "qdrant://db")], qdrant),
            (&[("QDRANT_HOST", "db")], qdrant),
            (&[("QDRANT_HOST", "db"), ("QDRANT_PORT", "6334")], qdrant),
            (&[("QDRANT_URL", "http://db:6334")], qdrant),
            (
                &[
                    ("DATABASE_URL", "qdrants://db:1/"),
                    ("QDRANT_API_KEY", "secret"),
                ],
                "Qdrant { url: \"https://db:1\", api_key: Some(***), prefix: \"rag\" }",
            ),
            // What is said most exactly wins.
            (
                &[("QDRANT_HOST", "db"), ("DATABASE_URL", "sqlite:m.db")],
                "Embedded(\"m.db\")",
            ),
        ] {
            assert_eq!(store(pairs), expected);
        }
        let url = ("DATABASE_URL", "postgres://db/rag");
        for bad in ["", "Rag", "9a", "a-b", "a.b"] {
            assert!(config(&[url, ("RAG_DB_SCHEMA", bad)]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_embedder_is_said_never_guessed() {
        let key = ("OPENAI_API_KEY", "sk-secret");
        assert!(matches!(
            config(&[key]).unwrap().embedding,
            Embedding::Bundled
        ));
        let remote = config(&[key, ("RAG_EMBEDDING", "text-embedding-3-small")]).unwrap();
        assert!(matches!(
            remote.embedding,
            Embedding::Remote {
                api_key: Some(_),
                ..
            }
        ));
        assert!(!format!("{remote:?}").contains("sk-secret"));
        let folder = config(&[("RAG_EMBEDDING", "./model")]).unwrap();
        assert!(matches!(folder.embedding, Embedding::Directory(_)));
    }

    #[test]
    fn wrong_values_name_the_setting_and_its_origin() {
        for (name, value, expected) in [
            (
                "PORT",
                "http",
                "PORT (from the environment) is `http`, but must be a port from 0 to 65535",
            ),
            (
                "DATABASE_URL",
                "mysql://me:secret@db/rag",
                "DATABASE_URL (from the environment) is `***`, but must be `sqlite:PATH`, `postgres://user:password@host:5432/database` or `qdrant://host:6334`",
            ),
            (
                "RAG_FUSION",
                "sum",
                "RAG_FUSION (from the environment) is `sum`, but must be `convex` or `rrf`",
            ),
            (
                "RAG_JOB_WAIT",
                "3601",
                "RAG_JOB_WAIT (from the environment) is `3601`, but must be a number of seconds from 0 to 3600",
            ),
        ] {
            let error = config(&[(name, value)]).unwrap_err().to_string();
            assert_eq!(error.split("\n\n").next(), Some(expected));
        }
    }
}
