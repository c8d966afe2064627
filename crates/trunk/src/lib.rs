//! Commands to a carrier about a call under way: answer it, open its media stream again, speak, hang up.
//!
//! [`CallControl`] is the capability; [`TelnyxCallControl`] sends the commands to Telnyx's REST interface. Answer documents need none of this:
//! they are the carrier's question and our reply. What is here is what we say without being asked. Twilio brings a call back by itself (the
//! `action` of its document), so it has no adapter.

mod control;
mod error;
mod key;
mod telnyx;

pub use control::{CallControl, MAX_SPEECH_CHARS, Speech, StreamRequest, TransferRequest};
pub use error::{InvalidRequest, TrunkError};
pub use key::ApiKey;
pub use telnyx::{DEFAULT_BASE_URL, MAX_ANSWER_BYTES, MAX_CALL_ID_BYTES, TelnyxCallControl};
