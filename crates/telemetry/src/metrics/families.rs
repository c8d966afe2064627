//! Every family that counts what happened, but for those by agent. The doc comment of a field is the help text of its metric.

use call::{EndReason, Part, RungWhy, ToolOutcome};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::closed::{Closed, Pairs};
use crate::words::{DrainOutcome, LatencyPart, RefusedBecause, RegistryOperation};

/// A caller's wait for an answer, seconds. 20 ms is one frame; people answer each other after about 0.2 s and find a pause long from about
/// 0.8 s on; 0.5 s is our usual wait for the end of an utterance; beyond 5 s callers ask whether anybody is there.
const TURN: [f64; 14] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0];
/// From the stream's start to the greeting, seconds: ready phrases take milliseconds, a sentence that must be made first takes a second.
const GREETING: [f64; 9] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];
/// From the decision to stop to the `clear` on the wire, seconds: one frame is 20 ms, and that is the aim.
const BARGE_IN: [f64; 7] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];
/// From the caller's first voiced frame to the `clear`, seconds: speech must last 120 ms to be more than a click.
const PAUSE: [f64; 8] = [0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.3, 0.5];
/// A tool's answer, seconds: the house's own books take milliseconds, another company's service up to its deadline.
const TOOL: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Waiting for an agent, seconds: 20 is the usual service level of call centres; after ten minutes hardly anybody still waits.
const QUEUE: [f64; 9] = [1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// Lateness of a task, seconds: timers count in 1 ms, a frame is 20 ms, and 200 ms is how far audio is sent ahead: above it, callers hear it.
const LAG: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];

macro_rules! families {
    ($($(#[doc = $help:literal])+ $field:ident, $name:literal: $type:ty = $make:expr;)+) => {
        /// The families, held so that recording one looks nothing up by name.
        #[derive(Debug)]
        pub(crate) struct Families {
            $($(#[doc = $help])+ pub(crate) $field: $type,)+
        }

        impl Families {
            /// Makes and registers them all.
            pub(super) fn register(registry: &mut Registry) -> Self {
                $(
                    let $field: $type = $make;
                    // The library ends every help text with a dot, and adds `_total` to the names of a counter's samples.
                    registry.register($name, concat!($($help),+).trim().trim_end_matches('.'), $field.clone());
                )+
                Self { $($field),+ }
            }
        }
    };
}

families! {
    /// Conversations that ended, by reason.
    calls_ended, "voicenoob_calls_ended": Closed<EndReason, Counter> = Closed::new(Counter::default);
    /// Calls that were not taken, by reason.
    calls_refused, "voicenoob_calls_refused": Closed<RefusedBecause, Counter> = Closed::new(Counter::default);
    /// Times that an agent could not be made ready as its workspace wants it.
    agents_not_ready, "voicenoob_agents_not_ready": Counter = Counter::default();
    /// Conversations handed over to another instance.
    calls_handed_over, "voicenoob_calls_handed_over": Counter = Counter::default();
    /// Conversations that went on here after they were interrupted or handed over.
    calls_resumed, "voicenoob_calls_resumed": Counter = Counter::default();
    /// Conversations whose media stream was gone before they were over.
    calls_interrupted, "voicenoob_calls_interrupted": Counter = Counter::default();
    /// Calls of an instance that was found dead by this one.
    calls_lost, "voicenoob_calls_lost": Counter = Counter::default();

    /// How long callers waited for the agent's answer, by part of the wait.
    turn_latency, "voicenoob_turn_latency_seconds": Closed<LatencyPart, Histogram> = Closed::new(|| Histogram::new(TURN));
    /// From the start of the media stream to the first sound of the greeting.
    greeting_latency, "voicenoob_greeting_latency_seconds": Histogram = Histogram::new(GREETING);
    /// Agents interrupted by their callers.
    barge_ins, "voicenoob_barge_ins": Counter = Counter::default();
    /// From the decision that the caller interrupts to the command that silences the agent.
    barge_in_clear, "voicenoob_barge_in_clear_seconds": Histogram = Histogram::new(BARGE_IN);
    /// From the caller's first voiced frame over the agent's words to the command that silences the agent.
    barge_in_pause, "voicenoob_barge_in_pause_seconds": Histogram = Histogram::new(PAUSE);
    /// Pauses of agents that went on because it was a murmur or a noise.
    false_interruptions, "voicenoob_false_interruptions": Counter = Counter::default();
    /// Fillers and apologies that were said while a reply was owed.
    fillers, "voicenoob_fillers": Counter = Counter::default();
    /// Utterances of callers in which no words were recognised.
    not_understood, "voicenoob_not_understood": Counter = Counter::default();
    /// Changes of who listens, thinks or speaks within calls, by the part and why.
    rungs, "voicenoob_rung_changes": Pairs<Part, RungWhy, Counter> = Pairs::new(Counter::default);
    /// Tool calls, by outcome.
    tool_calls, "voicenoob_tool_calls": Closed<ToolOutcome, Counter> = Closed::new(Counter::default);
    /// How long tools took to answer.
    tool_duration, "voicenoob_tool_duration_seconds": Histogram = Histogram::new(TOOL);

    /// Callers who began to wait for an agent.
    queue_queued, "voicenoob_queue_queued": Counter = Counter::default();
    /// Waiting callers who got an agent.
    queue_promoted, "voicenoob_queue_promoted": Counter = Counter::default();
    /// Waiting callers who hung up.
    queue_abandoned, "voicenoob_queue_abandoned": Counter = Counter::default();
    /// Waiting callers who asked to be called back.
    queue_callbacks, "voicenoob_queue_callbacks": Counter = Counter::default();
    /// Waiting callers taken out by an operator or by the stop of the instance.
    queue_removed, "voicenoob_queue_removed": Counter = Counter::default();
    /// Places that were granted and not taken up in time.
    queue_lapsed, "voicenoob_queue_lapsed": Counter = Counter::default();
    /// How long callers waited who got an agent.
    queue_wait, "voicenoob_queue_wait_seconds": Histogram = Histogram::new(QUEUE);

    /// Calls that were live when the instance began to drain, by what became of them.
    drain_calls, "voicenoob_drain_calls": Closed<DrainOutcome, Counter> = Closed::new(Counter::default);

    /// Audio frames of 20 ms from carriers that were used.
    frames_received, "voicenoob_audio_frames_received": Counter = Counter::default();
    /// Audio frames of 20 ms sent to carriers.
    frames_sent, "voicenoob_audio_frames_sent": Counter = Counter::default();
    /// Audio frames that came out of order or left after their time.
    frames_late, "voicenoob_audio_frames_late": Counter = Counter::default();
    /// Audio frames that came and could not be used.
    frames_dropped, "voicenoob_audio_frames_dropped": Counter = Counter::default();
    /// Audio frames that the carrier counted and that never came.
    frames_lost, "voicenoob_audio_frames_lost": Counter = Counter::default();

    /// How late tasks run, measured ten times a second.
    event_loop_lag, "voicenoob_event_loop_lag_seconds": Histogram = Histogram::new(LAG);
    /// Failed questions and changes to live state, by operation.
    registry_errors, "voicenoob_registry_errors": Closed<RegistryOperation, Counter> = Closed::new(Counter::default);
}
