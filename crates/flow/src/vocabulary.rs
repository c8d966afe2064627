//! What a brain is told, and what it answers. Every brain speaks these words, not only the flow.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What happened in the call.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The media stream has started: greet.
    Started,
    /// The conversation was taken up from a snapshot on a new media stream: say so, and go on where it stopped.
    Resumed {
        /// The caller did not hear all of what was said last: it is said again. Otherwise only the question is.
        missed: bool,
    },
    /// The caller was being put through ([`Exit::Transfer`]) and nobody was reached; the conversation was taken up from its snapshot: say so, and
    /// offer what can be done instead.
    TransferFailed {
        /// Why nobody was reached.
        why: TransferWhy,
    },
    /// The caller said this (final transcript).
    Heard {
        /// Lower-case words, single spaces.
        text: String,
        /// From 0 to 1.
        confidence: f32,
    },
    /// The caller spoke, but recognition failed or made no words of it.
    NotUnderstood,
    /// The caller pressed one key: `0`-`9`, `*`, `#`.
    Key(char),
    /// The keypad's inter-digit time has run out: what was keyed so far is complete.
    KeysDone,
    /// It is the caller's turn and nothing came; the count starts at 1 with each agent turn that was followed by nothing but silence.
    Silence {
        /// How many times in a row.
        count: u32,
    },
    /// The caller cut the agent off; this much of the last reply was heard.
    Interrupted {
        /// The heard part of the text.
        heard: String,
        /// How much of the brain's own sound was heard, milliseconds; see [`Output::Sound`].
        sound_ms: u32,
    },
    /// A tool has answered.
    ToolAnswered {
        /// The id given in [`Output::CallTool`].
        id: u32,
        /// How it came out.
        outcome: ToolOutcome,
    },
    /// A reply was owed for too long, whatever held it up: find a way out that needs nothing of what may be stuck.
    Stalled,
    /// Little is left of the longest call: say so with the next words.
    TimeIsShort,
    /// The call will be ended soon because of its length: say goodbye in one sentence.
    TimeIsUp,
    /// The service stops and the call cannot go on elsewhere: say so in one sentence.
    Closing,
}

/// Why a transfer reached nobody. Closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferWhy {
    /// The person was talking, or declined.
    Busy,
    /// It rang, and nobody answered.
    NoAnswer,
    /// The call could not be placed.
    Failed,
}

/// A tool's answer as the brain sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolOutcome {
    /// Done; an object of fields.
    Ok(Value),
    /// A rule says no; a code and an object of fields.
    Refused {
        /// Which rule.
        code: String,
        /// Fields for the prompt.
        fields: Value,
    },
    /// A fault. The caller is told that it did not work, never what broke.
    Failed,
}

/// What the session shall do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Say this. Several in a row are said one after the other.
    Say {
        /// Plain text for the ear.
        text: String,
        /// False for what must be heard to its end (legal notices, goodbye).
        interruptible: bool,
    },
    /// The next utterance belongs to this state of the domain, see [`crate::Flow::domain`]. Also says how keys are taken.
    Listen {
        /// State name.
        state: String,
        /// Most keys a keyed answer has here; 1 means that a key is an answer at once, without waiting for more.
        max_keys: u8,
    },
    /// Call a tool; the answer comes back as [`Input::ToolAnswered`] with the same id.
    CallTool {
        /// Names the request within this call, from 1.
        id: u32,
        /// Tool name.
        tool: String,
        /// A JSON object.
        arguments: Value,
    },
    /// Sound of the brain's own, mono, at the call's rate: a model that speaks by itself. Comes faster than it is heard, and in order with what
    /// is said.
    Sound(Arc<[i16]>),
    /// The words of that sound, piece by piece as they are to be joined.
    Words(String),
    /// That sound is complete, or no more of it comes.
    SoundOver,
    /// What the caller said in the last utterance, by a brain that listened to it. May come after the answer has begun.
    CallerSaid(String),
    /// Press these keys for the far end, in order with what is said: 0-9, `*`, `#`, A-D; `w` waits half a second. At most 32.
    Dtmf {
        /// The keys.
        digits: String,
    },
    /// The conversation is over: hang up or hand over once everything said was heard.
    End(Exit),
}

/// How the conversation ends, once everything said before was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "exit", rename_all = "snake_case")]
pub enum Exit {
    /// Hang up.
    Goodbye,
    /// The caller never answered: hang up.
    Silence,
    /// Hand over to a person.
    Transfer {
        /// Number to dial.
        to: String,
    },
}
