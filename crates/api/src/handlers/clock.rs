//! The time, as precise as it is kept.

use call::Timestamp;

/// The present time as both databases keep it: what is answered now is what is read later.
pub(crate) fn now() -> Timestamp {
    store::times::kept(Timestamp::now())
}
