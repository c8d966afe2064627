//! Times and numbers as the database keeps them.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;

/// A time as it is stored: cut to microseconds, which is what PostgreSQL keeps.
pub fn stored(at: Timestamp) -> jiff_sqlx::Timestamp {
    // Within the range of a timestamp its microseconds are too, so the fallback is never taken.
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at).to_sqlx()
}

/// A time as it is when it is read back.
pub fn kept(at: Timestamp) -> Timestamp {
    stored(at).to_jiff()
}

/// A count as SQL integers hold it; beyond 2^63 it stays at the largest.
pub fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
