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
    /// It waits for an agent.
    pub waiting: bool,
    /// Cancelled to hang up.
    #[serde(skip)]
    pub hangup: CancellationToken,
}

/// The table of live calls. Bounded by admission and the queue.
#[derive(Clone, Default)]
pub struct LiveCalls(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    calls: BTreeMap<CallId, (u64, LiveCall)>,
    last: u64,
}

/// A call's place in the table; dropping it takes the call out.
pub struct LiveGuard {
    table: LiveCalls,
    id: CallId,
    serial: u64,
}

impl LiveCalls {
    /// Enters a call. One that is there already, on an earlier stream, is replaced.
    pub fn enter(&self, live: LiveCall) -> LiveGuard {
        let id = live.record.id;
        let mut table = self.lock();
        table.last += 1;
        let serial = table.last;
        table.calls.insert(id, (serial, live));
        LiveGuard { table: self.clone(), id, serial }
    }

    /// All of them, oldest first.
    pub fn list(&self) -> Vec<LiveCall> {
        self.lock().calls.values().map(|(_, live)| live.clone()).collect()
    }

    /// True when the call is live.
    pub fn contains(&self, id: CallId) -> bool {
        self.lock().calls.contains_key(&id)
    }

    /// How many, with and without an agent.
    pub fn count(&self) -> usize {
        self.lock().calls.len()
    }

    /// How many talk with an agent.
    pub fn talking(&self) -> usize {
        self.lock().calls.values().filter(|(_, live)| !live.waiting).count()
    }

    /// The caller who waited talks with an agent now.
    pub fn served(&self, guard: &LiveGuard) {
        if let Some((serial, live)) = self.lock().calls.get_mut(&guard.id)
            && *serial == guard.serial
        {
            live.waiting = false;
        }
    }

    /// Asks a call to hang up; false when it is not live here.
    pub fn hang_up(&self, id: CallId) -> bool {
        self.lock().calls.get(&id).map(|(_, live)| live.hangup.cancel()).is_some()
    }

    /// The same by the carrier's id.
    pub fn hang_up_by_carrier_id(&self, carrier_call_id: &str) -> bool {
        let table = self.lock();
        let mut found = table.calls.values().filter(|(_, live)| live.record.carrier_call_id == carrier_call_id);
        found.next().map(|(_, live)| live.hangup.cancel()).is_some()
    }

    /// Our id of a live call, by the carrier's.
    pub fn id_of(&self, carrier_call_id: &str) -> Option<CallId> {
        let table = self.lock();
        table.calls.values().find(|(_, live)| live.record.carrier_call_id == carrier_call_id).map(|(_, live)| live.record.id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LiveGuard {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        if table.calls.get(&self.id).is_some_and(|(serial, _)| *serial == self.serial) {
            table.calls.remove(&self.id);
        }
    }
}
