//! Live state whose failures are noticed: the one place where an error of it becomes a number, and where a change that may not have arrived puts
//! this instance out of step, whoever asked.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use live::{
    Beat, CallEntry, Command, Enqueued, Inbox, InstanceInfo, InstanceName, Leaving, LiveError, LiveState, NewQueueEntry, PermitRequest,
    Place, Pulse, QueueEntry, QueueStats, Verdict,
};
use telemetry::{CallRecorder, RegistryOperation};
use tokio::sync::watch;

use crate::step::InStep;

/// A [`LiveState`] around another one.
pub struct Counted {
    inner: Arc<dyn LiveState>,
    recorder: CallRecorder,
    in_step: InStep,
}

impl Counted {
    /// Notices the failures of `inner`.
    pub fn new(inner: Arc<dyn LiveState>, recorder: CallRecorder, in_step: InStep) -> Self {
        Self { inner, recorder, in_step }
    }

    fn failed(&self, operation: RegistryOperation, changes: bool, fault: &LiveError) {
        self.recorder.registry_error(operation, fault);
        if changes {
            self.in_step.lost();
        }
    }
}

/// Hands every method on, and notices its failure under its own name. `changes`: what this instance has in live state may not be there now.
macro_rules! counted {
    ($($operation:ident $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty, $changes:ident;)*) => {
        #[async_trait]
        impl LiveState for Counted {
            $(async fn $name(&self, $($argument: $kind),*) -> Result<$answer, LiveError> {
                let answer = self.inner.$name($($argument),*).await;
                answer.inspect_err(|fault| self.failed(RegistryOperation::$operation, $changes, fault))
            })*

            fn hints(&self, instance: &InstanceName) -> watch::Receiver<u64> {
                self.inner.hints(instance)
            }

            fn kind(&self) -> &'static str {
                self.inner.kind()
            }
        }
    };
}

counted! {
    Beat beat(beat: &Beat) -> Pulse, true;
    Leave leave(instance: &InstanceName) -> (), false;
    Instances instances() -> Vec<InstanceInfo>, false;
    Register register(entry: &CallEntry) -> (), true;
    Unregister unregister(call_id: &str, instance: &InstanceName) -> bool, true;
    ActiveCalls active_calls() -> Vec<CallEntry>, false;
    CallCount call_count() -> u64, false;
    Interrupt interrupt(call_id: &str, instance: &InstanceName) -> bool, true;
    Recover recover(calls: &[CallEntry]) -> (), true;
    SetShuttingDown set_shutting_down(on: bool, ttl: Duration) -> (), false;
    Admit admit(request: &PermitRequest) -> Verdict, true;
    Hold hold(request: &PermitRequest) -> (), true;
    Release release(call_id: &str, instance: &InstanceName) -> bool, true;
    Enqueue enqueue(entry: &NewQueueEntry) -> Enqueued, true;
    ServeQueue serve_queue() -> u64, false;
    Inbox inbox(instance: &InstanceName) -> Inbox, false;
    TakeUp take_up(call_id: &str, instance: &InstanceName) -> Option<Duration>, true;
    Dequeue dequeue() -> Option<QueueEntry>, false;
    Confirm confirm(call_id: &str) -> bool, false;
    Peek peek(count: usize) -> Vec<QueueEntry>, false;
    Depth depth() -> u64, false;
    Places places(instance: &InstanceName) -> Vec<(String, Place)>, false;
    Stats stats() -> QueueStats, false;
    Remove remove(call_id: &str, why: Leaving) -> bool, true;
    Clear clear() -> u64, false;
    ShareOffer share_offer(key: &str, offer: &str, ttl: Duration) -> (), false;
    Offer offer(key: &str) -> Option<String>, false;
    TakeOffer take_offer(key: &str) -> Option<String>, false;
    Send send(instance: &InstanceName, command: &Command) -> (), false;
    Check check() -> (), false;
}
