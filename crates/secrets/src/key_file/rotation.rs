//! New keys for old ones. The running programs read the file again by themselves.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::text::{SIGNING_KEYS, Stored, StoredKey};
use super::{KeyFile, MAX_KEYS, PUBLISH_AHEAD, disk};
use crate::{MAX_TOKEN_LIFE_SECS, SecretsError};

/// A new signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotatedSigning {
    /// Its id.
    pub id: String,
    /// When it begins to sign.
    pub signs_from: Timestamp,
}

impl KeyFile {
    /// Adds a sealing key, which seals from now on; the others still open. Returns its id.
    pub fn rotate_sealing(path: &Path, now: Timestamp) -> Result<String, SecretsError> {
        change(path, |stored| {
            if stored.sealing.len() >= MAX_KEYS {
                return Err(SecretsError::TooManyKeys { path: path.to_owned() });
            }
            let key = StoredKey::generate("key", now)?;
            let id = key.id.clone();
            stored.sealing.insert(0, key);
            Ok(id)
        })
    }

    /// Adds a signing key: it verifies at once and signs after [`PUBLISH_AHEAD`]. The key before stays, older ones go; so this waits until the
    /// tokens of those are over.
    pub fn rotate_signing(path: &Path, now: Timestamp) -> Result<RotatedSigning, SecretsError> {
        change(path, |stored| {
            let overlap = SignedDuration::from_secs(MAX_TOKEN_LIFE_SECS);
            // With one key alone nothing is dropped.
            let newest = stored.signing.first().filter(|_| stored.signing.len() >= SIGNING_KEYS).and_then(|key| key.not_before);
            if let Some(from) = newest.and_then(|began| began.checked_add(overlap).ok()).filter(|from| *from > now) {
                return Err(SecretsError::TooSoon { from });
            }
            // Never before another, or the order of keys would be undone.
            let latest = stored.signing.iter().filter_map(|key| key.not_before).max().unwrap_or(now).max(now);
            let signs_from = latest.saturating_add(PUBLISH_AHEAD).unwrap_or(Timestamp::MAX);
            let key = StoredKey { not_before: Some(signs_from), ..StoredKey::generate("sig", now)? };
            let id = key.id.clone();
            stored.signing.insert(0, key);
            stored.signing.truncate(SIGNING_KEYS);
            Ok(RotatedSigning { id, signs_from })
        })
    }

    /// Removes a sealing key that seals no more. What it sealed is lost unless it was sealed again: see [`crate::sealed_with`].
    pub fn retire_sealing(path: &Path, id: &str) -> Result<(), SecretsError> {
        change(path, |stored| {
            let refused = |why| SecretsError::NotRetired { id: id.to_owned(), why };
            match stored.sealing.iter().position(|key| key.id == id) {
                None => Err(refused("there is none of this id")),
                Some(0) => Err(refused("it is the one that seals; make a new one first")),
                Some(at) => {
                    stored.sealing.remove(at);
                    Ok(())
                }
            }
        })
    }
}

/// Changes the file, one process at a time.
fn change<T>(path: &Path, change: impl FnOnce(&mut Stored) -> Result<T, SecretsError>) -> Result<T, SecretsError> {
    // Before the lock, whose file is made where there is none yet.
    disk::required(path)?;
    let _lock = disk::lock(path)?;
    let mut stored = Stored::parse(&disk::required(path)?.text, path)?;
    let outcome = change(&mut stored)?;
    disk::write(path, &stored.render())?;
    Ok(outcome)
}
