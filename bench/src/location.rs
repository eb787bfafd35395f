//! The stores that are measured: which kind and where, and a new one there.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use qdrant_client::Qdrant;
use rag_core::port::Store;
use rag_store::embedded::EmbeddedStore;
use rag_store::postgres::{PostgresOptions, PostgresStore};
use rag_store::qdrant::{QdrantOptions, QdrantStore};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tempfile::TempDir;
use url::Url;

use crate::process::Process;

/// Where stores can be made, and of which kind.
#[derive(Clone, Debug)]
pub(crate) enum StoreUrl {
    /// `sqlite:` is the folder for temporary files, `sqlite:FOLDER` another one.
    Sqlite(Option<PathBuf>),
    /// `postgres://user:password@host:port/database`.
    Postgres(String),
    /// `qdrant://host:port`, the gRPC port.
    Qdrant(String),
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(folder) = text.strip_prefix("sqlite:") {
            let folder = (!folder.is_empty()).then(|| PathBuf::from(folder));
            return Ok(StoreUrl::Sqlite(folder));
        }
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Ok(StoreUrl::Postgres(text.to_owned())),
            Some(("qdrant", address)) => Ok(StoreUrl::Qdrant(format!("http://{address}"))),
            _ => Err("it must be sqlite:[FOLDER], postgres://… or qdrant://HOST:PORT".to_owned()),
        }
    }
}

impl StoreUrl {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            StoreUrl::Sqlite(_) => "embedded",
            StoreUrl::Postgres(_) => "postgres",
            StoreUrl::Qdrant(_) => "qdrant",
        }
    }

    /// A store that nobody has used yet. [`Fresh::remove`] takes it out of its
    /// server; a measurement that fails leaves it there.
    pub(crate) fn fresh(&self) -> anyhow::Result<Fresh> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench_{}_{number}", std::process::id());
        let (location, folder) = match self {
            StoreUrl::Sqlite(parent) => {
                let folder = match parent {
                    Some(parent) => tempfile::tempdir_in(parent)?,
                    None => tempfile::tempdir()?,
                };
                let path = folder.path().join("memory.sqlite");
                (Location::Embedded { path }, Some(folder))
            }
            StoreUrl::Postgres(url) => {
                let (url, schema) = (url.clone(), name);
                (Location::Postgres { url, schema }, None)
            }
            StoreUrl::Qdrant(url) => {
                let (url, prefix) = (url.clone(), name);
                (Location::Qdrant { url, prefix }, None)
            }
        };
        Ok(Fresh {
            location,
            _folder: folder,
        })
    }
}

/// A store that is removed after it was measured.
pub(crate) struct Fresh {
    pub(crate) location: Location,
    /// Goes with it.
    _folder: Option<TempDir>,
}

/// Where one store is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Location {
    Embedded { path: PathBuf },
    Postgres { url: String, schema: String },
    Qdrant { url: String, prefix: String },
}

impl Location {
    pub(crate) fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        Ok(match self {
            Location::Embedded { path } => Arc::new(EmbeddedStore::open(path)?),
            Location::Postgres { url, schema } => Arc::new(PostgresStore::new(PostgresOptions {
                schema: schema.clone(),
                ..PostgresOptions::new(url)
            })?),
            Location::Qdrant { url, prefix } => Arc::new(QdrantStore::new(QdrantOptions {
                prefix: prefix.clone(),
                ..QdrantOptions::new(url)
            })?),
        })
    }

    /// The settings that name it to the program, by their variables.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        match self {
            Location::Embedded { path } => {
                vec![("DATABASE_URL", format!("sqlite:{}", path.display()))]
            }
            Location::Postgres { url, schema } => vec![
                ("DATABASE_URL", url.clone()),
                ("RAG_DB_SCHEMA", schema.clone()),
            ],
            Location::Qdrant { url, prefix } => vec![
                ("QDRANT_URL", url.clone()),
                ("RAG_QDRANT_PREFIX", prefix.clone()),
            ],
        }
    }

    /// The server's process, where it runs on this machine.
    pub(crate) fn server(&self) -> Option<Process> {
        let (Location::Postgres { url, .. } | Location::Qdrant { url, .. }) = self else {
            return None;
        };
        let url = Url::parse(url).ok()?;
        let is_here = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
        let port = url.port().filter(|_| is_here)?;
        Process::listening_on(port)
    }

    /// Does what the server would do within minutes of writing much, so that it
    /// does not happen while something is measured.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        if let Location::Postgres { url, schema } = self {
            let mut connection = PgConnection::connect(url).await?;
            for table in tables(&mut connection, schema).await? {
                let vacuum = format!("VACUUM (ANALYZE) \"{schema}\".\"{table}\"");
                let vacuum = sqlx::raw_sql(AssertSqlSafe(vacuum));
                vacuum.execute(&mut connection).await?;
            }
        }
        Ok(())
    }

    /// Its size on disk, with indexes and logs of its own; `None` where the
    /// server does not tell.
    pub(crate) async fn size(&self) -> anyhow::Result<Option<u64>> {
        match self {
            Location::Embedded { path } => {
                let folder = path.parent().context("it is in a folder")?;
                let mut size = 0;
                for entry in std::fs::read_dir(folder)? {
                    size += entry?.metadata()?.len();
                }
                Ok(Some(size))
            }
            Location::Postgres { url, schema } => {
                let mut connection = PgConnection::connect(url).await?;
                let sizes = sqlx::query(
                    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                     WHERE relnamespace = to_regnamespace($1) AND relkind = 'r'",
                );
                let row = sizes.bind(schema).fetch_one(&mut connection).await?;
                Ok(Some(u64::try_from(row.try_get::<i64, _>(0)?)?))
            }
            Location::Qdrant { .. } => Ok(None),
        }
    }
}

impl Fresh {
    /// Takes it out of its server.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        match &self.location {
            Location::Embedded { .. } => {}
            Location::Postgres { url, schema } => {
                let mut connection = PgConnection::connect(url).await?;
                let drop = format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE");
                let drop = sqlx::raw_sql(AssertSqlSafe(drop));
                drop.execute(&mut connection).await?;
            }
            Location::Qdrant { url, prefix } => {
                let client = Qdrant::from_url(url).skip_compatibility_check().build()?;
                for collection in client.list_collections().await?.collections {
                    if collection.name.starts_with(prefix.as_str()) {
                        client.delete_collection(collection.name).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

async fn tables(connection: &mut PgConnection, schema: &str) -> anyhow::Result<Vec<String>> {
    let select = sqlx::query("SELECT tablename::text FROM pg_tables WHERE schemaname = $1");
    let rows = select.bind(schema).fetch_all(connection).await?;
    let names: Result<_, _> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(names?)
}
