//! Registered calls, and calls that are open for resume.

use std::collections::HashMap;

use super::{Model, micros};
use crate::{CallEntry, InstanceName};

#[derive(Debug, Clone)]
struct Registered {
    entry: CallEntry,
    /// Microseconds.
    expires: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Registry {
    calls: HashMap<String, Registered>,
    /// Open for resume, with the time since when.
    open: HashMap<String, (CallEntry, i64)>,
    /// Nothing expires before it: keeps the count from looking at every entry.
    next_expiry: i64,
}

impl Default for Registry {
    fn default() -> Self {
        Self { calls: HashMap::new(), open: HashMap::new(), next_expiry: i64::MAX }
    }
}

impl Registry {
    /// Sets when the instance's entries run out.
    pub(super) fn renew(&mut self, instance: &InstanceName, expires: i64) {
        for call in self.calls.values_mut().filter(|call| call.entry.instance == *instance) {
            call.expires = expires;
        }
    }

    /// Takes an instance's calls out, oldest first.
    pub(super) fn take_instance(&mut self, instance: &InstanceName) -> Vec<CallEntry> {
        let taken = self.calls.extract_if(|_, call| call.entry.instance == *instance);
        by_age(taken.map(|(_, call)| call.entry).collect())
    }

    pub(super) fn open_for_resume(&mut self, now: i64, calls: &[CallEntry]) {
        for call in calls {
            self.open.entry(call.call_id.clone()).or_insert_with(|| (call.clone(), now));
        }
    }

    /// Somebody took the call up, or it waits again.
    pub(super) fn resumed(&mut self, call_id: &str) {
        self.open.remove(call_id);
    }

    /// Takes out the calls that are open since `before` or longer.
    pub(super) fn give_up(&mut self, before: i64) -> Vec<CallEntry> {
        let over = self.open.extract_if(|_, (_, since)| *since <= before);
        by_age(over.map(|(_, (call, _))| call).collect())
    }

    fn serves(&self, call_id: &str, instance: &InstanceName) -> bool {
        self.calls.get(call_id).is_some_and(|call| call.entry.instance == *instance)
    }

    pub(super) fn expire(&mut self, now: i64) {
        if now >= self.next_expiry {
            self.calls.retain(|_, call| now < call.expires);
            self.next_expiry = self.calls.values().map(|call| call.expires).min().unwrap_or(i64::MAX);
        }
    }
}

impl Model {
    /// See [`crate::LiveState::register`].
    pub fn register(&mut self, now: i64, entry: &CallEntry) {
        self.note_instance(now, &entry.instance);
        self.registry.resumed(&entry.call_id);
        let expires = now.saturating_add(micros(self.rules.registry_ttl));
        self.registry.next_expiry = self.registry.next_expiry.min(expires);
        self.registry.calls.insert(entry.call_id.clone(), Registered { entry: entry.clone(), expires });
    }

    /// See [`crate::LiveState::unregister`].
    pub fn unregister(&mut self, now: i64, call_id: &str, instance: &InstanceName) -> bool {
        self.registry.expire(now);
        self.registry.serves(call_id, instance) && self.registry.calls.remove(call_id).is_some()
    }

    /// See [`crate::LiveState::active_calls`].
    pub fn active_calls(&mut self, now: i64) -> Vec<CallEntry> {
        self.registry.expire(now);
        by_age(self.registry.calls.values().map(|call| call.entry.clone()).collect())
    }

    /// See [`crate::LiveState::call_count`].
    pub fn call_count(&mut self, now: i64) -> u64 {
        self.registry.expire(now);
        self.registry.calls.len() as u64
    }

    /// See [`crate::LiveState::interrupt`].
    pub fn interrupt(&mut self, now: i64, call_id: &str, instance: &InstanceName) -> bool {
        self.registry.expire(now);
        if !self.registry.serves(call_id, instance) {
            return false;
        }
        if let Some(call) = self.registry.calls.remove(call_id) {
            self.registry.open_for_resume(now, &[call.entry]);
        }
        self.release(now, call_id, instance);
        true
    }

    /// See [`crate::LiveState::recover`]. A call that another instance serves by now is left alone; one that the registry still has under the
    /// same instance is that instance's former process's: it is taken out, and its permit is free.
    pub fn recover(&mut self, now: i64, calls: &[CallEntry]) {
        self.registry.expire(now);
        for call in calls {
            if self.interrupt(now, &call.call_id, &call.instance) || self.registry.calls.contains_key(&call.call_id) {
                continue;
            }
            self.registry.open_for_resume(now, std::slice::from_ref(call));
        }
    }
}

/// Oldest first; by id where that is equal.
fn by_age(mut calls: Vec<CallEntry>) -> Vec<CallEntry> {
    calls.sort_by(|a, b| a.started_at.total_cmp(&b.started_at).then_with(|| a.call_id.cmp(&b.call_id)));
    calls
}
