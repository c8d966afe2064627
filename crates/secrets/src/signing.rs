//! Keys that sign access tokens: Ed25519, each with an id; one signs, the two newest of a file verify.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::{KeyFile, SecretsError};

/// The signing keys of a [`KeyFile`]. They follow its rotations.
#[derive(Debug, Clone)]
pub struct SigningKeys(KeyFile);

impl SigningKeys {
    pub(crate) fn of(file: KeyFile) -> Self {
        Self(file)
    }

    /// Does something with the key that signs now.
    pub(crate) fn signer<T>(&self, now: Timestamp, sign: impl FnOnce(&SigningKey) -> T) -> T {
        sign(self.0.keys().signer(now))
    }

    /// The public half of a key that may verify. Another instance may have made it just now, so the file is looked at before it is unknown.
    pub(crate) fn verifier(&self, id: &str) -> Option<DecodingKey> {
        let find = |file: &KeyFile| file.keys().signing().find(|key| key.id == id).map(|key| key.verifies.clone());
        find(&self.0).or_else(|| if self.0.look_for_unknown() { find(&self.0) } else { None })
    }
}

/// One of them.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    pub(crate) created_at: Option<Timestamp>,
    /// Published before it signs, so that every instance knows it by then. None: signs at once.
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) signs: EncodingKey,
    pub(crate) verifies: DecodingKey,
}

impl SigningKey {
    /// From the 32 secret bytes of RFC 8032.
    pub(crate) fn new(id: String, seed: &[u8; 32]) -> Result<Self, SecretsError> {
        let failed = || SecretsError::Crypto { doing: "making an Ed25519 key" };
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| failed())?;
        let signs = EncodingKey::from_ed_der(pair.to_pkcs8v1().map_err(|_| failed())?.as_ref());
        let verifies = DecodingKey::from_ed_der(pair.public_key().as_ref());
        Ok(Self { id, created_at: None, not_before: None, signs, verifies })
    }
}
