//! Live state that can be cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    Beat, CallEntry, Command, Enqueued, Inbox, InstanceInfo, InstanceName, Leaving, LiveError, LiveState, NewQueueEntry, PermitRequest,
    Place, Pulse, QueueEntry, QueueStats, Verdict,
};

/// For tests: another live state that answers `Unavailable` while it is cut off.
pub struct Cut {
    inner: Arc<dyn LiveState>,
    cut: AtomicBool,
}

impl Cut {
    /// Not cut off.
    pub fn new(inner: Arc<dyn LiveState>) -> Self {
        Self { inner, cut: AtomicBool::new(false) }
    }

    /// Cuts it off, or connects it again.
    pub fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    fn inner(&self) -> Result<&dyn LiveState, LiveError> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(LiveError::Unavailable { doing: "reach live state", why: "cut off by the test".into() });
        }
        Ok(&*self.inner)
    }
}

/// Passes each method on.
macro_rules! pass_on {
    ($($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl LiveState for Cut {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$answer, LiveError> {
                self.inner()?.$method($($argument),*).await
            })+

            fn hints(&self, instance: &InstanceName) -> watch::Receiver<u64> {
                self.inner.hints(instance)
            }

            fn kind(&self) -> &'static str {
                self.inner.kind()
            }
        }
    };
}

pass_on! {
    beat(beat: &Beat) -> Pulse;
    leave(instance: &InstanceName) -> ();
    instances() -> Vec<InstanceInfo>;
    register(entry: &CallEntry) -> ();
    unregister(call_id: &str, instance: &InstanceName) -> bool;
    active_calls() -> Vec<CallEntry>;
    call_count() -> u64;
    interrupt(call_id: &str, instance: &InstanceName) -> bool;
    recover(calls: &[CallEntry]) -> ();
    set_shutting_down(on: bool, ttl: Duration) -> ();
    admit(request: &PermitRequest) -> Verdict;
    hold(request: &PermitRequest) -> ();
    release(call_id: &str, instance: &InstanceName) -> bool;
    enqueue(entry: &NewQueueEntry) -> Enqueued;
    serve_queue() -> u64;
    inbox(instance: &InstanceName) -> Inbox;
    take_up(call_id: &str, instance: &InstanceName) -> Option<Duration>;
    dequeue() -> Option<QueueEntry>;
    confirm(call_id: &str) -> bool;
    peek(count: usize) -> Vec<QueueEntry>;
    depth() -> u64;
    places(instance: &InstanceName) -> Vec<(String, Place)>;
    stats() -> QueueStats;
    remove(call_id: &str, why: Leaving) -> bool;
    clear() -> u64;
    share_offer(key: &str, offer: &str, ttl: Duration) -> ();
    offer(key: &str) -> Option<String>;
    take_offer(key: &str) -> Option<String>;
    send(instance: &InstanceName, command: &Command) -> ();
    check() -> ();
}
