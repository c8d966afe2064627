//! The SQLite file: where it lies, and how it is opened.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Database, migrations};
use crate::StoreError;

/// The writer and the readers of the file in `data_dir`.
pub(super) async fn open(data_dir: &Path) -> Result<(SqlitePool, SqlitePool), StoreError> {
    let directory = data_dir.to_owned();
    let task = tokio::task::spawn_blocking(move || prepare(&directory));
    // The lock is held until the schema is there: two programs may be started at once.
    let _lock = task.await.map_err(|error| StoreError::Io {
        doing: "prepare",
        path: data_dir.to_owned(),
        source: std::io::Error::other(error),
    })??;
    let options = SqliteConnectOptions::new()
        .filename(data_dir.join(Database::FILE))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Database::BUSY_TIMEOUT)
        .foreign_keys(true);
    let doing = StoreError::while_doing("open the database file");
    let writer = pool(1).connect_with(options.clone()).await.map_err(doing)?;
    migrations::sqlite().run(&writer).await?;
    let doing = StoreError::while_doing("open the database file for reading");
    let readers = pool(Database::READERS).connect_with(options.read_only(true)).await.map_err(doing)?;
    Ok((writer, readers))
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
fn prepare(directory: &Path) -> Result<File, StoreError> {
    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Io { doing, path, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed("create the data directory", directory))?;
    let path = directory.join("voicenoob.lock");
    let lock = private_file(&path).map_err(failed("write", &path))?;
    std::io::Write::write_all(&mut &lock, b"held while the schema is set up\n").map_err(failed("write", &path))?;
    take(&lock, path)?;
    let path = directory.join(Database::FILE);
    // SQLite gives its journal files the mode of the database file.
    private_file(&path).map_err(failed("write", &path))?;
    Ok(lock)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Waits for the lock; it is released when the file is dropped.
fn take(lock: &File, path: PathBuf) -> Result<(), StoreError> {
    let deadline = Instant::now() + Database::SETUP_TIMEOUT;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(source)) => return Err(StoreError::Io { doing: "lock", path, source }),
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => return Err(StoreError::Locked { path }),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
