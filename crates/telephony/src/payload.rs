//! Base64 of media payloads, with the engine that is fastest on this machine, chosen once.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Base64 = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Base64 = base64::engine::GeneralPurpose;

/// Padding may be missing: senders other than the two carriers leave it out, and nothing depends on it.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

static BASE64: LazyLock<Base64> = LazyLock::new(engine);

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn engine() -> Base64 {
    Base64::standard(CONFIG)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine() -> Base64 {
    Base64::new(&base64::alphabet::STANDARD, CONFIG)
}

/// Appends the base64 of `bytes` to `text`.
pub(crate) fn encode(bytes: &[u8], text: &mut String) {
    BASE64.encode_string(bytes, text);
}

/// Replaces `bytes` with what `text` stands for.
pub(crate) fn decode(text: &str, bytes: &mut Vec<u8>) -> Result<(), base64::DecodeError> {
    bytes.clear();
    BASE64.decode_vec(text, bytes)
}
