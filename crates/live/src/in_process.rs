//! Live state for one instance alone: the [`Model`] behind a lock.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use call::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{
    Beat, CallEntry, Command, Enqueued, Inbox, InstanceInfo, InstanceName, Leaving, LiveError, LiveState, Model, NewQueueEntry,
    PermitRequest, Place, Pulse, QueueEntry, QueueStats, Rules, Verdict,
};

/// Live state inside this process. Nothing of it outlives the process; the records do.
///
/// Time is [`tokio::time::Instant`], so tests can pause it, and Unix seconds are counted on from the start, so that they are never set back.
pub struct InProcess {
    model: Mutex<Model>,
    hints: Mutex<HashMap<InstanceName, watch::Sender<u64>>>,
    started: Instant,
    /// Unix seconds.
    started_at: f64,
}

impl InProcess {
    /// Nobody is on the phone.
    pub fn new(rules: Rules) -> Self {
        let started_at = Timestamp::now().as_microsecond() as f64 / 1e6;
        Self { model: Mutex::new(Model::new(rules)), hints: Mutex::default(), started: Instant::now(), started_at }
    }

    /// Microseconds since the start.
    fn now(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// The model at this moment. Time is read under the lock: steps come in the order of their times.
    fn step<T>(&self, step: impl FnOnce(&mut Model, i64) -> T) -> T {
        let mut model = locked(&self.model);
        let now = self.now();
        step(&mut model, now)
    }

    /// Tells the instances to look. A hint that nobody waits for costs nothing.
    fn hint(&self) {
        for hint in locked(&self.hints).values() {
            hint.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

/// A step that panicked has left the model as it was or a little further; the others go on with it rather than end every call.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl LiveState for InProcess {
    async fn beat(&self, beat: &Beat) -> Result<Pulse, LiveError> {
        let pulse = self.step(|model, now| model.beat(now, beat));
        if !pulse.abandoned.is_empty() {
            self.hint();
        }
        Ok(pulse)
    }

    async fn leave(&self, instance: &InstanceName) -> Result<(), LiveError> {
        self.step(|model, now| model.leave(now, instance));
        self.hint();
        Ok(())
    }

    async fn instances(&self) -> Result<Vec<InstanceInfo>, LiveError> {
        Ok(self.step(|model, now| model.instances(now)))
    }

    async fn register(&self, entry: &CallEntry) -> Result<(), LiveError> {
        self.step(|model, now| model.register(now, entry));
        Ok(())
    }

    async fn unregister(&self, call_id: &str, instance: &InstanceName) -> Result<bool, LiveError> {
        Ok(self.step(|model, now| model.unregister(now, call_id, instance)))
    }

    async fn active_calls(&self) -> Result<Vec<CallEntry>, LiveError> {
        Ok(self.step(Model::active_calls))
    }

    async fn call_count(&self) -> Result<u64, LiveError> {
        Ok(self.step(Model::call_count))
    }

    async fn interrupt(&self, call_id: &str, instance: &InstanceName) -> Result<bool, LiveError> {
        let was = self.step(|model, now| model.interrupt(now, call_id, instance));
        self.hint();
        Ok(was)
    }

    async fn recover(&self, calls: &[CallEntry]) -> Result<(), LiveError> {
        self.step(|model, now| model.recover(now, calls));
        Ok(())
    }

    async fn set_shutting_down(&self, on: bool, ttl: Duration) -> Result<(), LiveError> {
        self.step(|model, now| model.set_shutting_down(now, on, ttl));
        Ok(())
    }

    async fn admit(&self, request: &PermitRequest) -> Result<Verdict, LiveError> {
        // The model serves the queue first, and may grant places to others; a hint too many does no harm.
        let (verdict, waiting) = self.step(|model, now| (model.admit(now, request), model.somebody_waits()));
        if waiting {
            self.hint();
        }
        Ok(verdict)
    }

    async fn hold(&self, request: &PermitRequest) -> Result<(), LiveError> {
        self.step(|model, now| model.hold(now, request));
        Ok(())
    }

    async fn release(&self, call_id: &str, instance: &InstanceName) -> Result<bool, LiveError> {
        let (was, waiting) = self.step(|model, now| (model.release(now, call_id, instance), model.somebody_waits()));
        if was && waiting {
            self.hint();
        }
        Ok(was)
    }

    async fn enqueue(&self, entry: &NewQueueEntry) -> Result<Enqueued, LiveError> {
        let enqueued = self.step(|model, now| model.enqueue(now, self.started_at + now as f64 / 1e6, entry));
        self.hint();
        Ok(enqueued)
    }

    async fn serve_queue(&self) -> Result<u64, LiveError> {
        let granted = self.step(Model::serve_queue);
        if granted > 0 {
            self.hint();
        }
        Ok(granted)
    }

    async fn inbox(&self, instance: &InstanceName) -> Result<Inbox, LiveError> {
        Ok(self.step(|model, now| model.inbox(now, instance)))
    }

    async fn take_up(&self, call_id: &str, instance: &InstanceName) -> Result<Option<Duration>, LiveError> {
        Ok(self.step(|model, now| model.take_up(now, call_id, instance)))
    }

    async fn dequeue(&self) -> Result<Option<QueueEntry>, LiveError> {
        let entry = self.step(Model::dequeue);
        if entry.is_some() {
            self.hint();
        }
        Ok(entry)
    }

    async fn confirm(&self, call_id: &str) -> Result<bool, LiveError> {
        Ok(self.step(|model, now| model.confirm(now, call_id)))
    }

    async fn peek(&self, count: usize) -> Result<Vec<QueueEntry>, LiveError> {
        Ok(self.step(|model, now| model.peek(now, count)))
    }

    async fn depth(&self) -> Result<u64, LiveError> {
        Ok(self.step(Model::depth))
    }

    async fn places(&self, instance: &InstanceName) -> Result<Vec<(String, Place)>, LiveError> {
        Ok(self.step(|model, now| model.places(now, instance)))
    }

    async fn stats(&self) -> Result<QueueStats, LiveError> {
        Ok(self.step(Model::stats))
    }

    async fn remove(&self, call_id: &str, why: Leaving) -> Result<bool, LiveError> {
        let was = self.step(|model, now| model.remove(now, call_id, why));
        if was {
            self.hint();
        }
        Ok(was)
    }

    async fn clear(&self) -> Result<u64, LiveError> {
        let cleared = self.step(Model::clear);
        self.hint();
        Ok(cleared)
    }

    async fn share_offer(&self, key: &str, offer: &str, ttl: Duration) -> Result<(), LiveError> {
        self.step(|model, now| model.share_offer(now, key, offer, ttl));
        Ok(())
    }

    async fn offer(&self, key: &str) -> Result<Option<String>, LiveError> {
        Ok(self.step(|model, now| model.offer(now, key)))
    }

    async fn take_offer(&self, key: &str) -> Result<Option<String>, LiveError> {
        Ok(self.step(|model, now| model.take_offer(now, key)))
    }

    async fn send(&self, instance: &InstanceName, command: &Command) -> Result<(), LiveError> {
        self.step(|model, now| model.send(now, instance, command));
        self.hint();
        Ok(())
    }

    fn hints(&self, instance: &InstanceName) -> watch::Receiver<u64> {
        locked(&self.hints).entry(instance.clone()).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    async fn check(&self) -> Result<(), LiveError> {
        let read = self.step(|model, now| {
            model.share_offer(now, "check", "written", Duration::from_secs(1));
            model.take_offer(now, "check")
        });
        match read {
            Some(text) if text == "written" => Ok(()),
            other => Err(LiveError::Unexpected { doing: "check live state", why: format!("wrote \"written\", read {other:?}") }),
        }
    }

    fn kind(&self) -> &'static str {
        "in process"
    }
}

#[cfg(test)]
mod tests;
