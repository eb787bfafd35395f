//! Which database a store is in, and how patiently it is used.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rag_core::port::StoreError;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

/// Where poolers that give out sessions for one transaction at a time usually
/// listen, Supabase's among them.
const TRANSACTION_POOLER_PORT: u16 = 6543;

/// The longest schema name PostgreSQL tells apart.
const SCHEMA_BYTES_MAX: usize = 63;

/// Where the store is and how it is used.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`, with `?sslmode=require`
    /// and the like where needed. `?pgbouncer=true` says that a pooler is in
    /// between that keeps no prepared statements.
    pub url: String,
    /// The schema that all tables are in: 1 to 63 of `a-z`, `0-9` and `_`, not
    /// starting with a digit.
    pub schema: String,
    /// How many connections are open at the most.
    pub connections_max: u32,
    /// How long a call waits for one of them, and for one to be made.
    pub acquire_timeout: Duration,
    /// After how long without use one is closed.
    pub idle_timeout: Duration,
    /// How long one statement may take. Those that go through a whole
    /// collection may take longer.
    pub statement_timeout: Duration,
    /// For how long a call that failed for a reason that passes by itself, such
    /// as a server that restarts, is tried again.
    pub retry_for: Duration,
    /// Whether the first connection that is made brings the schema to the newest
    /// version; else [`super::PostgresStore::migrate`] has to.
    pub migrate: bool,
}

impl PostgresOptions {
    /// The database at `url`, used in the way that suits most.
    pub fn new(url: impl Into<String>) -> Self {
        PostgresOptions {
            url: url.into(),
            schema: "rag".to_owned(),
            connections_max: 10,
            acquire_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(5 * 60),
            statement_timeout: Duration::from_secs(30),
            retry_for: Duration::from_secs(10),
            migrate: true,
        }
    }
}

/// Without the URL, which has a password in it.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("connections_max", &self.connections_max)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("retry_for", &self.retry_for)
            .field("migrate", &self.migrate)
            .finish_non_exhaustive()
    }
}

/// A database that was parsed out of a URL.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) connect: PgConnectOptions,
    /// As it is shown: without user and password.
    pub(super) location: String,
    /// Whether a pooler is known to be in between.
    pub(super) is_pooled: bool,
}

impl Address {
    pub(super) fn parse(options: &PostgresOptions) -> Result<Self, StoreError> {
        let (url, is_told_pooled) = without_pooler_flag(&options.url);
        // What is wrong with it may be its password: it is not repeated.
        let connect = PgConnectOptions::from_str(&url).map_err(|_| {
            let source = "it is not one of PostgreSQL\n\nhint: write it like \
                 `postgres://user:password@host:5432/database`, with special characters \
                 percent-encoded";
            unusable("read the address of the database", source)
        })?;
        check_schema(&options.schema)?;
        check_limits(options)?;
        // Poolers refuse parameters that they do not know, and numbers come in binary.
        let connect = connect.extra_float_digits(None).disable_statement_logging();
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name("rag-memory"),
        };
        let host = match connect.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", connect.get_host(), connect.get_port()),
        };
        let database = connect.get_database().unwrap_or(connect.get_username());
        let schema = &options.schema;
        Ok(Address {
            location: format!("postgres://{host}/{database} (schema {schema})"),
            is_pooled: is_told_pooled || connect.get_port() == TRANSACTION_POOLER_PORT,
            connect,
        })
    }
}

/// `url` without `pgbouncer=…`, which some drivers know and ours does not, and
/// whether that said yes.
fn without_pooler_flag(url: &str) -> (String, bool) {
    let Some((base, parameters)) = url.split_once('?') else {
        return (url.to_owned(), false);
    };
    let (mut kept, mut is_pooled) = (Vec::new(), false);
    for parameter in parameters.split('&') {
        match parameter.strip_prefix("pgbouncer=") {
            Some(value) => is_pooled = value == "true",
            None => kept.push(parameter),
        }
    }
    (format!("{base}?{}", kept.join("&")), is_pooled)
}

/// Refuses what would have to be quoted.
fn check_schema(schema: &str) -> Result<(), StoreError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name = (1..=SCHEMA_BYTES_MAX).contains(&schema.len())
        && schema.bytes().all(fits)
        && !schema.starts_with(|first: char| first.is_ascii_digit())
        && !schema.starts_with("pg_");
    if is_name {
        return Ok(());
    }
    let shown: String = schema.chars().take(SCHEMA_BYTES_MAX + 1).collect();
    Err(unusable(
        "use the PostgreSQL database",
        format!(
            "`{shown}` is not a schema name: use 1 to {SCHEMA_BYTES_MAX} of a-z, 0-9 and `_`, not \
             starting with a digit or `pg_`"
        ),
    ))
}

fn check_limits(options: &PostgresOptions) -> Result<(), StoreError> {
    let is_nothing = options.connections_max == 0 || options.statement_timeout.is_zero();
    if is_nothing {
        return Err(unusable(
            "use the PostgreSQL database",
            "`connections_max` and `statement_timeout` must be above 0",
        ));
    }
    Ok(())
}

fn unusable(
    action: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Unavailable {
        action: action.to_owned(),
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        for (url, location, is_pooled) in [
            (
                "postgres://me:secret@db.example:5433/docs?sslmode=require",
                "postgres://db.example:5433/docs (schema rag)",
                false,
            ),
            (
                "postgresql://me:secret@db.example:6543/postgres",
                "postgres://db.example:6543/postgres (schema rag)",
                true,
            ),
            (
                "postgres://me:secret@db.example/docs?pgbouncer=true&sslmode=disable",
                "postgres://db.example:5432/docs (schema rag)",
                true,
            ),
            (
                "postgres://me:secret@db.example/docs?pgbouncer=false",
                "postgres://db.example:5432/docs (schema rag)",
                false,
            ),
            (
                "postgres://me@db.example",
                "postgres://db.example:5432/me (schema rag)",
                false,
            ),
        ] {
            let options = PostgresOptions::new(url);
            let address = Address::parse(&options).unwrap();
            assert_eq!(address.location, location, "{url}");
            assert_eq!(address.is_pooled, is_pooled, "{url}");
            assert!(!format!("{options:?}").contains("secret"), "{options:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let with_schema = |schema: &str| PostgresOptions {
            schema: schema.to_owned(),
            ..PostgresOptions::new("postgres://me:secret@db.example/docs")
        };
        let without_connections = PostgresOptions {
            connections_max: 0,
            ..with_schema("rag")
        };
        let long = "x".repeat(64);
        let refused = ["", "Rag", "1rag", "r-g", "r\"g", "pg_rag", "ü", &long];
        let refused = refused.into_iter().map(with_schema);
        let others = [
            PostgresOptions::new("postgres://me:secret@db.example:port/docs"),
            PostgresOptions::new("postgres://me:secret@db.example/docs?sslmode=sometimes"),
            without_connections,
        ];
        for options in refused.chain(others) {
            let refused = Address::parse(&options).map(|address| address.location);
            let error = refused.expect_err(&options.schema);
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        for schema in ["rag", "_", "rag_2", &"x".repeat(63)] {
            assert!(Address::parse(&with_schema(schema)).is_ok(), "{schema}");
        }
    }
}
