//! Commands as Telnyx reads them: a path and a JSON body (telnyx.md 1.1 and 2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use call::{Carrier, PhoneNumber};
use reqwest::Method;
use serde_json::{Map, Value, json};
use telephony::MAX_PARAMETER_CHARS;
use telephony::telnyx::webhook::MAX_CLIENT_STATE_BYTES;
use uuid::Uuid;

use super::MAX_CALL_ID_BYTES;
use crate::control::{MAX_SPEECH_CHARS, Speech, StreamRequest, TransferRequest};
use crate::error::InvalidRequest;

/// The fields of a command.
pub(super) type Body = Map<String, Value>;

/// A request that can be sent as often as it must be: its bytes, and the command id in them, stay the same.
pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

impl Command {
    /// A command about a call, whose id is percent-encoded already.
    pub(super) fn action(call: &str, name: &'static str, body: &Body) -> Self {
        let body = Value::Object(body.clone()).to_string().into_bytes();
        Self { name, method: Method::POST, path: format!("/calls/{call}/actions/{name}"), body }
    }

    /// Lists one Call Control application.
    pub(super) fn check() -> Self {
        let path = "/call_control_applications?page%5Bsize%5D=1".to_owned();
        Self { name: "the check", method: Method::GET, path, body: Vec::new() }
    }
}

/// A command without fields of its own.
pub(super) fn plain(command_id: Uuid) -> Body {
    Map::from_iter([("command_id".to_owned(), json!(command_id))])
}

/// The fields for a stream that an answer takes: no parameters, no sampling rate.
pub(super) fn answer(command_id: Uuid, stream: Option<&StreamRequest>) -> Result<Body, InvalidRequest> {
    let mut body = plain(command_id);
    if let Some(stream) = stream {
        if !stream.parameters.is_empty() || stream.format.rate != 8000 {
            return Err(InvalidRequest::AnswerCarriesLess);
        }
        add_stream(&mut body, stream)?;
    }
    Ok(body)
}

pub(super) fn streaming_start(command_id: Uuid, stream: &StreamRequest) -> Result<Body, InvalidRequest> {
    let mut body = plain(command_id);
    add_stream(&mut body, stream)?;
    body.insert("stream_bidirectional_sampling_rate".to_owned(), json!(stream.format.rate));
    let too_long = |(name, value): &(String, String)| name.chars().count() + value.chars().count() >= MAX_PARAMETER_CHARS;
    if stream.parameters.iter().any(too_long) {
        return Err(InvalidRequest::Parameter);
    }
    if !stream.parameters.is_empty() {
        let parameters = stream.parameters.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        body.insert("custom_parameters".to_owned(), Value::Array(parameters));
    }
    Ok(body)
}

pub(super) fn speak(command_id: Uuid, speech: &Speech) -> Result<Body, InvalidRequest> {
    if speech.text.trim().is_empty() || speech.text.chars().count() > MAX_SPEECH_CHARS {
        return Err(InvalidRequest::Speech);
    }
    let mut body = plain(command_id);
    body.insert("payload".to_owned(), json!(speech.text));
    body.insert("voice".to_owned(), json!(speech.voice));
    if let Some(language) = &speech.language {
        body.insert("language".to_owned(), json!(language));
    }
    Ok(body)
}

/// Seconds that a transfer may ring (the SDK's page of the command).
const RINGING: std::ops::RangeInclusive<u32> = 5..=600;

/// `park_after_unbridge` is left out: when the person hangs up after having talked, the caller's leg ends too.
pub(super) fn transfer(command_id: Uuid, transfer: &TransferRequest) -> Result<Body, InvalidRequest> {
    let is_number = |number: &PhoneNumber| {
        let digits = number.expose().strip_prefix('+').unwrap_or_default();
        (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_number(&transfer.to) || !transfer.from.as_ref().is_none_or(is_number) {
        return Err(InvalidRequest::Number);
    }
    if !RINGING.contains(&transfer.timeout_secs) {
        return Err(InvalidRequest::Ringing);
    }
    if transfer.leg_state.len() > MAX_CLIENT_STATE_BYTES {
        return Err(InvalidRequest::ClientState);
    }
    let mut body = plain(command_id);
    body.insert("to".to_owned(), json!(transfer.to.expose()));
    body.insert("timeout_secs".to_owned(), json!(transfer.timeout_secs));
    body.insert("target_leg_client_state".to_owned(), json!(STANDARD.encode(&transfer.leg_state)));
    if let Some(from) = &transfer.from {
        body.insert("from".to_owned(), json!(from.expose()));
    }
    Ok(body)
}

/// Without `rtp` Telnyx expects MP3 and drops all we send without a word (telnyx.md 1.1).
fn add_stream(body: &mut Body, stream: &StreamRequest) -> Result<(), InvalidRequest> {
    if !["wss://", "ws://"].iter().any(|scheme| stream.url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty())) {
        return Err(InvalidRequest::StreamUrl);
    }
    if !stream.format.is_supported_by(Carrier::Telnyx) {
        return Err(InvalidRequest::Format);
    }
    let codec = stream.format.codec.as_str();
    let fields = json!({
        "stream_url": stream.url,
        "stream_track": "inbound_track",
        "stream_codec": codec,
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": codec,
    });
    if let Value::Object(fields) = fields {
        body.extend(fields);
    }
    match &stream.client_state {
        Some(state) if state.len() > MAX_CLIENT_STATE_BYTES => return Err(InvalidRequest::ClientState),
        Some(state) => body.insert("client_state".to_owned(), json!(STANDARD.encode(state))),
        None => None,
    };
    Ok(())
}

/// A call's id as one segment of a path: all but letters, digits and `-_.~` is percent-encoded, the colon of `v3:` too.
pub(super) fn encoded(call: &str) -> Result<String, InvalidRequest> {
    // A segment of dots is a step in the path, encoded or not.
    if call.is_empty() || call.len() > MAX_CALL_ID_BYTES || matches!(call, "." | "..") {
        return Err(InvalidRequest::CallId);
    }
    let mut segment = String::with_capacity(call.len() + 8);
    for byte in call.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => segment.push(char::from(byte)),
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(segment)
}

#[cfg(test)]
mod tests {
    use telephony::{Codec, MediaFormat};

    use super::*;

    fn stream() -> StreamRequest {
        let parameters = vec![("token".to_owned(), "once".to_owned())];
        StreamRequest { url: "wss://h.test/ws".to_owned(), format: MediaFormat::PCMU_8K, parameters, client_state: None }
    }

    #[test]
    fn a_stream_goes_both_ways_or_not_at_all() {
        let id = Uuid::from_u128(7);
        let stream = StreamRequest { client_state: Some(b"hello".to_vec()), ..stream() };
        let expected = json!({
            "command_id": "00000000-0000-0000-0000-000000000007", "stream_url": "wss://h.test/ws", "stream_track": "inbound_track",
            "stream_codec": "PCMU", "stream_bidirectional_mode": "rtp", "stream_bidirectional_codec": "PCMU",
            "stream_bidirectional_sampling_rate": 8000, "custom_parameters": [{ "name": "token", "value": "once" }], "client_state": "aGVsbG8=",
        });
        assert_eq!(Value::Object(streaming_start(id, &stream).unwrap()), expected);
    }

    #[test]
    fn what_the_carrier_would_drop_is_not_sent() {
        let id = Uuid::nil();
        let start = |stream: StreamRequest| streaming_start(id, &stream).err();
        assert_eq!(answer(id, Some(&stream())).err(), Some(InvalidRequest::AnswerCarriesLess));
        let wide = MediaFormat { codec: Codec::L16, rate: 16000 };
        let bare = StreamRequest { parameters: vec![], ..stream() };
        assert_eq!(answer(id, Some(&StreamRequest { format: wide, ..bare.clone() })).err(), Some(InvalidRequest::AnswerCarriesLess));
        assert!(answer(id, Some(&bare)).is_ok_and(|body| !body.contains_key("custom_parameters")));
        assert_eq!(start(StreamRequest { url: "https://h.test".into(), ..stream() }), Some(InvalidRequest::StreamUrl));
        assert_eq!(start(StreamRequest { url: "wss://".into(), ..stream() }), Some(InvalidRequest::StreamUrl));
        assert_eq!(
            start(StreamRequest { format: MediaFormat { codec: Codec::Pcmu, rate: 7000 }, ..stream() }),
            Some(InvalidRequest::Format)
        );
        assert_eq!(start(StreamRequest { parameters: vec![("n".into(), "é".repeat(499))], ..stream() }), Some(InvalidRequest::Parameter));
        assert_eq!(start(StreamRequest { client_state: Some(vec![0; 1025]), ..stream() }), Some(InvalidRequest::ClientState));
        let say = |text: String| speak(id, &Speech { text, language: None, voice: "female".into() }).err();
        assert_eq!(
            (say("é".repeat(3000)), say("é".repeat(3001)), say(" ".into())),
            (None, Some(InvalidRequest::Speech), Some(InvalidRequest::Speech))
        );
    }

    #[test]
    fn a_transfer_names_its_leg_and_dials_numbers_only() {
        let request = TransferRequest {
            to: PhoneNumber::new("+15005550009"),
            from: Some(PhoneNumber::new("+15005550010")),
            timeout_secs: 30,
            leg_state: b"hello".to_vec(),
        };
        let expected = json!({
            "command_id": Uuid::nil(), "to": "+15005550009", "from": "+15005550010", "timeout_secs": 30, "target_leg_client_state": "aGVsbG8=",
        });
        assert_eq!(Value::Object(transfer(Uuid::nil(), &request).unwrap()), expected);
        let refused = |request: TransferRequest| transfer(Uuid::nil(), &request).err();
        for to in ["", "15005550009", "+1", "+1500555000a", "sip:a@b.test", "+1234567890123456"] {
            assert_eq!(refused(TransferRequest { to: PhoneNumber::new(to), ..request.clone() }), Some(InvalidRequest::Number), "{to}");
        }
        assert_eq!(refused(TransferRequest { from: Some(PhoneNumber::new("anonymous")), ..request.clone() }), Some(InvalidRequest::Number));
        assert_eq!(refused(TransferRequest { timeout_secs: 4, ..request.clone() }), Some(InvalidRequest::Ringing));
        assert_eq!(refused(TransferRequest { leg_state: vec![0; 1025], ..request.clone() }), Some(InvalidRequest::ClientState));
        assert!(!format!("{request:?}").contains("5005550009"));
    }

    #[test]
    fn a_calls_id_is_one_segment() {
        assert_eq!(encoded("v3:a_b-C.~/é?").unwrap(), "v3%3Aa_b-C.~%2F%C3%A9%3F");
        for bad in ["", ".", "..", &"x".repeat(257)] {
            assert_eq!(encoded(bad), Err(InvalidRequest::CallId), "{bad}");
        }
    }
}
