//! One SQL text and its values, run on either database.

mod param;

use std::future::Future;
use std::time::Duration;

pub use param::Param;
use serde::Serialize;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Error, FromRow, PgPool, SqlitePool, query_as_with, query_with};

use crate::road::Road;
use crate::waits::Waits;

/// Starts a query. Placeholders are `$1`, `$2` and so on, which both databases read.
pub fn query<'q>(sql: &'static str) -> Query<'q> {
    Query { sql, params: Vec::new(), failed: None }
}

/// An SQL text with the values for its placeholders.
#[must_use = "a query does nothing until it is run"]
pub struct Query<'q> {
    sql: &'static str,
    params: Vec<Param<'q>>,
    failed: Option<Error>,
}

/// A row that can be read from either database: whatever derives [`FromRow`] of types both know.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<R> Row for R where R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// Where a query runs: a connection of its own choosing, or one that is held, in or outside a transaction.
pub enum Target<'c> {
    /// Any connection to SQLite, and where waiting for one is counted.
    SqlitePool(&'c SqlitePool, &'c Waits),
    /// This connection to SQLite.
    Sqlite(&'c mut SqliteConnection),
    /// Any connection to PostgreSQL, by its road.
    PostgresPool(&'c PgPool, &'c Road),
    /// This connection to PostgreSQL.
    Postgres(&'c mut PgConnection),
}

/// Runs the same expression on whichever database it is.
macro_rules! run {
    ($query:expr, $target:expr, |$sql:ident, $arguments:ident, $executor:ident| $run:expr) => {{
        let Query { sql: $sql, params, failed } = $query;
        if let Some(error) = failed {
            return Err(error);
        }
        match $target.into() {
            Target::SqlitePool(pool, waits) => {
                let $arguments = param::sqlite(params)?;
                let mut connection = waits.acquire(pool).await?;
                let $executor = &mut *connection;
                $run.await
            }
            Target::Sqlite($executor) => {
                let $arguments = param::sqlite(params)?;
                $run.await
            }
            Target::PostgresPool(pool, road) => {
                let $arguments = param::postgres(params)?;
                let run = async {
                    let mut connection = road.waits().acquire(pool).await?;
                    let $executor = &mut *connection;
                    $run.await
                };
                // What a driver may have to do is large, and would lie in the stack of everybody who asks.
                road.ask(Box::pin(run)).await
            }
            Target::Postgres($executor) => {
                let $arguments = param::postgres(params)?;
                answered(Box::pin($run)).await
            }
        }
    }};
}

impl<'q> Query<'q> {
    /// The value of the next placeholder.
    pub fn bind(mut self, value: impl Into<Param<'q>>) -> Self {
        self.params.push(value.into());
        self
    }

    /// The value of the next placeholder, as JSON. What cannot be written as JSON fails when the query is run.
    pub fn bind_json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => self.params.push(Param::json(value)),
            Err(error) => self.failed = Some(Error::Encode(error.into())),
        }
        self
    }

    /// The same where there may be none, which is kept as NULL.
    pub fn bind_json_option(mut self, value: Option<&impl Serialize>) -> Self {
        match value {
            Some(value) => self.bind_json(value),
            None => {
                self.params.push(Param::no_json());
                self
            }
        }
    }

    /// Runs it and returns how many rows it changed.
    pub async fn execute<'c>(self, target: impl Into<Target<'c>>) -> Result<u64, Error> {
        run!(self, target, |sql, arguments, executor| async { Ok(query_with(sql, arguments).execute(executor).await?.rows_affected()) })
    }

    /// All rows.
    pub async fn all<'c, R: Row>(self, target: impl Into<Target<'c>>) -> Result<Vec<R>, Error> {
        run!(self, target, |sql, arguments, executor| query_as_with(sql, arguments).fetch_all(executor))
    }

    /// The first row, if there is one.
    pub async fn optional<'c, R: Row>(self, target: impl Into<Target<'c>>) -> Result<Option<R>, Error> {
        run!(self, target, |sql, arguments, executor| query_as_with(sql, arguments).fetch_optional(executor))
    }

    /// The first row; none is [`Error::RowNotFound`].
    pub async fn one<'c, R: Row>(self, target: impl Into<Target<'c>>) -> Result<R, Error> {
        self.optional(target).await?.ok_or(Error::RowNotFound)
    }
}

/// Longest wait for PostgreSQL, the wait for a connection included. The server ends a statement sooner; this is for a server that no longer
/// speaks. The embedded database needs no such limit, it has its own for being busy.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(7);

/// What PostgreSQL answers, unless it takes too long.
pub(crate) async fn answered<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database server does not answer"));
    tokio::time::timeout(ANSWER_TIMEOUT, asked).await.map_err(late)?
}
