//! Serving the queue: who may be answered next.

use std::collections::BTreeMap;

use super::instances::{Instance, alive};
use super::permits::Permits;
use super::queue::Waiting;
use super::{Model, micros};
use crate::{InstanceName, PermitRequest, Rules};

impl Model {
    /// See [`crate::LiveState::serve_queue`]. Callers whose grant has lapsed come after all others in this step.
    pub fn serve_queue(&mut self, now: i64) -> u64 {
        self.settle(now);
        let lapsed = std::mem::take(&mut self.queue.lapsed);
        let mut picked = self.pick(now, &lapsed);
        let lease = micros(self.rules.instance_lease);
        for call_id in lapsed {
            let request = self.queue.waiting.get(&call_id).and_then(|w| servable(&self.instances, &self.permits, w, now, lease));
            if let Some(request) = request {
                self.permits.take(request);
                picked.push(call_id);
            }
        }
        let until = now.saturating_add(micros(self.rules.grant_lease));
        for call_id in &picked {
            self.queue.grant(call_id, until);
        }
        picked.len() as u64
    }

    /// Whether anybody waits or was granted a place.
    pub fn somebody_waits(&self) -> bool {
        self.queue.somebody_waits()
    }

    /// Puts right what has run out: lapsed grants return to their place and their permits are free.
    pub(super) fn settle(&mut self, now: i64) {
        for call_id in self.queue.lapse(now) {
            self.permits.free(&call_id);
        }
    }

    /// Takes permits for waiting callers in order, those in `but` left out, until [`Rules::SCAN`] could not be served.
    fn pick(&mut self, now: i64, but: &[String]) -> Vec<String> {
        let lease = micros(self.rules.instance_lease);
        let (mut picked, mut blocked) = (Vec::new(), 0);
        for (_, call_id) in &self.queue.order {
            // While all instances are full, nobody in the queue has to be looked at.
            if blocked == Rules::SCAN || !self.instances.values().any(|instance| instance.has_room(&self.permits, now, lease)) {
                break;
            }
            let Some(waiting) = self.queue.waiting.get(call_id).filter(|_| !but.contains(call_id)) else { continue };
            match servable(&self.instances, &self.permits, waiting, now, lease) {
                Some(request) => {
                    self.permits.take(request);
                    picked.push(call_id.clone());
                }
                None => blocked += 1,
            }
        }
        picked
    }
}

/// The permits that a waiting caller needs, when all of them are free.
fn servable(
    instances: &BTreeMap<InstanceName, Instance>,
    permits: &Permits,
    waiting: &Waiting,
    now: i64,
    lease: i64,
) -> Option<PermitRequest> {
    let holder = waiting.entry.holder.as_ref()?;
    let request = PermitRequest {
        call_id: waiting.entry.call_id.clone(),
        instance: holder.clone(),
        agent_id: waiting.entry.agent_id.clone(),
        tenant: waiting.entry.tenant.clone(),
        limits: waiting.limits,
    };
    permits.full(&request, alive(instances, holder, now, lease)).is_none().then_some(request)
}
