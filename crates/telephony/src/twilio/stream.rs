//! Twilio's bidirectional media stream (`<Connect><Stream>`), our side. Frames come in order; gaps and repeats are seen by chunk number.

use std::borrow::Cow;
use std::time::Instant;

use call::Carrier;
use serde::Deserialize;

use crate::codec::MediaFormat;
use crate::error::StreamError;
use crate::media::intake::Intake;
use crate::media::order::{ChunkOrder, Place};
use crate::media::{MediaStream, StreamCounters, StreamEvent, StreamOptions, StreamStart};
use crate::wire::{Number, Parameters, Text, is_inbound, quoted};

/// The machine for Twilio's dialect.
#[derive(Debug)]
pub(crate) struct TwilioStream {
    intake: Intake,
    order: ChunkOrder,
    /// Every media message up to the payload; made once, when `start` names the stream.
    media_head: String,
}

/// Every message, flat: a tagged enum would cost more than twice the time on each frame (measured).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(default)]
    sequence_number: Number,
    #[serde(borrow, default)]
    stream_sid: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    #[serde(borrow)]
    start: Option<Box<Start<'a>>>,
    #[serde(borrow)]
    dtmf: Option<Dtmf<'a>>,
    #[serde(borrow)]
    mark: Option<Mark<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow, default)]
    track: Cow<'a, str>,
    #[serde(default)]
    chunk: Number,
    #[serde(default)]
    timestamp: Number,
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    #[serde(borrow, default)]
    account_sid: Text<'a>,
    #[serde(borrow, default)]
    stream_sid: Text<'a>,
    #[serde(borrow, default)]
    call_sid: Text<'a>,
    #[serde(borrow)]
    media_format: Option<Format<'a>>,
    #[serde(default)]
    custom_parameters: Parameters,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Format<'a> {
    #[serde(borrow, default)]
    encoding: Text<'a>,
    #[serde(default)]
    sample_rate: Number,
    #[serde(default)]
    channels: Number,
}

#[derive(Deserialize)]
struct Dtmf<'a> {
    #[serde(borrow, default)]
    track: Cow<'a, str>,
    #[serde(borrow, default)]
    digit: Text<'a>,
}

#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
}

impl TwilioStream {
    pub(crate) fn new(options: StreamOptions) -> Self {
        Self { intake: Intake::new(Carrier::Twilio, options), order: ChunkOrder::default(), media_head: String::new() }
    }

    fn handle(&mut self, text: &str) -> Result<(), StreamError> {
        let envelope: Envelope<'_> = Intake::parse(text)?;
        self.intake.note_sequence(envelope.sequence_number.0);
        let stream_sid = &*envelope.stream_sid;
        match &*envelope.event {
            "media" if self.intake.admit("media", stream_sid)? => self.media(envelope.media),
            "dtmf" if self.intake.admit("dtmf", stream_sid)? => self.dtmf(envelope.dtmf),
            "mark" if self.intake.admit("mark", stream_sid)? => self.mark_reached(envelope.mark),
            "stop" if self.intake.admit("stop", stream_sid)? => self.intake.stop(),
            "start" => self.start(stream_sid, envelope.start),
            "connected" => self.intake.push(StreamEvent::Connected),
            "media" | "dtmf" | "mark" | "stop" => Ok(()),
            // Carriers add kinds of messages over time; a call must not end because of a new one.
            _ => {
                self.intake.ignore();
                Ok(())
            }
        }
    }

    fn media(&mut self, media: Option<Media<'_>>) -> Result<(), StreamError> {
        let media = media.ok_or(StreamError::MissingField { event: "media", field: "media" })?;
        if !is_inbound(&media.track) {
            self.intake.ignore();
            return Ok(());
        }
        let frame = self.intake.decode(&media.payload, media.timestamp.0)?;
        match self.order.place(media.chunk.0) {
            Place::Next { lost } => self.intake.push_audio(frame, lost),
            Place::Behind => self.intake.discard_late(frame),
        }
        Ok(())
    }

    fn start(&mut self, outer_sid: &str, start: Option<Box<Start<'_>>>) -> Result<(), StreamError> {
        self.intake.refuse_second_start()?;
        let missing = |field| StreamError::MissingField { event: "start", field };
        let start = *start.ok_or(missing("start"))?;
        let format = start.media_format.ok_or(missing("start.mediaFormat"))?;
        // The stream's name stands in two places and either may be the only one.
        let stream_id = start.stream_sid.filled().unwrap_or(outer_sid);
        if stream_id.is_empty() {
            return Err(missing("streamSid"));
        }
        let started = StreamStart {
            stream_id: stream_id.to_owned(),
            carrier_call_id: start.call_sid.owned().ok_or(missing("start.callSid"))?,
            account: start.account_sid.owned(),
            from: None,
            to: None,
            parameters: start.custom_parameters.0,
            format: self.intake.announced(&format.encoding.0, format.sample_rate.0, format.channels.0)?,
        };
        self.media_head = format!("{{\"event\":\"media\",\"streamSid\":{},\"media\":{{\"payload\":\"", quoted(stream_id));
        self.intake.begin(started)
    }

    fn dtmf(&mut self, dtmf: Option<Dtmf<'_>>) -> Result<(), StreamError> {
        let dtmf = dtmf.ok_or(StreamError::MissingField { event: "dtmf", field: "dtmf" })?;
        self.intake.push_digit(dtmf.digit.filled().filter(|_| is_inbound(&dtmf.track)))
    }

    fn mark_reached(&mut self, mark: Option<Mark<'_>>) -> Result<(), StreamError> {
        let name = mark.and_then(|mark| mark.name.owned()).ok_or(StreamError::MissingField { event: "mark", field: "mark.name" })?;
        self.intake.push(StreamEvent::MarkReached(name))
    }

    fn stream_sid(&self) -> String {
        quoted(self.intake.stream_id())
    }
}

impl MediaStream for TwilioStream {
    fn handle_text(&mut self, text: &str, _now: Instant) -> Result<(), StreamError> {
        let outcome = self.handle(text);
        self.intake.account(outcome)
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn poll_event(&mut self) -> Option<StreamEvent> {
        self.intake.poll()
    }

    fn samples(&self) -> &[i16] {
        self.intake.samples()
    }

    fn format(&self) -> Option<MediaFormat> {
        self.intake.format()
    }

    fn audio(&mut self, pcm: &[i16], text: &mut String) {
        self.intake.write_media(&self.media_head, pcm, text);
    }

    fn mark(&self, name: &str) -> String {
        format!("{{\"event\":\"mark\",\"streamSid\":{},\"mark\":{{\"name\":{}}}}}", self.stream_sid(), quoted(name))
    }

    fn clear(&self) -> String {
        format!("{{\"event\":\"clear\",\"streamSid\":{}}}", self.stream_sid())
    }

    fn counters(&self) -> StreamCounters {
        self.intake.counters
    }
}
