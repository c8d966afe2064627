//! What can go wrong with people, and what to do about it.

use jiff::SignedDuration;
use secrets::SecretsError;
use store::StoreError;

use crate::{PasswordProblem, Permission};

/// Why somebody was not let in, or something about people was not done.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The e-mail is unknown, the password is wrong, or the account is switched off: which of them is not said.
    #[error("the e-mail or the password is wrong; try again, or ask an administrator for a link to set a new password")]
    WrongCredentials,
    /// Too many tries failed. Known and unknown accounts are answered alike.
    #[error("signing in failed too often; try again in {} s", .retry_after.as_secs().max(1))]
    Throttled {
        /// Until tries are looked at again.
        retry_after: SignedDuration,
    },
    /// As many passwords as may wait for being hashed are waiting.
    #[error("too many people are signing in at this moment; try again in {} s", .retry_after.as_secs().max(1))]
    Busy {
        /// A guess at when the line is shorter.
        retry_after: SignedDuration,
    },
    /// The new password breaks these rules.
    #[error("the password cannot be used: {}", sentences(.0))]
    Weak(Vec<PasswordProblem>),
    /// The second factor's code is wrong, old, or was used before.
    #[error("the code is wrong or was used before; wait for the next one, or use a recovery code")]
    BadCode,
    /// The session, token, key or link is unknown, over or revoked.
    #[error("this {what} is not valid or not valid any more; {remedy}")]
    Expired {
        /// What was shown: `session`, `API key`, `link`.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The caller may not do it.
    #[error("not allowed: {why}")]
    NotAllowed {
        /// What is missing or in the way.
        why: &'static str,
    },
    /// API keys cannot have these, the one who makes it does not have them.
    #[error("an API key cannot be given what its maker may not do: {}", words(.0))]
    Scopes(Vec<Permission>),
    /// The workspace would have nobody left who owns it, or the installation nobody who administers it.
    #[error("this is the last {of}; make somebody else one first")]
    Last {
        /// `owner of the workspace`, `system administrator`.
        of: &'static str,
    },
    /// Nobody of this id is here.
    #[error("there is no such {what} here; it may have been removed")]
    Missing {
        /// `person`, `session`, `API key`.
        what: &'static str,
    },
    /// A value that was given cannot be used.
    #[error("{field}: {why}")]
    Invalid {
        /// The field's name.
        field: &'static str,
        /// What is wrong, and what would be right.
        why: &'static str,
    },
    /// The database does not answer; nothing was done. HTTP 503.
    #[error(transparent)]
    Unavailable(StoreError),
    /// The database refused.
    #[error(transparent)]
    Store(StoreError),
    /// Sealing, opening or signing failed.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A password could not be hashed, or what is stored of a password or second factor not be read.
    #[error("a password or second factor cannot be worked with: {why}; an administrator can send a link to set a new one")]
    Hashing {
        /// What failed.
        why: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}; nothing secret can be made without")]
    Random(#[from] getrandom::Error),
}

impl PeopleError {
    /// A session that cannot be used.
    pub(crate) const SESSION: Self = Self::Expired { what: "session", remedy: "sign in again" };
    /// An API key that cannot be used.
    pub(crate) const KEY: Self = Self::Expired { what: "API key", remedy: "use another, or make a new one" };
    /// A link that cannot be used.
    pub(crate) const LINK: Self = Self::Expired { what: "link", remedy: "ask for a new one" };
}

impl From<StoreError> for PeopleError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::Unreachable { .. } => Self::Unavailable(error),
            other => Self::Store(other),
        }
    }
}

fn sentences(problems: &[PasswordProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn words(permissions: &[Permission]) -> String {
    permissions.iter().map(|permission| permission.as_str()).collect::<Vec<_>>().join(", ")
}
