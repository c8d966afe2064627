//! What is known of a call: while it runs, and afterwards.

use std::fmt;
use std::time::Duration;

use call::{EndReason, Speaker, ToolOutcome, TurnRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that happened in the call, as it happens.
#[derive(Debug, Clone, PartialEq)]
pub enum DialEvent {
    /// The webhook is about to be posted.
    Ringing {
        /// The carrier's id of the call.
        carrier_call_id: String,
    },
    /// A media stream is open; more than once when the server resumes the call.
    Connected,
    /// The agent begins to speak.
    AgentStarted,
    /// The caller begins to say this.
    Said {
        /// The words, or the file's name.
        text: String,
    },
    /// The caller presses keys.
    Pressed {
        /// Which.
        digits: String,
    },
    /// The agent answers.
    Latency {
        /// Milliseconds from the caller's last word to the first sound of the answer, measured on the audio that the caller hears.
        ms: u32,
    },
    /// The agent stopped its audio because it was interrupted.
    Cleared,
    /// The server has stored a turn.
    Turn(TurnRecord),
    /// The carrier reads a text out (busy line, closing words).
    Announced {
        /// The text.
        text: String,
    },
    /// The call was handed over.
    Transferred {
        /// To which number.
        number: String,
    },
    /// The words cannot be shown.
    Unwatched {
        /// Why, and what to do.
        why: String,
    },
    /// The call is over.
    Ended {
        /// Why, as the server recorded it.
        end_reason: Option<EndReason>,
    },
}

/// Tells the observer.
pub(crate) type Tell<'a> = &'a (dyn Fn(DialEvent) + Send + Sync);

/// A tool that the agent used, as the server recorded it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Its name.
    pub tool: String,
    /// What it was asked.
    #[serde(default)]
    pub arguments: Value,
    /// How it came out.
    pub outcome: ToolOutcome,
    /// What it answered.
    #[serde(default)]
    pub result: Value,
}

impl fmt::Display for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}) -> {} {}", self.tool, self.arguments, self.outcome.as_str(), self.result)
    }
}

/// Both sides of a call as audio: 16-bit samples, caller left, agent right, interleaved.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StereoAudio {
    /// Samples a second of each channel.
    pub rate: u32,
    /// Left, right, left, right.
    pub samples: Vec<i16>,
}

impl fmt::Debug for StereoAudio {
    /// Without the samples: reports are printed when a test fails.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StereoAudio").field("rate", &self.rate).field("samples", &self.samples.len()).finish()
    }
}

/// A finished call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallReport {
    /// The carrier's id of the call.
    pub carrier_call_id: String,
    /// From the first media stream's start to the end of the last one; zero when there was none.
    pub duration: Duration,
    /// From the stream's start to the first sound of the greeting, ms.
    pub first_audio_ms: Option<u32>,
    /// Every answer's latency, measured on the audio, ms.
    pub replies_ms: Vec<u32>,
    /// What was said, as the server recorded it.
    pub turns: Vec<TurnRecord>,
    /// The tools that were used, as the server recorded it.
    pub tools: Vec<ToolCall>,
    /// Why the call ended, as the server recorded it.
    pub end_reason: Option<EndReason>,
    /// The WebSocket close code, when the server closed the stream.
    pub closed_code: Option<u16>,
    /// Where the call was handed over to.
    pub transferred_to: Option<String>,
    /// Texts that the carrier read out.
    pub announcements: Vec<String>,
    /// True when the carrier was told that the line is busy.
    pub busy: bool,
    /// Media frames sent.
    pub frames_sent: u64,
    /// Times the agent stopped its own audio.
    pub clears: u32,
    /// Every expectation that was not met, and every step that could not be done. Empty means: all as expected.
    pub failures: Vec<String>,
    /// The sound of the call, when it was asked for.
    pub audio: Option<StereoAudio>,
}

impl CallReport {
    /// The words of one side, one turn a line.
    pub fn words_of(&self, speaker: Speaker) -> String {
        self.turns.iter().filter(|turn| turn.speaker == speaker).map(|turn| turn.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// True when everything was as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}
