//! A carrier's media stream, seen from our side: one trait, one machine per carrier behind it.

pub(crate) mod intake;
pub(crate) mod order;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use call::Carrier;

use crate::codec::{ByteOrder, MediaFormat};
use crate::error::StreamError;
use crate::telnyx::TelnyxStream;
use crate::twilio::TwilioStream;

/// Longest message that is read. A 20 ms frame has under 1 KiB; a second of 16-bit 16 kHz audio has 43 KiB.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Longest audio in one message. Carriers send 20 ms.
pub const MAX_AUDIO_PER_MESSAGE: Duration = Duration::from_secs(1);
/// Most events that may wait for [`MediaStream::poll_event`]. Audio beyond is dropped and counted; anything else beyond is
/// [`StreamError::EventsNotTaken`].
pub const MAX_EVENTS: usize = 256;
/// Most audio that may wait for [`MediaStream::poll_event`]; more is dropped and counted.
pub const MAX_QUEUED_AUDIO: Duration = Duration::from_secs(10);
/// Unusable messages in a row that are survived; one more is [`StreamError::TooManyFaults`]. A good audio frame starts the count again.
pub const MAX_FAULTS_IN_A_ROW: u32 = 50;
/// Frames in a row that come too late before the numbering is taken anew. Without it, one wild chunk number would leave the call deaf.
pub const RESYNC_AFTER: u32 = 50;

/// One media stream, seen from our side. Text goes in, events come out; no socket, no clock, no logging. Each carrier has one machine behind
/// this trait; nothing else knows the carrier.
pub trait MediaStream: Send {
    /// Takes one text message of the carrier. Take out the events before giving it the next one.
    fn handle_text(&mut self, text: &str, now: Instant) -> Result<(), StreamError>;
    /// Tells the machine that [`Self::deadline`] has passed.
    fn handle_timeout(&mut self, now: Instant);
    /// When [`Self::handle_timeout`] wants to be called: Telnyx frames that wait for an earlier one. Always `None` for Twilio.
    fn deadline(&self) -> Option<Instant>;
    /// The next event, until `None`.
    fn poll_event(&mut self) -> Option<StreamEvent>;
    /// The samples of the last [`StreamEvent::Audio`]; valid until the next [`Self::poll_event`].
    fn samples(&self) -> &[i16];
    /// What the stream carries, both ways; known from `start` on.
    fn format(&self) -> Option<MediaFormat>;
    /// Replaces `text` with the media message for this PCM, which is at the rate of [`Self::format`]. Reuses the buffer; nothing else is
    /// allocated per frame. Before `start` there is nowhere to send to: `text` is left empty.
    fn audio(&mut self, pcm: &[i16], text: &mut String);
    /// The message that asks the carrier to name this point when it has played everything before it.
    fn mark(&self, name: &str) -> String;
    /// The message that throws away what the carrier has not played yet.
    fn clear(&self) -> String;
    /// What has been counted so far.
    fn counters(&self) -> StreamCounters;
}

/// What a media stream tells us.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// The carrier has greeted; nothing is known yet.
    Connected,
    /// The stream runs: who, where, in which format.
    Started(StreamStart),
    /// Audio of the caller; the samples are in [`MediaStream::samples`].
    Audio {
        /// Place in the stream, ms since its start, as the carrier says.
        timestamp_ms: u64,
        /// Frames missing right before this one, by chunk number.
        lost: u32,
    },
    /// A key was pressed: `0`-`9`, `*`, `#`, `A`-`D`.
    Dtmf(char),
    /// The carrier has passed the mark. After `clear` that proves nothing: Twilio then returns all outstanding marks at once.
    MarkReached(String),
    /// The carrier complains about what we sent (Telnyx).
    CarrierError {
        /// The carrier's number of the error.
        code: String,
        /// Its short name.
        title: String,
        /// More words.
        detail: String,
    },
    /// The stream is over. A socket that closes without it means the same.
    Stopped,
}

/// What a carrier says when a stream starts. Its `Debug` shows no numbers and no parameter values (a token is among them).
#[derive(Clone, PartialEq, Eq)]
pub struct StreamStart {
    /// `streamSid` or `stream_id`.
    pub stream_id: String,
    /// `callSid` or `call_control_id`.
    pub carrier_call_id: String,
    /// `accountSid` or `user_id`.
    pub account: Option<String>,
    /// The calling number (Telnyx only).
    pub from: Option<String>,
    /// The called number (Telnyx only).
    pub to: Option<String>,
    /// The `<Parameter>`s of the answer document.
    pub parameters: BTreeMap<String, String>,
    /// What the stream carries.
    pub format: MediaFormat,
}

impl fmt::Debug for StreamStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamStart")
            .field("stream_id", &self.stream_id)
            .field("carrier_call_id", &self.carrier_call_id)
            .field("account", &self.account)
            .field("parameters", &self.parameters.keys().collect::<Vec<_>>())
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// What a stream has counted since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamCounters {
    /// Audio frames of the caller handed on.
    pub frames_in: u64,
    /// Frames that never came, by chunk number.
    pub lost: u64,
    /// Frames thrown away because they came twice or after their place had passed.
    pub late: u64,
    /// Frames thrown away because nobody took the events out.
    pub dropped: u64,
    /// Messages that are not for us: other tracks, other streams, unknown kinds, after the end.
    pub ignored: u64,
    /// Messages that could not be used.
    pub faults: u64,
    /// Messages whose sequence number or timestamp did not follow the one before. They are used all the same: the chunk number decides.
    pub disordered: u64,
}

/// What the protocol leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamOptions {
    /// Byte order of 16-bit audio (Telnyx does not document it).
    pub l16_byte_order: ByteOrder,
}

/// The machine for this carrier's dialect.
pub fn media_stream(carrier: Carrier, options: StreamOptions) -> Box<dyn MediaStream> {
    match carrier {
        Carrier::Twilio => Box::new(TwilioStream::new(options)),
        Carrier::Telnyx => Box::new(TelnyxStream::new(options)),
    }
}
