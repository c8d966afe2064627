//! The calls that are live in this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use call::{CallId, CallRecord, Timestamp};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// A live call, as lists show it.
#[derive(Debug, Clone, Serialize)]
pub struct LiveCall {
    /// The call's record as it was when the stream started.
    pub record: CallRecord,
    /// When the stream started.
    pub since: Timestamp,
    /// Cancelled to hang up.
    #[serde(skip)]
    pub hangup: CancellationToken,
}

/// The table of live calls. Bounded by admission.
#[derive(Clone, Default)]
pub struct LiveCalls(Arc<Mutex<BTreeMap<CallId, LiveCall>>>);

/// A call's place in the table; dropping it takes the call out.
pub struct LiveGuard {
    table: LiveCalls,
    id: CallId,
}

impl LiveCalls {
    /// Enters a call.
    pub fn enter(&self, live: LiveCall) -> LiveGuard {
        let id = live.record.id;
        self.lock().insert(id, live);
        LiveGuard { table: self.clone(), id }
    }

    /// All of them, oldest first.
    pub fn list(&self) -> Vec<LiveCall> {
        self.lock().values().cloned().collect()
    }

    /// True when the call is live.
    pub fn contains(&self, id: CallId) -> bool {
        self.lock().contains_key(&id)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Asks a call to hang up; false when it is not live here.
    pub fn hang_up(&self, id: CallId) -> bool {
        self.lock().get(&id).map(|live| live.hangup.cancel()).is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<CallId, LiveCall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LiveGuard {
    fn drop(&mut self) {
        self.table.lock().remove(&self.id);
    }
}
