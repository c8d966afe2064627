//! What comes out of turn taking.

use std::time::Duration;

/// What the session shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Begin an utterance; its audio began this long ago.
    StartUtterance {
        /// How much audio before now belongs to it.
        ago: Duration,
    },
    /// The caller pauses within the utterance.
    PauseUtterance,
    /// The utterance is over; the caller fell silent this long ago.
    FinishUtterance {
        /// Time from the last voiced frame to now: the endpointing part of the latency.
        quiet: Duration,
    },
    /// The caller's voice is over the agent's words: clear the far end's buffer, and keep what was not heard. [`Action::Resume`] or
    /// [`Action::Interrupt`] follows.
    Pause {
        /// Time since the first voiced frame.
        ago: Duration,
    },
    /// It was a murmur or a noise: forget the utterance, and say the rest from where the caller stopped hearing it.
    Resume,
    /// The caller talks over the agent: stop speaking. The far end is cleared already when [`Action::Pause`] came before.
    Interrupt,
    /// The agent owes words and the line is silent: say a filler, and tell [`crate::Conversation::agent_quiet`] when it was played or cannot be.
    Filler {
        /// From 1, anew with each reply that is owed.
        count: u32,
        /// A tool is at work.
        tool: bool,
    },
    /// The agent has owed words for long: apologise; otherwise as [`Action::Filler`].
    Apologise,
    /// Nothing came from the caller for this many turns in a row.
    Silence {
        /// From 1.
        count: u32,
    },
    /// Keying is complete.
    KeysDone,
    /// Little is left of the longest conversation: say so with the next words. [`Action::TimeIsUp`] follows.
    TimeIsShort,
    /// Say a last sentence; [`Action::MaxDuration`] follows.
    TimeIsUp,
    /// The longest conversation is reached: end the call now.
    MaxDuration,
    /// The goodbye was heard, or waited for long enough.
    GoodbyeOver,
    /// The agent owed a reply for too long: tell the brain to find a way out. A fault worth a log line.
    Stalled,
    /// That brought nothing either: the caller has the floor again.
    GivenUp,
}
