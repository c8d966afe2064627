//! Which instances live, and what happens to what the dead ones had.

use std::collections::BTreeMap;

use super::permits::Permits;
use super::{Model, duration, micros};
use crate::{Beat, CallEntry, InstanceInfo, InstanceName, Pulse, Rules};

/// An instance that said something of itself, or that entered something before it did.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    /// Its last beat; none before the first.
    beat: Option<Beat>,
    /// When it was heard of, microseconds.
    seen: i64,
}

impl Instance {
    /// Whether it could take one more call.
    pub(super) fn has_room(&self, permits: &Permits, now: i64, lease: i64) -> bool {
        let beat = self.beat.as_ref().filter(|beat| now - self.seen <= lease && !beat.draining);
        beat.is_some_and(|beat| permits.taken(&beat.instance) < beat.limit)
    }
}

impl Model {
    /// See [`crate::LiveState::beat`].
    pub fn beat(&mut self, now: i64, beat: &Beat) -> Pulse {
        let known = self.alive(&beat.instance, now).is_some();
        self.registry.expire(now);
        self.grace(now, &beat.instance);
        let mut lost = Vec::new();
        for name in self.dead(now, &beat.instance) {
            let calls = self.clear_instance(now, &name);
            self.registry.open_for_resume(now, &calls);
            lost.extend(calls);
        }
        self.instances.insert(beat.instance.clone(), Instance { beat: Some(beat.clone()), seen: now });
        self.registry.renew(&beat.instance, now.saturating_add(micros(self.rules.registry_ttl)));
        self.settle(now);
        let given_up = self.registry.give_up(now.saturating_sub(micros(self.rules.resume_window)));
        let abandoned = self.queue.give_up(now.saturating_sub(micros(self.rules.resume_window)));
        Pulse { known, lost, given_up, abandoned }
    }

    /// See [`crate::LiveState::leave`].
    pub fn leave(&mut self, now: i64, instance: &InstanceName) {
        let calls = self.clear_instance(now, instance);
        self.registry.open_for_resume(now, &calls);
    }

    /// See [`crate::LiveState::instances`].
    pub fn instances(&mut self, now: i64) -> Vec<InstanceInfo> {
        self.settle(now);
        let lease = micros(self.rules.instance_lease);
        let living = self.instances.values().filter(|instance| now - instance.seen <= lease);
        let info = living.filter_map(|instance| {
            let beat = instance.beat.as_ref()?;
            Some(InstanceInfo {
                instance: beat.instance.clone(),
                limit: beat.limit,
                taken: self.permits.taken(&beat.instance),
                draining: beat.draining,
                url: beat.url.clone(),
                silent_for: duration(now - instance.seen),
            })
        });
        info.collect()
    }

    /// The last beat of an instance whose lease runs.
    pub(super) fn alive(&self, name: &InstanceName, now: i64) -> Option<&Beat> {
        alive(&self.instances, name, now, micros(self.rules.instance_lease))
    }

    /// Notes that an instance has something here, so that it is cleared should it never beat.
    pub(super) fn note_instance(&mut self, now: i64, name: &InstanceName) {
        if !self.instances.contains_key(name) {
            self.instances.insert(name.clone(), Instance { beat: None, seen: now });
        }
    }

    /// Nobody was heard for a whole lease: not all of them are dead, live state was out of reach, or its clock jumped. The others get a lease to be
    /// heard again; this one tells what it has anyway.
    fn grace(&mut self, now: i64, own: &InstanceName) {
        let lease = micros(self.rules.instance_lease);
        if self.heard.replace(now).is_some_and(|heard| now - heard > lease) {
            let expires = now.saturating_add(micros(self.rules.registry_ttl));
            for (name, other) in self.instances.iter_mut().filter(|(name, other)| *name != own && now - other.seen > lease) {
                other.seen = now;
                self.registry.renew(name, expires);
            }
        }
    }

    /// Instances whose lease has run out, `first` before the others, at most [`Rules::DEAD_AT_ONCE`].
    fn dead(&self, now: i64, first: &InstanceName) -> Vec<InstanceName> {
        let lease = micros(self.rules.instance_lease);
        let mut names: Vec<_> = self.instances.iter().filter(|(_, i)| now - i.seen > lease).map(|(name, _)| name.clone()).collect();
        names.sort_by_key(|name| name != first);
        names.truncate(Rules::DEAD_AT_ONCE);
        names
    }

    /// Takes everything from an instance; the calls it had.
    fn clear_instance(&mut self, now: i64, name: &InstanceName) -> Vec<CallEntry> {
        self.instances.remove(name);
        self.permits.free_instance(name);
        self.queue.orphan(now, name);
        self.registry.take_instance(name)
    }
}

/// [`Model::alive`] for a step that changes other parts of the model meanwhile.
pub(super) fn alive<'a>(instances: &'a BTreeMap<InstanceName, Instance>, name: &InstanceName, now: i64, lease: i64) -> Option<&'a Beat> {
    instances.get(name).filter(|instance| now - instance.seen <= lease)?.beat.as_ref()
}
