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
    /// The row was changed since the caller read it.
    #[error("the {what} was changed by somebody else in the meantime; read it again, and repeat the change if it still makes sense")]
    Changed {
        /// What was to be changed.
        what: &'static str,
    },
    /// Another row has the same value where each must have its own.
    #[error("the {what} is taken; choose another")]
    Taken {
        /// Which value.
        what: &'static str,
    },
    /// A row that was named is not there.
    #[error("the {what} is not there; it may have been removed in the meantime")]
    Missing {
        /// What was named.
        what: &'static str,
    },
    /// A field that must have a value was to be emptied.
    #[error("the {what} cannot be empty; give a value, or leave it out to keep the present one")]
    Needed {
        /// Which field.
        what: &'static str,
    },
    /// Something else needs the row that was to be removed.
    #[error("the {what} is still in use and cannot be removed; remove what uses it first")]
    InUse {
        /// What was to be removed.
        what: &'static str,
    },
    /// A value is larger than is kept.
    #[error("the {what} is {size} long and at most {limit} are kept; shorten it")]
    TooLong {
        /// Which value.
        what: &'static str,
        /// Its length: bytes, or entries of a list.
        size: usize,
        /// The most that is kept.
        limit: usize,
    },
    /// The database's own rules for our role were in the way.
    #[error("the database does not let this program {doing}; give its role the rights that docs/people.md names, or keep the data longer")]
    NotAllowed {
        /// What was tried.
        doing: &'static str,
    },
    /// The schema of the database is of another version than this program.
    #[error(
        "the database schema is version {}, this program needs {needed}; run `voicenoob migrate`, or start the program that fits the database",
        found.map_or_else(|| "none".to_owned(), |found| found.to_string())
    )]
    SchemaVersion {
        /// The version of the database; none when it has no schema yet.
        found: Option<i64>,
        /// The version of this program.
        needed: i64,
    },
    /// There is a file already, and it was not said that it may be replaced.
    #[error("there is already a file at {path}; choose another name, or say that it may be replaced")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A copy of the database cannot be used.
    #[error("{path} is no backup that can be used: {why}; take another one")]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A number that is no single person's.
    #[error("the number has fewer than {least} digits and is no single person's; give the whole number")]
    NoNumber {
        /// Fewest digits.
        least: usize,
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

    /// For `map_err` on a write: a value that must be unique is [`StoreError::Taken`], a row that is pointed at and not there
    /// [`StoreError::Missing`], both with `what`; everything else as [`StoreError::while_doing`]. On PostgreSQL the transaction is over then.
    pub fn while_storing(doing: &'static str, what: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| match source.as_database_error() {
            Some(error) if error.is_unique_violation() => Self::Taken { what },
            Some(error) if error.is_foreign_key_violation() => Self::Missing { what },
            _ => Self::while_doing(doing)(source),
        }
    }

    /// A stored value that cannot be read.
    pub fn corrupt(what: &'static str, value: impl Into<String>) -> Self {
        Self::Corrupt { what, value: value.into() }
    }
}
