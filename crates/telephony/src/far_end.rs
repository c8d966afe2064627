//! The carrier's side of the same dialects: for `voicenoob dial`, the tests and the load test.

use std::borrow::Cow;

use call::Carrier;
use serde::Deserialize;

use crate::codec::{ByteOrder, MediaFormat};
use crate::error::StreamError;
use crate::media::intake::{Intake, write_message};
use crate::media::{StreamOptions, StreamStart};
use crate::payload;
use crate::telnyx::TelnyxFarEnd;
use crate::twilio::TwilioFarEnd;
use crate::wire::Text;

/// A carrier, talking to our server. It numbers and times its messages itself; the one who drives it paces them.
pub trait FarEnd: Send {
    /// The first message on the socket.
    fn connected(&mut self) -> String;
    /// The second message. The stream's format is the one the far end was made with, whatever `start` says.
    fn start(&mut self, start: &StreamStart) -> String;
    /// Replaces `text` with the message that carries this audio of the caller; it keeps sequence, chunk and timestamp itself.
    fn media(&mut self, pcm: &[i16], text: &mut String);
    /// A key pressed by the caller.
    fn dtmf(&mut self, digit: char) -> String;
    /// A mark that has been reached.
    fn mark(&mut self, name: &str) -> String;
    /// The last message.
    fn stop(&mut self) -> String;
    /// Reads what our server sent. An error means that a carrier would not have understood it.
    fn handle_text(&mut self, text: &str) -> Result<FarEndEvent, StreamError>;
}

/// What our server asks of the carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FarEndEvent {
    /// Play this, after everything before it.
    Media(Vec<i16>),
    /// Say so when everything before it has been played.
    Mark(String),
    /// Throw away what has not been played.
    Clear,
    /// Nothing that a carrier knows, or for another stream.
    Ignored,
}

/// The far end of this carrier's dialect, with 16-bit audio in the default byte order.
pub fn far_end(carrier: Carrier, format: MediaFormat) -> Box<dyn FarEnd> {
    far_end_with(carrier, format, StreamOptions::default())
}

/// The far end of this carrier's dialect, with the byte order of 16-bit audio chosen.
pub fn far_end_with(carrier: Carrier, format: MediaFormat, options: StreamOptions) -> Box<dyn FarEnd> {
    match carrier {
        Carrier::Twilio => Box::new(TwilioFarEnd::new(format, options)),
        Carrier::Telnyx => Box::new(TelnyxFarEnd::new(format, options)),
    }
}

/// What both far ends keep: numbering, time, format.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) format: MediaFormat,
    order: ByteOrder,
    sequence: u64,
    chunk: u64,
    samples: u64,
    bytes: Vec<u8>,
    pub(crate) started: bool,
}

/// Number, place and time of one media message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) sequence: u64,
    pub(crate) chunk: u64,
    pub(crate) timestamp_ms: u64,
}

/// A message of our server, in either dialect.
#[derive(Deserialize)]
pub(crate) struct Request<'a> {
    #[serde(borrow, default)]
    pub(crate) event: Cow<'a, str>,
    #[serde(borrow, default, rename = "streamSid")]
    pub(crate) stream_sid: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    #[serde(borrow)]
    mark: Option<Mark<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
}

impl Outlet {
    pub(crate) fn new(format: MediaFormat, options: StreamOptions) -> Self {
        Self { format, order: options.l16_byte_order, sequence: 0, chunk: 0, samples: 0, bytes: Vec::new(), started: false }
    }

    /// The number of the next message; `start` is the first.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Number, place and time of the next media message, which carries so many samples.
    pub(crate) fn stamp(&mut self, samples: usize) -> Stamp {
        let timestamp_ms = self.samples * 1000 / u64::from(self.format.rate.max(1));
        self.samples += samples as u64;
        self.chunk += 1;
        Stamp { sequence: self.next_sequence(), chunk: self.chunk, timestamp_ms }
    }

    /// Appends the payload and the closing of a media message whose head is already in `text`.
    pub(crate) fn finish_media(&mut self, pcm: &[i16], text: &mut String) {
        self.bytes.clear();
        self.format.encode(self.order, pcm, &mut self.bytes);
        write_message("", &self.bytes, text);
    }

    pub(crate) fn parse<'a>(&self, text: &'a str) -> Result<Request<'a>, StreamError> {
        let request: Request<'_> = Intake::parse(text)?;
        match &*request.event {
            "media" if !self.started => Err(StreamError::BeforeStart { event: "media" }),
            "mark" if !self.started => Err(StreamError::BeforeStart { event: "mark" }),
            "clear" if !self.started => Err(StreamError::BeforeStart { event: "clear" }),
            _ => Ok(request),
        }
    }

    pub(crate) fn understand(&mut self, request: Request<'_>) -> Result<FarEndEvent, StreamError> {
        match &*request.event {
            "media" => {
                let media = request.media.ok_or(StreamError::MissingField { event: "media", field: "media" })?;
                payload::decode(&media.payload, &mut self.bytes).map_err(StreamError::BadPayload)?;
                let mut pcm = Vec::with_capacity(self.bytes.len());
                self.format.decode(self.order, &self.bytes, &mut pcm)?;
                Ok(FarEndEvent::Media(pcm))
            }
            "mark" => {
                let name = request.mark.and_then(|mark| mark.name.owned());
                name.map(FarEndEvent::Mark).ok_or(StreamError::MissingField { event: "mark", field: "mark.name" })
            }
            "clear" => Ok(FarEndEvent::Clear),
            _ => Ok(FarEndEvent::Ignored),
        }
    }
}
