//! A connection that is held for more than one query, and a transaction on it.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Error, Postgres, Sqlite};

use crate::query::{Target, answered, query};
use crate::{Query, StoreError};

/// One connection, taken from the pool until it is dropped.
pub struct Connection(Kind);

enum Kind {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    SqliteTransaction(sqlx::Transaction<'static, Sqlite>),
    PostgresTransaction(sqlx::Transaction<'static, Postgres>),
}

impl<'c> From<&'c mut Connection> for Target<'c> {
    fn from(connection: &'c mut Connection) -> Self {
        match &mut connection.0 {
            Kind::Sqlite(connection) => Self::Sqlite(connection),
            Kind::Postgres(connection) => Self::Postgres(connection),
            Kind::SqliteTransaction(transaction) => Self::Sqlite(transaction),
            Kind::PostgresTransaction(transaction) => Self::Postgres(transaction),
        }
    }
}

impl From<PoolConnection<Sqlite>> for Connection {
    fn from(connection: PoolConnection<Sqlite>) -> Self {
        Self(Kind::Sqlite(connection))
    }
}

impl From<PoolConnection<Postgres>> for Connection {
    fn from(connection: PoolConnection<Postgres>) -> Self {
        Self(Kind::Postgres(connection))
    }
}

/// A transaction. Dropped without [`Transaction::commit`], it is undone.
///
/// On SQLite it is alone: nobody else writes before it ends. On PostgreSQL others write beside it and each of its queries sees what they have
/// committed; where what is read decides what is written, ask for [`Transaction::alone`] first, or write the row before it is read.
pub struct Transaction(Connection);

impl From<sqlx::Transaction<'static, Sqlite>> for Transaction {
    fn from(transaction: sqlx::Transaction<'static, Sqlite>) -> Self {
        Self(Connection(Kind::SqliteTransaction(transaction)))
    }
}

impl From<sqlx::Transaction<'static, Postgres>> for Transaction {
    fn from(transaction: sqlx::Transaction<'static, Postgres>) -> Self {
        Self(Connection(Kind::PostgresTransaction(transaction)))
    }
}

impl Transaction {
    const ALONE: &'static str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";

    /// Waits until no other transaction that asked for the same `subject` is open, and keeps later ones waiting.
    pub async fn alone(&mut self, subject: &str) -> Result<(), StoreError> {
        let wait: Query<'_> = match &self.0.0 {
            Kind::Postgres(_) | Kind::PostgresTransaction(_) => query(Self::ALONE).bind(subject),
            Kind::Sqlite(_) | Kind::SqliteTransaction(_) => return Ok(()),
        };
        wait.execute(&mut self.0).await.map_err(StoreError::while_doing("wait for other transactions"))?;
        Ok(())
    }

    /// Makes everything written in it last.
    pub async fn commit(self) -> Result<(), Error> {
        match self.0.0 {
            Kind::SqliteTransaction(transaction) => transaction.commit().await,
            Kind::PostgresTransaction(transaction) => answered(transaction.commit()).await,
            // A transaction is made of the two above only.
            Kind::Sqlite(_) | Kind::Postgres(_) => Ok(()),
        }
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}
