//! What can go wrong on the wire. One enum for each place where somebody must decide what to do next.

use crate::codec::Codec;
use crate::media::{MAX_EVENTS, MAX_FAULTS_IN_A_ROW, MAX_MESSAGE_BYTES};

/// A message of a media stream that could not be used.
///
/// [`StreamError::is_fatal`] tells whether the stream can go on: a single bad message is counted and survived, a broken protocol is not.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Longer than [`MAX_MESSAGE_BYTES`]; not read.
    #[error("the message has {bytes} bytes, more than the {MAX_MESSAGE_BYTES} allowed; it is ignored")]
    MessageTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not JSON, or a field has the wrong shape.
    #[error("the message is not a media stream message: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A message lacks a field that it cannot do without. Fatal in `start`, a fault elsewhere.
    #[error("the {event} message has no {field}")]
    MissingField {
        /// Kind of message.
        event: &'static str,
        /// The field, as the carrier writes it.
        field: &'static str,
    },
    /// The payload of a media message is not base64.
    #[error("the audio payload is not base64: {0}")]
    BadPayload(base64::DecodeError),
    /// The payload holds more than [`crate::MAX_AUDIO_PER_MESSAGE`].
    #[error("the audio payload decodes to {bytes} bytes, more than the {limit} allowed in one message; it is ignored")]
    PayloadTooLong {
        /// Its length, decoded.
        bytes: usize,
        /// The limit for this stream's format.
        limit: usize,
    },
    /// 16-bit audio cut in the middle of a sample.
    #[error("the 16-bit audio payload has an odd number of bytes ({bytes})")]
    OddPayload {
        /// Its length, decoded.
        bytes: usize,
    },
    /// A message that belongs to a running stream came before `start`.
    #[error("a {event} message came before start; close the stream")]
    BeforeStart {
        /// Kind of message.
        event: &'static str,
    },
    /// `start` came twice.
    #[error("start came a second time; one socket carries one stream, close it")]
    SecondStart,
    /// The carrier sends audio that we do not read.
    #[error("audio format {encoding:?} at {rate} Hz with {channels} channel(s) is not supported; use one of: {supported}")]
    UnsupportedFormat {
        /// The carrier's name of the encoding, cut at 64 characters.
        encoding: String,
        /// Samples per second.
        rate: u32,
        /// Channels.
        channels: u32,
        /// What this carrier may send.
        supported: &'static str,
    },
    /// [`MAX_FAULTS_IN_A_ROW`] unusable messages without one good audio frame between them.
    #[error("{MAX_FAULTS_IN_A_ROW} unusable messages in a row, the last one because: {last}; close the stream")]
    TooManyFaults {
        /// The last of them.
        #[source]
        last: Box<StreamError>,
    },
    /// Events are not being taken out.
    #[error("{MAX_EVENTS} events wait to be polled; close the stream")]
    EventsNotTaken,
}

impl StreamError {
    /// True when the stream must be closed; false when the message is counted as a fault and the stream goes on.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::MissingField { event, .. } => *event == "start",
            Self::BeforeStart { .. }
            | Self::SecondStart
            | Self::UnsupportedFormat { .. }
            | Self::TooManyFaults { .. }
            | Self::EventsNotTaken => true,
            Self::MessageTooLong { .. }
            | Self::Malformed(_)
            | Self::BadPayload(_)
            | Self::PayloadTooLong { .. }
            | Self::OddPayload { .. } => false,
        }
    }
}

/// Why a Telnyx webhook was not believed. (Twilio's check answers yes or no only.)
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Longer than [`crate::MAX_BODY_BYTES`]; not checked.
    #[error("the webhook body has {bytes} bytes, more than the {} allowed", crate::MAX_BODY_BYTES)]
    BodyTooLong {
        /// Its length.
        bytes: usize,
    },
    /// `telnyx-timestamp` is not a number of seconds.
    #[error("the timestamp header is not a number of Unix seconds")]
    BadTimestamp,
    /// Outside the window: a replay, or a clock that is wrong.
    #[error("the webhook was signed {seconds} s away from our clock; at most {} s are allowed", crate::telnyx::signature::WINDOW_SECS)]
    OutsideWindow {
        /// Distance from our clock, either way.
        seconds: u64,
    },
    /// The configured key is not base64 of 32 bytes of an Ed25519 key.
    #[error("the public key is not a base64 Ed25519 key; copy it again from the carrier's portal")]
    BadPublicKey,
    /// The header is not base64 of 64 bytes.
    #[error("the signature header is not a base64 Ed25519 signature")]
    BadSignature,
    /// The signature does not belong to this body, timestamp and key.
    #[error("the signature does not match the body")]
    Mismatch,
}

/// A webhook, already known to be genuine, that we cannot use.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Longer than [`crate::MAX_BODY_BYTES`].
    #[error("the webhook body has {bytes} bytes, more than the {} allowed", crate::MAX_BODY_BYTES)]
    BodyTooLong {
        /// Its length.
        bytes: usize,
    },
    /// More than [`crate::MAX_FORM_FIELDS`].
    #[error("the webhook form has more than {} fields", crate::MAX_FORM_FIELDS)]
    TooManyFields,
    /// Not JSON, or not in the carrier's envelope.
    #[error("the webhook body is not the carrier's JSON envelope: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A field is missing or blank.
    #[error("the webhook has no {field}")]
    MissingField {
        /// Its name as the carrier writes it.
        field: &'static str,
    },
    /// A field is longer than anything the carrier sends.
    #[error("the webhook field {field} has {bytes} bytes, more than the {} allowed", crate::MAX_ID_BYTES)]
    FieldTooLong {
        /// Its name.
        field: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// A genuine event of another kind was sent to the voice address.
    #[error("the event {event:?} is not a new call; send it to the status address")]
    NotAnOffer {
        /// The event's type, cut at 64 characters.
        event: String,
    },
}

/// An answer document that cannot be written, or was not understood.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Longer than [`crate::MAX_DOCUMENT_BYTES`].
    #[error("the document has {bytes} bytes, more than the {} a carrier reads", crate::MAX_DOCUMENT_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Name and value of a stream parameter are too long together.
    #[error("name and value of stream parameter {name:?} have {chars} characters; they must have under {}", crate::MAX_PARAMETER_CHARS)]
    ParameterTooLong {
        /// The parameter's name.
        name: String,
        /// Characters of both.
        chars: usize,
    },
    /// The stream's address cannot be used with this carrier.
    #[error("the stream url cannot be used: {why}")]
    BadStreamUrl {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The address of a verb cannot be used.
    #[error("the address of {verb} cannot be used: {why}")]
    BadAddress {
        /// The verb.
        verb: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The carrier cannot stream this format.
    #[error("{carrier} does not stream {} at {rate} Hz", .codec.as_str())]
    UnsupportedFormat {
        /// Whom we asked.
        carrier: call::Carrier,
        /// The codec.
        codec: Codec,
        /// Samples per second.
        rate: u32,
    },
    /// A control character that XML cannot carry.
    #[error("the text of {place} holds the character {character:?}, which XML cannot carry; remove it")]
    IllegalCharacter {
        /// Element or attribute.
        place: &'static str,
        /// The character.
        character: char,
    },
    /// Writing failed; cannot happen with memory behind the writer.
    #[error("the document could not be written: {0}")]
    Write(#[from] std::io::Error),
    /// Not well-formed XML, or XML that we refuse to read (document types, entities, deep nesting).
    #[error("the document is not XML that is read here: {0}")]
    NotXml(String),
    /// Well-formed, but not one of the documents of [`crate::Document`].
    #[error("the document is not one of ours: {0}")]
    Unknown(String),
}
