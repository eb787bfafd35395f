//! One transaction on one connection: how statements are sent and answers read.
//!
//! Which connection it is, and what becomes of it afterwards, is the business of
//! `connections`.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, Row};
use tokio::time::timeout;

use super::error::Failure;

/// A statement with the values of its parameters.
pub(super) type Statement = Query<'static, Postgres, PgArguments>;

/// How much longer than the server may work on a statement its answer may take
/// to come.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// The statement that `text` is.
pub(super) fn sql(text: &'static str) -> Statement {
    sqlx::query(text)
}

/// The statement that was put together as `text`. Only names and numbers of our
/// own go into it; what others wrote is the value of a parameter.
pub(super) fn built(text: String) -> Statement {
    sqlx::query(AssertSqlSafe(text))
}

/// A transaction. Dropping it closes its connection, and nothing was done.
pub(super) struct Session {
    connection: PgConnection,
    /// Whether the server still knows the statements of earlier transactions.
    keeps_statements: bool,
    answer_within: Duration,
}

impl Session {
    /// A session on `connection` whose statements take `statement_timeout` at
    /// the most.
    pub(super) fn new(
        connection: PgConnection,
        keeps_statements: bool,
        statement_timeout: Duration,
    ) -> Self {
        Session {
            connection,
            keeps_statements,
            answer_within: statement_timeout.saturating_add(ANSWER_GRACE),
        }
    }

    pub(super) fn into_connection(self) -> PgConnection {
        self.connection
    }

    /// Sends several statements at once, none of which has parameters.
    pub(super) async fn batch(&mut self, text: String) -> Result<(), Failure> {
        let statements = sqlx::raw_sql(AssertSqlSafe(text));
        let work = statements.execute(&mut self.connection);
        answered(self.answer_within, work).await.map(drop)
    }

    /// The same, for the first value of the first row they give.
    pub(super) async fn batch_value(&mut self, text: String) -> Result<String, Failure> {
        let statements = sqlx::raw_sql(AssertSqlSafe(text));
        let work = statements.fetch_one(&mut self.connection);
        let row = answered(self.answer_within, work).await?;
        Ok(row.try_get(0)?)
    }

    /// How many rows `statement` changed.
    pub(super) async fn execute(&mut self, statement: Statement) -> Result<u64, Failure> {
        let statement = statement.persistent(self.keeps_statements);
        let work = statement.execute(&mut self.connection);
        Ok(answered(self.answer_within, work).await?.rows_affected())
    }

    pub(super) async fn row(&mut self, statement: Statement) -> Result<Option<PgRow>, Failure> {
        let statement = statement.persistent(self.keeps_statements);
        let work = statement.fetch_optional(&mut self.connection);
        answered(self.answer_within, work).await
    }

    /// The row of a statement that always gives one.
    pub(super) async fn one(&mut self, statement: Statement) -> Result<PgRow, Failure> {
        let row = self.row(statement).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    pub(super) async fn rows(&mut self, statement: Statement) -> Result<Vec<PgRow>, Failure> {
        let statement = statement.persistent(self.keeps_statements);
        let work = statement.fetch_all(&mut self.connection);
        answered(self.answer_within, work).await
    }

    /// What `read` makes of each row.
    pub(super) async fn each<T>(
        &mut self,
        statement: Statement,
        read: impl Fn(&PgRow) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        self.rows(statement).await?.iter().map(read).collect()
    }

    /// Shows `read` each row as it comes, where all of them are too much to hold.
    pub(super) async fn stream(
        &mut self,
        statement: Statement,
        mut read: impl FnMut(&PgRow) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let statement = statement.persistent(self.keeps_statements);
        let mut rows = pin!(statement.fetch(&mut self.connection));
        while let Some(row) = answered(self.answer_within, rows.try_next()).await? {
            read(&row)?;
        }
        Ok(())
    }
}

/// What `work` gives, unless the server has gone without a word.
async fn answered<T>(
    within: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, Failure> {
    match timeout(within, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Failure::Silent(within)),
    }
}
