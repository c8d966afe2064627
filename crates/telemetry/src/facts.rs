//! What a session tells about its call, and the log line of each fact.

use call::{EndReason, LatencyParts, RungChange, ToolOutcome};
use tracing::{info, warn};

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
    /// The agent has paused because the caller's voice came over its words.
    Paused {
        /// From the caller's first voiced frame to the `clear` on the wire, ms.
        ms: u32,
    },
    /// It was a murmur or a noise: the agent went on.
    FalseInterruption,
    /// A filler or an apology was said because the agent owed words.
    Filler,
    /// The caller interrupted the agent.
    BargeIn {
        /// From the decision to the `clear` on the wire, ms.
        ms: u32,
    },
    /// Another engine or model took over.
    Rung {
        /// Who, for what, and why.
        change: &'a RungChange,
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
    /// Audio frames of 20 ms since the last such fact. Told now and then and at the end, never once a frame.
    Frames {
        /// Came from the carrier and were taken.
        received: u32,
        /// Went to the carrier.
        sent: u32,
        /// Came out of order, or left later than their time.
        late: u32,
        /// Came too late, too early or twice, and were not used.
        dropped: u32,
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

/// Writes the fact's line.
pub(crate) fn log(fact: SessionFact<'_>) {
    match fact {
        SessionFact::Started => info!("media stream started"),
        SessionFact::Greeting { ms } => info!(ms, "greeting on the wire"),
        SessionFact::Turn { latency, words } => turn(latency, words),
        SessionFact::NotUnderstood => info!("caller not understood"),
        SessionFact::Paused { ms } => info!(ms, "the agent pauses: the caller's voice is over its words"),
        SessionFact::FalseInterruption => info!("the agent goes on: it was a murmur or a noise"),
        SessionFact::Filler => info!("a filler is said: the reply is not there yet"),
        SessionFact::BargeIn { ms } => info!(ms, "caller interrupted the agent"),
        SessionFact::Tool { name, outcome: ToolOutcome::Failed, ms } => warn!(tool = name, ms, "tool failed"),
        SessionFact::Tool { name, outcome, ms } => info!(tool = name, outcome = outcome.as_str(), ms, "tool answered"),
        SessionFact::Rung { change: RungChange { part, from, to, why, .. } } => {
            warn!(part = part.as_str(), from, to, why = why.as_str(), "the call goes on with another service");
        }
        SessionFact::Line { rms_dbfs, peak_dbfs, clipped } => info!(rms_dbfs, peak_dbfs, clipped, "the caller's line"),
        // A number, not a line: it says nothing of one moment of a call.
        SessionFact::Frames { .. } => {}
        SessionFact::FramesLost { n } => warn!(frames = n, "audio frames lost on the way to us"),
        SessionFact::Ended { why, turns, ms } => info!(reason = why.as_str(), turns, ms, "media stream ended"),
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
