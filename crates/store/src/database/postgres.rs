//! A PostgreSQL server: how it is reached, and what it is asked to refuse.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Error, PgConnection, PgPool};

use super::{Database, migrations};
use crate::StoreError;
use crate::query::answered;

/// What every connection asks of the server: no statement and no wait for a lock goes on for longer than a caller would wait, and a transaction
/// whose program has stopped does not keep others waiting.
const MANNERS: &str =
    "SET statement_timeout = '5s'; SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '10s'; SET TIME ZONE 'UTC'";
/// While the schema is set up, another instance may be at it; one migration may take its time.
const SETUP_MANNERS: &str = "SET lock_timeout = '10s'; SET TIME ZONE 'UTC'";

/// Brings the schema to this version, then makes a pool. The pool connects when it is used.
pub(super) async fn connect(url: &str, connections: u32) -> Result<PgPool, StoreError> {
    let options = parse(url)?;
    set_up(&options).await?;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Database::ACQUIRE_TIMEOUT)
        .test_before_acquire(true)
        .after_connect(|connection, _| Box::pin(async move { answered(sqlx::raw_sql(MANNERS).execute(connection)).await.map(drop) }))
        // A connection whose server no longer speaks is given up here; the pool itself would wait for it without end.
        .after_release(|connection, _| Box::pin(async move { answered(connection.ping()).await.map(|()| true) }));
    Ok(pool.connect_lazy_with(options))
}

fn parse(url: &str) -> Result<PgConnectOptions, StoreError> {
    let wrong = |why: String| StoreError::BadUrl { why };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(wrong("it does not begin with postgres://".into()));
    }
    let options = PgConnectOptions::from_str(url).map_err(|error| match error {
        Error::Configuration(why) => wrong(why.to_string()),
        _ => wrong("it cannot be read as a URL".into()),
    })?;
    Ok(if options.get_application_name().is_none() { options.application_name("voicenoob") } else { options })
}

async fn set_up(options: &PgConnectOptions) -> Result<(), StoreError> {
    let place = || {
        let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
        format!("{host}:{}/{}", options.get_port(), options.get_database().unwrap_or(options.get_username()))
    };
    let unreachable = |source| StoreError::Unreachable { place: place(), source };
    // A first connection of its own: a pool would try again until its time is up, and then no longer know why.
    let first = answered(PgConnection::connect_with(options)).await.map_err(unreachable)?;
    answered(first.close()).await.map_err(unreachable)?;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Database::ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| Box::pin(async move { sqlx::raw_sql(SETUP_MANNERS).execute(connection).await.map(drop) }))
        .connect_lazy_with(options.clone());
    // The migrator holds an advisory lock of this database: two instances may start at once.
    let done = migrations::postgres().run(&pool).await;
    // Closing the connection frees the lock also when the migration failed.
    pool.close().await;
    Ok(done?)
}

#[cfg(test)]
#[path = "postgres_tests.rs"]
mod tests;
