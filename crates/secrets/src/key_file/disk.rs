//! The key file on disk: only its owner may touch it, and it is never half there.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::SecretsError;
use crate::random::fill;

/// Most bytes that are read: a full file has about five thousand.
const MAX_FILE_BYTES: u64 = 64 << 10;
/// How long another process may hold the file while it changes it.
const LOCK_LIMIT: Duration = Duration::from_secs(10);
/// Pause between two tries to lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Tells a changed file from the same: device, inode, length, time of change in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64, u64, u64, i128);

/// What a file held.
pub(super) struct Found {
    pub(super) text: Zeroizing<String>,
    pub(super) stamp: Stamp,
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        let changed = i128::from(file.mtime()) * 1_000_000_000 + i128::from(file.mtime_nsec());
        Self(file.dev(), file.ino(), file.len(), changed)
    }
}

/// The stamp of a file that is there.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().map(|file| Stamp::of(&file))
}

/// The file's text; None when there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Found>, SecretsError> {
    match required(path) {
        Err(SecretsError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// The file's text.
pub(super) fn required(path: &Path) -> Result<Found, SecretsError> {
    let failed = |source| SecretsError::Io { doing: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    // Asked of the open file: the name may mean another one by now.
    let about = file.metadata().map_err(failed)?;
    if about.mode() & OTHERS != 0 {
        return Err(SecretsError::TooOpen { path: path.to_owned(), mode: about.mode() & 0o7777 });
    }
    // Room for all of it at once: text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(about.len().min(MAX_FILE_BYTES)).unwrap_or_default() + 1));
    let length = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if length as u64 > MAX_FILE_BYTES {
        let why = format!("it has more than {MAX_FILE_BYTES} bytes");
        return Err(SecretsError::BadKeys { place: path.display().to_string(), why });
    }
    Ok(Found { text, stamp: Stamp::of(&about) })
}

/// Writes the whole file: into another first, which takes its name when all of it is on disk.
pub(super) fn write(path: &Path, text: &str) -> Result<(), SecretsError> {
    let mut suffix = [0; 8];
    fill(&mut suffix)?;
    let draft = beside(path, &format!(".{}.tmp", hex::encode(suffix)));
    let written =
        write_draft(&draft, text).and_then(|()| std::fs::rename(&draft, path)).and_then(|()| File::open(folder(path))?.sync_all());
    written.map_err(|source| {
        // Its keys were never used. That it cannot be removed either adds nothing to the error.
        let _ = std::fs::remove_file(&draft);
        SecretsError::Io { doing: "write", path: path.to_owned(), source }
    })
}

fn write_draft(draft: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Keeps other processes from changing the file until it is dropped. The folder is made if it is not there.
pub(super) fn lock(path: &Path) -> Result<File, SecretsError> {
    let place = beside(path, ".lock");
    let failed = |source| SecretsError::Io { doing: "lock", path: place.clone(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(folder(path)).map_err(failed)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&place).map_err(failed)?;
    let deadline = Instant::now() + LOCK_LIMIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => return Err(SecretsError::Locked { path: place }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
