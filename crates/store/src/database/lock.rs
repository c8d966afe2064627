//! Two lock files in the data directory: one is held while the schema is set up, the other, shared, for as long as the database is open.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Database;
use crate::StoreError;

/// A lock on a file; it ends with the process at the latest.
#[derive(Debug)]
pub(crate) struct DataLock(File);

/// How a lock is held.
#[derive(Clone, Copy)]
enum Hold {
    Alone,
    Shared,
}

impl DataLock {
    const SETUP: &'static str = "voicenoob.lock";
    const USE: &'static str = "voicenoob.in-use";

    /// Makes the directory (mode 0700) and waits until nobody else sets it up.
    pub(crate) fn set_up(directory: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Io { doing: "create the data directory", path: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let path = directory.join(Self::SETUP);
        let written = |source| StoreError::Io { doing: "write", path: path.clone(), source };
        let file = private_file(&path).map_err(written)?;
        // Proves that it can be written.
        (&file).write_all(b"held while the schema is set up\n").map_err(written)?;
        take(file, path, Hold::Alone, Database::SETUP_TIMEOUT)
    }

    /// The directory is used: several programs may use it at once. Ask for [`DataLock::set_up`] first.
    pub(crate) fn in_use(directory: &Path) -> Result<Self, StoreError> {
        Self::usage(directory, Hold::Shared, Database::SETUP_TIMEOUT)
    }

    /// The directory is used by nobody else, or [`StoreError::Locked`].
    pub(crate) fn alone(directory: &Path) -> Result<Self, StoreError> {
        Self::usage(directory, Hold::Alone, Duration::ZERO)
    }

    fn usage(directory: &Path, hold: Hold, limit: Duration) -> Result<Self, StoreError> {
        let path = directory.join(Self::USE);
        let file = private_file(&path).map_err(|source| StoreError::Io { doing: "write", path: path.clone(), source })?;
        take(file, path, hold, limit)
    }

    /// Ends it before the file is dropped.
    pub(crate) fn free(&self) {
        // What cannot be freed now is freed with the process.
        let _ = self.0.unlock();
    }
}

/// A file for this user only.
pub(crate) fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Waits for a lock; it is released when the file is dropped.
fn take(file: File, path: PathBuf, hold: Hold, limit: Duration) -> Result<DataLock, StoreError> {
    let deadline = Instant::now() + limit;
    loop {
        let taken = match hold {
            Hold::Alone => file.try_lock(),
            Hold::Shared => file.try_lock_shared(),
        };
        match taken {
            Ok(()) => return Ok(DataLock(file)),
            Err(TryLockError::Error(source)) => return Err(StoreError::Io { doing: "lock", path, source }),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(StoreError::Locked { path }),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
