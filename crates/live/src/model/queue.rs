//! Who waits, who was granted a place, and who was handed out.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::rate::Rate;
use super::{Model, duration, micros};
use crate::{Enqueued, Grant, InstanceName, Leaving, Limits, NewQueueEntry, Place, QueueEntry, QueueStats, Rules};

/// A caller who waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) entry: QueueEntry,
    pub(super) limits: Limits,
    /// Since when, microseconds.
    queued: i64,
    /// `queued` less what the priority counts: the order.
    score: i64,
    /// Since when nobody holds the caller's socket, because its instance died.
    orphaned: Option<i64>,
}

/// A caller who was granted a place, or handed out by `dequeue`.
#[derive(Debug, Clone)]
pub(super) struct Leased {
    waiting: Waiting,
    /// Microseconds.
    until: i64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    pub(super) waiting: HashMap<String, Waiting>,
    /// Score and call id of those who wait.
    pub(super) order: BTreeSet<(i64, String)>,
    granted: HashMap<String, Leased>,
    dequeued: HashMap<String, Leased>,
    /// No lease ends before this, microseconds.
    first_end: Option<i64>,
    /// Callers whose grant lapsed since the last step that served the queue.
    pub(super) lapsed: Vec<String>,
    last_queued: Option<i64>,
    /// What never goes back; `depth`, `max_size` and `oldest_ms` are filled in when they are asked for.
    totals: QueueStats,
    rate: Rate,
}

impl Queue {
    pub(super) fn is_granted(&self, call_id: &str) -> bool {
        self.granted.contains_key(call_id)
    }

    fn insert(&mut self, waiting: Waiting) {
        let call_id = waiting.entry.call_id.clone();
        self.order.insert((waiting.score, call_id.clone()));
        self.waiting.insert(call_id, waiting);
    }

    fn take_waiting(&mut self, call_id: &str) -> Option<Waiting> {
        let waiting = self.waiting.remove(call_id)?;
        self.order.remove(&(waiting.score, call_id.to_owned()));
        self.lapsed.retain(|lapsed| lapsed != call_id);
        Some(waiting)
    }

    /// Takes a caller out wherever it is: waiting, granted or handed out.
    fn take(&mut self, call_id: &str) -> Option<Waiting> {
        let leased = |lease: Leased| lease.waiting;
        let taken = self.take_waiting(call_id).or_else(|| self.granted.remove(call_id).map(leased));
        taken.or_else(|| self.dequeued.remove(call_id).map(leased))
    }

    pub(super) fn somebody_waits(&self) -> bool {
        !(self.waiting.is_empty() && self.granted.is_empty())
    }

    fn idle_when_empty(&mut self) {
        if !self.somebody_waits() {
            self.rate.idle();
        }
    }

    /// Moves a caller to the grants.
    pub(super) fn grant(&mut self, call_id: &str, until: i64) {
        if let Some(waiting) = self.take_waiting(call_id) {
            self.lease(until);
            self.granted.insert(call_id.to_owned(), Leased { waiting, until });
        }
    }

    /// Puts everything whose lease has run out back to its place. The calls whose permit is free now.
    pub(super) fn lapse(&mut self, now: i64) -> Vec<String> {
        // Nearly always nothing has run out; leases that were taken up since only make the next look early.
        if self.first_end.is_none_or(|end| end > now) {
            return Vec::new();
        }
        let mut lapsed: Vec<_> = self.granted.extract_if(|_, lease| lease.until <= now).map(|(_, lease)| lease.waiting).collect();
        lapsed.sort_by(|a, b| (a.score, &a.entry.call_id).cmp(&(b.score, &b.entry.call_id)));
        let calls: Vec<_> = lapsed.iter().map(|waiting| waiting.entry.call_id.clone()).collect();
        self.totals.lapsed += calls.len() as u64;
        self.lapsed.extend(calls.iter().cloned());
        lapsed.extend(self.dequeued.extract_if(|_, lease| lease.until <= now).map(|(_, lease)| lease.waiting));
        lapsed.into_iter().for_each(|waiting| self.insert(waiting));
        self.first_end = self.granted.values().chain(self.dequeued.values()).map(|lease| lease.until).min();
        calls
    }

    /// A lease begins.
    fn lease(&mut self, until: i64) {
        self.first_end = Some(self.first_end.map_or(until, |end| end.min(until)));
    }

    /// The instance is gone: its callers keep their place with no holder, its grants return.
    pub(super) fn orphan(&mut self, now: i64, instance: &InstanceName) {
        let returned: Vec<_> = self.granted.extract_if(|_, lease| lease.waiting.held_by(instance)).collect();
        returned.into_iter().for_each(|(_, lease)| self.insert(lease.waiting));
        let leased = self.dequeued.values_mut().map(|lease| &mut lease.waiting);
        for waiting in self.waiting.values_mut().chain(leased).filter(|waiting| waiting.held_by(instance)) {
            waiting.entry.holder = None;
            waiting.orphaned = Some(now);
        }
    }

    /// Takes out the callers whom nobody has held since `before` or longer.
    pub(super) fn give_up(&mut self, before: i64) -> Vec<QueueEntry> {
        let gone = |waiting: &&Waiting| waiting.orphaned.is_some_and(|since| since <= before);
        let mut over: Vec<_> = self.waiting.values().filter(gone).map(|w| (w.score, w.entry.call_id.clone())).collect();
        over.sort();
        let entries: Vec<_> = over.into_iter().filter_map(|(_, call_id)| Some(self.take_waiting(&call_id)?.entry)).collect();
        self.lapsed.retain(|lapsed| entries.iter().all(|entry| entry.call_id != *lapsed));
        self.totals.abandoned += entries.len() as u64;
        self.idle_when_empty();
        entries
    }

    /// The caller is served. How long it waited, when it was in the queue at all.
    pub(super) fn served(&mut self, rules: &Rules, now: i64, call_id: &str) -> Option<Duration> {
        let waited = duration(now - self.take(call_id)?.queued);
        let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        self.totals.total_dequeued += 1;
        self.totals.wait_total_ms = self.totals.wait_total_ms.saturating_add(waited_ms);
        self.totals.wait_max_ms = self.totals.wait_max_ms.max(waited_ms);
        self.totals.within_threshold += u64::from(waited <= rules.service_threshold);
        let waiting = self.somebody_waits();
        self.rate.served(now, waiting);
        Some(waited)
    }

    /// What is granted to the instance's callers, in order.
    pub(super) fn grants(&self, now: i64, instance: &InstanceName) -> Vec<Grant> {
        let mut own: Vec<_> = self.granted.values().filter(|lease| lease.waiting.held_by(instance)).collect();
        own.sort_by(|a, b| (a.waiting.score, &a.waiting.entry.call_id).cmp(&(b.waiting.score, &b.waiting.entry.call_id)));
        own.into_iter().map(|lease| Grant { entry: lease.waiting.entry.clone(), remaining: duration(lease.until - now) }).collect()
    }

    /// Where a waiting caller stands; in front of all, for one who waits no more.
    fn place(&self, now: i64, call_id: &str) -> Place {
        let depth = self.order.len() as u64;
        let behind = self.waiting.get(call_id).map(|own| {
            let after = (std::ops::Bound::Excluded((own.score, call_id.to_owned())), std::ops::Bound::Unbounded);
            self.order.range(after).count() as u64
        });
        let position = behind.map_or(1, |behind| depth - behind);
        Place { position, depth, expected_wait: self.rate.expected(now, position) }
    }

    /// A caller who is in the queue already came back, maybe on another instance. False when it is not in the queue.
    /// Without a holder it has lost its socket, and is given up like a dead instance's when nobody takes it.
    fn come_back(&mut self, now: i64, call_id: &str, holder: Option<&InstanceName>) -> bool {
        let leased = self.granted.get_mut(call_id).or(self.dequeued.get_mut(call_id)).map(|lease| &mut lease.waiting);
        let Some(waiting) = self.waiting.get_mut(call_id).or(leased) else { return false };
        waiting.entry.holder = holder.cloned();
        waiting.orphaned = holder.is_none().then_some(now);
        true
    }
}

impl Waiting {
    fn new(rules: &Rules, wall: f64, queued: i64, new: &NewQueueEntry) -> Self {
        let priority = new.priority.clamp(-1000, 1000);
        let score = queued.saturating_sub(micros(rules.ageing).saturating_mul(i64::from(priority)));
        let entry = QueueEntry {
            call_id: new.call_id.clone(),
            agent_id: new.agent_id.clone(),
            phone_number: new.phone_number.clone(),
            queued_at: new.queued_at.filter(|at| *at < wall).unwrap_or(wall),
            priority,
            metadata: new.metadata.clone(),
            holder: new.holder.clone(),
            tenant: new.tenant.clone(),
        };
        Self { entry, limits: new.limits, queued, score, orphaned: None }
    }

    fn held_by(&self, instance: &InstanceName) -> bool {
        self.entry.holder.as_ref() == Some(instance)
    }
}

impl Model {
    /// See [`crate::LiveState::enqueue`]; `wall` is now in Unix seconds. A caller who was granted a place and comes back on another instance
    /// waits again at the old place, since the grant counted against the former instance's room.
    pub fn enqueue(&mut self, now: i64, wall: f64, new: &NewQueueEntry) -> Enqueued {
        self.settle(now);
        if let Some(holder) = &new.holder {
            self.note_instance(now, holder);
        }
        let moved = self.queue.granted.get(&new.call_id).is_some_and(|lease| lease.waiting.entry.holder != new.holder);
        if moved && let Some(lease) = self.queue.granted.remove(&new.call_id) {
            self.permits.free(&new.call_id);
            self.queue.insert(lease.waiting);
        }
        if self.queue.come_back(now, &new.call_id, new.holder.as_ref()) {
            self.registry.resumed(&new.call_id);
            return Enqueued::Already(self.queue.place(now, &new.call_id));
        }
        if self.queue.waiting.len() as u64 >= self.rules.queue_capacity {
            return Enqueued::Full;
        }
        self.registry.resumed(&new.call_id);
        let queued = self.queued_time(now, wall, new.queued_at);
        self.queue.insert(Waiting::new(&self.rules, wall, queued, new));
        self.queue.totals.total_queued += 1;
        Enqueued::Queued(self.queue.place(now, &new.call_id))
    }

    /// Two callers never begin to wait in the same microsecond, so that the first stays the first; an entry written again has its old time.
    fn queued_time(&mut self, now: i64, wall: f64, queued_at: Option<f64>) -> i64 {
        if let Some(earlier) = queued_at.filter(|at| *at < wall) {
            return now.saturating_sub(((wall - earlier) * 1e6).round() as i64);
        }
        let queued = self.queue.last_queued.map_or(now, |last| now.max(last + 1));
        self.queue.last_queued = Some(queued);
        queued
    }

    /// See [`crate::LiveState::take_up`].
    pub fn take_up(&mut self, now: i64, call_id: &str, instance: &InstanceName) -> Option<Duration> {
        self.settle(now);
        self.queue.granted.get(call_id).filter(|lease| lease.waiting.held_by(instance))?;
        self.queue.served(&self.rules, now, call_id)
    }

    /// See [`crate::LiveState::dequeue`].
    pub fn dequeue(&mut self, now: i64) -> Option<QueueEntry> {
        self.settle(now);
        let (_, call_id) = self.queue.order.first()?.clone();
        let waiting = self.queue.take_waiting(&call_id)?;
        let entry = waiting.entry.clone();
        let until = now.saturating_add(micros(self.rules.grant_lease));
        self.queue.lease(until);
        self.queue.dequeued.insert(call_id, Leased { waiting, until });
        Some(entry)
    }

    /// See [`crate::LiveState::confirm`].
    pub fn confirm(&mut self, now: i64, call_id: &str) -> bool {
        self.settle(now);
        self.queue.dequeued.contains_key(call_id) && self.queue.served(&self.rules, now, call_id).is_some()
    }

    /// See [`crate::LiveState::peek`].
    pub fn peek(&mut self, now: i64, count: usize) -> Vec<QueueEntry> {
        self.settle(now);
        let count = if count == 0 { usize::MAX } else { count };
        let first = self.queue.order.iter().take(count);
        first.filter_map(|(_, call_id)| Some(self.queue.waiting.get(call_id)?.entry.clone())).collect()
    }

    /// See [`crate::LiveState::depth`].
    pub fn depth(&mut self, now: i64) -> u64 {
        self.settle(now);
        self.queue.order.len() as u64
    }

    /// See [`crate::LiveState::places`].
    pub fn places(&mut self, now: i64, instance: &InstanceName) -> Vec<(String, Place)> {
        self.settle(now);
        let depth = self.queue.order.len() as u64;
        let own =
            (1..).zip(&self.queue.order).filter(|(_, (_, call_id))| self.queue.waiting.get(call_id).is_some_and(|w| w.held_by(instance)));
        let place = |position| Place { position, depth, expected_wait: self.queue.rate.expected(now, position) };
        own.map(|(position, (_, call_id))| (call_id.clone(), place(position))).collect()
    }

    /// See [`crate::LiveState::stats`].
    pub fn stats(&mut self, now: i64) -> QueueStats {
        self.settle(now);
        let oldest = self.queue.waiting.values().map(|waiting| waiting.queued).min();
        QueueStats {
            depth: self.queue.order.len() as u64,
            max_size: self.rules.queue_capacity,
            oldest_ms: oldest.map_or(0, |queued| u64::try_from((now - queued) / 1000).unwrap_or(0)),
            ..self.queue.totals
        }
    }

    /// See [`crate::LiveState::remove`]. One who was handed out by `dequeue` does not return then.
    pub fn remove(&mut self, now: i64, call_id: &str, why: Leaving) -> bool {
        self.settle(now);
        if self.queue.granted.contains_key(call_id) {
            self.permits.free(call_id);
        }
        if self.queue.take(call_id).is_none() {
            return false;
        }
        match why {
            Leaving::Abandoned => self.queue.totals.abandoned += 1,
            Leaving::Callback => self.queue.totals.callbacks += 1,
            Leaving::Removed => {}
        }
        self.queue.idle_when_empty();
        true
    }

    /// See [`crate::LiveState::clear`]. Who was granted a place or handed out waits no more, and stays.
    pub fn clear(&mut self, now: i64) -> u64 {
        self.settle(now);
        self.queue.order.clear();
        let cleared = self.queue.waiting.drain().count() as u64;
        let queue = &mut self.queue;
        queue.lapsed.retain(|lapsed| queue.dequeued.contains_key(lapsed));
        self.queue.idle_when_empty();
        cleared
    }
}
