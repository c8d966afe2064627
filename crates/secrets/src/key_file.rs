//! The file that holds the keys of an installation, or a setting with the same.

mod disk;
mod keys;
mod rotation;
mod text;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use privacy::Secret;
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::sealer::{Parts, kind_of};
use crate::{Sealer, SecretsError, SigningKeys};
use disk::Stamp;
use keys::Keys;
use text::Stored;

pub use keys::{KeyInfo, KeyState, KeyUse};
pub use rotation::RotatedSigning;
pub(crate) use text::is_key_id;

/// Most keys of each use.
pub const MAX_KEYS: usize = 16;
/// How often a key file in use is looked at for new keys.
pub const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How long a new signing key is there before it signs: longer than [`LOOK_AGAIN`] and what clocks differ by.
pub const PUBLISH_AHEAD: SignedDuration = SignedDuration::from_mins(10);
/// A key that is not known makes us look at the file at most this often: anybody can name one.
const LOOK_FOR_UNKNOWN: Duration = Duration::from_secs(1);

/// Keys of an installation: those that seal, those that sign, and one for pseudonyms. All instances must have the same.
///
/// Clones share the keys. A file that another process has changed is read again by itself.
#[derive(Clone)]
pub struct KeyFile(Arc<Inner>);

struct Inner {
    /// None: the keys came from a setting.
    path: Option<PathBuf>,
    keys: RwLock<Arc<Keys>>,
    looked: Mutex<Looked>,
}

struct Looked {
    at: Instant,
    for_unknown: Option<Instant>,
    stamp: Option<Stamp>,
}

impl KeyFile {
    /// Reads the file, or makes it with new keys when there is none.
    pub fn load_or_create(path: &Path, now: Timestamp) -> Result<Self, SecretsError> {
        if let Some(found) = disk::read(path)? {
            return Self::of_file(path, &found);
        }
        // Two instances may start at once: the second reads what the first has made.
        let _lock = disk::lock(path)?;
        if let Some(found) = disk::read(path)? {
            return Self::of_file(path, &found);
        }
        disk::write(path, &Stored::generate(now)?.render())?;
        info!(path = %path.display(), "made new keys; back this file up: what is sealed cannot be read without it");
        Self::load(path)
    }

    /// Reads the file.
    pub fn load(path: &Path) -> Result<Self, SecretsError> {
        Self::of_file(path, &disk::required(path)?)
    }

    /// Keys from the text of SECRET_KEYS: `id:base64,id:base64`, 32 bytes each. The first seals and signs, all open and verify: a new key is added
    /// at the end first, and moved to the front when every instance has it. An entry `pseudonym:base64` sets the key of pseudonyms, which is
    /// otherwise derived from the last.
    pub fn from_text(text: &Secret) -> Result<Self, SecretsError> {
        Self::new(None, Keys::of(&Stored::of_setting(text)?)?, None)
    }

    fn of_file(path: &Path, found: &disk::Found) -> Result<Self, SecretsError> {
        let keys = Keys::of(&Stored::parse(&found.text, path)?)?;
        Self::new(Some(path.to_owned()), keys, Some(found.stamp))
    }

    fn new(path: Option<PathBuf>, keys: Keys, stamp: Option<Stamp>) -> Result<Self, SecretsError> {
        let looked = Mutex::new(Looked { at: Instant::now(), for_unknown: None, stamp });
        Ok(Self(Arc::new(Inner { path, keys: RwLock::new(Arc::new(keys)), looked })))
    }

    /// The keys without their values, the newest of each use first.
    pub fn list(&self, now: Timestamp) -> Vec<KeyInfo> {
        self.keys().list(now)
    }

    /// The signing keys of this file.
    pub fn signing_keys(&self) -> SigningKeys {
        SigningKeys::of(self.clone())
    }

    /// For pseudonyms that must stay the same; no rotation changes it.
    pub fn pseudonym_key(&self) -> [u8; 32] {
        *self.keys().pseudonym
    }

    /// The keys as they are now.
    pub(crate) fn keys(&self) -> Arc<Keys> {
        let due = {
            let mut looked = self.looked();
            let due = looked.at.elapsed() >= LOOK_AGAIN;
            if due {
                looked.at = Instant::now();
            }
            due
        };
        if due {
            self.look();
        }
        Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the file because somebody named a key that is not known. True when it was looked at.
    pub(crate) fn look_for_unknown(&self) -> bool {
        let mut looked = self.looked();
        if looked.for_unknown.is_some_and(|at| at.elapsed() < LOOK_FOR_UNKNOWN) {
            return false;
        }
        looked.for_unknown = Some(Instant::now());
        drop(looked);
        self.look();
        true
    }

    /// Reads the file again if it has changed. One that cannot be read is complained of, and the keys stay as they were.
    fn look(&self) {
        let Some(path) = &self.0.path else { return };
        if disk::stamp(path).is_some_and(|stamp| Some(stamp) == self.looked().stamp) {
            return;
        }
        let read = disk::required(path).and_then(|found| Ok((Keys::of(&Stored::parse(&found.text, path)?)?, found.stamp)));
        match read {
            Ok((keys, stamp)) => {
                *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                self.looked().stamp = Some(stamp);
                info!(path = %path.display(), "read the changed key file");
            }
            Err(fault) => warn!(error = %fault, "the key file cannot be read again; the keys stay as they were"),
        }
    }

    fn looked(&self) -> std::sync::MutexGuard<'_, Looked> {
        self.0.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file is read seldom and has a kilobyte, and AES takes microseconds: nothing here is worth another thread.
#[async_trait]
impl Sealer for KeyFile {
    async fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SecretsError> {
        let keys = self.keys();
        let (id, key) = keys.sealer();
        key.seal(id, context, plain)
    }

    async fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
        let parts = Parts::of(sealed).map_err(|why| SecretsError::Damaged { context: kind_of(context), why })?;
        let mut keys = self.keys();
        if keys.opener(parts.key_id).is_none() && self.look_for_unknown() {
            keys = self.keys();
        }
        let key = keys.opener(parts.key_id);
        let key = key.ok_or_else(|| SecretsError::UnknownKey { context: kind_of(context), id: parts.key_id.to_owned() })?;
        key.open(context, &parts)
    }

    fn kind(&self) -> &'static str {
        if self.0.path.is_some() { "key file" } else { "environment" }
    }
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFile").field("path", &self.0.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
