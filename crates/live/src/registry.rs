//! The call registry as its users see it: the functions of the reference, which never fail, over [`LiveState`], which may.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use call::{PhoneNumber, Timestamp};
use tokio::sync::watch;

use crate::{CallEntry, InstanceName, LiveError, LiveState};

/// How many calls are registered in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Known(u64),
    /// Live state does not answer. Not zero: calls go on without it.
    Unknown,
}

/// Registers the calls of this instance, and remembers them itself, so that a drain and a rewrite need no server.
pub struct CallRegistry {
    state: Arc<dyn LiveState>,
    instance: InstanceName,
    enabled: bool,
    drain_timeout: Duration,
    shutting_down: AtomicBool,
    /// Calls of this instance by id, until they are unregistered.
    local: watch::Sender<BTreeMap<String, Local>>,
}

struct Local {
    entry: CallEntry,
    /// It is being unregistered: it still counts for a drain, and is not entered again.
    ending: bool,
}

impl CallRegistry {
    /// Calls one instance keeps. Far beyond what a process can serve; it is here so that a leak is noticed.
    pub const LOCAL: usize = 100_000;

    /// With `enabled` off nothing is registered and every answer is that of an empty registry. `drain_timeout` is also the life of the sign that
    /// [`Self::set_shutting_down`] leaves.
    pub fn new(state: Arc<dyn LiveState>, instance: InstanceName, enabled: bool, drain_timeout: Duration) -> Self {
        let local = watch::Sender::new(BTreeMap::new());
        Self { state, instance, enabled, drain_timeout, shutting_down: AtomicBool::new(false), local }
    }

    /// Registers a call of this instance; one that is known already is overwritten. False when live state could not be written: the call goes on,
    /// and [`Self::rewrite`] enters it later.
    pub async fn register_call(
        &self,
        call_id: &str,
        agent_id: &str,
        phone_number: Option<PhoneNumber>,
        metadata: Option<BTreeMap<String, String>>,
    ) -> bool {
        if !self.enabled {
            return true;
        }
        let entry = CallEntry {
            call_id: call_id.to_owned(),
            agent_id: agent_id.to_owned(),
            started_at: Timestamp::now().as_microsecond() as f64 / 1e6,
            phone_number,
            metadata,
            instance: self.instance.clone(),
        };
        if !self.keep(&entry) {
            tracing::error!(
                call.id = call_id,
                "call_register_failed: {} calls are registered here, are they ever unregistered?",
                Self::LOCAL
            );
            return false;
        }
        match self.state.register(&entry).await {
            Ok(()) => {
                tracing::info!(call.id = call_id, agent.id = agent_id, "call_registered");
                true
            }
            Err(error) => {
                tracing::error!(call.id = call_id, %error, "call_register_failed");
                false
            }
        }
    }

    /// Takes a call out. True also for an id that is not known; false when live state could not be written.
    pub async fn unregister_call(&self, call_id: &str) -> bool {
        if !self.enabled {
            return true;
        }
        let _ending = self.ending(call_id);
        match self.state.unregister(call_id, &self.instance).await {
            Ok(true) => {
                tracing::info!(call.id = call_id, "call_unregistered");
                true
            }
            Ok(false) => {
                tracing::warn!(call.id = call_id, "call_not_found");
                true
            }
            Err(error) => {
                tracing::error!(call.id = call_id, %error, "call_unregister_failed");
                false
            }
        }
    }

    /// The call leaves this instance, but is not over: it is open for resume anywhere. False when it was not registered here, or could not be told.
    pub async fn interrupt_call(&self, call_id: &str) -> bool {
        if !self.enabled {
            return false;
        }
        let _ending = self.ending(call_id);
        match self.state.interrupt(call_id, &self.instance).await {
            Ok(was) => {
                tracing::info!(call.id = call_id, registered = was, "call_interrupted");
                was
            }
            Err(error) => {
                tracing::error!(call.id = call_id, %error, "call_interrupt_failed");
                false
            }
        }
    }

    /// All calls of the cluster, oldest first; none when live state does not answer ([`Self::get_call_count`] tells the difference).
    pub async fn get_active_calls(&self) -> Vec<CallEntry> {
        if !self.enabled {
            return Vec::new();
        }
        self.state.active_calls().await.unwrap_or_else(|error| {
            tracing::error!(%error, "get_active_calls_failed");
            Vec::new()
        })
    }

    /// How many calls the cluster has.
    pub async fn get_call_count(&self) -> Count {
        if !self.enabled {
            return Count::Known(0);
        }
        self.state.call_count().await.map_or_else(
            |error| {
                tracing::error!(%error, "get_call_count_failed");
                Count::Unknown
            },
            Count::Known,
        )
    }

    /// The calls of this instance, by id. Needs no server.
    pub fn local_calls(&self) -> Vec<CallEntry> {
        self.local.borrow().values().map(|call| call.entry.clone()).collect()
    }

    /// How many calls this instance has. Needs no server.
    pub fn local_count(&self) -> usize {
        self.local.borrow().len()
    }

    /// Whether this process is stopping.
    pub fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Acquire)
    }

    /// Says that this process is stopping, or is not. The sign in live state, for tools, is set as well; failing that changes nothing here.
    pub async fn set_shutting_down(&self, on: bool) {
        self.shutting_down.store(on, Ordering::Release);
        if self.enabled
            && let Err(error) = self.state.set_shutting_down(on, self.drain_timeout).await
        {
            tracing::error!(%error, "set_shutting_down_failed");
        }
    }

    /// Waits until this instance has no call left; false when time ran out. Zero or nothing: the drain timeout. Other instances' calls do not
    /// count, and live state need not be reachable.
    pub async fn wait_for_calls_to_drain(&self, timeout: Option<Duration>) -> bool {
        if !self.enabled {
            return true;
        }
        let timeout = timeout.filter(|timeout| !timeout.is_zero()).unwrap_or(self.drain_timeout);
        let mut local = self.local.subscribe();
        let none_left = local.wait_for(BTreeMap::is_empty);
        tokio::time::timeout(timeout, none_left).await.is_ok()
    }

    /// Enters all calls of this instance again, after live state has forgotten them. How many; it stops at the first failure, and is to be tried
    /// again.
    pub async fn rewrite(&self) -> Result<u64, LiveError> {
        let mut written = 0;
        for entry in self.local_calls() {
            if !self.is_served(&entry.call_id) {
                continue;
            }
            if let Err(error) = self.state.register(&entry).await {
                tracing::error!(%error, written, "call_rewrite_failed");
                return Err(error);
            }
            written += 1;
            // It ended meanwhile, and may have been taken out before it was entered again.
            if !self.is_served(&entry.call_id)
                && let Err(error) = self.state.unregister(&entry.call_id, &self.instance).await
            {
                tracing::error!(call.id = entry.call_id, %error, "call_unregister_failed");
            }
        }
        Ok(written)
    }

    /// Whether this instance has the call, and it is not being taken out.
    fn is_served(&self, call_id: &str) -> bool {
        self.local.borrow().get(call_id).is_some_and(|call| !call.ending)
    }

    fn keep(&self, entry: &CallEntry) -> bool {
        self.local.send_if_modified(|calls| {
            let room = calls.len() < Self::LOCAL || calls.contains_key(&entry.call_id);
            if room {
                calls.insert(entry.call_id.clone(), Local { entry: entry.clone(), ending: false });
            }
            room
        })
    }

    fn ending<'a>(&'a self, call_id: &'a str) -> Ending<'a> {
        self.local.send_if_modified(|calls| {
            if let Some(call) = calls.get_mut(call_id) {
                call.ending = true;
            }
            false
        });
        Ending { registry: self, call_id }
    }
}

/// Forgets the call when it has been taken out of live state, also when that was not waited for to its end.
struct Ending<'a> {
    registry: &'a CallRegistry,
    call_id: &'a str,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.registry.local.send_if_modified(|calls| {
            let ended = calls.get(self.call_id).is_some_and(|call| call.ending);
            ended && calls.remove(self.call_id).is_some()
        });
    }
}
