//! What can go wrong with the store, and what to do about it.

use std::path::PathBuf;

use call::CallId;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory or the database file cannot be used.
    #[error("cannot {doing} {path}: {source}; let this user write there, or set DATA_DIR to another directory")]
    Io {
        /// What was tried: `create`, `write`, `lock`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process has been setting up the same data directory for too long.
    #[error("another process holds {path}; stop it, or set DATA_DIR to another directory")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The address of the database cannot be used. The address itself is not shown, it may hold a password.
    #[error("the database address is wrong: {why}; set DATABASE_URL to postgres://user:password@host:port/database, or leave it out")]
    BadUrl {
        /// What is wrong with it.
        why: String,
    },
    /// The database server does not let us in.
    #[error("cannot connect to the database {place}: {source}; start it, or correct DATABASE_URL")]
    Unreachable {
        /// Host, port and database.
        place: String,
        /// What the server or the system said.
        #[source]
        source: sqlx::Error,
    },
    /// The database did not do it: no free connection in time, busy, disk full, broken file, server gone.
    #[error("the database failed to {doing}: {source}; try again, and check the disk or the database server if it goes on")]
    Unavailable {
        /// What was tried.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The schema cannot be brought to this program's version.
    #[error(
        "cannot bring the database schema to this version: {source}; use the version of the program that wrote it, or restore a backup"
    )]
    Migration {
        /// What the migrator said.
        #[from]
        source: sqlx::migrate::MigrateError,
    },
    /// A stored value does not mean anything to this program.
    #[error("the stored {what} {value:?} cannot be read; it was written by another version, or the database is damaged")]
    Corrupt {
        /// Which value.
        what: &'static str,
        /// What stands there.
        value: String,
    },
    /// The call has no record.
    #[error("there is no record of the call {id}; open it before anything is stored for it")]
    UnknownCall {
        /// The id asked for.
        id: CallId,
    },
    /// The tool call was never claimed for this call.
    #[error("no tool call of the call {id} was claimed under the key {key}; claim it before it is finished")]
    UnknownToolCall {
        /// The call.
        id: CallId,
        /// The idempotency key.
        key: String,
    },
}

impl StoreError {
    /// For `map_err` on a database call: says what was being done. A value that came but cannot be read is [`StoreError::Corrupt`].
    pub fn while_doing(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| match source {
            sqlx::Error::ColumnDecode { index, .. } => Self::corrupt("column", index),
            source => Self::Unavailable { doing, source },
        }
    }

    /// A stored value that cannot be read.
    pub fn corrupt(what: &'static str, value: impl Into<String>) -> Self {
        Self::Corrupt { what, value: value.into() }
    }
}
