//! Where secrets come from and how they are kept: sealing at rest, signing keys, access tokens.
//!
//! A [`Sealer`] encrypts what the database keeps. The one of the embedded default is a [`KeyFile`]; it also holds the [`SigningKeys`] of
//! [`AccessTokens`]. Every key has an id, so a new one can be made while what the old ones did stays readable.

mod access_tokens;
mod error;
mod key_file;
mod random;
mod sealer;
mod signing;

pub use access_tokens::{AccessTokens, CLOCK_SKEW_SECS, Claims, MAX_TOKEN_BYTES, MAX_TOKEN_LIFE_SECS, TOKEN_TYPE};
pub use error::{SecretsError, TokenError};
pub use key_file::{KeyFile, KeyInfo, KeyState, KeyUse, LOOK_AGAIN, MAX_KEYS, PUBLISH_AHEAD, RotatedSigning};
pub use random::{TOKEN_BYTES, digest, random_token};
pub use sealer::{MAX_PLAIN_BYTES, Sealer, sealed_beginning, sealed_with};
pub use signing::SigningKeys;
