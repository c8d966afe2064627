//! Names that stand for a person without naming the person.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of the digest that are kept: 64 bits tell the callers of one operator apart, and are short enough to be read out.
const KEPT: usize = 8;

/// A stable stand-in of 16 hex digits for a personal value, so that support can tell that two lines are about the same person.
///
/// `kind` keeps the stand-ins of different sorts of values (`phone`, `email`) apart. Without the key a plain digest of a telephone number could be
/// reversed by trying all numbers; who changes the key cuts the connection to everything before.
pub fn pseudonym(key: &[u8; 32], kind: &str, value: &str) -> String {
    // HMAC fills a short key up with zeros to a block (RFC 2104).
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    // The length in front: ("ab", "c") and ("a", "bc") must differ.
    mac.update(&(kind.len() as u64).to_be_bytes());
    mac.update(kind.as_bytes());
    mac.update(value.as_bytes());
    hex::encode(mac.finalize().into_bytes().get(..KEPT).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_has_the_same_stand_in_and_another_key_or_kind_another() {
        let (key, other) = ([7; 32], [8; 32]);
        let name = pseudonym(&key, "phone", "+15005550006");
        assert_eq!(name.len(), 16);
        assert_eq!(name, pseudonym(&key, "phone", "+15005550006"));
        for changed in [
            pseudonym(&other, "phone", "+15005550006"),
            pseudonym(&key, "email", "+15005550006"),
            pseudonym(&key, "phone", "+15005550007"),
            pseudonym(&key, "phone+", "15005550006"),
        ] {
            assert_ne!(name, changed);
        }
    }
}
