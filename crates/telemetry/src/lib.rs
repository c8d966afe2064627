//! What the program says about itself: log set-up, one span per call, and the recorders that turn call events into log lines.
//!
//! Pure crates never log: they return events, and [`CallRecorder`] is the one place where an event becomes a line. Nobody's telephone
//! number and nobody's words are logged at `info` or above: facts carry counts and times, [`call::PhoneNumber`] does not print, and
//! what still looks like an international number is masked on its way out.

mod calls;
mod logging;
mod queue;
mod redaction;

pub use calls::{CallRecorder, SessionFact, call_span};
pub use logging::{LogFormat, TelemetryError, flush, init};
