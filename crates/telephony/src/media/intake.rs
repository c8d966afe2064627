//! What both machines share: the life of a stream, decoding, counting, and the bounded queue of events.

use std::collections::VecDeque;

use call::Carrier;

use super::{
    MAX_AUDIO_PER_MESSAGE, MAX_EVENTS, MAX_FAULTS_IN_A_ROW, MAX_MESSAGE_BYTES, MAX_QUEUED_AUDIO, StreamCounters, StreamEvent,
    StreamOptions, StreamStart,
};
use crate::codec::{ByteOrder, MediaFormat};
use crate::error::StreamError;
use crate::payload;

/// Sample buffers kept for reuse. In step with the socket, one or two are in use.
const SPARE_BUFFERS: usize = 8;

/// Decoded audio with its place in the stream.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) timestamp_ms: u64,
    pub(crate) pcm: Vec<i16>,
}

#[derive(Debug)]
enum Queued {
    Event(StreamEvent),
    Audio { frame: Frame, lost: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    BeforeStart,
    Running,
    Stopped,
}

/// State of one stream apart from the carrier's dialect and order of frames.
#[derive(Debug)]
pub(crate) struct Intake {
    carrier: Carrier,
    order: ByteOrder,
    phase: Phase,
    format: Option<MediaFormat>,
    stream_id: String,
    queue: VecDeque<Queued>,
    queued_samples: usize,
    current: Vec<i16>,
    spare: Vec<Vec<i16>>,
    bytes: Vec<u8>,
    /// Samples taken so far: the place of a frame that says none.
    position: u64,
    last_timestamp_ms: u64,
    last_sequence: Option<u64>,
    faults_in_a_row: u32,
    pub(crate) counters: StreamCounters,
}

impl Intake {
    pub(crate) fn new(carrier: Carrier, options: StreamOptions) -> Self {
        Self {
            carrier,
            order: options.l16_byte_order,
            phase: Phase::BeforeStart,
            format: None,
            stream_id: String::new(),
            queue: VecDeque::new(),
            queued_samples: 0,
            current: Vec::new(),
            spare: Vec::new(),
            bytes: Vec::new(),
            position: 0,
            last_timestamp_ms: 0,
            last_sequence: None,
            faults_in_a_row: 0,
            counters: StreamCounters::default(),
        }
    }

    pub(crate) fn format(&self) -> Option<MediaFormat> {
        self.format
    }

    pub(crate) fn stream_id(&self) -> &str {
        &self.stream_id
    }

    pub(crate) fn samples(&self) -> &[i16] {
        &self.current
    }

    /// Reads JSON into the carrier's envelope, unless it is too long.
    pub(crate) fn parse<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, StreamError> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(StreamError::MessageTooLong { bytes: text.len() });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// Counts the outcome of a message: faults up to the limit, nothing else.
    pub(crate) fn account(&mut self, outcome: Result<(), StreamError>) -> Result<(), StreamError> {
        let Err(error) = outcome else { return Ok(()) };
        if error.is_fatal() {
            return Err(error);
        }
        self.counters.faults += 1;
        self.faults_in_a_row += 1;
        if self.faults_in_a_row > MAX_FAULTS_IN_A_ROW {
            return Err(StreamError::TooManyFaults { last: Box::new(error) });
        }
        Err(error)
    }

    /// True when a message of a running stream is to be used. `stream_id` is the message's own and may be missing; case does not matter
    /// (telnyx.md 1.2). Before `start` it is an error of the protocol; after the end, and for another stream, it is ignored.
    pub(crate) fn admit(&mut self, event: &'static str, stream_id: &str) -> Result<bool, StreamError> {
        match self.phase {
            Phase::BeforeStart => Err(StreamError::BeforeStart { event }),
            Phase::Running if stream_id.is_empty() || stream_id.eq_ignore_ascii_case(&self.stream_id) => Ok(true),
            Phase::Running | Phase::Stopped => {
                self.ignore();
                Ok(false)
            }
        }
    }

    pub(crate) fn ignore(&mut self) {
        self.counters.ignored += 1;
    }

    /// Checks that sequence numbers go up by one; only counts, because audio is ordered by chunk.
    pub(crate) fn note_sequence(&mut self, sequence: Option<u64>) {
        let Some(sequence) = sequence else { return };
        if self.last_sequence.is_some_and(|last| last.checked_add(1) != Some(sequence)) {
            self.counters.disordered += 1;
        }
        self.last_sequence = Some(sequence);
    }

    pub(crate) fn refuse_second_start(&self) -> Result<(), StreamError> {
        if self.phase == Phase::BeforeStart { Ok(()) } else { Err(StreamError::SecondStart) }
    }

    pub(crate) fn begin(&mut self, start: StreamStart) -> Result<(), StreamError> {
        self.phase = Phase::Running;
        self.format = Some(start.format);
        self.stream_id.clone_from(&start.stream_id);
        self.push(StreamEvent::Started(start))
    }

    pub(crate) fn stop(&mut self) -> Result<(), StreamError> {
        self.phase = Phase::Stopped;
        self.push(StreamEvent::Stopped)
    }

    /// Queues an event that must not get lost.
    pub(crate) fn push(&mut self, event: StreamEvent) -> Result<(), StreamError> {
        if self.queue.len() >= MAX_EVENTS {
            return Err(StreamError::EventsNotTaken);
        }
        self.queue.push_back(Queued::Event(event));
        Ok(())
    }

    /// Queues a key press; anything that is not a key is ignored.
    pub(crate) fn push_digit(&mut self, digit: Option<&str>) -> Result<(), StreamError> {
        let key = digit.and_then(|digit| digit.chars().next()).map(|key| key.to_ascii_uppercase());
        match key.filter(|key| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')) {
            Some(key) => self.push(StreamEvent::Dtmf(key)),
            None => {
                self.ignore();
                Ok(())
            }
        }
    }

    /// Decodes a payload into a frame. A frame without a timestamp stands where the audio so far ends.
    pub(crate) fn decode(&mut self, payload: &str, timestamp_ms: Option<u64>) -> Result<Frame, StreamError> {
        let format = self.format.ok_or(StreamError::BeforeStart { event: "media" })?;
        payload::decode(payload, &mut self.bytes).map_err(StreamError::BadPayload)?;
        let limit = samples_in(MAX_AUDIO_PER_MESSAGE, format) * format.codec.bytes_per_sample();
        if self.bytes.len() > limit {
            return Err(StreamError::PayloadTooLong { bytes: self.bytes.len(), limit });
        }
        let mut pcm = self.spare.pop().unwrap_or_default();
        pcm.clear();
        format.decode(self.order, &self.bytes, &mut pcm)?;
        self.faults_in_a_row = 0;
        let timestamp_ms = timestamp_ms.unwrap_or(self.position.saturating_mul(1000) / u64::from(format.rate));
        self.position = self.position.saturating_add(pcm.len() as u64);
        Ok(Frame { timestamp_ms, pcm })
    }

    /// Queues audio whose turn it is, with the number of frames missing before it.
    pub(crate) fn push_audio(&mut self, frame: Frame, lost: u64) {
        self.counters.lost = self.counters.lost.saturating_add(lost);
        if frame.pcm.is_empty() {
            self.ignore();
            return self.recycle(frame.pcm);
        }
        let room = self.format.map_or(0, |format| samples_in(MAX_QUEUED_AUDIO, format));
        if self.queue.len() >= MAX_EVENTS || self.queued_samples + frame.pcm.len() > room {
            self.counters.dropped += 1;
            return self.recycle(frame.pcm);
        }
        if frame.timestamp_ms < self.last_timestamp_ms {
            self.counters.disordered += 1;
        }
        self.last_timestamp_ms = frame.timestamp_ms;
        self.counters.frames_in += 1;
        self.queued_samples += frame.pcm.len();
        self.queue.push_back(Queued::Audio { frame, lost: u32::try_from(lost).unwrap_or(u32::MAX) });
    }

    /// Throws away a frame whose place has passed.
    pub(crate) fn discard_late(&mut self, frame: Frame) {
        self.counters.late += 1;
        self.recycle(frame.pcm);
    }

    pub(crate) fn poll(&mut self) -> Option<StreamEvent> {
        match self.queue.pop_front()? {
            Queued::Event(event) => Some(event),
            Queued::Audio { frame, lost } => {
                self.queued_samples -= frame.pcm.len();
                let old = std::mem::replace(&mut self.current, frame.pcm);
                self.recycle(old);
                Some(StreamEvent::Audio { timestamp_ms: frame.timestamp_ms, lost })
            }
        }
    }

    fn recycle(&mut self, buffer: Vec<i16>) {
        if self.spare.len() < SPARE_BUFFERS {
            self.spare.push(buffer);
        }
    }

    /// Replaces `text` with `head`, the base64 of `pcm` on the wire, and the end of a media message.
    pub(crate) fn write_media(&mut self, head: &str, pcm: &[i16], text: &mut String) {
        text.clear();
        let Some(format) = self.format else { return };
        self.bytes.clear();
        format.encode(self.order, pcm, &mut self.bytes);
        write_message(head, &self.bytes, text);
    }

    pub(crate) fn announced(&self, encoding: &str, rate: Option<u64>, channels: Option<u64>) -> Result<MediaFormat, StreamError> {
        let narrow = |number: Option<u64>| u32::try_from(number.unwrap_or(0)).unwrap_or(u32::MAX);
        // A format without a number of channels is the telephone's single one.
        MediaFormat::announced(self.carrier, encoding, narrow(rate), narrow(channels.or(Some(1))))
    }
}

/// Appends `head` (up to and including the payload's opening quote), the payload and the closing of a media message.
pub(crate) fn write_message(head: &str, bytes: &[u8], text: &mut String) {
    text.push_str(head);
    payload::encode(bytes, text);
    text.push_str("\"}}");
}

fn samples_in(time: std::time::Duration, format: MediaFormat) -> usize {
    time.as_millis() as usize * format.rate as usize / 1000
}
