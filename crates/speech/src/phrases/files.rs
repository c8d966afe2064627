//! Phrases on disk, one raw file of samples (16-bit little-endian) each. A folder that fails costs speed, not speech: failures are logged.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Bytes of sound kept on disk: nearly five hours at 8 kHz.
pub const MAX_FILE_BYTES: u64 = 256 << 20;
/// The longest phrase that is read back, bytes: ten minutes at 16 kHz.
const MAX_PHRASE: u64 = 10 * 60 * 16_000 * 2;

#[derive(Clone)]
pub(super) struct Files {
    dir: PathBuf,
    limit: u64,
    /// Bytes in the folder, once they were counted.
    total: Arc<Mutex<Option<u64>>>,
}

impl Files {
    pub(super) fn new(dir: PathBuf, limit: u64) -> Self {
        Self { dir, limit, total: Arc::default() }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        fs::metadata(self.path(name)).is_ok_and(|meta| meta.is_file())
    }

    /// The phrase, or `None` when it is not there or not whole.
    pub(super) async fn read(&self, name: String) -> Option<Arc<[i16]>> {
        let path = self.path(&name);
        tokio::task::spawn_blocking(move || {
            if fs::metadata(&path).ok()?.len() > MAX_PHRASE {
                return None;
            }
            let bytes = fs::read(&path).ok()?;
            let (pairs, rest) = bytes.as_chunks();
            (rest.is_empty() && !pairs.is_empty()).then(|| pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect())
        })
        .await
        .ok()?
    }

    pub(super) async fn write(&self, name: String, sound: Arc<[i16]>) {
        let this = self.clone();
        let written = tokio::task::spawn_blocking(move || this.store(&name, &sound)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(folder = %self.dir.display(), %error, "a phrase could not be kept on disk");
        }
    }

    fn store(&self, name: &str, sound: &[i16]) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        // One writer at a time: the count and the folder belong together.
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match *total {
            Some(total) => total,
            None => self.listed()?.iter().map(|(_, size, _)| size).sum(),
        };
        let bytes: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        // Renamed when it is whole: a file under its name is never half a phrase.
        let part = self.dir.join(format!("{name}.{}.part", std::process::id()));
        fs::write(&part, &bytes)?;
        fs::rename(&part, self.path(name))?;
        let now = before + bytes.len() as u64;
        *total = Some(if now > self.limit { self.prune()? } else { now });
        Ok(())
    }

    /// Removes the oldest files until a tenth of the room is free; returns what is left.
    fn prune(&self) -> io::Result<u64> {
        let mut files = self.listed()?;
        files.sort();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if total <= self.limit - self.limit / 10 {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(total)
    }

    fn listed(&self) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
        let ours = |path: &Path| path.extension().is_some_and(|kind| kind == "pcm" || kind == "part");
        fs::read_dir(&self.dir)?
            .filter(|entry| entry.as_ref().map_or(true, |entry| ours(&entry.path())))
            .map(|entry| {
                let entry = entry?;
                let meta = entry.metadata()?;
                Ok((meta.modified()?, meta.len(), entry.path()))
            })
            .collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name).with_extension("pcm")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_folder_stays_within_its_limit_and_broken_files_are_not_phrases() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path().join("phrases"), 10_000);
        for at in 0..20 {
            files.write(format!("phrase{at}"), vec![7; 500].into()).await;
        }
        let total: u64 = files.listed().unwrap().iter().map(|(_, size, _)| size).sum();
        assert!((5_000..=10_000).contains(&total), "{total}");
        files.write("last".into(), vec![7, -7].into()).await;
        assert!(files.has("last"));
        assert_eq!(files.read("last".into()).await.as_deref(), Some([7, -7].as_slice()));
        fs::write(files.path("odd"), [1, 2, 3]).unwrap();
        assert_eq!(files.read("odd".into()).await, None);
    }
}
