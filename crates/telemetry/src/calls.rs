//! The one place where what happened to a call becomes a log line and a number.
//!
//! Nothing here names the call: the span of [`call_span`] does, and it is opened once, where the call's task is spawned. Where the program
//! this one replaces had a name for an event, the line carries it in the field `event`.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use call::{CallEvent, CallId, Carrier, EndReason};
use tracing::{Span, info, warn};

use crate::facts::{self, SessionFact};
use crate::metrics::Metrics;
use crate::words::{DrainOutcome, ErrorType, LeftQueue, RefusedBecause, RegistryOperation};

/// The span of one call, with the fields `call.id`, `carrier` and `agent`. Every line logged inside it carries them.
///
/// Its level is `error`, so that a warning still names its call when the filter lets only warnings through.
pub fn call_span(id: CallId, carrier: Carrier, agent: &str) -> Span {
    tracing::error_span!("call", call.id = %id, carrier = carrier.as_str(), agent)
}

/// Turns what happens to calls into log lines, and into numbers when it was given [`Metrics`]. One for the process, cheap to clone; the
/// current span says which call it is about.
#[derive(Debug, Clone)]
pub struct CallRecorder {
    metrics: Option<Metrics>,
    /// As far as was told last.
    live_state_up: Arc<AtomicBool>,
}

impl Default for CallRecorder {
    fn default() -> Self {
        Self { metrics: None, live_state_up: Arc::new(AtomicBool::new(true)) }
    }
}

impl CallRecorder {
    /// A recorder of log lines only: metrics are switched off.
    pub fn new() -> Self {
        Self::default()
    }

    /// A recorder of log lines and numbers.
    pub fn with(metrics: Metrics) -> Self {
        Self { metrics: Some(metrics), ..Self::default() }
    }

    /// Logs a change in the life of a call. It counts nothing, as the event does not say whose call it is: [`Self::call_started`],
    /// [`Self::call_ended`] and [`Self::queued`] do.
    pub fn record(&self, event: &CallEvent) {
        match *event {
            CallEvent::Queued => info!("call queued"),
            CallEvent::Answered { waited } => info!(waited_ms = whole_ms(waited), "call answered"),
            CallEvent::Ended { why, talked } => log_end(why, talked),
        }
    }

    /// Records something a session saw inside a call.
    pub fn fact(&self, fact: SessionFact<'_>) {
        facts::log(fact);
        self.count(|metrics| metrics.fact(fact));
    }

    /// A conversation with an agent began here that began nowhere before. `agent_id` is the id of [`call::AgentId`] as text.
    pub fn call_started(&self, agent_id: impl Display) {
        info!("conversation started");
        self.count(|metrics| metrics.agents().initiated(&agent_id.to_string()));
    }

    /// A conversation is over, the record is closed; `talked` is the time with the agent. Completed or failed: [`ErrorType::of`] decides.
    ///
    /// [`EndReason::InstanceLost`] does not count as failed here: [`Self::call_lost`] counted it when the instance was found dead.
    pub fn call_ended(&self, agent_id: impl Display, why: EndReason, talked: Duration) {
        log_end(why, talked);
        self.count(|metrics| {
            metrics.ended(why);
            match ErrorType::of(why) {
                None => metrics.agents().completed(&agent_id.to_string(), talked),
                Some(ErrorType::InstanceLost) => {}
                Some(fault) => metrics.agents().failed(&agent_id.to_string(), fault),
            }
        });
    }

    /// A conversation that began elsewhere, or on an earlier stream, goes on here.
    pub fn call_resumed(&self) {
        info!("call resumed");
        self.count(|metrics| metrics.add(|families| &families.calls_resumed));
    }

    /// A conversation was handed over: its record stays open, another instance goes on with it.
    pub fn call_handed_over(&self) {
        info!("call handed over");
        self.count(|metrics| metrics.add(|families| &families.calls_handed_over));
    }

    /// The stream of a conversation is gone and the call is not over: it is open for resume.
    pub fn call_interrupted(&self) {
        warn!("call interrupted: its media stream is gone, it is open for resume");
        self.count(|metrics| metrics.add(|families| &families.calls_interrupted));
    }

    /// The agent has left, the caller is being put through to a person: the record stays open until the carrier tells what became of it.
    pub fn call_put_through(&self) {
        info!("caller is being put through");
    }

    /// A call of an instance that died. To be told once in the cluster: it counts as failed.
    pub fn call_lost(&self, agent_id: impl Display) {
        warn!(agent = %agent_id, "call lost with its instance, it is open for resume");
        self.count(|metrics| {
            metrics.add(|families| &families.calls_lost);
            metrics.agents().failed(&agent_id.to_string(), ErrorType::InstanceLost);
        });
    }

    /// A call was not taken.
    pub fn refused(&self, why: RefusedBecause) {
        match why {
            RefusedBecause::QueueFull => warn!(event = "queue_full", reason = why.as_str(), "call refused"),
            RefusedBecause::Fault => warn!(reason = why.as_str(), "call refused by a fault"),
            _ => info!(reason = why.as_str(), "call refused"),
        }
        self.count(|metrics| metrics.refused(why));
    }

    /// An agent could not be made ready as its workspace wants it.
    pub fn agent_not_ready(&self) {
        self.count(|metrics| metrics.add(|families| &families.agents_not_ready));
    }

    /// A caller began to wait.
    pub fn queued(&self) {
        info!("caller waits in the queue");
        self.count(|metrics| metrics.add(|families| &families.queue_queued));
    }

    /// A waiting caller got an agent after `wait`.
    pub fn promoted(&self, wait: Duration) {
        // Two decimals, as the field always had.
        let seconds = (wait.as_secs_f64() * 100.0).round() / 100.0;
        info!(event = "call_dequeued", wait_time_seconds = seconds, "caller taken from the queue");
        self.count(|metrics| metrics.promoted(wait));
    }

    /// A waiting caller is gone without having been served.
    pub fn left_queue(&self, why: LeftQueue) {
        info!(event = "call_removed_from_queue", reason = why.as_str(), "caller left the queue");
        self.count(|metrics| {
            metrics.add(|families| match why {
                LeftQueue::Abandoned => &families.queue_abandoned,
                LeftQueue::Callback => &families.queue_callbacks,
                LeftQueue::Removed => &families.queue_removed,
            });
        });
    }

    /// A grant was not taken up within its lease: the caller is back in the queue.
    pub fn grant_lapsed(&self) {
        warn!("a place was granted and not taken up in time: the caller is back in the queue");
        self.count(|metrics| metrics.add(|families| &families.queue_lapsed));
    }

    /// What became of one call that was live when the drain began. To be told once for each.
    pub fn drain_outcome(&self, outcome: DrainOutcome) {
        match outcome {
            DrainOutcome::Lost => warn!(outcome = outcome.as_str(), "call of a draining instance is over"),
            _ => info!(outcome = outcome.as_str(), "call of a draining instance is over"),
        }
        self.count(|metrics| metrics.drained(outcome));
    }

    /// Live state could not be asked or changed; `why` without addresses.
    pub fn registry_error(&self, operation: RegistryOperation, why: impl Display) {
        let event = match operation {
            RegistryOperation::Register => Some("call_register_failed"),
            RegistryOperation::Unregister => Some("call_unregister_failed"),
            _ => None,
        };
        warn!(event, operation = operation.as_str(), error = %why, "live state failed");
        self.count(|metrics| metrics.registry_error(operation));
    }

    /// Whether live state answered just now. Only a change is logged.
    pub fn live_state_up(&self, up: bool) {
        match (self.live_state_up.swap(up, Ordering::Relaxed), up) {
            (true, false) => warn!("live state is not reachable: calls go on, numbers over all instances are unknown"),
            (false, true) => info!("live state is reachable again"),
            _ => {}
        }
    }

    /// What [`Self::live_state_up`] was told last; true at the start. For [`crate::Sample::live_state_up`].
    pub fn is_live_state_up(&self) -> bool {
        self.live_state_up.load(Ordering::Relaxed)
    }

    fn count(&self, act: impl FnOnce(&Metrics)) {
        if let Some(metrics) = &self.metrics {
            act(metrics);
        }
    }
}

fn log_end(why: EndReason, talked: Duration) {
    if ErrorType::of(why).is_some() {
        warn!(reason = why.as_str(), talked_ms = whole_ms(talked), "call ended by a fault");
    } else {
        info!(reason = why.as_str(), talked_ms = whole_ms(talked), "call ended");
    }
}

/// Milliseconds that fit a log field; a call of 584 million years would be cut short.
fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
