//! Keys ready for use.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::text::{Stored, StoredKey};
use crate::SecretsError;
use crate::sealer::SealingKey;
use crate::signing::SigningKey;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Seals values at rest.
    Sealing,
    /// Signs access tokens.
    Signing,
}

/// What a key does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Seals, or signs.
    Active,
    /// Verifies already, and signs later.
    Published,
    /// Opens, or verifies, what it did before.
    Former,
}

/// A key without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its use.
    pub used_for: KeyUse,
    /// Its id.
    pub id: String,
    /// When it was made; None for a key of the environment.
    pub created_at: Option<Timestamp>,
    /// When it begins to sign.
    pub not_before: Option<Timestamp>,
    /// What it does now.
    pub state: KeyState,
}

/// All keys, at least one of each use.
pub(crate) struct Keys {
    sealer: Sealing,
    /// They only open.
    openers: Vec<Sealing>,
    newest: SigningKey,
    /// The newest first.
    older: Vec<SigningKey>,
    pub(super) pseudonym: Zeroizing<[u8; 32]>,
}

struct Sealing {
    id: String,
    created_at: Option<Timestamp>,
    key: SealingKey,
}

impl Keys {
    pub(super) fn of(stored: &Stored) -> Result<Self, SecretsError> {
        let none = |what: &str| SecretsError::BadKeys { place: "the list of keys".to_owned(), why: format!("it holds no {what} key") };
        let mut sealing = stored.sealing.iter().map(Sealing::of).collect::<Result<Vec<_>, _>>()?.into_iter();
        let mut signing = stored.signing.iter().map(signing_key).collect::<Result<Vec<_>, _>>()?.into_iter();
        Ok(Self {
            sealer: sealing.next().ok_or_else(|| none("sealing"))?,
            openers: sealing.collect(),
            newest: signing.next().ok_or_else(|| none("signing"))?,
            older: signing.collect(),
            pseudonym: stored.pseudonym.clone(),
        })
    }

    /// The key that seals, and its id.
    pub(super) fn sealer(&self) -> (&str, &SealingKey) {
        (&self.sealer.id, &self.sealer.key)
    }

    /// The key of this id.
    pub(super) fn opener(&self, id: &str) -> Option<&SealingKey> {
        self.sealing().find(|sealing| sealing.id == id).map(|sealing| &sealing.key)
    }

    /// The key that signs: the newest whose time has come. With a clock that is behind all of them it is the oldest.
    pub(crate) fn signer(&self, now: Timestamp) -> &SigningKey {
        let ready = |key: &&SigningKey| key.not_before.is_none_or(|from| from <= now);
        self.signing().find(ready).or(self.older.last()).unwrap_or(&self.newest)
    }

    /// Keys that may verify, the newest first.
    pub(crate) fn signing(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    fn sealing(&self) -> impl Iterator<Item = &Sealing> {
        std::iter::once(&self.sealer).chain(&self.openers)
    }

    /// What there is, without values.
    pub(super) fn list(&self, now: Timestamp) -> Vec<KeyInfo> {
        let sealing = self.sealing().enumerate().map(|(index, key)| KeyInfo {
            used_for: KeyUse::Sealing,
            id: key.id.clone(),
            created_at: key.created_at,
            not_before: None,
            state: if index == 0 { KeyState::Active } else { KeyState::Former },
        });
        let signer = &self.signer(now).id;
        let signing = self.signing().map(|key| KeyInfo {
            used_for: KeyUse::Signing,
            id: key.id.clone(),
            created_at: key.created_at,
            not_before: key.not_before,
            state: match key.not_before {
                _ if key.id == *signer => KeyState::Active,
                Some(from) if from > now => KeyState::Published,
                _ => KeyState::Former,
            },
        });
        sealing.chain(signing).collect()
    }
}

impl Sealing {
    fn of(stored: &StoredKey) -> Result<Self, SecretsError> {
        Ok(Self { id: stored.id.clone(), created_at: stored.created_at, key: SealingKey::new(&stored.key)? })
    }
}

fn signing_key(stored: &StoredKey) -> Result<SigningKey, SecretsError> {
    let key = SigningKey::new(stored.id.clone(), &stored.key)?;
    Ok(SigningKey { created_at: stored.created_at, not_before: stored.not_before, ..key })
}
