//! Twilio and Telnyx on the wire: media streams, webhooks, signatures, answer documents.
//!
//! Pure: no socket, no clock, no logging. What differs between the carriers stays in [`twilio`] and [`telnyx`]; everybody else uses
//! [`MediaStream`], [`FarEnd`], [`Document`], [`VoiceOffer`] and [`StatusReport`], which know no carrier.

mod codec;
mod document;
mod error;
mod far_end;
mod media;
mod payload;
pub mod telnyx;
pub mod twilio;
mod webhook;
mod wire;

pub use codec::{ByteOrder, Codec, MediaFormat};
pub use document::{Document, MAX_DOCUMENT_BYTES, MAX_PARAMETER_CHARS};
pub use error::{DocumentError, SignatureError, StreamError, WebhookError};
pub use far_end::{FarEnd, FarEndEvent, far_end, far_end_with};
pub use media::{
    MAX_AUDIO_PER_MESSAGE, MAX_EVENTS, MAX_FAULTS_IN_A_ROW, MAX_MESSAGE_BYTES, MAX_QUEUED_AUDIO, MediaStream, RESYNC_AFTER, StreamCounters,
    StreamEvent, StreamOptions, StreamStart, media_stream,
};
pub use webhook::{DialOutcome, MAX_BODY_BYTES, MAX_FORM_FIELDS, MAX_ID_BYTES, StatusReport, VoiceOffer, parse_dial};
