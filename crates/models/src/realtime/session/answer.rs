//! An answer under way, and how long it may let wait.

use std::time::Instant;

use outbound::Fault;

use crate::realtime::RealtimeLimits;

/// One response.
pub(super) struct Answer {
    /// Our name of the question, for errors about it.
    pub(super) name: String,
    /// The vendor's name of it, once it is known.
    pub(super) id: Option<String>,
    /// It was cut off: nothing of it is reported.
    pub(super) dropped: bool,
    /// Some of it came.
    pub(super) begun: bool,
    /// Wishes for tools in it that were reported.
    pub(super) wishes: Vec<String>,
    /// Since when the next event is waited for.
    since: Instant,
}

/// Sound of one item.
pub(super) struct Spoken {
    pub(super) item: String,
    pub(super) content_index: u64,
    /// As the vendor codes it.
    pub(super) bytes: usize,
}

impl Answer {
    pub(super) fn asked(name: String, now: Instant) -> Self {
        Self { name, id: None, dropped: false, begun: false, wishes: Vec::new(), since: now }
    }

    /// An event of it came; `content`: sound, words or a wish.
    pub(super) fn touch(&mut self, content: bool, now: Instant) {
        self.begun |= content;
        // What has not begun is waited for from the question on, whatever else is said.
        if self.begun || self.dropped {
            self.since = now;
        }
    }

    pub(super) fn due(&self, limits: &RealtimeLimits) -> Instant {
        self.since + if self.begun { limits.stall } else { limits.first }
    }

    pub(super) fn late(&self, limits: &RealtimeLimits) -> Fault {
        if self.begun { Fault::Stalled(limits.stall) } else { Fault::NoAnswer(limits.first) }
    }
}
