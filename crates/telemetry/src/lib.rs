//! What the program says about itself: log set-up, one span per call, metrics, and the recorder that turns what happens to calls into
//! log lines and numbers.
//!
//! Pure crates never log: they return events, and [`CallRecorder`] is the one place where an event becomes a line and a number. Nobody's
//! telephone number and nobody's words are logged at `info` or above: facts carry counts and times, [`call::PhoneNumber`] does not print,
//! and what still looks like an international number is masked on its way out.

mod calls;
mod facts;
mod logging;
mod metrics;
mod queue;
mod redaction;
mod words;

pub use calls::{CallRecorder, call_span};
pub use facts::SessionFact;
pub use logging::{LogFormat, TelemetryError, flush, init};
pub use metrics::{Metrics, PhraseSample, Pool, PoolSample, Rendered, Sample, ServiceSample, watch_event_loop};
pub use words::{DrainOutcome, ErrorType, LeftQueue, RefusedBecause, RegistryOperation};
