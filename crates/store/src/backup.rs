//! Copies of the embedded database: made while the program runs, and put back while it does not.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::database::{DataLock, copies};
use crate::{Database, StoreError};

/// Ending of the database that a restore has replaced.
pub const BEFORE: &str = ".before-restore";

/// A copy that was made or put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Size of the file.
    pub bytes: u64,
    /// Version of its schema.
    pub version: i64,
}

/// Writes a copy of the database in `data_dir` to `target`, a consistent one of the moment it begins. The program may run and write.
///
/// The copy has mode 0600 and appears under its name only when it is whole, checked and on disk. Keys and recordings are not in it.
///
/// Errors: [`StoreError::Exists`] when there is a file at `target` and `replace` is false; [`StoreError::NotABackup`] when the copy is damaged.
pub async fn create(data_dir: &Path, target: &Path, replace: bool) -> Result<Copied, StoreError> {
    let source = data_dir.join(Database::FILE);
    // A data directory that is not there is not made by asking for a copy of it.
    std::fs::metadata(&source).map_err(failed("read", &source))?;
    let used = blocking(data_dir, DataLock::in_use).await?;
    refuse_existing(target, replace)?;
    let part = Part::beside(target)?;
    let name = part.0.to_str().ok_or_else(|| unusable(target, "its name is not UTF-8".into()))?;
    copies::copy(&source, name).await.map_err(StoreError::while_doing("copy the database"))?;
    let version = copies::checked(&part.0).await.map_err(|why| unusable(target, why))?;
    let bytes = part.finish(target).await?;
    drop(used);
    Ok(Copied { bytes, version })
}

/// Puts the copy at `source` in place of the database in `data_dir`. The program brings its schema to this version when it starts. What was there
/// is kept beside it under the ending [`BEFORE`], in place of what was kept the last time.
///
/// Errors: [`StoreError::Locked`] while a program uses `data_dir`; [`StoreError::Exists`] when there is a database and `replace` is false;
/// [`StoreError::NotABackup`] when the copy is not ours, damaged, or of a newer version.
pub async fn restore(data_dir: &Path, source: &Path, replace: bool) -> Result<Copied, StoreError> {
    let locks = blocking(data_dir, |directory| Ok((DataLock::set_up(directory)?, DataLock::alone(directory)?))).await?;
    let target = data_dir.join(Database::FILE);
    refuse_existing(&target, replace)?;
    let part = Part::beside(&target)?;
    let (from, to) = (source.to_owned(), part.0.clone());
    // The copy is checked and not the original: it is what will be used.
    let copied = spawn_blocking(move || std::fs::copy(from, to)).await.map_err(std::io::Error::other).flatten();
    copied.map_err(failed("read", source))?;
    let version = copies::checked(&part.0).await.map_err(|why| unusable(source, why))?;
    remove_journal(&target).await?;
    keep(&target)?;
    let bytes = part.finish(&target).await?;
    drop(locks);
    Ok(Copied { bytes, version })
}

/// What the database that is replaced has not yet written back must not be found beside the new one.
async fn remove_journal(database: &Path) -> Result<(), StoreError> {
    let is_settled = copies::settle(database).await.is_ok();
    for ending in ["-wal", "-shm"] {
        let journal = named(database, ending);
        // A damaged database, which may be why it is replaced, keeps its journal: what it has not written back is there only.
        let done = if is_settled {
            std::fs::remove_file(&journal)
        } else {
            std::fs::rename(&journal, named(database, &format!("{BEFORE}{ending}")))
        };
        match done {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("remove", &journal)(error)),
            _ => {}
        }
    }
    Ok(())
}

fn named(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A second name for the database that will be replaced: at no moment is there none.
fn keep(database: &Path) -> Result<(), StoreError> {
    let kept = named(database, BEFORE);
    let is_none = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    if !std::fs::exists(database).map_err(failed("read", database))? {
        return Ok(());
    }
    match std::fs::remove_file(&kept) {
        Err(error) if !is_none(&error) => Err(failed("remove", &kept)(error)),
        // Not every file system has second names.
        _ => std::fs::hard_link(database, &kept).or_else(|_| std::fs::copy(database, &kept).map(drop)).map_err(failed("write", &kept)),
    }
}

fn refuse_existing(target: &Path, replace: bool) -> Result<(), StoreError> {
    match std::fs::symlink_metadata(target) {
        Ok(_) if !replace => Err(StoreError::Exists { path: target.to_owned() }),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("read", target)(error)),
    }
}

/// A file that is not yet what it is to be; it is removed unless it becomes that.
struct Part(PathBuf);

impl Part {
    /// An empty file for this user only, in the folder of `target`, so that it can be renamed.
    fn beside(target: &Path) -> Result<Self, StoreError> {
        let folder = folder(target);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("create", folder))?;
        let path = folder.join(format!(".voicenoob-{}.part", Uuid::new_v4().simple()));
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed("write", &path))?;
        Ok(Self(path))
    }

    /// Brings it to disk and gives it its name; returns its size.
    async fn finish(self, target: &Path) -> Result<u64, StoreError> {
        let named = target.to_owned();
        let done = spawn_blocking(move || self.publish(&named)).await.map_err(std::io::Error::other).flatten();
        done.map_err(failed("write", target))
    }

    fn publish(&self, target: &Path) -> std::io::Result<u64> {
        let file = File::open(&self.0)?;
        file.sync_all()?;
        std::fs::rename(&self.0, target)?;
        // The name is on disk when its folder is.
        File::open(folder(target))?.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After the rename there is nothing of this name.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn folder(of: &Path) -> &Path {
    of.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unusable(path: &Path, why: String) -> StoreError {
    StoreError::NotABackup { path: path.to_owned(), why }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { doing, path, source }
}

/// Locks wait, so they are taken off the async threads.
async fn blocking<T: Send + 'static>(
    directory: &Path,
    take: impl FnOnce(&Path) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let owned = directory.to_owned();
    let taken = spawn_blocking(move || take(&owned)).await;
    taken.map_err(|error| failed("lock", directory)(std::io::Error::other(error)))?
}

#[cfg(test)]
mod tests;
