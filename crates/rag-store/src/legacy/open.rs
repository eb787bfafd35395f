//! Connects to a database of the first prior system, and makes sure that it is one.

use std::str::FromStr;
use std::time::Duration;

use rag_core::port::LegacyError;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection, Postgres, Row, Transaction};

use super::{BEGIN, LegacyPostgres};

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(15);

/// The columns that are read.
const COLUMNS: [(&str, &[&str]); 4] = [
    ("collections", &["id", "name", "description", "created_at"]),
    (
        "source_documents",
        &[
            "id",
            "filename",
            "content",
            "file_type",
            "metadata",
            "created_at",
            "updated_at",
        ],
    ),
    (
        "document_chunks",
        &[
            "id",
            "source_document_id",
            "chunk_index",
            "content",
            "embedding",
        ],
    ),
    ("chunk_collections", &["chunk_id", "collection_id"]),
];

impl LegacyPostgres {
    /// Opens the database at a `postgres://` address. Its times are taken to be in
    /// the server's time zone.
    pub async fn open(url: &str) -> Result<Self, LegacyError> {
        let is_postgres = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        if !is_postgres {
            let message = "the address of an earlier memory begins with `postgres://`";
            return Err(LegacyError::Invalid(message.to_owned()));
        }
        // What is wrong with an address may be its password: it is not repeated.
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            let message = "the address is not one of PostgreSQL: write it like \
                 `postgres://user@host:5432/database`, with special characters percent-encoded";
            LegacyError::Invalid(message.to_owned())
        })?;
        let options = options
            .application_name("rag import-legacy")
            // Poolers may not keep prepared statements, and refuse settings they do
            // not know. Numbers come in binary, so that their digits do not matter.
            .statement_cache_capacity(0)
            .extra_float_digits(None);
        let location = location(&options);
        // A pool would tell of a timeout only.
        connect(&options, &location).await?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(CONNECT_MAX)
            .connect_lazy_with(options);
        let time_zone = look(&pool, &location).await?;
        Ok(LegacyPostgres {
            pool,
            location,
            time_zone,
        })
    }

    /// Takes its times to be in the zone of that name, such as `Europe/Berlin`.
    pub async fn in_time_zone(self, name: &str) -> Result<Self, LegacyError> {
        let check = async {
            let mut reading = self.pool.begin_with(BEGIN).await?;
            let query = sqlx::query("SELECT 1 FROM pg_timezone_names WHERE name = $1");
            let known = query.bind(name).persistent(false);
            let known = known.fetch_optional(&mut *reading).await?;
            reading.commit().await?;
            Ok(known.is_some())
        };
        let known = check
            .await
            .map_err(|error| self.failed("time zones", error))?;
        if !known {
            let message = format!(
                "`{name}` is not a time zone that {} knows: write it like `Europe/Berlin` or `UTC`",
                self.location
            );
            return Err(LegacyError::Invalid(message));
        }
        Ok(LegacyPostgres {
            time_zone: name.to_owned(),
            ..self
        })
    }
}

/// Where the database is, without user and password.
fn location(options: &PgConnectOptions) -> String {
    let database = options
        .get_database()
        .unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{} {database}", socket.display()),
        None => format!("{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

async fn connect(options: &PgConnectOptions, location: &str) -> Result<(), LegacyError> {
    let unavailable = |source| LegacyError::Unavailable {
        action: format!("connect to {location}"),
        source,
    };
    let connecting = PgConnection::connect_with(options);
    match tokio::time::timeout(CONNECT_MAX, connecting).await {
        Ok(Ok(connection)) => {
            // The server notices by itself when this does not reach it.
            let _ = connection.close().await;
            Ok(())
        }
        Ok(Err(error)) => Err(unavailable(error.into())),
        Err(_) => {
            let message = format!("it does not answer within {} s", CONNECT_MAX.as_secs());
            Err(unavailable(message.into()))
        }
    }
}

/// Makes sure that the database is one of the first prior system. Gives the time
/// zone that the server has by itself.
async fn look(pool: &PgPool, location: &str) -> Result<String, LegacyError> {
    let looking = async {
        let mut reading = pool.begin_with(BEGIN).await?;
        let missing = missing(&mut reading).await?;
        let time_zone = time_zone(&mut reading).await?;
        reading.commit().await?;
        Ok((missing, time_zone))
    };
    let (missing, time_zone) =
        looking
            .await
            .map_err(|error: sqlx::Error| LegacyError::Unavailable {
                action: format!("look at {location}"),
                source: error.into(),
            })?;
    match missing.is_empty() {
        true => Ok(time_zone),
        false => Err(LegacyError::NotLegacy {
            location: location.to_owned(),
            missing: missing.join(", no "),
        }),
    }
}

/// The tables and columns that are not there.
async fn missing(reading: &mut Transaction<'static, Postgres>) -> Result<Vec<String>, sqlx::Error> {
    let mut missing = Vec::new();
    for (table, columns) in COLUMNS {
        let query = sqlx::query(
            "SELECT to_regclass($1) IS NOT NULL, ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped)",
        );
        let row = query.bind(table).persistent(false);
        let row = row.fetch_one(&mut **reading).await?;
        let (there, found): (bool, Vec<String>) = (row.try_get(0)?, row.try_get(1)?);
        if !there {
            missing.push(format!("table `{table}`"));
            continue;
        }
        let lacking = columns
            .iter()
            .filter(|column| !found.iter().any(|found| found == *column));
        missing.extend(lacking.map(|column| format!("column `{table}.{column}`")));
    }
    Ok(missing)
}

/// The time zone of a session that asks for none, as those of the prior system did.
/// Ours asks for UTC when it connects, which hides it.
async fn time_zone(reading: &mut Transaction<'static, Postgres>) -> Result<String, sqlx::Error> {
    let set_for_us = "SELECT substr(setting, 10) FROM pg_db_role_setting s,
             unnest(s.setconfig) AS setting
         WHERE setting ILIKE 'timezone=%'
             AND s.setdatabase IN
                 (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
             AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
         ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1";
    if let Some(zone) = optional(reading, set_for_us).await? {
        return Ok(zone);
    }
    // Only some may read the server's file, and who may not would end the transaction.
    let may_read = sqlx::query(
        "SELECT has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
             AND has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE')",
    );
    let row = may_read.persistent(false).fetch_one(&mut **reading).await?;
    if row.try_get(0)? {
        let in_file = "SELECT setting FROM pg_catalog.pg_file_settings
             WHERE lower(name) = 'timezone' AND applied ORDER BY seqno DESC LIMIT 1";
        if let Some(zone) = optional(reading, in_file).await? {
            return Ok(zone);
        }
    }
    // A new server has the same zone for its log, and few are ever changed.
    let of_log = "SELECT current_setting('log_timezone')";
    let zone = optional(reading, of_log).await?;
    Ok(zone.unwrap_or_else(|| "UTC".to_owned()))
}

async fn optional(
    reading: &mut Transaction<'static, Postgres>,
    query: &'static str,
) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query(query)
        .persistent(false)
        .fetch_optional(&mut **reading)
        .await?;
    row.map(|row| row.try_get(0)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_has_no_secrets() {
        let url = "postgres://me:secret@db.example:5433/rag?sslmode=disable";
        let options = PgConnectOptions::from_str(url).unwrap();
        assert_eq!(location(&options), "db.example:5433/rag");
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused_without_repeating_it() {
        for wrong in [
            "sqlite:memory",
            "postgres://me:secret@db:no-port/rag",
            "secret",
        ] {
            let error = LegacyPostgres::open(wrong).await.err().unwrap();
            assert!(matches!(error, LegacyError::Invalid(_)), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
