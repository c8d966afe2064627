//! The audit trail: who did what to what, and how it came out. Rows are only added, and each row's hash covers the hash before it.

mod append;
mod chain;
mod list;
mod rows;
mod verify;

pub use append::{MAX_DETAIL, TRIM_ACTION, TRIM_STEP, append, trim};
use call::{TenantId, Timestamp};
pub use chain::digest;
pub use list::{AuditFilter, list};
use privacy::Pii;
use serde_json::Value;
pub use verify::{Fault, Head, Verified, verify, verify_from};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Which sort of actor.
    pub kind: ActorKind,
    /// Which one.
    pub id: Option<String>,
}

/// A sort of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A person with an account.
    User,
    /// A program with an API key.
    ApiKey,
    /// Whoever runs the installation, from its own machine or with the operator's token.
    Operator,
    /// The program itself.
    System,
}

impl ActorKind {
    const ALL: [Self; 4] = [Self::User, Self::ApiKey, Self::Operator, Self::System];

    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }
}

/// How an action came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not allowed.
    Refused,
    /// It did not work.
    Failed,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Failed];

    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// By its word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// In which workspace; none concerns the installation.
    pub tenant: Option<TenantId>,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done, such as `user.create`.
    pub action: String,
    /// Kind and id of what it was done to.
    pub target: (String, Option<String>),
    /// How it came out.
    pub outcome: Outcome,
    /// The target's [`digest`] before.
    pub before: Option<String>,
    /// The target's [`digest`] after.
    pub after: Option<String>,
    /// Ids and names of fields, never personal data. Numbers that are not whole are kept as text.
    pub detail: Value,
    /// The request it was part of.
    pub request_id: String,
    /// Where the request came from.
    pub address: Pii<String>,
}

/// An entry as it stands in the trail.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Its place; there are no gaps.
    pub number: i64,
    /// What happened.
    pub entry: AuditEntry,
    /// SHA-256 over this row and the hash before it.
    pub hash: [u8; 32],
}

/// Every statement, for the tests.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&[(&str, &str)]] = &[append::ALL, list::ALL, verify::ALL];
