//! The commands of the frequent steps, put together.

use redis::Cmd;

use super::script::SCRIPTS;
use super::{RedisState, limit, micros, millis, reply};
use crate::{CallEntry, InstanceName, NewQueueEntry, PermitRequest, Rules};

/// Largest shift that a priority may bring, microseconds: scores stay exact in a double.
const MAX_SHIFT: i64 = 1 << 51;

/// A step whose command can be had without running it: benchmarks run the very same script without this adapter.
#[derive(Debug, Clone, Copy)]
pub enum RawStep<'a> {
    /// See [`crate::LiveState::register`].
    Register(&'a CallEntry),
    /// See [`crate::LiveState::unregister`].
    Unregister(&'a str, &'a InstanceName),
    /// See [`crate::LiveState::enqueue`].
    Enqueue(&'a NewQueueEntry),
    /// See [`crate::LiveState::dequeue`].
    Dequeue,
    /// See [`crate::LiveState::admit`].
    Admit(&'a PermitRequest),
    /// See [`crate::LiveState::release`].
    Release(&'a str, &'a InstanceName),
}

impl RedisState {
    /// The `EVALSHA` behind a step. The server knows the script once the step was run.
    pub fn raw(&self, step: RawStep<'_>) -> Cmd {
        match step {
            RawStep::Register(entry) => self.register_step(entry),
            RawStep::Unregister(call_id, instance) => self.unregister_step(call_id, instance),
            RawStep::Enqueue(entry) => self.enqueue_step(entry),
            RawStep::Dequeue => self.dequeue_step(),
            RawStep::Admit(request) => self.admit_step(request),
            RawStep::Release(call_id, instance) => self.release_step(call_id, instance),
        }
    }

    pub(super) fn register_step(&self, entry: &CallEntry) -> Cmd {
        let mut step = self.step(&SCRIPTS.register);
        step.arg(&entry.call_id).arg(entry.started_at).arg(entry.instance.as_str());
        step.arg(micros(self.rules.instance_lease)).arg(millis(self.rules.registry_ttl));
        for (name, value) in reply::call_fields(entry) {
            step.arg(&*name).arg(&*value);
        }
        step
    }

    pub(super) fn unregister_step(&self, call_id: &str, instance: &InstanceName) -> Cmd {
        let mut step = self.step(&SCRIPTS.unregister);
        step.arg(call_id).arg(instance.as_str());
        step
    }

    pub(super) fn enqueue_step(&self, entry: &NewQueueEntry) -> Cmd {
        let (before, after) = entry.to_json();
        let priority = i64::from(entry.priority.clamp(NewQueueEntry::PRIORITY.0, NewQueueEntry::PRIORITY.1));
        let shift = micros(self.rules.ageing).saturating_mul(priority).clamp(-MAX_SHIFT, MAX_SHIFT);
        let mut step = self.step(&SCRIPTS.enqueue);
        step.arg(&entry.call_id).arg(before).arg(after).arg(entry.holder.as_ref().map_or("", InstanceName::as_str)).arg(shift);
        // Anything that is no time counts as now.
        step.arg(entry.queued_at.filter(|at| at.is_finite()).map(|at| at.to_string()).unwrap_or_default());
        step.arg(self.rules.queue_capacity).arg(micros(self.rules.instance_lease));
        step
    }

    pub(super) fn dequeue_step(&self) -> Cmd {
        let mut step = self.step(&SCRIPTS.dequeue);
        step.arg(micros(self.rules.grant_lease));
        step
    }

    pub(super) fn admit_step(&self, request: &PermitRequest) -> Cmd {
        let mut step = self.step(&SCRIPTS.admit);
        step.arg(&request.call_id).arg(request.instance.as_str()).arg(&request.agent_id).arg(&request.tenant);
        step.arg(limit(request.limits.agent)).arg(limit(request.limits.tenant));
        step.arg(Rules::SCAN).arg(micros(self.rules.grant_lease)).arg(micros(self.rules.service_threshold));
        step
    }

    pub(super) fn release_step(&self, call_id: &str, instance: &InstanceName) -> Cmd {
        let mut step = self.step(&SCRIPTS.release);
        step.arg(call_id).arg(instance.as_str());
        step
    }
}
