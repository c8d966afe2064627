//! Encryption of single values at rest: AES-256-GCM under a key with an id.
//!
//! A sealed value is `1`, the length of the key's id, the id, a nonce of 12 bytes, the ciphertext and its tag of 16 bytes. Version, id and context
//! are authenticated, so that a value cannot be moved to another place.

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::SecretsError;

/// Longest text that is sealed: vendor keys, second factors, kept answers. Larger things do not belong into a database field.
pub const MAX_PLAIN_BYTES: usize = 2 << 20;

/// The only layout there is yet.
const VERSION: u8 = 1;
/// Tag of AES-GCM.
const TAG_LEN: usize = 16;

/// Seals values so that only the holder of the keys can read them, and only for the purpose they were sealed for.
#[async_trait]
pub trait Sealer: Send + Sync {
    /// Encrypts `plain`. `context` names what it is and whose (`totp:<user>`): it must be given again to open it.
    async fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SecretsError>;

    /// Decrypts what [`Self::seal`] made with the same context.
    async fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecretsError>;

    /// What it is, for the log and the detailed health: `key file`, `environment`.
    fn kind(&self) -> &'static str;
}

/// The id of the key a value was sealed with; None when it is no sealed value. For finding what must be sealed again before a key is retired.
pub fn sealed_with(sealed: &[u8]) -> Option<&str> {
    Parts::of(sealed).ok().map(|parts| parts.key_id)
}

/// How every value begins that was sealed with the key of this id.
pub fn sealed_beginning(key_id: &str) -> Vec<u8> {
    head(key_id)
}

/// A key that seals and opens.
pub(crate) struct SealingKey(RandomizedNonceKey);

impl SealingKey {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, SecretsError> {
        RandomizedNonceKey::new(&AES_256_GCM, key).map(Self).map_err(|_| SecretsError::Crypto { doing: "making an AES key" })
    }

    /// Seals under this key, whose id is `id`.
    pub(crate) fn seal(&self, id: &str, context: &str, plain: &[u8]) -> Result<Vec<u8>, SecretsError> {
        if plain.len() > MAX_PLAIN_BYTES {
            return Err(SecretsError::TooLong { bytes: plain.len() });
        }
        let mut text = Zeroizing::new(plain.to_vec());
        let head = head(id);
        let sealed = self.0.seal_in_place_separate_tag(Aad::from([&head, context.as_bytes()].concat()), &mut text);
        let (nonce, tag) = sealed.map_err(|_| SecretsError::Crypto { doing: "sealing" })?;
        Ok([&head, nonce.as_ref().as_slice(), &text, tag.as_ref()].concat())
    }

    /// Opens what was sealed under this key.
    pub(crate) fn open(&self, context: &str, parts: &Parts<'_>) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
        let refused = || SecretsError::NotOurs { context: kind_of(context) };
        let nonce = Nonce::try_assume_unique_for_key(parts.nonce).map_err(|_| refused())?;
        let mut text = Zeroizing::new(parts.text.to_vec());
        let aad = Aad::from([&head(parts.key_id), context.as_bytes()].concat());
        let plain = self.0.open_in_place(nonce, aad, &mut text).map_err(|_| refused())?.len();
        text.truncate(plain);
        Ok(text)
    }
}

/// What a sealed value consists of.
pub(crate) struct Parts<'a> {
    pub(crate) key_id: &'a str,
    nonce: &'a [u8],
    text: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Takes a sealed value apart; the error says what is wrong with it.
    pub(crate) fn of(sealed: &'a [u8]) -> Result<Self, &'static str> {
        let [version, length, rest @ ..] = sealed else { return Err("it is too short") };
        if *version != VERSION {
            return Err("it is of a version this program does not know");
        }
        let (id, rest) = rest.split_at_checked(usize::from(*length)).ok_or("it ends within the id of its key")?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or("it ends within its nonce")?;
        if text.len() < TAG_LEN {
            return Err("it ends within its tag");
        }
        let key_id = std::str::from_utf8(id).map_err(|_| "the id of its key is no text")?;
        Ok(Self { key_id, nonce, text })
    }
}

/// Version and key id. Ids are at most 64 bytes long, see `key_file::text`.
fn head(id: &str) -> Vec<u8> {
    let length = u8::try_from(id.len()).unwrap_or(u8::MAX);
    [&[VERSION, length], id.as_bytes()].concat()
}

/// The first word of a context: the rest may name a person.
pub(crate) fn kind_of(context: &str) -> String {
    context.split(':').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; 32]).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_its_context_only() {
        let sealed = key(1).seal("k1", "totp:anna", b"secret").unwrap();
        let parts = Parts::of(&sealed).unwrap();
        assert_eq!(key(1).open("totp:anna", &parts).unwrap().as_slice(), b"secret");
        for (key, context) in [(key(1), "totp:bert"), (key(1), ""), (key(2), "totp:anna")] {
            let refused = key.open(context, &parts).unwrap_err();
            assert!(matches!(refused, SecretsError::NotOurs { .. }) && !refused.to_string().contains("anna"), "{refused}");
        }
    }

    #[test]
    fn sealing_twice_gives_different_bytes_and_never_the_text() {
        let (one, other) = (key(1).seal("k1", "c", b"the same text").unwrap(), key(1).seal("k1", "c", b"the same text").unwrap());
        assert_ne!(one, other);
        assert!(!one.windows(4).any(|part| part == b"text"));
    }

    #[test]
    fn too_much_text_is_refused() {
        let refused = key(1).seal("k1", "c", &vec![0; MAX_PLAIN_BYTES + 1]);
        assert!(matches!(refused, Err(SecretsError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn no_bit_can_be_changed(plain in proptest::collection::vec(any::<u8>(), 0..100), at in any::<prop::sample::Index>(), bit in 0..8u32) {
            let mut sealed = key(1).seal("k1", "c", &plain).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(Parts::of(&sealed).is_err() || key(1).open("c", &Parts::of(&sealed).unwrap()).is_err());
        }

        #[test]
        fn any_bytes_are_taken_apart_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(parts) = Parts::of(&bytes) {
                prop_assert!(key(1).open("c", &parts).is_err());
            }
        }
    }
}
