//! Telnyx's bidirectional media stream (`bidirectionalMode="rtp"`), our side. Frames may come in any order within a short window.

use std::borrow::Cow;
use std::time::Instant;

use call::Carrier;
use serde::Deserialize;

use super::reorder::ReorderWindow;
use crate::codec::MediaFormat;
use crate::error::StreamError;
use crate::media::intake::Intake;
use crate::media::{MediaStream, StreamCounters, StreamEvent, StreamOptions, StreamStart};
use crate::wire::{Number, Parameters, Text, is_inbound, quoted};

/// Every media message up to the payload. `stream_id` is not needed when sending (telnyx.md 1.3).
const MEDIA_HEAD: &str = "{\"event\":\"media\",\"media\":{\"payload\":\"";

/// The machine for Telnyx's dialect.
#[derive(Debug)]
pub(crate) struct TelnyxStream {
    intake: Intake,
    window: ReorderWindow,
}

/// Every message, flat: a tagged enum would cost more than twice the time on each frame (measured).
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    stream_id: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    #[serde(borrow)]
    start: Option<Box<Start<'a>>>,
    #[serde(borrow)]
    dtmf: Option<Dtmf<'a>>,
    #[serde(borrow)]
    mark: Option<Mark<'a>>,
    #[serde(borrow)]
    payload: Option<Complaint<'a>>,
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
struct Start<'a> {
    #[serde(borrow, default)]
    user_id: Text<'a>,
    #[serde(borrow, default)]
    stream_id: Text<'a>,
    #[serde(borrow, default)]
    call_control_id: Text<'a>,
    #[serde(borrow, default)]
    from: Text<'a>,
    #[serde(borrow, default)]
    to: Text<'a>,
    #[serde(borrow)]
    media_format: Option<Format<'a>>,
    #[serde(default)]
    custom_parameters: Parameters,
    #[serde(default, rename = "customParameters")]
    camel_parameters: Parameters,
}

#[derive(Deserialize)]
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
    digit: Text<'a>,
}

#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
}

/// The payload of an `error` message.
#[derive(Deserialize)]
struct Complaint<'a> {
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    detail: Text<'a>,
}

impl TelnyxStream {
    pub(crate) fn new(options: StreamOptions) -> Self {
        Self { intake: Intake::new(Carrier::Telnyx, options), window: ReorderWindow::default() }
    }

    fn handle(&mut self, text: &str, now: Instant) -> Result<(), StreamError> {
        let envelope: Envelope<'_> = Intake::parse(text)?;
        let stream_id = &*envelope.stream_id;
        match &*envelope.event {
            "media" if self.intake.admit("media", stream_id)? => self.media(envelope.media, now),
            "dtmf" if self.intake.admit("dtmf", stream_id)? => {
                let dtmf = envelope.dtmf.ok_or(StreamError::MissingField { event: "dtmf", field: "dtmf" })?;
                self.intake.push_digit(dtmf.digit.filled())
            }
            "mark" if self.intake.admit("mark", stream_id)? => self.mark_reached(envelope.mark),
            "stop" if self.intake.admit("stop", stream_id)? => self.stop(),
            "start" => self.start(stream_id, envelope.start),
            "connected" => self.intake.push(StreamEvent::Connected),
            "error" => self.complain(envelope.payload),
            "media" | "dtmf" | "mark" | "stop" => Ok(()),
            // Carriers add kinds of messages over time; a call must not end because of a new one.
            _ => {
                self.intake.ignore();
                Ok(())
            }
        }
    }

    fn media(&mut self, media: Option<Media<'_>>, now: Instant) -> Result<(), StreamError> {
        let media = media.ok_or(StreamError::MissingField { event: "media", field: "media" })?;
        if !is_inbound(&media.track) {
            self.intake.ignore();
            return Ok(());
        }
        let frame = self.intake.decode(&media.payload, media.timestamp.0)?;
        match media.chunk.0 {
            Some(chunk) => {
                match self.window.insert(chunk, frame, now) {
                    Ok(thrown_away) => self.intake.counters.dropped += thrown_away as u64,
                    Err(late) => self.intake.discard_late(late),
                }
                self.pass_on(now);
            }
            // Without a number there is only the order of arrival.
            None => self.intake.push_audio(frame, 0),
        }
        Ok(())
    }

    fn pass_on(&mut self, now: Instant) {
        while let Some((frame, lost)) = self.window.pop(now) {
            self.intake.push_audio(frame, lost);
        }
    }

    fn start(&mut self, outer_id: &str, start: Option<Box<Start<'_>>>) -> Result<(), StreamError> {
        self.intake.refuse_second_start()?;
        let missing = |field| StreamError::MissingField { event: "start", field };
        let start = *start.ok_or(missing("start"))?;
        let format = start.media_format.ok_or(missing("start.media_format"))?;
        let stream_id = if outer_id.is_empty() { start.stream_id.filled().ok_or(missing("stream_id"))? } else { outer_id };
        let mut parameters = start.custom_parameters.0;
        parameters.extend(start.camel_parameters.0);
        let started = StreamStart {
            stream_id: stream_id.to_owned(),
            carrier_call_id: start.call_control_id.owned().ok_or(missing("start.call_control_id"))?,
            account: start.user_id.owned(),
            from: start.from.owned(),
            to: start.to.owned(),
            parameters,
            format: self.intake.announced(&format.encoding.0, format.sample_rate.0, format.channels.0)?,
        };
        self.intake.begin(started)
    }

    fn mark_reached(&mut self, mark: Option<Mark<'_>>) -> Result<(), StreamError> {
        let name = mark.and_then(|mark| mark.name.owned()).ok_or(StreamError::MissingField { event: "mark", field: "mark.name" })?;
        self.intake.push(StreamEvent::MarkReached(name))
    }

    fn stop(&mut self) -> Result<(), StreamError> {
        while let Some((frame, lost)) = self.window.release() {
            self.intake.push_audio(frame, lost);
        }
        self.intake.stop()
    }

    fn complain(&mut self, complaint: Option<Complaint<'_>>) -> Result<(), StreamError> {
        let Complaint { code, title, detail } = complaint.ok_or(StreamError::MissingField { event: "error", field: "payload" })?;
        let (code, title, detail) = (code.0.into_owned(), title.0.into_owned(), detail.0.into_owned());
        self.intake.push(StreamEvent::CarrierError { code, title, detail })
    }
}

impl MediaStream for TelnyxStream {
    fn handle_text(&mut self, text: &str, now: Instant) -> Result<(), StreamError> {
        let outcome = self.handle(text, now);
        self.intake.account(outcome)
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.pass_on(now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.window.deadline()
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
        self.intake.write_media(MEDIA_HEAD, pcm, text);
    }

    fn mark(&self, name: &str) -> String {
        format!("{{\"event\":\"mark\",\"mark\":{{\"name\":{}}}}}", quoted(name))
    }

    fn clear(&self) -> String {
        "{\"event\":\"clear\"}".to_owned()
    }

    fn counters(&self) -> StreamCounters {
        self.intake.counters
    }
}
