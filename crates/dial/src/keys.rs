//! The carrier's keys, with which webhooks are signed: from the environment, else the development keys that the server made.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use call::Carrier;
use serde::Deserialize;

use crate::DialError;

const TWILIO_VARIABLE: &str = "TWILIO_AUTH_TOKEN";
const TELNYX_VARIABLE: &str = "TELNYX_PRIVATE_KEY";
const DEVELOPMENT_KEYS: &str = "dev-keys.toml";

/// What a carrier signs with. Prints nothing of it.
#[derive(Clone)]
pub struct DialKeys {
    twilio_auth_token: Option<String>,
    telnyx_private_key: Option<[u8; 32]>,
    file: PathBuf,
}

/// What `voicenoob serve` writes; its public half is of no use here.
#[derive(Deserialize)]
struct DevelopmentKeys {
    twilio_auth_token: Option<String>,
    telnyx_private_key: Option<String>,
}

impl DialKeys {
    /// Takes `TWILIO_AUTH_TOKEN` and `TELNYX_PRIVATE_KEY` (base64 of the 32-byte Ed25519 seed) from `env`, and what is missing there from
    /// `dev-keys.toml` in `data_dir`. A key that is nowhere is an error only when a call needs it.
    pub fn load(env: impl Fn(&str) -> Option<String>, data_dir: &Path) -> Result<Self, DialError> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let file = data_dir.join(DEVELOPMENT_KEYS);
        let made = read_development_keys(&file)?;
        let telnyx = match (set(TELNYX_VARIABLE), made.telnyx_private_key) {
            (Some(text), _) => Some(seed(&text, TELNYX_VARIABLE)?),
            (None, Some(text)) => Some(seed(&text, &file.display().to_string())?),
            (None, None) => None,
        };
        Ok(Self { twilio_auth_token: set(TWILIO_VARIABLE).or(made.twilio_auth_token), telnyx_private_key: telnyx, file })
    }

    /// Keys from a program (tests, load).
    pub fn given(twilio_auth_token: Option<String>, telnyx_private_key: Option<[u8; 32]>) -> Self {
        Self { twilio_auth_token, telnyx_private_key, file: PathBuf::from(DEVELOPMENT_KEYS) }
    }

    pub(crate) fn twilio(&self) -> Result<&str, DialError> {
        self.twilio_auth_token.as_deref().ok_or_else(|| self.missing(Carrier::Twilio))
    }

    pub(crate) fn telnyx(&self) -> Result<&[u8; 32], DialError> {
        self.telnyx_private_key.as_ref().ok_or_else(|| self.missing(Carrier::Telnyx))
    }

    fn missing(&self, carrier: Carrier) -> DialError {
        DialError::NoKey { carrier, file: self.file.clone(), variable: variable(carrier) }
    }
}

impl fmt::Debug for DialKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |is_there: bool| if is_there { "set" } else { "missing" };
        f.debug_struct("DialKeys")
            .field("twilio_auth_token", &known(self.twilio_auth_token.is_some()))
            .field("telnyx_private_key", &known(self.telnyx_private_key.is_some()))
            .finish_non_exhaustive()
    }
}

/// The variable that holds a carrier's key.
pub(crate) const fn variable(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Twilio => TWILIO_VARIABLE,
        Carrier::Telnyx => TELNYX_VARIABLE,
    }
}

/// A missing file is no error: the environment may hold all that is needed.
fn read_development_keys(file: &Path) -> Result<DevelopmentKeys, DialError> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(DialError::File { path: file.to_owned(), source }),
    };
    // The parser's own message would quote the line, and the line is a secret.
    toml::from_str(&text).map_err(|_| DialError::BadKey {
        origin: file.display().to_string(),
        why: "it is not the TOML that `voicenoob serve` writes".to_owned(),
    })
}

fn seed(text: &str, origin: &str) -> Result<[u8; 32], DialError> {
    let bad = |why: String| DialError::BadKey { origin: origin.to_owned(), why };
    let bytes = STANDARD.decode(text.trim()).map_err(|error| bad(format!("the Telnyx private key is not base64: {error}")))?;
    <[u8; 32]>::try_from(bytes).map_err(|bytes| bad(format!("the Telnyx private key has {} bytes, an Ed25519 seed has 32", bytes.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_env(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_environment_wins_over_the_development_keys() {
        let dir = tempfile::tempdir().unwrap();
        let made =
            format!("twilio_auth_token = \"made\"\ntelnyx_private_key = \"{}\"\ntelnyx_public_key = \"x\"\n", STANDARD.encode([7; 32]));
        std::fs::write(dir.path().join("dev-keys.toml"), made).unwrap();
        let keys = DialKeys::load(no_env, dir.path()).unwrap();
        assert_eq!((keys.twilio().unwrap(), keys.telnyx().unwrap()), ("made", &[7; 32]));
        let keys = DialKeys::load(|name| (name == "TWILIO_AUTH_TOKEN").then(|| "own".to_owned()), dir.path()).unwrap();
        assert_eq!((keys.twilio().unwrap(), keys.telnyx().unwrap()), ("own", &[7; 32]));
        assert!(!format!("{keys:?}").contains("own"), "a key is printed");
    }

    #[test]
    fn without_a_key_the_error_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let message = DialKeys::load(no_env, dir.path()).unwrap().telnyx().unwrap_err().to_string();
        assert!(message.contains("voicenoob serve") && message.contains("TELNYX_PRIVATE_KEY"), "{message}");
    }

    #[test]
    fn a_broken_key_is_an_error_that_does_not_show_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("dev-keys.toml"), "twilio_auth_token = \"s3cret\nx").unwrap();
        let message = DialKeys::load(no_env, dir.path()).unwrap_err().to_string();
        assert!(message.contains("dev-keys.toml") && !message.contains("s3cret"), "{message}");
        let short = |name: &str| (name == "TELNYX_PRIVATE_KEY").then(|| STANDARD.encode([1; 31]));
        assert!(DialKeys::load(short, Path::new("/nowhere")).unwrap_err().to_string().contains("31 bytes"));
    }
}
