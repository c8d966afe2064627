//! The database of the program: an SQLite file of its own, or a PostgreSQL server that several instances share.

pub(crate) mod copies;
mod lock;
mod migrations;
mod pool;
mod postgres;
mod sqlite;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use lock::DataLock;
pub use pool::{PoolSettings, PoolState};
use resilience::{Guard, Service};
use sqlx::{PgPool, SqlitePool};

use crate::road::Road;
use crate::{Connection, StoreError, Target, Transaction, Waits};

/// An open database with this program's schema. Clones share it.
#[derive(Debug, Clone)]
pub struct Database {
    kind: Kind,
    waits: Waits,
}

#[derive(Debug, Clone)]
enum Kind {
    /// One connection writes: SQLite has one writer anyway, and a queue of ours is fair where its busy handler polls. Readers see the last commit.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        /// Keeps backups from being put back while the file is open.
        used: Arc<DataLock>,
    },
    /// In memory the only connection is both.
    Memory(SqlitePool),
    Postgres(PgPool, Road),
}

impl Database {
    /// Version of this program's schema.
    pub const SCHEMA_VERSION: i64 = migrations::NEWEST;
    /// The file's name inside the data directory.
    pub const FILE: &'static str = "voicenoob.db";
    /// Connections for reading a file.
    pub const READERS: u32 = 4;
    /// Connections to a PostgreSQL server, unless said otherwise. A hundred instances need a server that allows a thousand.
    pub const CONNECTIONS: u32 = 10;
    /// Longest wait for a free connection. Who waits behind a writer that waits for the file waits as long as it does.
    pub const ACQUIRE_TIMEOUT: Duration = Self::BUSY_TIMEOUT;
    /// Longest wait for another process (a backup, `sqlite3`) that holds the file.
    pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
    /// Longest wait for another process that is setting up the same directory.
    pub const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

    /// Opens `voicenoob.db` in `data_dir`, which is created (mode 0700) when it is not there, and brings the schema to this version.
    ///
    /// Errors: [`StoreError::Io`] when the directory cannot be written (found out by writing), [`StoreError::Migration`] when the file is of a
    /// newer version, [`StoreError::Locked`] while a backup is put back.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let (writer, readers, used) = sqlite::open(data_dir).await?;
        Ok(Self::new(Kind::Sqlite { writer, readers, used: Arc::new(used) }))
    }

    /// A database that lives in memory and ends with its last clone. For tests.
    pub async fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::new(Kind::Memory(sqlite::in_memory().await?)))
    }

    /// Connects to the PostgreSQL server at `postgres://user:password@host:port/database`, whose schema must be of this version:
    /// [`Database::migrate`] brings it there. With a PgBouncer between, it must be 1.21 or newer, or pool by session: prepared statements are
    /// used.
    ///
    /// Errors: [`StoreError::BadUrl`]; [`StoreError::Unreachable`] when the server does not let us in; [`StoreError::SchemaVersion`] when the
    /// schema is older or newer. A server that is lost later and comes back is connected to again by itself.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with(url, PoolSettings::default(), Guard::new(Service::Database, Service::Database.policy())).await
    }

    /// The same with other limits, behind a guard that others see.
    pub async fn connect_with(url: &str, settings: PoolSettings, guard: Guard) -> Result<Self, StoreError> {
        let pool = postgres::connect(url, settings).await?;
        let waits = Waits::default();
        Ok(Self { kind: Kind::Postgres(pool, Road::new(guard, waits.clone())), waits })
    }

    /// Brings the schema on the PostgreSQL server at `url` to this version. Others may do it at the same time: one does it, the rest wait.
    ///
    /// Errors: as [`Database::connect`], with [`StoreError::Migration`] for a schema of a newer version.
    pub async fn migrate(url: &str) -> Result<(), StoreError> {
        postgres::migrate(url).await
    }

    fn new(kind: Kind) -> Self {
        Self { kind, waits: Waits::default() }
    }

    /// For queries that only read. In memory this is the writer: do not use it while holding a transaction.
    pub fn readers(&self) -> Target<'_> {
        match &self.kind {
            Kind::Sqlite { readers: pool, .. } | Kind::Memory(pool) => Target::SqlitePool(pool, &self.waits),
            Kind::Postgres(pool, road) => Target::PostgresPool(pool, road),
        }
    }

    /// For single queries that write.
    pub fn writer(&self) -> Target<'_> {
        match &self.kind {
            Kind::Sqlite { writer: pool, .. } | Kind::Memory(pool) => Target::SqlitePool(pool, &self.waits),
            Kind::Postgres(pool, road) => Target::PostgresPool(pool, road),
        }
    }

    /// A connection for several queries that only read.
    pub async fn acquire(&self) -> Result<Connection, StoreError> {
        let connection = match &self.kind {
            Kind::Sqlite { readers: pool, .. } | Kind::Memory(pool) => self.waits.acquire(pool).await.map(Connection::from),
            Kind::Postgres(pool, road) => road.ask(self.waits.acquire(pool)).await.map(Connection::from),
        };
        connection.map_err(StoreError::while_doing("give a connection"))
    }

    /// A transaction that may write; see [`Transaction`] for what it promises on which database.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let begun = match &self.kind {
            Kind::Sqlite { writer: pool, .. } | Kind::Memory(pool) => {
                self.waits.watch(pool, pool.begin_with("BEGIN IMMEDIATE")).await.map(Transaction::from)
            }
            Kind::Postgres(pool, road) => road.ask(self.waits.watch(pool, pool.begin())).await.map(Transaction::from),
        };
        begun.map_err(StoreError::while_doing("begin a transaction"))
    }

    /// How many connections there are, for the metrics.
    pub fn pool_state(&self) -> PoolState {
        let one = |open: u32, idle: usize, max: u32| {
            let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(open);
            (open - idle, idle, max)
        };
        let sqlite = |pool: &SqlitePool| one(pool.size(), pool.num_idle(), pool.options().get_max_connections());
        let (in_use, idle, max) = match &self.kind {
            Kind::Memory(pool) => sqlite(pool),
            Kind::Postgres(pool, _) => one(pool.size(), pool.num_idle(), pool.options().get_max_connections()),
            Kind::Sqlite { writer, readers, .. } => {
                let (a, b) = (sqlite(writer), sqlite(readers));
                (a.0 + b.0, a.1 + b.1, a.2 + b.2)
            }
        };
        PoolState { in_use, idle, max, waits: self.waits.count(), waited: self.waits.total() }
    }

    /// Closes all connections; a file has everything written back into it. Later use fails with [`StoreError::Unavailable`].
    pub async fn close(&self) {
        match &self.kind {
            Kind::Sqlite { writer, readers, used } => {
                readers.close().await;
                writer.close().await;
                used.free();
            }
            Kind::Memory(pool) => pool.close().await,
            Kind::Postgres(pool, _) => pool.close().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use sqlx::migrate::Migrator;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::{Records, SqlRecords, query};

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
        query(newer).execute(database.writer()).await.unwrap();
        database.close().await;
        assert!(matches!(Database::open(place.path()).await, Err(StoreError::Migration { .. })));
    }

    /// A file that a released program wrote, before calls could go on elsewhere.
    #[tokio::test]
    async fn a_file_of_the_second_version_is_brought_to_this_one() {
        let place = tempfile::tempdir().unwrap();
        let record = crate::contract::record(1);
        let old = SqlitePool::connect_with(
            SqliteConnectOptions::new().filename(place.path().join(Database::FILE)).create_if_missing(true).foreign_keys(true),
        );
        let old = old.await.unwrap();
        let released = migrations::sqlite().iter().filter(|migration| migration.version <= 2).cloned().collect();
        Migrator::with_migrations(released).run(&old).await.unwrap();
        let call = "INSERT INTO calls (id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at) \
            VALUES ($1, 'twilio', $2, 'inbound', $3, $4, $5, 'receptionist', 'ringing', $6)";
        let written = query(call)
            .bind(record.id.0)
            .bind(&record.carrier_call_id)
            .bind(record.from.expose())
            .bind(record.to.expose())
            .bind(record.agent_id.0)
            .bind(record.offered_at);
        written.execute(Target::SqlitePool(&old, &Waits::default())).await.unwrap();
        old.close().await;
        let records = SqlRecords::new(Database::open(place.path()).await.unwrap());
        assert_eq!(records.open_calls(None, 10).await.unwrap(), std::slice::from_ref(&record));
        assert_eq!(records.next_step(record.carrier, &record.carrier_call_id).await.unwrap(), None);
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
        query("INSERT INTO probes (id, value) VALUES (x'01', 'lost')").execute(&mut *tx).await.unwrap();
        drop(tx);
        let (left,): (i64,) = query("SELECT COUNT(*) FROM probes").one(database.readers()).await.unwrap();
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
