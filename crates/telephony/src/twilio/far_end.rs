//! Twilio's side of the media stream. Every number in the envelope is a string, as Twilio writes them (twilio.md 1.3).

use std::fmt::Write as _;

use call::Carrier;
use serde_json::json;

use crate::codec::MediaFormat;
use crate::error::StreamError;
use crate::far_end::{FarEnd, FarEndEvent, Outlet};
use crate::media::{StreamOptions, StreamStart};
use crate::wire::quoted;

/// The machine behind [`crate::far_end`] for Twilio.
#[derive(Debug)]
pub(crate) struct TwilioFarEnd {
    outlet: Outlet,
    stream_sid: String,
    call_sid: String,
    account_sid: String,
}

impl TwilioFarEnd {
    pub(crate) fn new(format: MediaFormat, options: StreamOptions) -> Self {
        Self { outlet: Outlet::new(format, options), stream_sid: String::new(), call_sid: String::new(), account_sid: String::new() }
    }

    fn sequence(&mut self) -> String {
        self.outlet.next_sequence().to_string()
    }
}

impl FarEnd for TwilioFarEnd {
    fn connected(&mut self) -> String {
        json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}).to_string()
    }

    fn start(&mut self, start: &StreamStart) -> String {
        self.outlet.started = true;
        self.stream_sid.clone_from(&start.stream_id);
        self.call_sid.clone_from(&start.carrier_call_id);
        self.account_sid = start.account.clone().unwrap_or_default();
        json!({
            "event": "start",
            "sequenceNumber": self.sequence(),
            "streamSid": self.stream_sid,
            "start": {
                "accountSid": self.account_sid,
                "streamSid": self.stream_sid,
                "callSid": self.call_sid,
                "tracks": ["inbound"],
                "mediaFormat": {
                    "encoding": self.outlet.format.wire_name(Carrier::Twilio),
                    "sampleRate": self.outlet.format.rate,
                    "channels": 1,
                },
                "customParameters": start.parameters,
            },
        })
        .to_string()
    }

    fn media(&mut self, pcm: &[i16], text: &mut String) {
        let stamp = self.outlet.stamp(pcm.len());
        text.clear();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{{\"event\":\"media\",\"sequenceNumber\":\"{}\",\"streamSid\":{},\"media\":{{\"track\":\"inbound\",\"chunk\":\"{}\",\"timestamp\":\"{}\",\"payload\":\"",
            stamp.sequence,
            quoted(&self.stream_sid),
            stamp.chunk,
            stamp.timestamp_ms
        );
        self.outlet.finish_media(pcm, text);
    }

    fn dtmf(&mut self, digit: char) -> String {
        json!({
            "event": "dtmf",
            "sequenceNumber": self.sequence(),
            "streamSid": self.stream_sid,
            "dtmf": {"track": "inbound_track", "digit": digit.to_string()},
        })
        .to_string()
    }

    fn mark(&mut self, name: &str) -> String {
        json!({"event": "mark", "sequenceNumber": self.sequence(), "streamSid": self.stream_sid, "mark": {"name": name}}).to_string()
    }

    fn stop(&mut self) -> String {
        json!({
            "event": "stop",
            "sequenceNumber": self.sequence(),
            "streamSid": self.stream_sid,
            "stop": {"accountSid": self.account_sid, "callSid": self.call_sid},
        })
        .to_string()
    }

    fn handle_text(&mut self, text: &str) -> Result<FarEndEvent, StreamError> {
        let request = self.outlet.parse(text)?;
        let event = match &*request.event {
            "media" => "media",
            "mark" => "mark",
            "clear" => "clear",
            _ => return Ok(FarEndEvent::Ignored),
        };
        // Twilio needs the stream's name on every message (twilio.md 1.4).
        if request.stream_sid.is_empty() {
            return Err(StreamError::MissingField { event, field: "streamSid" });
        }
        if request.stream_sid != self.stream_sid {
            return Ok(FarEndEvent::Ignored);
        }
        self.outlet.understand(request)
    }
}
