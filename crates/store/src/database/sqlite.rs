//! The SQLite file: where it lies, and how it is opened.

use std::path::Path;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::lock::{DataLock, private_file};
use super::{Database, migrations};
use crate::StoreError;

/// The writer and the readers of the file in `data_dir`, and the sign that it is in use.
pub(super) async fn open(data_dir: &Path) -> Result<(SqlitePool, SqlitePool, DataLock), StoreError> {
    let directory = data_dir.to_owned();
    let task = tokio::task::spawn_blocking(move || prepare(&directory));
    // The lock is held until the schema is there: two programs may be started at once.
    let (_lock, used) = task.await.map_err(|error| StoreError::Io {
        doing: "prepare",
        path: data_dir.to_owned(),
        source: std::io::Error::other(error),
    })??;
    let options = SqliteConnectOptions::new()
        .filename(data_dir.join(Database::FILE))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Database::BUSY_TIMEOUT)
        // What is erased is overwritten, not just given up.
        .pragma("secure_delete", "ON")
        .foreign_keys(true);
    let doing = StoreError::while_doing("open the database file");
    let writer = pool(1).connect_with(options.clone()).await.map_err(doing)?;
    migrations::sqlite().run(&writer).await?;
    let doing = StoreError::while_doing("open the database file for reading");
    let readers = pool(Database::READERS).connect_with(options.read_only(true)).await.map_err(doing)?;
    Ok((writer, readers, used))
}

/// The one connection of a database in memory.
pub(super) async fn in_memory() -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
    // Each connection to memory is a database of its own, so there is one, and it is never replaced.
    let writer = pool(1).connect_with(options).await.map_err(StoreError::while_doing("open a database in memory"))?;
    migrations::sqlite().run(&writer).await?;
    Ok(writer)
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Database::ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Makes the directory, takes the set-up lock, and makes the database file readable for this user only. Everything here proves itself by writing.
fn prepare(directory: &Path) -> Result<(DataLock, DataLock), StoreError> {
    let lock = DataLock::set_up(directory)?;
    let used = DataLock::in_use(directory)?;
    let path = directory.join(Database::FILE);
    // SQLite gives its journal files the mode of the database file.
    private_file(&path).map_err(|source| StoreError::Io { doing: "write", path, source })?;
    Ok((lock, used))
}
