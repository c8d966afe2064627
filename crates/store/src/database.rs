//! The SQLite file: where it lies, how it is opened, and who may write.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqlSafeStr, Sqlite, SqlitePool, Transaction};

use crate::StoreError;

/// An open database with this program's schema. Clones share it.
///
/// One connection writes: SQLite has one writer anyway, and a queue of ours is fair where its busy handler polls. Readers see the last commit.
#[derive(Debug, Clone)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// The file's name inside the data directory.
    pub const FILE: &'static str = "voicenoob.db";
    /// Connections for reading.
    pub const READERS: u32 = 4;
    /// Longest wait for a free connection.
    pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
    /// Longest wait for another process (a backup, `sqlite3`) that holds the file.
    pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
    /// Longest wait for another process that is setting up the same directory.
    pub const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

    /// Opens `voicenoob.db` in `data_dir`, which is created (mode 0700) when it is not there, and brings the schema to this version.
    ///
    /// Errors: [`StoreError::Io`] when the directory cannot be written (found out by writing), [`StoreError::Migration`] when the file is of a newer version.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let directory = data_dir.to_owned();
        let task = tokio::task::spawn_blocking(move || prepare(&directory));
        // The lock is held until the schema is there: two programs may be started at once.
        let _lock = task.await.map_err(|error| StoreError::Io {
            doing: "prepare",
            path: data_dir.to_owned(),
            source: std::io::Error::other(error),
        })??;
        let options = SqliteConnectOptions::new()
            .filename(data_dir.join(Self::FILE))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Self::BUSY_TIMEOUT)
            .foreign_keys(true);
        let doing = StoreError::while_doing("open the database file");
        let writer = pool(1).connect_with(options.clone()).await.map_err(doing)?;
        migrator().run(&writer).await?;
        let doing = StoreError::while_doing("open the database file for reading");
        let readers = pool(Self::READERS).connect_with(options.read_only(true)).await.map_err(doing)?;
        Ok(Self { writer, readers })
    }

    /// A database that lives in memory and ends with its last clone. For tests.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
        // Each connection to memory is a database of its own, so there is one, and it is never replaced.
        let doing = StoreError::while_doing("open a database in memory");
        let writer = pool(1).connect_with(options).await.map_err(doing)?;
        migrator().run(&writer).await?;
        Ok(Self { readers: writer.clone(), writer })
    }

    /// For statements that only read. In memory this is the writer: do not use it while holding a transaction.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// For single statements that write.
    pub fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// A transaction that may write: what it reads does not change before it commits. Dropped without commit, it is undone.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::while_doing("begin a transaction"))
    }

    /// Closes the file, with everything written back into it. Later use fails with [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Database::ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// The schema, version by version. A migration that was released is never edited: add the next one.
fn migrator() -> Migrator {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "records", include_str!("../migrations/0001_records.sql")),
        migration(2, "hotel", include_str!("../migrations/0002_hotel.sql")),
    ])
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_file_where_the_directory_should_be_is_a_clear_error() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("data");
        std::fs::write(&file, "").unwrap();
        let error = Database::open(&file).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
        assert!(text.contains(file.to_str().unwrap()) && text.contains("DATA_DIR"), "{text}");
    }

    /// Not even root may create files there, so this holds in containers too.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_directory_that_cannot_be_written_is_a_clear_error() {
        let error = Database::open(Path::new("/proc/self")).await.unwrap_err();
        assert!(error.to_string().starts_with("cannot write /proc/self/voicenoob.lock:"), "{error}");
    }

    #[tokio::test]
    async fn the_data_is_for_this_user_only() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("deep/data");
        let database = Database::open(&directory).await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join(Database::FILE)), 0o600);
        database.close().await;
    }

    #[tokio::test]
    async fn a_file_of_a_newer_version_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let database = Database::open(place.path()).await.unwrap();
        let newer =
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)";
        sqlx::query(newer).execute(database.writer()).await.unwrap();
        database.close().await;
        assert!(matches!(Database::open(place.path()).await, Err(StoreError::Migration { .. })));
    }

    #[tokio::test]
    async fn two_programs_may_start_at_once() {
        let place = tempfile::tempdir().unwrap();
        let (one, two) = tokio::join!(Database::open(place.path()), Database::open(place.path()));
        one.unwrap();
        two.unwrap();
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_is_undone() {
        let database = Database::in_memory().await.unwrap();
        let mut tx = database.begin().await.unwrap();
        sqlx::query("INSERT INTO probes (id, value) VALUES (x'01', 'lost')").execute(&mut *tx).await.unwrap();
        drop(tx);
        let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM probes").fetch_one(database.readers()).await.unwrap();
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn waiting_for_a_connection_has_a_limit() {
        let database = Database::in_memory().await.unwrap();
        let held = database.begin().await.unwrap();
        // From here on only the clock can end the wait, and it runs ahead.
        tokio::time::pause();
        assert!(matches!(database.begin().await, Err(StoreError::Unavailable { .. })));
        drop(held);
    }
}
