//! Databases of the first prior system, each for one test.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;

const SCHEMA: &str = include_str!("../../../../../testdata/legacy/schema.sql");
const DATA: &str = include_str!("../../../../../testdata/legacy/data.sql");

/// A database that is there until [`Database::drop`].
pub(super) struct Database {
    server: Url,
    name: String,
}

impl Database {
    /// One without tables, whose server is not in UTC.
    pub(super) async fn empty() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let database = Database {
            server: server("POSTGRES_TEST_URL"),
            name: format!("legacy_{}_{number}", std::process::id()),
        };
        let name = &database.name;
        database.on_server(&format!("CREATE DATABASE {name}")).await;
        let zone = format!("ALTER DATABASE {name} SET timezone = 'Asia/Kolkata'");
        database.on_server(&zone).await;
        database
    }

    /// One with the tables and rows of the prior system, pgvector being in a schema
    /// of its own, as hosts of databases have it.
    pub(super) async fn filled() -> Self {
        let database = Database::empty().await;
        let extension = "CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions;
            SET search_path = public, extensions;";
        database
            .run(&format!("{extension}\n{SCHEMA}\n{DATA}"))
            .await;
        database
    }

    pub(super) fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// The address through a pooler that gives each transaction another session.
    pub(super) fn url_of_pooler(&self) -> String {
        let mut url = server("PGBOUNCER_TEST_URL");
        url.set_path(&self.name);
        url.into()
    }

    /// Where it is, as messages have it.
    pub(super) fn location(&self) -> String {
        let (host, port) = (self.server.host_str().unwrap(), self.server.port().unwrap());
        format!("{host}:{port}/{}", self.name)
    }

    /// The address for somebody who may do nothing but read the tables.
    pub(super) async fn reader(&self) -> String {
        let role = format!("{}_reader", self.name);
        self.run(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'reader';
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
        ))
        .await;
        let mut url = Url::parse(&self.url()).unwrap();
        url.set_username(&role).unwrap();
        url.set_password(Some("reader")).unwrap();
        url.into()
    }

    pub(super) async fn run(&self, statements: &str) {
        run(&self.url(), statements).await;
    }

    pub(super) async fn drop(self) {
        let name = &self.name;
        self.on_server(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await;
        self.on_server(&format!("DROP ROLE IF EXISTS {name}_reader"))
            .await;
    }

    async fn on_server(&self, statement: &str) {
        run(self.server.as_str(), statement).await;
    }
}

fn server(variable: &str) -> Url {
    match std::env::var(variable) {
        Ok(url) => Url::parse(&url).unwrap(),
        Err(_) => panic!(
            "{variable} is not set, and this test needs a PostgreSQL: \
             eval \"$(tests/postgres/start.sh)\" starts one"
        ),
    }
}

async fn run(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
    connection.execute(statements).await.unwrap();
    connection.close().await.unwrap();
}
