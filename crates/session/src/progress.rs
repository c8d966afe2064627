//! Where a conversation stands, stored so that another process can take it up: with every turn, when the caller gets the floor, before a tool
//! is called, and when the conversation ends or leaves.

use std::time::Instant;

use agent::BrainInput;
use serde::{Deserialize, Serialize};
use store::Progress;
use tokio::sync::oneshot;

use crate::kept::without_cards;
use crate::run::Session;
use crate::socket::MediaSocket;

/// What [`Progress::snapshot`] holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The brain's own.
    pub(crate) brain: serde_json::Value,
    /// The caller did not hear all of the agent's last words.
    pub(crate) missed: bool,
}

impl<S: MediaSocket> Session<S> {
    /// Stores where the conversation stands. Never waits.
    pub(crate) fn save(&mut self, now: Instant) {
        let progress = self.progress(now);
        self.journal.save(progress);
    }

    /// Stores it before something is done that must not be done twice; resolves when it is stored.
    pub(crate) fn save_first(&mut self, now: Instant) -> oneshot::Receiver<()> {
        let progress = self.progress(now);
        self.journal.save_first(progress)
    }

    fn progress(&self, now: Instant) -> Progress {
        let snapshot = Snapshot { brain: self.brain.snapshot(), missed: self.replying };
        Progress {
            // A conversation that is taken up needs names and numbers; a card it has no use for.
            snapshot: without_cards(&serde_json::to_value(snapshot).unwrap_or_default()),
            turns: self.journal.count(),
            elapsed_ms: self.clock_ms(now),
        }
    }

    /// Notes whether the brain owes the caller words because of this input.
    pub(crate) fn note_owed(&mut self, input: &BrainInput) {
        // An interruption is no question, and a hint is none. A key that is not yet an answer counts: better something said twice than something never heard.
        self.replying |= !matches!(input, BrainInput::Interrupted { .. } | BrainInput::TimeIsShort);
    }
}
