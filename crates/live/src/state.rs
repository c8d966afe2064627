//! The trait that both adapters keep.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    Beat, CallEntry, Command, Enqueued, Inbox, InstanceInfo, InstanceName, Leaving, LiveError, NewQueueEntry, PermitRequest, Place, Pulse,
    QueueEntry, QueueStats, Verdict,
};

/// Live state. Every method is one atomic step; time is the server's (in process: a clock that is never set back).
///
/// Before every step that serves the queue or counts permits, what has run out is put right: lapsed grants return to their place.
#[async_trait]
pub trait LiveState: Send + Sync + 'static {
    /// Renews the instance's lease and the time to live of its entries, clears the instances that died, and tells what was found.
    ///
    /// Clearing a dead instance: its registered calls leave the registry and are open for resume; its permits are free; its waiting callers keep
    /// their place with no holder; its grants return to the queue.
    async fn beat(&self, beat: &Beat) -> Result<Pulse, LiveError>;

    /// The instance stops in order. What it still has is treated like a dead instance's, but its calls are not lost: they are open for resume,
    /// and come back as [`Pulse::given_up`] only.
    async fn leave(&self, instance: &InstanceName) -> Result<(), LiveError>;

    /// Instances whose lease runs, by name.
    async fn instances(&self) -> Result<Vec<InstanceInfo>, LiveError>;

    /// Enters a call, or overwrites its entry (a resumed call: from then on it belongs to the new instance, and is no longer open for resume).
    async fn register(&self, entry: &CallEntry) -> Result<(), LiveError>;

    /// Takes a call out, when it is this instance's. True when it was.
    async fn unregister(&self, call_id: &str, instance: &InstanceName) -> Result<bool, LiveError>;

    /// All registered calls, oldest first. An entry that cannot be read is left out and logged; it never hides the others.
    async fn active_calls(&self) -> Result<Vec<CallEntry>, LiveError>;

    /// How many calls are registered. O(1).
    async fn call_count(&self) -> Result<u64, LiveError>;

    /// The call's stream ended and nobody knows why, or it is handed over: it leaves the registry, its permit is free, and it is open for resume.
    /// False when it was not this instance's.
    async fn interrupt(&self, call_id: &str, instance: &InstanceName) -> Result<bool, LiveError>;

    /// Enters calls as open for resume: what a restart finds in its records.
    async fn recover(&self, calls: &[CallEntry]) -> Result<(), LiveError>;

    /// Sets or clears `<prefix>:shutdown` (`1`), for tools that look at it; it lives for `ttl`.
    async fn set_shutting_down(&self, on: bool, ttl: Duration) -> Result<(), LiveError>;

    /// Takes all permits that the call needs (instance, agent, tenant) or none. Waiting callers who can be served are granted first, so that
    /// nobody overtakes them. A call that holds a permit keeps it; one that holds it on another instance takes it along, if this one has room.
    async fn admit(&self, request: &PermitRequest) -> Result<Verdict, LiveError>;

    /// Enters a permit without asking for room: an instance that was cut off tells what it has.
    async fn hold(&self, request: &PermitRequest) -> Result<(), LiveError>;

    /// Gives the call's permits back, when they are this instance's. True when they were.
    async fn release(&self, call_id: &str, instance: &InstanceName) -> Result<bool, LiveError>;

    /// A caller begins to wait. Capacity, duplicate check and insert are one step. Entering a waiting caller again without a holder says that its
    /// socket is gone: it keeps its place, is not granted, and is abandoned when nobody takes it within [`crate::Rules::resume_window`].
    async fn enqueue(&self, entry: &NewQueueEntry) -> Result<Enqueued, LiveError>;

    /// Grants places to waiting callers, in order, for whom instance, agent and tenant have room. Returns how many.
    async fn serve_queue(&self) -> Result<u64, LiveError>;

    /// What waits for this instance.
    async fn inbox(&self, instance: &InstanceName) -> Result<Inbox, LiveError>;

    /// Takes up a grant: the permit is the call's now. How long the caller has waited; `None` when the lease had run out.
    async fn take_up(&self, call_id: &str, instance: &InstanceName) -> Result<Option<Duration>, LiveError>;

    /// Takes the first waiting caller, whatever the limits and the holder. It must be confirmed within [`crate::Rules::grant_lease`], or it
    /// returns to its place.
    async fn dequeue(&self) -> Result<Option<QueueEntry>, LiveError>;

    /// What was dequeued is being served. False when the lease had run out.
    async fn confirm(&self, call_id: &str) -> Result<bool, LiveError>;

    /// The first entries in order; all of them for zero. Entries that cannot be read are left out.
    async fn peek(&self, count: usize) -> Result<Vec<QueueEntry>, LiveError>;

    /// Callers who wait.
    async fn depth(&self) -> Result<u64, LiveError>;

    /// Where the waiting callers of this instance stand.
    async fn places(&self, instance: &InstanceName) -> Result<Vec<(String, Place)>, LiveError>;

    /// Numbers of the queue.
    async fn stats(&self) -> Result<QueueStats, LiveError>;

    /// Takes a caller out of the queue (or its grant back, the permit included). False when it was not there.
    async fn remove(&self, call_id: &str, why: Leaving) -> Result<bool, LiveError>;

    /// Takes all waiting callers out. How many; the totals are kept.
    async fn clear(&self) -> Result<u64, LiveError>;

    /// Keeps an offer for whichever instance its media stream reaches.
    async fn share_offer(&self, key: &str, offer: &str, ttl: Duration) -> Result<(), LiveError>;

    /// Reads an offer.
    async fn offer(&self, key: &str) -> Result<Option<String>, LiveError>;

    /// Takes an offer: only one taker gets it.
    async fn take_offer(&self, key: &str) -> Result<Option<String>, LiveError>;

    /// Puts a command into an instance's inbox, which holds at most [`crate::Rules::COMMANDS`] of them for a minute.
    async fn send(&self, instance: &InstanceName, command: &Command) -> Result<(), LiveError>;

    /// Changes whenever something may be new in the instance's inbox or the queue. A hint only: the inbox is the truth, and is to be polled too.
    fn hints(&self, instance: &InstanceName) -> watch::Receiver<u64>;

    /// Writes, reads back and removes.
    async fn check(&self) -> Result<(), LiveError>;

    /// What it is: `in process` or `redis`.
    fn kind(&self) -> &'static str;
}
