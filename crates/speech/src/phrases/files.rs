//! Phrases on disk, one file each. A folder that fails costs speed, not speech.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lru::LruCache;

use super::entry::MAX_ENTRY_BYTES;
use super::store::{Holding, PhraseStore};
use crate::SpeechError;

/// Bytes kept on disk: nearly five hours of sound at 8 kHz.
pub const MAX_FILE_BYTES: u64 = 256 << 20;
/// Phrases that are known to be in use; of more, those that were used longest ago count as out of use.
const MAX_PINNED: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();

/// A folder of phrases. May be deleted at any time. Cheap to clone: clones share everything.
#[derive(Clone)]
pub struct FileStore {
    dir: Arc<Path>,
    limit: u64,
    state: Arc<Mutex<State>>,
}

struct State {
    pinned: LruCache<String, ()>,
    /// Bytes and files in the folder, once they were counted.
    total: Option<(u64, u64)>,
    evictions: u64,
}

impl FileStore {
    /// A folder, made when there is something to keep, and the bytes it may take: [`MAX_FILE_BYTES`].
    #[must_use]
    pub fn new(dir: &Path, limit: u64) -> Self {
        let state = State { pinned: LruCache::new(MAX_PINNED), total: None, evictions: 0 };
        Self { dir: dir.into(), limit, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name).with_extension("pcm")
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(name);
        match fs::metadata(&path) {
            Ok(meta) if meta.len() > MAX_ENTRY_BYTES as u64 => Ok(Some(Vec::new())), // No phrase is so long: it is not one.
            Ok(_) => fs::read(&path).map(Some),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn write(&self, name: &str, entry: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        // One writer at a time: the count and the folder belong together.
        let mut state = self.state();
        let (bytes, files) = self.counted(&mut state)?;
        let path = self.path(name);
        let before = fs::metadata(&path).ok().map(|meta| meta.len());
        // Renamed when it is whole: a file under its name is never half a phrase.
        let part = self.dir.join(format!("{name}.{}.part", std::process::id()));
        fs::write(&part, entry)?;
        fs::rename(&part, path)?;
        let bytes = bytes.saturating_sub(before.unwrap_or(0)) + entry.len() as u64;
        state.total = Some((bytes, files + u64::from(before.is_none())));
        if bytes > self.limit { self.prune(&mut state) } else { Ok(()) }
    }

    fn delete(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let path = self.path(name);
        let size = fs::metadata(&path).map(|meta| meta.len());
        match fs::remove_file(path) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
            _ => {}
        }
        if let (Ok(size), Some((bytes, files))) = (size, state.total) {
            state.total = Some((bytes.saturating_sub(size), files.saturating_sub(1)));
        }
        Ok(())
    }

    /// Removes the oldest files until a tenth of the room is free: first those that are not in use.
    fn prune(&self, state: &mut State) -> io::Result<()> {
        let mut files = self.listed()?;
        files.sort_by_cached_key(|(modified, _, path)| (state.in_use(path), *modified));
        let (mut bytes, mut left): (u64, u64) = (files.iter().map(|(_, size, _)| size).sum(), files.len() as u64);
        for (_, size, path) in files {
            if bytes <= self.limit - self.limit / 10 {
                break;
            }
            fs::remove_file(path)?;
            (bytes, left) = (bytes - size, left - 1);
            state.evictions += 1;
        }
        state.total = Some((bytes, left));
        Ok(())
    }

    fn counted(&self, state: &mut State) -> io::Result<(u64, u64)> {
        if let Some(total) = state.total {
            return Ok(total);
        }
        let files = self.listed()?;
        let total = (files.iter().map(|(_, size, _)| size).sum(), files.len() as u64);
        state.total = Some(total);
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

    /// Does file work where it holds nobody up.
    async fn apart<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, SpeechError> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        done.map_err(|_| SpeechError::Stopped { engine: "the store of phrases" })?.map_err(SpeechError::file(action, &self.dir))
    }
}

impl State {
    fn in_use(&self, path: &Path) -> bool {
        path.file_stem().and_then(|name| name.to_str()).is_some_and(|name| self.pinned.contains(name))
    }
}

#[async_trait]
impl PhraseStore for FileStore {
    fn level(&self) -> &'static str {
        "file"
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, SpeechError> {
        let name = name.to_owned();
        self.apart("read a phrase in", move |this| this.read(&name)).await
    }

    async fn put(&self, name: &str, entry: Vec<u8>, _: Duration) -> Result<(), SpeechError> {
        let name = name.to_owned();
        self.apart("keep a phrase in", move |this| this.write(&name, &entry)).await
    }

    async fn remove(&self, name: &str) -> Result<(), SpeechError> {
        let name = name.to_owned();
        self.apart("remove a phrase from", move |this| this.delete(&name)).await
    }

    fn has(&self, name: &str) -> bool {
        fs::metadata(self.path(name)).is_ok_and(|meta| meta.is_file())
    }

    fn pin(&self, name: &str) {
        self.state().pinned.put(name.to_owned(), ());
    }

    fn holds(&self) -> Holding {
        let state = self.state();
        Holding { bytes: state.total.map(|total| total.0), entries: state.total.map(|total| total.1), evictions: state.evictions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_folder_stays_within_its_limit_and_what_is_in_use_goes_last() {
        let dir = tempfile::tempdir().unwrap();
        let files = FileStore::new(&dir.path().join("phrases"), 10_000);
        for at in 0..3 {
            files.pin(&format!("phrase{at}"));
        }
        for at in 0..20 {
            files.put(&format!("phrase{at}"), vec![7; 1_000], LIFE).await.unwrap();
            let holding = files.holds();
            let listed = files.listed().unwrap();
            assert_eq!(holding.bytes, Some(listed.iter().map(|(_, size, _)| size).sum()));
            assert_eq!(holding.entries, Some(listed.len() as u64));
            assert!(holding.bytes.unwrap() <= 10_000, "{holding:?}");
        }
        assert!((0..3).all(|at| files.has(&format!("phrase{at}"))) && !files.has("phrase3") && files.has("phrase19"));
        assert!(files.holds().evictions >= 10);
        for at in 30..45 {
            files.pin(&format!("phrase{at}"));
            files.put(&format!("phrase{at}"), vec![7; 1_000], LIFE).await.unwrap();
        }
        assert!(files.holds().bytes.unwrap() <= 10_000, "the limit holds also for what is in use");
    }

    #[tokio::test]
    async fn what_is_put_again_or_removed_is_counted_once() {
        let dir = tempfile::tempdir().unwrap();
        let files = FileStore::new(dir.path(), 10_000);
        assert_eq!(files.get("one").await.unwrap(), None);
        files.put("one", vec![1; 500], LIFE).await.unwrap();
        files.put("one", vec![2; 300], LIFE).await.unwrap();
        assert_eq!((files.holds().bytes, files.holds().entries), (Some(300), Some(1)));
        assert_eq!(files.get("one").await.unwrap(), Some(vec![2; 300]));
        files.remove("one").await.unwrap();
        files.remove("one").await.unwrap();
        assert_eq!((files.holds().bytes, files.holds().entries), (Some(0), Some(0)));
        assert!(!files.has("one"));
    }
}
