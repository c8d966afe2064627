//! A PostgreSQL server: how it is reached, and what it is asked to refuse.

use std::str::FromStr;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Error, PgConnection, PgPool};

use super::migrations::{self, Applied};
use super::{Database, PoolSettings};
use crate::StoreError;
use crate::query::answered;

/// What every connection asks of the server: no statement and no wait for a lock goes on for longer than a caller would wait, and a transaction
/// whose program has stopped does not keep others waiting. Plans are made for the values at hand: a plan for any value takes every span of ids
/// for a short one, and would walk through all calls to find those of one agent.
const MANNERS: &str = "SET statement_timeout = '5s'; SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '10s'; \
    SET plan_cache_mode = 'force_custom_plan'; SET TIME ZONE 'UTC'";
/// While the schema is set up, another instance may be at it; one migration may take its time.
const SETUP_MANNERS: &str = "SET lock_timeout = '10s'; SET TIME ZONE 'UTC'";

/// Makes a pool for a schema of this version, with its first connections open.
pub(super) async fn connect(url: &str, settings: PoolSettings) -> Result<PgPool, StoreError> {
    let options = parse(url)?;
    let (found, needed) = (found(&options, &migrations::postgres()).await?, Database::SCHEMA_VERSION);
    if found != Some(needed) {
        return Err(StoreError::SchemaVersion { found, needed });
    }
    let pool = PgPoolOptions::new()
        .max_connections(settings.max)
        .min_connections(settings.min.min(settings.max))
        .acquire_timeout(settings.acquire_timeout)
        .max_lifetime(settings.lifetime())
        .idle_timeout(settings.idle_timeout)
        .test_before_acquire(true)
        .after_connect(|connection, _| Box::pin(async move { answered(sqlx::raw_sql(MANNERS).execute(connection)).await.map(drop) }))
        // A connection whose server no longer speaks is given up here; the pool itself would wait for it without end.
        .after_release(|connection, _| Box::pin(async move { answered(connection.ping()).await.map(|()| true) }))
        .connect_lazy_with(options);
    warm(&pool).await?;
    Ok(pool)
}

/// Opens the least connections at once: the pool itself would open them only after it has closed others.
async fn warm(pool: &PgPool) -> Result<(), StoreError> {
    let mut held = Vec::new();
    for _ in 0..pool.options().get_min_connections() {
        held.push(answered(pool.acquire()).await.map_err(StoreError::while_doing("open the first connections"))?);
    }
    // Dropping gives them back.
    drop(held);
    Ok(())
}

/// Brings the schema to this version.
pub(super) async fn migrate(url: &str) -> Result<(), StoreError> {
    let options = parse(url)?;
    // Says why when the server does not let us in; the migrator checks what it finds itself.
    found(&options, &migrations::postgres()).await?;
    set_up(&options).await
}

/// The version of the schema, over a first connection of its own: a pool would try again until its time is up, and then no longer know why.
async fn found(options: &PgConnectOptions, ours: &Migrator) -> Result<Option<i64>, StoreError> {
    let unreachable = |source| StoreError::Unreachable { place: place(options), source };
    let mut first = answered(PgConnection::connect_with(options)).await.map_err(unreachable)?;
    let applied = answered(applied(&mut first)).await.map_err(StoreError::while_doing("read the version of the schema"))?;
    answered(first.close()).await.map_err(unreachable)?;
    migrations::found(ours, &applied)
}

async fn applied(connection: &mut PgConnection) -> Result<Applied, Error> {
    let (there,): (bool,) = sqlx::query_as("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if there { sqlx::query_as(migrations::APPLIED).fetch_all(connection).await } else { Ok(Vec::new()) }
}

/// Where the server is, without the password.
fn place(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    format!("{host}:{}/{}", options.get_port(), options.get_database().unwrap_or(options.get_username()))
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
