//! What follows from what heartbeats find: lost calls are counted, and calls that nobody took up are closed in the records.
//!
//! A pulse may get lost on its way; a look through the records finds what it would have told.

use std::collections::HashSet;
use std::time::Duration;

use call::{CallId, CallRecord, CallStatus, EndReason, NextStep, Timestamp};
use live::{CallEntry, Pulse};
use store::StoreError;
use tokio::sync::mpsc;
use tracing::{error, info};

use crate::heart::{Heart, session_id};
use crate::transfers::close_transfers;

/// Between two looks through the records.
const LOOK_THROUGH: Duration = Duration::from_secs(60);
/// Open calls looked at in one go; the oldest come first.
pub(crate) const PAGE: u32 = 200;

impl Heart {
    pub(crate) async fn follow(&self, mut found: mpsc::Receiver<Pulse>) {
        let mut tick = tokio::time::interval(LOOK_THROUGH);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tick.reset();
        loop {
            tokio::select! {
                pulse = found.recv() => match pulse {
                    Some(pulse) => self.follow_up(pulse).await,
                    None => return,
                },
                _ = tick.tick() => {
                    if let Err(fault) = self.look_through().await {
                        error!(error = %fault, "the records could not be looked through for calls that nobody serves");
                    }
                    if let Err(fault) = close_transfers(self.records.as_ref(), &self.recorder, Timestamp::now()).await {
                        error!(error = %fault, "the records could not be looked through for transfers without an end");
                    }
                }
            }
        }
    }

    async fn follow_up(&self, pulse: Pulse) {
        let own = self.admission.instance();
        // Its own calls were not lost: this instance was out of reach, and tells them anew.
        for entry in pulse.lost.iter().filter(|entry| entry.instance != *own) {
            self.recorder.call_lost(&entry.agent_id);
        }
        for entry in &pulse.given_up {
            self.give_up(entry).await;
        }
        for entry in &pulse.abandoned {
            self.recorder.left_queue(telemetry::LeftQueue::Abandoned);
            let id = entry.metadata.as_ref().and_then(|all| all.get("session_id")).and_then(|id| id.parse().ok());
            if let Some(record) = self.open_record(id).await.filter(|record| !self.has(record)) {
                self.close(&record, EndReason::CallerHungUp).await;
            }
        }
    }

    /// Nobody took the call up in time; unless somebody did, and live state could not be told.
    async fn give_up(&self, entry: &CallEntry) {
        let Some(record) = self.open_record(session_id(entry)).await.filter(|record| !self.has(record)) else { return };
        let claimed = self.records.claimed_by(record.id).await;
        if matches!(claimed, Ok(Some(instance)) if instance != entry.instance.as_str()) {
            return;
        }
        let why = if self.has_its_process(entry, &record).await { EndReason::ConnectionLost } else { EndReason::InstanceLost };
        self.close(&record, why).await;
    }

    /// Whether the process that had the call lives: then only its line was lost.
    async fn has_its_process(&self, entry: &CallEntry, record: &CallRecord) -> bool {
        if entry.instance == *self.admission.instance() {
            return record.offered_at >= self.pulse.began;
        }
        let living = self.state.instances().await.unwrap_or_default();
        living.iter().any(|info| info.instance == entry.instance)
    }

    /// One that is being put through is its carrier's: no instance has lost it.
    async fn open_record(&self, id: Option<CallId>) -> Option<CallRecord> {
        let read = self.records.call(id?).await;
        let record = read.inspect_err(|fault| error!(error = %fault, "the record of a call could not be read")).ok()?;
        record.filter(|record| record.ended_at.is_none() && record.status != CallStatus::Transferring)
    }

    /// Its carrier may have told how it went; and a call that was let go on purpose, for it to be taken up, has lost its line and no instance.
    async fn close(&self, record: &CallRecord, why: EndReason) {
        let next = self.records.next_step(record.carrier, &record.carrier_call_id).await;
        let why = match (why, next) {
            _ if record.status.is_final() => EndReason::CallerHungUp,
            (EndReason::InstanceLost, Ok(Some(NextStep::Resume))) => EndReason::ConnectionLost,
            _ => why,
        };
        if let Err(fault) = self.records.end_call(record.id, Timestamp::now(), why).await {
            error!(call.id = %record.id, error = %fault, "the end of the call could not be stored");
            return;
        }
        if let Some(answered) = record.answered_at {
            let talked = Duration::try_from(Timestamp::now().duration_since(answered)).unwrap_or_default();
            self.recorder.call_ended(record.agent_id, why, talked);
        }
    }

    /// Closes the calls whose instance is dead and that nobody has taken up, however that came to be forgotten.
    async fn look_through(&self) -> Result<(), StoreError> {
        let (Ok(living), Ok(registered), Ok(waiting)) = tokio::join!(self.state.instances(), self.state.active_calls(), self.state.peek(0))
        else {
            return Ok(()); // Who lives is not known.
        };
        let living: HashSet<_> = living.iter().map(|info| info.instance.as_str()).collect();
        let known: HashSet<_> = registered.iter().map(|entry| &entry.call_id).chain(waiting.iter().map(|entry| &entry.call_id)).collect();
        // Twice the window: within the first, the usual way has it.
        let settled = Timestamp::now() - self.resume_window * 2;
        for record in self.records.open_calls(None, PAGE).await? {
            if record.offered_at > settled || known.contains(&record.carrier_call_id) || self.has(&record) {
                continue;
            }
            let claimed = self.records.claimed_by(record.id).await?;
            // Its carrier has told the end, and that could not be stored: who served it looks after it.
            let told = record.status.is_final() && claimed.as_deref() == Some(self.admission.instance().as_str());
            if told || claimed.is_none_or(|instance| !living.contains(instance.as_str())) {
                info!(call.id = %record.id, "a call that nobody serves is closed in the records");
                self.close(&record, EndReason::InstanceLost).await;
            }
        }
        Ok(())
    }
}
