//! Permits: who holds one, and how many are held under each limit.

use std::collections::HashMap;
use std::hash::Hash;

use super::Model;
use crate::{Beat, InstanceName, Limit, PermitRequest, Verdict};

#[derive(Debug, Clone, Default)]
pub(super) struct Permits {
    held: HashMap<String, PermitRequest>,
    instances: HashMap<InstanceName, u32>,
    agents: HashMap<String, u32>,
    tenants: HashMap<String, u32>,
}

impl Permits {
    pub(super) fn taken(&self, instance: &InstanceName) -> u32 {
        self.instances.get(instance).copied().unwrap_or(0)
    }

    pub(super) fn is_held(&self, call_id: &str, instance: &InstanceName) -> bool {
        self.held.get(call_id).is_some_and(|permit| permit.instance == *instance)
    }

    /// The limit that keeps the call out. What the call itself holds already is not counted against it.
    pub(super) fn full(&self, request: &PermitRequest, instance: Option<&Beat>) -> Option<Limit> {
        let own = self.held.get(&request.call_id);
        let others = |count: Option<&u32>, own: bool| count.copied().unwrap_or(0).saturating_sub(u32::from(own));
        let own_instance = own.is_some_and(|held| held.instance == request.instance);
        let own_agent = own.is_some_and(|held| held.agent_id == request.agent_id);
        let own_tenant = own.is_some_and(|held| held.tenant == request.tenant);
        let limit = instance.filter(|beat| !beat.draining).map_or(0, |beat| beat.limit);
        if others(self.instances.get(&request.instance), own_instance) >= limit {
            Some(Limit::Instance)
        } else if request.limits.agent.is_some_and(|limit| others(self.agents.get(&request.agent_id), own_agent) >= limit) {
            Some(Limit::Agent)
        } else if request.limits.tenant.is_some_and(|limit| others(self.tenants.get(&request.tenant), own_tenant) >= limit) {
            Some(Limit::Tenant)
        } else {
            None
        }
    }

    /// Enters a permit in place of what the call held.
    pub(super) fn take(&mut self, request: PermitRequest) {
        self.free(&request.call_id);
        *self.instances.entry(request.instance.clone()).or_default() += 1;
        *self.agents.entry(request.agent_id.clone()).or_default() += 1;
        *self.tenants.entry(request.tenant.clone()).or_default() += 1;
        self.held.insert(request.call_id.clone(), request);
    }

    pub(super) fn free(&mut self, call_id: &str) -> bool {
        let Some(permit) = self.held.remove(call_id) else { return false };
        less(&mut self.instances, &permit.instance);
        less(&mut self.agents, &permit.agent_id);
        less(&mut self.tenants, &permit.tenant);
        true
    }

    pub(super) fn free_instance(&mut self, instance: &InstanceName) {
        let held = self.held.values().filter(|permit| permit.instance == *instance);
        for call_id in held.map(|permit| permit.call_id.clone()).collect::<Vec<_>>() {
            self.free(&call_id);
        }
    }
}

/// Counts one less; a name that holds nothing is forgotten.
fn less<K: Hash + Eq>(counts: &mut HashMap<K, u32>, name: &K) {
    if let Some(count) = counts.get_mut(name) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(name);
        }
    }
}

impl Model {
    /// See [`crate::LiveState::admit`].
    pub fn admit(&mut self, now: i64, request: &PermitRequest) -> Verdict {
        self.serve_queue(now);
        if !self.permits.is_held(&request.call_id, &request.instance) {
            if let Some(limit) = self.permits.full(request, self.alive(&request.instance, now)) {
                return Verdict::Full(limit);
            }
            self.permits.take(request.clone());
        }
        self.registry.resumed(&request.call_id);
        self.queue.served(&self.rules, now, &request.call_id);
        Verdict::Admitted
    }

    /// See [`crate::LiveState::hold`].
    pub fn hold(&mut self, now: i64, request: &PermitRequest) {
        self.settle(now);
        self.note_instance(now, &request.instance);
        self.permits.take(request.clone());
        self.registry.resumed(&request.call_id);
        self.queue.served(&self.rules, now, &request.call_id);
    }

    /// See [`crate::LiveState::release`].
    pub fn release(&mut self, now: i64, call_id: &str, instance: &InstanceName) -> bool {
        self.settle(now);
        !self.queue.is_granted(call_id) && self.permits.is_held(call_id, instance) && self.permits.free(call_id)
    }
}
