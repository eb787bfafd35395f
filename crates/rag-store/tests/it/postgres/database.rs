//! Schemas of a test's own in the databases that `tests/postgres/start.sh` starts.

use std::sync::atomic::{AtomicU32, Ordering};

use rag_store::postgres::{PostgresOptions, PostgresStore};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// What `tests/postgres/start.sh` says of the variable `name`.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set\n\nhint: run `eval \"$(tests/postgres/start.sh)\"` first")
    })
}

/// A connection of the test's own.
pub(crate) async fn connect(url: &str) -> PgConnection {
    // Poolers refuse parameters that they do not know.
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    PgConnection::connect_with(&options.extra_float_digits(None))
        .await
        .unwrap()
}

/// Runs statements without parameters.
pub(crate) async fn run(url: &str, statements: &str) {
    let mut connection = connect(url).await;
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut connection)
        .await
        .unwrap();
}

/// The number that a query gives.
pub(crate) async fn number(url: &str, query: &str) -> i64 {
    let mut connection = connect(url).await;
    sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

/// A schema that nobody else uses, and that is not there yet.
pub(crate) struct Fresh {
    pub(crate) url: String,
    pub(crate) name: String,
}

impl Fresh {
    /// One in the database that the variable `name` names.
    pub(crate) async fn named_by(name: &str) -> Self {
        Fresh::at(&variable(name)).await
    }

    /// One in the database at `url`.
    pub(crate) async fn at(url: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let fresh = Fresh {
            url: url.to_owned(),
            name: format!("c_{}_{number}", std::process::id()),
        };
        fresh.drop_schema().await;
        fresh
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        PostgresOptions {
            schema: self.name.clone(),
            ..PostgresOptions::new(&self.url)
        }
    }

    pub(crate) fn store(&self) -> PostgresStore {
        PostgresStore::new(self.options()).unwrap()
    }

    /// Removes it, after the test that succeeded.
    pub(crate) async fn remove(self) {
        self.drop_schema().await;
    }

    async fn drop_schema(&self) {
        let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        run(&self.url, &drop).await;
    }
}
