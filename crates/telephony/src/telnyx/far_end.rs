//! Telnyx's side of the media stream.

use std::fmt::Write as _;

use call::Carrier;
use serde_json::json;

use crate::codec::MediaFormat;
use crate::error::StreamError;
use crate::far_end::{FarEnd, FarEndEvent, Outlet};
use crate::media::{StreamOptions, StreamStart};
use crate::wire::quoted;

/// The machine behind [`crate::far_end`] for Telnyx.
#[derive(Debug)]
pub(crate) struct TelnyxFarEnd {
    outlet: Outlet,
    stream_id: String,
    call_control_id: String,
    user_id: String,
}

impl TelnyxFarEnd {
    pub(crate) fn new(format: MediaFormat, options: StreamOptions) -> Self {
        Self { outlet: Outlet::new(format, options), stream_id: String::new(), call_control_id: String::new(), user_id: String::new() }
    }

    fn sequence(&mut self) -> String {
        self.outlet.next_sequence().to_string()
    }
}

impl FarEnd for TelnyxFarEnd {
    fn connected(&mut self) -> String {
        json!({"event": "connected", "version": "1.0.0"}).to_string()
    }

    fn start(&mut self, start: &StreamStart) -> String {
        self.outlet.started = true;
        self.stream_id.clone_from(&start.stream_id);
        self.call_control_id.clone_from(&start.carrier_call_id);
        self.user_id = start.account.clone().unwrap_or_default();
        json!({
            "event": "start",
            "sequence_number": self.sequence(),
            "stream_id": self.stream_id,
            "start": {
                "user_id": self.user_id,
                "call_control_id": self.call_control_id,
                "from": start.from,
                "to": start.to,
                "custom_parameters": start.parameters,
                "media_format": {
                    "encoding": self.outlet.format.wire_name(Carrier::Telnyx),
                    "sample_rate": self.outlet.format.rate,
                    "channels": 1,
                },
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
            "{{\"event\":\"media\",\"sequence_number\":\"{}\",\"stream_id\":{},\"media\":{{\"track\":\"inbound\",\"chunk\":\"{}\",\"timestamp\":\"{}\",\"payload\":\"",
            stamp.sequence,
            quoted(&self.stream_id),
            stamp.chunk,
            stamp.timestamp_ms
        );
        self.outlet.finish_media(pcm, text);
    }

    fn dtmf(&mut self, digit: char) -> String {
        json!({
            "event": "dtmf",
            "sequence_number": self.sequence(),
            "stream_id": self.stream_id,
            "dtmf": {"digit": digit.to_string()},
        })
        .to_string()
    }

    fn mark(&mut self, name: &str) -> String {
        json!({"event": "mark", "sequence_number": self.sequence(), "stream_id": self.stream_id, "mark": {"name": name}}).to_string()
    }

    fn stop(&mut self) -> String {
        json!({
            "event": "stop",
            "sequence_number": self.sequence(),
            "stream_id": self.stream_id,
            "stop": {"user_id": self.user_id, "call_control_id": self.call_control_id},
        })
        .to_string()
    }

    fn handle_text(&mut self, text: &str) -> Result<FarEndEvent, StreamError> {
        let request = self.outlet.parse(text)?;
        self.outlet.understand(request)
    }
}
