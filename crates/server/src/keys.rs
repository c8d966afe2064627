//! The keys that check carriers' signatures: the configured ones, else development keys that are made in the data directory.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::settings::{Secret, Settings};

/// Keys for webhook signatures.
#[derive(Debug, Clone)]
pub struct SignatureKeys {
    /// Twilio's auth token.
    pub twilio_auth_token: Secret,
    /// Telnyx's public key, base64.
    pub telnyx_public_key: String,
    /// Carriers whose key is the development one: only `voicenoob dial` can sign for them.
    pub development: Vec<&'static str>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error("cannot use the development keys {path}: {source}; check the data directory's permissions")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is damaged.
    #[error("the development keys {path} are damaged ({why}); remove the file, and new ones are made")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The machine gives no random numbers.
    #[error("the operating system gave no random numbers for development keys")]
    NoRandomness,
}

/// The file's content. `voicenoob dial` reads it to sign as the carrier would.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DevKeys {
    twilio_auth_token: String,
    telnyx_private_key: String,
    telnyx_public_key: String,
}

/// The file's name within the data directory.
pub const DEV_KEYS_FILE: &str = "dev-keys.toml";

impl SignatureKeys {
    /// The configured keys; what is not configured comes from the development keys.
    pub fn load(settings: &Settings) -> Result<Self, KeysError> {
        let mut development = Vec::new();
        let dev = match (&settings.twilio_auth_token, &settings.telnyx_public_key) {
            (Some(_), Some(_)) => None,
            _ => Some(dev_keys(&settings.data_dir.join(DEV_KEYS_FILE))?),
        };
        let mut pick = |configured: Option<String>, carrier, dev_key: Option<String>| {
            configured.unwrap_or_else(|| {
                development.push(carrier);
                dev_key.unwrap_or_default()
            })
        };
        let twilio = settings.twilio_auth_token.as_ref().map(|token| token.expose().to_owned());
        let twilio = pick(twilio, "twilio", dev.as_ref().map(|dev| dev.twilio_auth_token.clone()));
        let telnyx = pick(settings.telnyx_public_key.clone(), "telnyx", dev.map(|dev| dev.telnyx_public_key));
        Ok(Self { twilio_auth_token: Secret::from(twilio), telnyx_public_key: telnyx, development })
    }
}

fn dev_keys(path: &Path) -> Result<DevKeys, KeysError> {
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map_err(|why| KeysError::Damaged { path: path.into(), why: why.message().to_owned() }),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => make(path),
        Err(source) => Err(KeysError::Io { path: path.into(), source }),
    }
}

fn make(path: &Path) -> Result<DevKeys, KeysError> {
    let mut token = [0u8; 16];
    let mut seed = [0u8; 32];
    getrandom::fill(&mut token).and_then(|()| getrandom::fill(&mut seed)).map_err(|_| KeysError::NoRandomness)?;
    let public = SigningKey::from_bytes(&seed).verifying_key();
    let keys = DevKeys {
        twilio_auth_token: hex::encode(token),
        telnyx_private_key: BASE64.encode(seed),
        telnyx_public_key: BASE64.encode(public.as_bytes()),
    };
    write(path, &keys).map_err(|source| KeysError::Io { path: path.into(), source })?;
    Ok(keys)
}

fn write(path: &Path, keys: &DevKeys) -> std::io::Result<()> {
    let text = toml::to_string(keys).map_err(std::io::Error::other)?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(
        file,
        "# Development keys of this installation: `voicenoob dial` signs with them. Real carriers need TWILIO_AUTH_TOKEN and TELNYX_PUBLIC_KEY."
    )?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn development_keys_are_made_once_and_only_we_can_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().to_str().unwrap().to_owned();
        let settings = Settings::load(None, |name| (name == "DATA_DIR").then(|| data_dir.clone())).unwrap();
        let first = SignatureKeys::load(&settings).unwrap();
        let second = SignatureKeys::load(&settings).unwrap();
        assert_eq!(first.telnyx_public_key, second.telnyx_public_key);
        assert_eq!(first.development, ["twilio", "telnyx"]);
        let mode = std::fs::metadata(folder.path().join(DEV_KEYS_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
