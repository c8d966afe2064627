//! What a call says to its session, on the way to the task that owns the socket.

use std::sync::Arc;

use crate::VoiceEvent;

/// One order. Caller's words and sound pass through here: it does not print.
pub(crate) enum Order {
    /// The caller begins to speak.
    Start,
    /// The caller's sound, at the call's rate.
    Audio(Arc<[i16]>),
    /// The utterance is over.
    Finish,
    /// The utterance was none.
    Cancel,
    /// The agent was cut off.
    Interrupt {
        /// How much of the answer was heard.
        heard_ms: u32,
        /// What belongs to this and later epochs is still wanted.
        epoch: u64,
    },
    /// Something about the call.
    Tell {
        /// What.
        text: String,
        /// The model speaks now.
        answer: bool,
    },
    /// A tool answered.
    ToolAnswered {
        /// Which wish.
        id: String,
        /// JSON text.
        result: String,
    },
    /// A wish, by its id, is not fulfilled, and the model does not go on because of it.
    ToolDropped(String),
}

/// An event, and the epoch it belongs to: the number of interruptions before it.
pub(crate) struct Tagged {
    pub(crate) epoch: u64,
    pub(crate) event: VoiceEvent,
}
