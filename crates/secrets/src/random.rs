//! Random tokens, and the digests that are kept of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use privacy::Secret;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::SecretsError;

/// Random bytes in a token: 256 bits, 43 characters (OWASP asks for 128 bits at least).
pub const TOKEN_BYTES: usize = 32;

/// 256 bits from the system's generator as base64url without padding, 43 characters.
pub fn random_token() -> Result<Secret, SecretsError> {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    fill(&mut *bytes)?;
    Ok(Secret::from(URL_SAFE_NO_PAD.encode(*bytes)))
}

/// What is kept of a token: its SHA-256. Enough for a token of 256 random bits; never for a password.
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Random bytes for keys, ids and nonces.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), SecretsError> {
    getrandom::fill(bytes).map_err(|_| SecretsError::Crypto { doing: "asking the system for random bytes" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_fit_into_a_header() {
        let (one, other) = (random_token().unwrap(), random_token().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), 43);
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    }

    #[test]
    fn the_digest_is_the_published_one() {
        // FIPS 180-4, the example "abc".
        assert_eq!(hex::encode(digest("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
