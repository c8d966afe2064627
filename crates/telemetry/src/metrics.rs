//! The numbers of this process, and how they are written for Prometheus.
//!
//! What happened is counted here, by [`crate::CallRecorder`] alone; how things stand is not kept at all but given as a [`Sample`] with each
//! scrape, so it cannot drift from the tables it is read from.

mod agents;
mod closed;
mod event_loop;
mod exposition;
mod families;
mod phrases;
mod pools;
mod process;
mod sample;
mod services;

use std::sync::Arc;
use std::time::Duration;

use call::{EndReason, LatencyParts};
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tracing::error;

pub use self::event_loop::watch_event_loop;
pub use self::sample::{PhraseSample, Pool, PoolSample, Sample, ServiceSample};

use self::agents::Agents;
use self::exposition::Form;
use self::families::Families;
use self::process::Process;
use crate::facts::SessionFact;
use crate::words::{DrainOutcome, LatencyPart, RefusedBecause, RegistryOperation};

/// The numbers of one process. Cheap to clone; all clones count into the same.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    families: Families,
    agents: Agents,
}

/// A scrape's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// For the `Content-Type` header.
    pub content_type: &'static str,
    /// The text.
    pub body: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All numbers at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let agents = Agents::default();
        agents.register(&mut registry);
        let families = Families::register(&mut registry);
        registry.register("voicenoob_build", "What runs", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        Self(Arc::new(Inner { registry, families, agents }))
    }

    /// The numbers as text, together with how things stand now: OpenMetrics when `accept` (the request's `Accept` header) asks for it, else
    /// the classic form. Reads a few small files of `/proc`, and takes well under a millisecond.
    pub fn render(&self, accept: Option<&str>, sample: &Sample) -> Rendered {
        let form = Form::asked_for(accept);
        let mut text = String::new();
        let mut now = Registry::default();
        sample.register(&mut now);
        Process::read().register(&mut now);
        let written = encode_registry(&mut text, &self.0.registry).and_then(|()| encode_registry(&mut text, &now));
        if let Err(fault) = written {
            // A string takes everything, so this is a fault of a metric; half a scrape would look like a whole one.
            error!(error = %fault, "metrics could not be written, the scrape is empty");
            text.clear();
        }
        Rendered { content_type: form.content_type(), body: form.body(text) }
    }

    pub(crate) fn agents(&self) -> &Agents {
        &self.0.agents
    }

    /// One more of what `choose` picks.
    pub(crate) fn add(&self, choose: impl FnOnce(&Families) -> &Counter) {
        choose(&self.0.families).inc();
    }

    pub(crate) fn ended(&self, why: EndReason) {
        self.0.families.calls_ended.with(why, one);
    }

    pub(crate) fn refused(&self, why: RefusedBecause) {
        self.0.families.calls_refused.with(why, one);
    }

    pub(crate) fn drained(&self, outcome: DrainOutcome) {
        self.0.families.drain_calls.with(outcome, one);
    }

    pub(crate) fn registry_error(&self, operation: RegistryOperation) {
        self.0.families.registry_errors.with(operation, one);
    }

    pub(crate) fn promoted(&self, wait: Duration) {
        self.0.families.queue_promoted.inc();
        self.0.families.queue_wait.observe(wait.as_secs_f64());
    }

    pub(crate) fn event_loop_lag(&self, lag: Duration) {
        self.0.families.event_loop_lag.observe(lag.as_secs_f64());
    }

    pub(crate) fn fact(&self, fact: SessionFact<'_>) {
        let families = &self.0.families;
        match fact {
            SessionFact::Greeting { ms } => families.greeting_latency.observe(seconds(ms)),
            SessionFact::Turn { latency, .. } => turn(families, latency),
            SessionFact::NotUnderstood => one(&families.not_understood),
            SessionFact::Paused { ms } => families.barge_in_pause.observe(seconds(ms)),
            SessionFact::FalseInterruption => one(&families.false_interruptions),
            SessionFact::Filler => one(&families.fillers),
            SessionFact::BargeIn { ms } => {
                one(&families.barge_ins);
                families.barge_in_clear.observe(seconds(ms));
            }
            SessionFact::Rung { change } => families.rungs.with(change.part, change.why, one),
            SessionFact::Tool { outcome, ms, .. } => {
                families.tool_calls.with(outcome, one);
                families.tool_duration.observe(Duration::from_millis(ms).as_secs_f64());
            }
            SessionFact::Frames { received, sent, late, dropped } => {
                families.frames_received.inc_by(u64::from(received));
                families.frames_sent.inc_by(u64::from(sent));
                families.frames_late.inc_by(u64::from(late));
                families.frames_dropped.inc_by(u64::from(dropped));
            }
            SessionFact::FramesLost { n } => {
                families.frames_lost.inc_by(u64::from(n));
            }
            // Its end is counted with its agent, in `CallRecorder::call_ended`.
            SessionFact::Started | SessionFact::Line { .. } | SessionFact::Ended { .. } => {}
        }
    }
}

fn turn(families: &Families, latency: LatencyParts) {
    let parts = [
        (LatencyPart::Endpoint, latency.endpoint_ms),
        (LatencyPart::Recognition, latency.recognition_ms),
        (LatencyPart::Brain, latency.brain_ms),
        (LatencyPart::FirstAudio, latency.first_audio_ms),
        (LatencyPart::Total, latency.total_ms()),
    ];
    for (part, ms) in parts {
        families.turn_latency.with(part, |histogram: &Histogram| histogram.observe(seconds(ms)));
    }
}

fn one(counter: &Counter) {
    counter.inc();
}

fn seconds(ms: u32) -> f64 {
    f64::from(ms) / 1000.0
}
