//! The one place where what happened to a call becomes a log line.
//!
//! Nothing here names the call: the span of [`call_span`] does, and it is opened once, where the call's task is spawned.

use std::time::Duration;

use call::{CallEvent, CallId, Carrier, EndReason, LatencyParts, ToolOutcome};
use tracing::{Span, info, warn};

/// The span of one call, with the fields `call.id`, `carrier` and `agent`. Every line logged inside it carries them.
///
/// Its level is `error`, so that a warning still names its call when the filter lets only warnings through.
pub fn call_span(id: CallId, carrier: Carrier, agent: &str) -> Span {
    tracing::error_span!("call", call.id = %id, carrier = carrier.as_str(), agent)
}

/// What a session tells about a call while it drives it. Counts, times and closed words only: no numbers, no spoken text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SessionFact<'a> {
    /// The carrier's media stream has started: zero of the call clock.
    Started,
    /// The first sound of the greeting is on the wire.
    Greeting {
        /// Time since the stream started, ms.
        ms: u32,
    },
    /// The agent begins to answer something the caller said or keyed.
    Turn {
        /// Where the caller's waiting time went.
        latency: LatencyParts,
        /// How many words were recognised; zero when they were keys.
        words: u32,
    },
    /// The caller spoke and was not understood.
    NotUnderstood,
    /// The caller interrupted the agent.
    BargeIn {
        /// From the decision to the `clear` on the wire, ms.
        ms: u32,
    },
    /// A tool has answered.
    Tool {
        /// The tool's name as the agent's definition has it.
        name: &'a str,
        /// How it came out.
        outcome: ToolOutcome,
        /// How long it took, ms.
        ms: u64,
    },
    /// Audio frames of 20 ms that the carrier counted and we never received.
    FramesLost {
        /// How many since the last such fact.
        n: u32,
    },
    /// How the caller's line sounded over the whole call.
    Line {
        /// Mean level, dBFS.
        rms_dbfs: f32,
        /// Highest level, dBFS.
        peak_dbfs: f32,
        /// Samples at the codec's ceiling.
        clipped: u32,
    },
    /// The media stream is over and everything it held is free.
    Ended {
        /// Why.
        why: EndReason,
        /// Turns of both sides.
        turns: u32,
        /// Length on the call clock, ms.
        ms: u64,
    },
}

/// Turns events and facts of calls into log lines. One for the process; the current span says which call it is about.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct CallRecorder {}

impl CallRecorder {
    /// A recorder.
    pub const fn new() -> Self {
        Self {}
    }

    /// Records a change in the life of a call.
    pub fn record(&self, event: &CallEvent) {
        match *event {
            CallEvent::Queued => info!("call queued"),
            CallEvent::Answered { waited } => info!(waited_ms = whole_ms(waited), "call answered"),
            CallEvent::Ended { why, talked } if is_fault(why) => {
                warn!(reason = why.as_str(), talked_ms = whole_ms(talked), "call ended by a fault");
            }
            CallEvent::Ended { why, talked } => info!(reason = why.as_str(), talked_ms = whole_ms(talked), "call ended"),
        }
    }

    /// Records something a session saw inside a call.
    pub fn fact(&self, fact: SessionFact<'_>) {
        match fact {
            SessionFact::Started => info!("media stream started"),
            SessionFact::Greeting { ms } => info!(ms, "greeting on the wire"),
            SessionFact::Turn { latency, words } => turn(latency, words),
            SessionFact::NotUnderstood => info!("caller not understood"),
            SessionFact::BargeIn { ms } => info!(ms, "caller interrupted the agent"),
            SessionFact::Tool { name, outcome: ToolOutcome::Failed, ms } => warn!(tool = name, ms, "tool failed"),
            SessionFact::Tool { name, outcome, ms } => info!(tool = name, outcome = outcome.as_str(), ms, "tool answered"),
            SessionFact::Line { rms_dbfs, peak_dbfs, clipped } => info!(rms_dbfs, peak_dbfs, clipped, "the caller's line"),
            SessionFact::FramesLost { n } => warn!(frames = n, "audio frames lost on the way to us"),
            SessionFact::Ended { why, turns, ms } => info!(reason = why.as_str(), turns, ms, "media stream ended"),
        }
    }
}

fn turn(latency: LatencyParts, words: u32) {
    info!(
        words,
        latency_ms = latency.total_ms(),
        endpoint_ms = latency.endpoint_ms,
        recognition_ms = latency.recognition_ms,
        brain_ms = latency.brain_ms,
        first_audio_ms = latency.first_audio_ms,
        "turn answered"
    );
}

/// True for the ends that somebody has to look at; the others are ways a call may rightly end.
const fn is_fault(why: EndReason) -> bool {
    matches!(why, EndReason::Failed | EndReason::ProtocolError | EndReason::ConnectionLost)
}

/// Milliseconds that fit a log field; a call of 584 million years would be cut short.
fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
