//! Turn taking: who may speak, when an utterance is over, when the agent must stop, and what the caller has really heard.
//!
//! A machine without clock or IO: frames of voice activity, keys and playout events go in, [`Action`]s come out. It knows no carrier,
//! no engine and no brain; the session does what it says.

pub mod amd;
mod endpoint;
mod hint;
mod ledger;
mod pauses;
mod rules;
mod turn;

pub use endpoint::{Endpoint, EndpointEvent};
pub use hint::{Hint, Looks, Words};
pub use ledger::{Heard, Ledger, NETWORK_ALLOWANCE};
pub use rules::TurnTaking;
pub use turn::{Action, Conversation};

/// Where a test's time begins.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from; only differences matter")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
