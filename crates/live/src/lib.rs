//! Live state that instances share: who is on the phone (registry), who waits (queue), who may be answered (permits), which instances live.
//!
//! One trait, [`LiveState`], with two adapters that keep the same promises: in process for one instance alone, Redis for several. Nothing here
//! outlives the calls it is about: what must be remembered is in `store`.

mod call_queue;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod entry;
mod error;
mod in_process;
mod instance;
mod model;
mod permit;
mod queue;
pub mod rate;
mod redis;
mod registry;
mod rules;
mod seconds;
mod state;

pub use self::redis::{KeptPhrases, RawStep, RedisState};
pub use call_queue::{CallQueue, QueueReport};
pub use entry::CallEntry;
pub use error::LiveError;
pub use in_process::InProcess;
pub use instance::{Beat, Command, Inbox, InstanceInfo, InstanceName, Pulse};
pub use model::Model;
pub use permit::{Limit, Limits, PermitRequest, Verdict};
pub use queue::{Enqueued, Grant, Leaving, NewQueueEntry, Place, QueueEntry, QueueStats, read_entry};
pub use rate::{Ask, LocalRates, Rate, RateLimits, Taken};
pub use registry::{CallRegistry, Count};
pub use rules::Rules;
pub use state::LiveState;
