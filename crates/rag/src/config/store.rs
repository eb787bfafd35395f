//! Which store, and what it needs to be reached.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use super::{ConfigError, Name, Secret, Settings};

/// The file of the embedded store in its data directory.
const STORE_FILE: &str = "memory.sqlite";
/// Where Qdrant listens for gRPC when nothing else is said.
const QDRANT_PORT: &str = "6334";

/// Where everything is kept.
#[derive(Clone, Debug)]
pub(crate) enum StoreConfig {
    /// A file of this program's own.
    Embedded(PathBuf),
    /// PostgreSQL with pgvector.
    Postgres(PostgresConfig),
    /// Qdrant.
    Qdrant {
        /// The address of its gRPC port.
        url: String,
        /// Its key.
        api_key: Option<Secret>,
        /// What the names of its collections begin with.
        prefix: String,
    },
}

/// A database of PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) struct PostgresConfig {
    /// Its address, with credentials.
    pub(crate) url: Secret,
    /// The schema of its tables.
    pub(crate) schema: String,
    /// How many connections may be open at once.
    pub(crate) connections_max: u32,
    /// Whether its tables are brought to the newest version unasked.
    pub(crate) migrate: bool,
}

const A_NAME: &str = "a name of 1 to 63 of a-z, 0-9 and `_` that begins with no digit";

const EXPECTED: &str = "`sqlite:PATH`, `postgres://user:password@host:5432/database` or \
                        `qdrant://host:6334`";

impl StoreConfig {
    /// The store that the settings name.
    pub(super) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let named = |url: &str| Self::at(url, settings);
        if let Some(store) = settings.parse(Name::DatabaseUrl, EXPECTED, named)? {
            return store;
        }
        if let Some(url) = settings.value(Name::QdrantUrl) {
            return qdrant(url.to_owned(), settings);
        }
        if let Some(host) = settings.value(Name::QdrantHost) {
            let port = settings.value(Name::QdrantPort).unwrap_or(QDRANT_PORT);
            return qdrant(format!("http://{host}:{port}"), settings);
        }
        let directory = match settings.value(Name::DataDir) {
            Some(directory) => PathBuf::from(directory),
            None => etcetera::base_strategy::choose_native_strategy()
                .map_err(|_| ConfigError::NoHome)?
                .data_dir()
                .join("rag-memory"),
        };
        Ok(StoreConfig::Embedded(directory.join(STORE_FILE)))
    }

    /// The store at `url`; `None` when that is no address of one.
    pub(crate) fn at(url: &str, settings: &Settings) -> Option<Result<Self, ConfigError>> {
        let (scheme, rest) = url.split_once(':')?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() {
            return None;
        }
        match scheme {
            "sqlite" => Some(Ok(StoreConfig::Embedded(PathBuf::from(path)))),
            "postgres" | "postgresql" => Some(postgres(url, settings)),
            "qdrant" | "qdrants" => {
                let scheme = if scheme == "qdrants" { "https" } else { "http" };
                let authority = path.trim_end_matches('/');
                let port = match authority.rsplit_once(':') {
                    Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                        String::new()
                    }
                    _ => format!(":{QDRANT_PORT}"),
                };
                Some(qdrant(format!("{scheme}://{authority}{port}"), settings))
            }
            _ => None,
        }
    }
}

fn qdrant(url: String, settings: &Settings) -> Result<StoreConfig, ConfigError> {
    let prefix = settings.parse(Name::QdrantPrefix, A_NAME, |name| {
        is_name(name).then(|| name.to_owned())
    })?;
    Ok(StoreConfig::Qdrant {
        url,
        api_key: settings.value(Name::QdrantApiKey).map(Secret::new),
        prefix: prefix.expect("it has a default"),
    })
}

fn postgres(url: &str, settings: &Settings) -> Result<StoreConfig, ConfigError> {
    let schema = settings.parse(Name::DbSchema, A_NAME, |name| {
        is_name(name).then(|| name.to_owned())
    })?;
    let connections_max =
        settings.parse(Name::DbConnections, "a number from 1 to 1000", |text| {
            text.parse()
                .ok()
                .filter(|count| (1..=1_000).contains(count))
        })?;
    let migrate = settings.parse(Name::DbMigrate, "`true` or `false`", |text| {
        text.parse().ok()
    })?;
    Ok(StoreConfig::Postgres(PostgresConfig {
        url: Secret::new(url),
        schema: schema.expect("it has a default"),
        connections_max: connections_max.expect("it has a default"),
        migrate: migrate.expect("it has a default"),
    }))
}

fn is_name(name: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=63).contains(&name.len())
        && name.bytes().all(is_fit)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}
