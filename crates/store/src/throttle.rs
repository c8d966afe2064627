//! How often signing in failed, for an account or an address. The key is a digest made by the caller.

use call::Timestamp;
use jiff::SignedDuration;

use crate::times::kept;
use crate::{Database, StoreError, Transaction, query};

crate::statements! {
    GET = "SELECT failures, last_at, blocked_to FROM login_failures WHERE key = $1";
    /// Others that count under the same key wait until our transaction is over. A clock that is behind does not set the time back.
    COUNT = "INSERT INTO login_failures (key, failures, last_at, blocked_to) VALUES ($1, 1, $2, $2) ON CONFLICT (key) DO UPDATE \
        SET failures = login_failures.failures + 1, \
        last_at = CASE WHEN login_failures.last_at < excluded.last_at THEN excluded.last_at ELSE login_failures.last_at END \
        RETURNING failures, last_at, blocked_to";
    BLOCK = "UPDATE login_failures SET blocked_to = $1 WHERE key = $2";
    FORGET = "DELETE FROM login_failures WHERE key = $1";
    SWEEP = "DELETE FROM login_failures WHERE last_at < $1";
}

/// The failures under one key since the last success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub failures: u32,
    /// When the last was.
    pub last_at: Timestamp,
    /// No try is looked at before.
    pub blocked_to: Timestamp,
}

type FailuresRow = (i64, jiff_sqlx::Timestamp, jiff_sqlx::Timestamp);

impl From<FailuresRow> for Failures {
    fn from((failures, last_at, blocked_to): FailuresRow) -> Self {
        let failures = u32::try_from(failures.max(0)).unwrap_or(u32::MAX);
        Self { failures, last_at: last_at.to_jiff(), blocked_to: blocked_to.to_jiff() }
    }
}

/// Longest block, whatever the rule says: nobody is locked out for ever.
pub const MAX_BLOCK: SignedDuration = SignedDuration::from_hours(24);

/// The failures under a key.
pub async fn get(db: &Database, key: &[u8; 32]) -> Result<Option<Failures>, StoreError> {
    let row: Result<Option<FailuresRow>, _> = query(GET).bind(key).optional(db.readers()).await;
    Ok(row.map_err(StoreError::while_doing("read failed sign-ins"))?.map(Failures::from))
}

/// Counts a failure; `block` says how long the next try has to wait after so many, at most [`MAX_BLOCK`]. Failures that come at once are all counted, and a block
/// never becomes shorter.
pub async fn failed(
    tx: &mut Transaction,
    key: &[u8; 32],
    now: Timestamp,
    block: impl Fn(u32) -> SignedDuration + Send,
) -> Result<Failures, StoreError> {
    let doing = || StoreError::while_doing("count a failed sign-in");
    let counted: FailuresRow = query(COUNT).bind(key).bind(now).one(&mut **tx).await.map_err(doing())?;
    let counted = Failures::from(counted);
    // Only at the end of all times is there no day to come.
    let blocked_to = now.checked_add(block(counted.failures).min(MAX_BLOCK)).unwrap_or(now);
    let blocked_to = kept(blocked_to).max(counted.blocked_to);
    query(BLOCK).bind(blocked_to).bind(key).execute(&mut **tx).await.map_err(doing())?;
    Ok(Failures { blocked_to, ..counted })
}

/// Forgets the failures under a key.
pub async fn succeeded(tx: &mut Transaction, key: &[u8; 32]) -> Result<(), StoreError> {
    let done = query(FORGET).bind(key).execute(&mut **tx).await;
    done.map(drop).map_err(StoreError::while_doing("forget failed sign-ins"))
}

/// Forgets keys whose last failure was before this, and says how many.
pub async fn sweep(tx: &mut Transaction, before: Timestamp) -> Result<u64, StoreError> {
    query(SWEEP).bind(before).execute(&mut **tx).await.map_err(StoreError::while_doing("forget old failed sign-ins"))
}
