//! Telnyx's webhook signature: Ed25519 over `timestamp|body` (telnyx.md 4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::error::SignatureError;
use crate::webhook::MAX_BODY_BYTES;

/// How far the timestamp may be from our clock, either way, s. The carrier's own libraries use the same.
pub const WINDOW_SECS: u64 = 300;

/// Checks that the webhook comes from Telnyx and is fresh. `timestamp` and `signature` are the headers `telnyx-timestamp` and
/// `telnyx-signature-ed25519`, `public_key` is the account's, both base64; `now_unix` is our clock in seconds.
pub fn verify(raw_body: &[u8], timestamp: &str, signature: &str, public_key: &str, now_unix: i64) -> Result<(), SignatureError> {
    if raw_body.len() > MAX_BODY_BYTES {
        return Err(SignatureError::BodyTooLong { bytes: raw_body.len() });
    }
    let signed_at: i64 = timestamp.parse().map_err(|_| SignatureError::BadTimestamp)?;
    let seconds = now_unix.abs_diff(signed_at);
    if seconds > WINDOW_SECS {
        return Err(SignatureError::OutsideWindow { seconds });
    }
    let key: [u8; 32] = decode(public_key).ok_or(SignatureError::BadPublicKey)?;
    let key = VerifyingKey::from_bytes(&key).map_err(|_| SignatureError::BadPublicKey)?;
    let signature: [u8; 64] = decode(signature).ok_or(SignatureError::BadSignature)?;
    // Strict: refuses weak keys and signatures that are valid in more than one form.
    key.verify_strict(&message(timestamp, raw_body), &Signature::from_bytes(&signature)).map_err(|_| SignatureError::Mismatch)
}

/// Signs a webhook as Telnyx does, for the far end and for tests. `seed` is the secret half of the key pair.
pub fn sign(raw_body: &[u8], unix_secs: i64, seed: &[u8; 32]) -> String {
    STANDARD.encode(SigningKey::from_bytes(seed).sign(&message(&unix_secs.to_string(), raw_body)).to_bytes())
}

/// The public half of the key pair, base64, as [`verify`] takes it.
pub fn public_key(seed: &[u8; 32]) -> String {
    STANDARD.encode(SigningKey::from_bytes(seed).verifying_key().to_bytes())
}

fn message(timestamp: &str, raw_body: &[u8]) -> Vec<u8> {
    [timestamp.as_bytes(), b"|", raw_body].concat()
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 32] = [
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
        0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
    ];
    const KEY: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
    const NOW: i64 = 1_760_000_000;
    const BODY: &[u8] = br#"{"data":{"event_type":"call.initiated","id":"00000000-0000-4000-8000-000000000001"}}"#;
    const SIGNATURE: &str = "vunbD+JlgPUJD+TsBUtgDX8RLTJsCKWHGV4UVDFyevcHOs64WgH+ZiCEDVeGDt04hzLdEzX+DxI0J3LBTrGhDg==";

    #[test]
    fn the_vector_is_reproduced_and_believed() {
        assert_eq!(public_key(&SEED), KEY);
        assert_eq!(sign(BODY, NOW, &SEED), SIGNATURE);
        assert_eq!(verify(BODY, "1760000000", SIGNATURE, KEY, NOW), Ok(()));
    }

    #[test]
    fn a_replay_and_a_wrong_clock_are_refused() {
        for (now, outcome) in [
            (NOW + 300, Ok(())),
            (NOW - 300, Ok(())),
            (NOW + 301, Err(SignatureError::OutsideWindow { seconds: 301 })),
            (NOW - 301, Err(SignatureError::OutsideWindow { seconds: 301 })),
        ] {
            assert_eq!(verify(BODY, "1760000000", SIGNATURE, KEY, now), outcome);
        }
        let extreme = verify(BODY, &i64::MIN.to_string(), SIGNATURE, KEY, i64::MAX);
        assert_eq!(extreme, Err(SignatureError::OutsideWindow { seconds: u64::MAX }));
    }

    #[test]
    fn anything_changed_is_refused() {
        assert_eq!(verify(b"{}", "1760000000", SIGNATURE, KEY, NOW), Err(SignatureError::Mismatch));
        assert_eq!(verify(BODY, "1760000001", SIGNATURE, KEY, NOW), Err(SignatureError::Mismatch));
        assert_eq!(verify(BODY, "1760000000", SIGNATURE, &public_key(&[7; 32]), NOW), Err(SignatureError::Mismatch));
        assert_eq!(verify(BODY, "now", SIGNATURE, KEY, NOW), Err(SignatureError::BadTimestamp));
        assert_eq!(verify(BODY, "1760000000", "AAAA", KEY, NOW), Err(SignatureError::BadSignature));
        assert_eq!(verify(BODY, "1760000000", SIGNATURE, "AAAA", NOW), Err(SignatureError::BadPublicKey));
        let long = vec![b'x'; MAX_BODY_BYTES + 1];
        assert!(matches!(verify(&long, "1760000000", SIGNATURE, KEY, NOW), Err(SignatureError::BodyTooLong { .. })));
    }
}
