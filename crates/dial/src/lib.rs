//! A caller with the carrier's side of the protocol: scripts, live view, expectations.
//!
//! [`run()`] makes one call the way the carrier does: the signed voice webhook, the answer document, the media stream paced in real time, what
//! the documents ask for afterwards, the status callback. It then reads the server's record of the call and compares it with the
//! [`Script`]'s expectations. One call is one task. The words the caller says are spoken before the phone rings.

mod caller;
mod clip;
mod director;
mod ear;
mod error;
mod keys;
mod leg;
mod options;
mod playback;
mod print;
mod record;
mod report;
mod run;
mod script;
mod webhook;

pub use clip::{ClipCache, MAX_CACHED_CLIPS, MAX_CLIP_SECONDS, SPEAK_LIMIT};
pub use error::DialError;
pub use keys::DialKeys;
pub use options::{DialOptions, Observer};
pub use print::{LiveView, summary};
pub use report::{CallReport, DialEvent, StereoAudio, ToolCall};
pub use reqwest::Url;
pub use run::{MAX_REDIRECTS, MAX_STREAMS, run};
pub use script::{
    DEFAULT_QUIET, DEFAULT_TIMEOUT, DEFAULT_VOICE, Expect, ExpectTool, Garbage, LineFormat, MAX_STEPS, MAX_TIMEOUT, STEP_TIMEOUT, Script,
    Speech, Step,
};
