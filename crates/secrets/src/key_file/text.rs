//! Keys as text: the TOML of the file, and the list of the setting.

use std::fmt::Write as _;
use std::path::Path;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use privacy::Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::MAX_KEYS;
use crate::SecretsError;
use crate::random::fill;

/// Layout of the file.
const VERSION: u32 = 1;
/// Signing keys of a file that count: the newest, and the one before, whose tokens still live.
pub(super) const SIGNING_KEYS: usize = 2;
/// Longest id of a key.
const MAX_ID_BYTES: usize = 64;
/// The setting, in messages.
const SETTING: &str = "SECRET_KEYS";
/// The setting's entry for pseudonyms.
const PSEUDONYM: &str = "pseudonym";
/// What stands above the keys in the file.
const ABOUT: &str = "\
# Keys of this installation. Keep the file to yourself (mode 0600) and back it up: what was sealed cannot be read without it.
# Every instance needs the same keys. Make new ones with `voicenoob secrets rotate`; the running program reads the file again by itself.
";

/// A key of 256 bits.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// Keys as they are written.
pub(super) struct Stored {
    pub(super) pseudonym: Key,
    /// The first seals.
    pub(super) sealing: Vec<StoredKey>,
    /// The newest first.
    pub(super) signing: Vec<StoredKey>,
}

/// One key.
pub(super) struct StoredKey {
    pub(super) id: String,
    pub(super) key: Key,
    pub(super) created_at: Option<Timestamp>,
    pub(super) not_before: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    pseudonym_key: Secret,
    sealing: Vec<Entry>,
    signing: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    key: Secret,
    created_at: Timestamp,
    not_before: Option<Timestamp>,
}

/// True for text that can be the id of a key: letters, digits, `_` and `-`, at most 64. Nothing that a path or a query could be made of.
pub(crate) fn is_key_id(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

impl Stored {
    /// New keys.
    pub(super) fn generate(now: Timestamp) -> Result<Self, SecretsError> {
        let signing = StoredKey { not_before: Some(now), ..StoredKey::generate("sig", now)? };
        Ok(Self { pseudonym: random_key()?, sealing: vec![StoredKey::generate("key", now)?], signing: vec![signing] })
    }

    /// The text of the file at `path`. What is wrong with it is said by line, never by what stands there.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, SecretsError> {
        let bad = |why: String| SecretsError::BadKeys { place: path.display().to_string(), why };
        let document: Document = toml::from_str(text).map_err(|error| {
            let line = text.get(..error.span().map_or(0, |span| span.start)).map_or(0, |before| before.matches('\n').count());
            bad(format!("what begins in line {} is not as this program writes it", line + 1))
        })?;
        if document.version != VERSION {
            return Err(bad(format!("it is of version {}, this program knows {VERSION}", document.version)));
        }
        let entries = |list: Vec<Entry>| list.into_iter().map(StoredKey::of).collect::<Result<Vec<_>, _>>();
        let (sealing, mut signing) = (entries(document.sealing).map_err(bad)?, entries(document.signing).map_err(bad)?);
        signing.sort_by_key(|key| std::cmp::Reverse(key.not_before));
        signing.truncate(SIGNING_KEYS);
        let pseudonym = decode(document.pseudonym_key.expose()).map_err(|why| bad(format!("pseudonym_key {why}")))?;
        Self { pseudonym, sealing, signing }.checked().map_err(bad)
    }

    /// The text of the setting.
    pub(super) fn of_setting(text: &Secret) -> Result<Self, SecretsError> {
        let bad = |why: String| SecretsError::BadKeys { place: SETTING.to_owned(), why };
        let (mut sealing, mut signing, mut pseudonym) = (Vec::new(), Vec::new(), None);
        for (index, entry) in text.expose().split(',').map(str::trim).filter(|entry| !entry.is_empty()).enumerate() {
            let nth = |why: &str| bad(format!("entry {} {why}", index + 1));
            let (id, key) = entry.split_once(':').ok_or_else(|| nth("is not id:base64"))?;
            let key = decode(key).map_err(nth)?;
            if id == PSEUDONYM {
                pseudonym = Some(key);
                continue;
            }
            let stored = |key| StoredKey { id: id.to_owned(), key, created_at: None, not_before: None };
            signing.push(stored(derive(&key, "access tokens, Ed25519")?));
            sealing.push(stored(key));
        }
        let last = sealing.last().ok_or_else(|| bad("it holds no key".to_owned()))?;
        let pseudonym = pseudonym.map_or_else(|| derive(&last.key, "pseudonyms"), Ok)?;
        Self { pseudonym, sealing, signing }.checked().map_err(bad)
    }

    fn checked(self) -> Result<Self, String> {
        for (what, keys) in [("sealing", &self.sealing), ("signing", &self.signing)] {
            if !(1..=MAX_KEYS).contains(&keys.len()) {
                return Err(format!("it holds {} {what} keys; there must be 1 to {MAX_KEYS}", keys.len()));
            }
            for (index, key) in keys.iter().enumerate() {
                if !is_key_id(&key.id) {
                    return Err(format!("the id of {what} key {} may have letters, digits, - and _, 1 to {MAX_ID_BYTES}", index + 1));
                }
                if keys[..index].iter().any(|other| other.id == key.id) {
                    return Err(format!("two {what} keys have the id {}", key.id));
                }
            }
        }
        Ok(self)
    }

    /// The text of the file.
    pub(super) fn render(&self) -> Zeroizing<String> {
        // Enough for all keys: text that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(1024 + 256 * (self.sealing.len() + self.signing.len())));
        text.push_str(ABOUT);
        // Writing to a string does not fail.
        let _ = writeln!(text, "version = {VERSION}\npseudonym_key = \"{}\"", encode(&self.pseudonym).as_str());
        for (table, keys) in [("sealing", &self.sealing), ("signing", &self.signing)] {
            for key in keys {
                let created = key.created_at.unwrap_or(Timestamp::UNIX_EPOCH);
                let _ = writeln!(text, "\n[[{table}]]\nid = \"{}\"\ncreated_at = \"{created}\"", key.id);
                if let Some(not_before) = key.not_before {
                    let _ = writeln!(text, "not_before = \"{not_before}\"");
                }
                let _ = writeln!(text, "key = \"{}\"", encode(&key.key).as_str());
            }
        }
        text
    }
}

impl StoredKey {
    /// A new key with a new id.
    pub(super) fn generate(prefix: &str, now: Timestamp) -> Result<Self, SecretsError> {
        let mut id = [0; 6];
        fill(&mut id)?;
        Ok(Self { id: format!("{prefix}-{}", hex::encode(id)), key: random_key()?, created_at: Some(now), not_before: None })
    }

    fn of(entry: Entry) -> Result<Self, String> {
        let key = decode(entry.key.expose()).map_err(|why| format!("the key {} {why}", entry.id))?;
        Ok(Self { id: entry.id, key, created_at: Some(entry.created_at), not_before: entry.not_before })
    }
}

fn random_key() -> Result<Key, SecretsError> {
    let mut key = Key::default();
    fill(&mut *key)?;
    Ok(key)
}

/// Another key for another purpose (RFC 5869): one key must not do two things.
fn derive(key: &Key, purpose: &str) -> Result<Key, SecretsError> {
    let mut derived = Key::default();
    let secret = Salt::new(HKDF_SHA256, b"voicenoob secret keys").extract(&**key);
    let filled = secret.expand(&[purpose.as_bytes()], HKDF_SHA256).and_then(|output| output.fill(&mut *derived));
    filled.map_err(|_| SecretsError::Crypto { doing: "deriving a key" })?;
    Ok(derived)
}

fn encode(key: &Key) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(**key))
}

fn decode(text: &str) -> Result<Key, &'static str> {
    // People leave the padding off.
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(text.trim()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| "is not base64; make one with: openssl rand -base64 32")?;
    let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| "does not have 32 bytes; make one with: openssl rand -base64 32")?;
    Ok(Zeroizing::new(key))
}
