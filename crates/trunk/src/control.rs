//! What can be asked of a carrier, whichever it is.

use std::fmt;

use async_trait::async_trait;
use call::PhoneNumber;
use telephony::MediaFormat;
use uuid::Uuid;

use crate::TrunkError;

/// Longest text that is spoken by one command, in characters (telnyx.md 2).
pub const MAX_SPEECH_CHARS: usize = 3000;

/// Commands about one call, each named by the carrier's id of it.
///
/// Every command takes a `command_id`: a carrier obeys the same id for the same call once, so a command that is given again under its id
/// (because nobody knows what became of it) does nothing twice. `Ok` means that the carrier took the command, not that it is done: the outcome
/// comes as an event.
#[async_trait]
pub trait CallControl: Send + Sync {
    /// Answers an inbound call that waits for it, and opens its media stream when one is given. An answer carries neither
    /// [`StreamRequest::parameters`] nor a rate other than 8000 Hz: with those, answer first and start the stream then.
    async fn answer(&self, call_control_id: &str, command_id: Uuid, stream: Option<&StreamRequest>) -> Result<(), TrunkError>;

    /// Opens the media stream of an answered call. A call has one stream at a time.
    async fn streaming_start(&self, call_control_id: &str, command_id: Uuid, stream: &StreamRequest) -> Result<(), TrunkError>;

    /// Ends every media stream of the call; the call goes on.
    async fn streaming_stop(&self, call_control_id: &str, command_id: Uuid) -> Result<(), TrunkError>;

    /// Has the carrier's own voice say something. No media stream is needed.
    async fn speak(&self, call_control_id: &str, command_id: Uuid, speech: &Speech) -> Result<(), TrunkError>;

    /// Calls somebody and connects the caller with them once they answer. The media stream of the call must be over. What becomes of it comes as
    /// events of the new leg; when that leg ends before it was answered, the call is still there and takes commands.
    async fn transfer(&self, call_control_id: &str, command_id: Uuid, transfer: &TransferRequest) -> Result<(), TrunkError>;

    /// Hangs up. A call that has ended already is hung up: that is no error here.
    async fn hangup(&self, call_control_id: &str, command_id: Uuid) -> Result<(), TrunkError>;

    /// Proves that the carrier can be reached and takes our key, by reading something that only a key can read. Changes nothing.
    async fn check(&self) -> Result<(), TrunkError>;
}

/// A media stream that the carrier is to open to us, both ways: it sends us the caller, and plays to the caller what we send.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamRequest {
    /// `wss://...` (`ws://` for a carrier on the same machine).
    pub url: String,
    /// Audio in both directions.
    pub format: MediaFormat,
    /// Handed back when the stream starts. Name and value under [`telephony::MAX_PARAMETER_CHARS`] together.
    pub parameters: Vec<(String, String)>,
    /// Comes back with every later event of the call, at most [`telephony::telnyx::webhook::MAX_CLIENT_STATE_BYTES`]. What an earlier command
    /// left stays when there is none.
    pub client_state: Option<Vec<u8>>,
}

/// Address and parameters hold tokens, so they do not print.
impl fmt::Debug for StreamRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamRequest").field("format", &self.format).field("parameters", &self.parameters.len()).finish_non_exhaustive()
    }
}

/// Somebody to put a caller through to.
#[derive(Clone, PartialEq, Eq)]
pub struct TransferRequest {
    /// Whom, E.164.
    pub to: PhoneNumber,
    /// What the person sees as the calling number, E.164: one of the account. Without it, the number that was called.
    pub from: Option<PhoneNumber>,
    /// How long it rings, 5 to 600 s.
    pub timeout_secs: u32,
    /// Comes back with every event of the new leg, at most [`telephony::telnyx::webhook::MAX_CLIENT_STATE_BYTES`].
    pub leg_state: Vec<u8>,
}

/// Numbers are personal data, so they do not print.
impl fmt::Debug for TransferRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferRequest").field("timeout_secs", &self.timeout_secs).finish_non_exhaustive()
    }
}

/// Something for the carrier's own voice.
#[derive(Clone, PartialEq, Eq)]
pub struct Speech {
    /// The words, at most [`MAX_SPEECH_CHARS`].
    pub text: String,
    /// Such as `en-US`; some voices have one language and need none.
    pub language: Option<String>,
    /// The carrier's name of the voice, such as `female` or `AWS.Polly.Joanna-Neural`.
    pub voice: String,
}

/// What is said to a caller is personal data, so it does not print.
impl fmt::Debug for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chars = self.text.chars().count();
        f.debug_struct("Speech").field("chars", &chars).field("language", &self.language).field("voice", &self.voice).finish()
    }
}
