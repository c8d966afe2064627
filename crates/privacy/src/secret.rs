//! A secret: it does not print, is wiped when it is dropped, and is compared in the same time whatever it is.

use std::fmt;

use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A password, token, key or address with a password in it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one who uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_and_is_read_from_json() {
        let secret: Secret = serde_json::from_str("\"hush-canary\"").unwrap();
        assert_eq!((secret.expose(), format!("{secret:?}").as_str()), ("hush-canary", "Secret(..)"));
    }

    #[test]
    fn secrets_are_equal_when_all_of_them_is() {
        let [a, b, c] = ["hush", "hush", "hush!"].map(|text| Secret::from(text.to_owned()));
        assert_eq!(a, b);
        assert_ne!(a, c);
    }
}
