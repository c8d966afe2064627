//! What can go wrong with secrets, and what to do about it. No message holds a secret.

use std::path::PathBuf;

use jiff::Timestamp;

/// Why something could not be sealed, opened, signed, or a key file not used.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The key file or its folder cannot be used.
    #[error("cannot {doing} {path}: {source}; let this user write there, or set SECRETS_FILE to another file")]
    Io {
        /// What was tried: `read`, `write`, `lock`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Others than the owner may read or write the key file.
    #[error("{path} has mode {mode:04o}, others can get at the keys; run: chmod 600 '{path}'")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process is changing the key file and does not finish.
    #[error("another process holds {path}; wait for it, or stop it")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The key file, or the text of SECRET_KEYS, cannot be read as keys.
    #[error("{place} cannot be read as keys: {why}; restore it from a backup: without its keys, what was sealed with them is lost")]
    BadKeys {
        /// The file, or the name of the setting.
        place: String,
        /// What is wrong, without the value.
        why: String,
    },
    /// There are as many sealing keys as are kept.
    #[error(
        "{path} holds {} sealing keys already, the most that are kept; seal again what the oldest sealed, then retire it",
        crate::MAX_KEYS
    )]
    TooManyKeys {
        /// The file.
        path: PathBuf,
    },
    /// A new signing key now would end tokens that are still valid.
    #[error("the last new signing key is too young; the next one can be made from {from} on")]
    TooSoon {
        /// When it can be made.
        from: Timestamp,
    },
    /// There is no such sealing key, or it is the one that seals.
    #[error("the sealing key {id} cannot be retired: {why}")]
    NotRetired {
        /// The key asked for.
        id: String,
        /// Why not.
        why: &'static str,
    },
    /// The text to seal is longer than anything that is kept.
    #[error("{bytes} bytes are too many to seal; the most is {}", crate::MAX_PLAIN_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The bytes are no sealed text.
    #[error("a sealed {context} is damaged: {why}")]
    Damaged {
        /// What it was sealed for.
        context: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The key it was sealed with is not there.
    #[error(
        "a {context} was sealed with the key {id}, which is not there; bring back the key file, or the entry of SECRET_KEYS, that has it"
    )]
    UnknownKey {
        /// What it was sealed for.
        context: String,
        /// The key's id.
        id: String,
    },
    /// Another key, another purpose, or changed bytes.
    #[error("a sealed {context} does not open: it was changed, sealed for something else, or its key was replaced under the same id")]
    NotOurs {
        /// What it was to be opened for.
        context: String,
    },
    /// The cryptographic library or the system's generator refused.
    #[error("{doing} failed in the cryptographic library: this machine cannot make or use keys")]
    Crypto {
        /// What was tried.
        doing: &'static str,
    },
}

/// Why an access token is refused. For the log: a client hears only that it must sign in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`crate::MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url with JSON in the first two, or members that are missing, unknown or there twice.
    #[error("the token is malformed")]
    Malformed,
    /// Another algorithm than the key's.
    #[error("the token names another algorithm than ours")]
    Algorithm,
    /// Not an access token.
    #[error("the token is not an access token")]
    Type,
    /// No key of this id, or something that cannot be an id.
    #[error("the token names no key of ours")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    Signature,
    /// Over.
    #[error("the token has expired")]
    Expired,
    /// Not valid yet, or made in the future.
    #[error("the token is not valid yet")]
    NotYet,
    /// Its life is longer than any token of ours.
    #[error("the token would live longer than ours do")]
    Life,
    /// Made by somebody else.
    #[error("the token is of another issuer")]
    Issuer,
    /// Made for somebody else.
    #[error("the token is for another audience")]
    Audience,
}
