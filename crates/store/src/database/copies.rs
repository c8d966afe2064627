//! Copies of the SQLite file: how one is made beside running writers, and what makes one good.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Error, SqliteConnection};

use super::{Database, migrations};
use crate::StoreError;

/// Writes everything committed so far into the empty file `target`. SQLite reads one moment of the file, whatever others write meanwhile.
pub(crate) async fn copy(source: &Path, target: &str) -> Result<(), Error> {
    let mut connection = open(source).await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(target).execute(&mut connection).await;
    connection.close().await?;
    copied.map(drop)
}

/// Moves what is in the journal into the file itself and removes the journal.
pub(crate) async fn settle(file: &Path) -> Result<(), Error> {
    let mut connection = open(file).await?;
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    connection.close().await
}

/// The version of the schema in `file`, when it is a whole database of ours and not newer than this program; else why not.
pub(crate) async fn checked(file: &Path) -> Result<i64, String> {
    let mut connection = open(file).await.map_err(|error| error.to_string())?;
    let checked = check(&mut connection).await;
    connection.close().await.map_err(|error| error.to_string())?;
    checked
}

async fn check(connection: &mut SqliteConnection) -> Result<i64, String> {
    let said = |error: Error| error.to_string();
    let damage: Vec<(String,)> = sqlx::query_as("PRAGMA integrity_check(1)").fetch_all(&mut *connection).await.map_err(said)?;
    if let Some((damage,)) = damage.first().filter(|(line,)| line != "ok") {
        return Err(format!("it is damaged: {damage}"));
    }
    let astray = sqlx::raw_sql("PRAGMA foreign_key_check").fetch_all(&mut *connection).await.map_err(said)?;
    if !astray.is_empty() {
        return Err(format!("{} rows point at rows that are not there", astray.len()));
    }
    let ours = migrations::sqlite();
    let applied = sqlx::query_as(migrations::APPLIED).fetch_all(&mut *connection).await.map_err(said)?;
    let found = migrations::found(&ours, &applied).map_err(|error: StoreError| error.to_string())?;
    let (found, needed) = (found.ok_or("it is empty")?, Database::SCHEMA_VERSION);
    if found > needed {
        return Err(format!("its schema has version {found}, this program knows versions up to {needed}; use the program that wrote it"));
    }
    Ok(found)
}

async fn open(file: &Path) -> Result<SqliteConnection, Error> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(false).busy_timeout(Database::BUSY_TIMEOUT);
    SqliteConnection::connect_with(&options).await
}
