//! Call Control events: what becomes of a call and of its media stream (telnyx.md 1.4 and 3).

use call::Timestamp;

use super::{Data, Envelope, Payload};
use crate::error::WebhookError;
use crate::payload;
use crate::webhook::{MAX_ID_BYTES, StatusReport, VoiceOffer, check_length, cut, id};

/// Longest `client_state` that is read, decoded. Ours is an id; the carrier's own limit is not documented.
pub const MAX_CLIENT_STATE_BYTES: usize = 1024;

/// One event of Call Control. Events may come twice (compare [`Self::id`]) and out of order (compare [`Self::occurred_at`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallControlEvent {
    /// Id of the event: the same when it is sent again.
    pub id: String,
    /// When it happened, by the carrier's clock; `None` when it is missing or not a time.
    pub occurred_at: Option<Timestamp>,
    /// The call it is about. Blank only for events about no call, which are [`CallControlKind::Other`].
    pub call_control_id: String,
    /// What our last command gave the call to remember. `None` when nothing, or nothing that we could have written: not base64 or over
    /// [`MAX_CLIENT_STATE_BYTES`].
    pub client_state: Option<Vec<u8>>,
    /// What happened.
    pub kind: CallControlKind,
}

/// What a Call Control event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallControlKind {
    /// A call begins (`call.initiated`).
    Initiated {
        /// The call.
        offer: VoiceOffer,
        /// True when it waits for us to answer, reject or transfer it (`state` is `parked`); an outgoing call does not.
        parked: bool,
    },
    /// The call is answered (`call.answered`).
    Answered,
    /// The call is connected with another (`call.bridged`): each of the two may be told of.
    Bridged,
    /// The call is over (`call.hangup`).
    Hangup(StatusReport),
    /// The media stream is open (`streaming.started`).
    StreamingStarted {
        /// The stream, as in its `start` message. Compare without case.
        stream_id: Option<String>,
    },
    /// The media stream is over (`streaming.stopped`), whoever ended it; the call may go on.
    StreamingStopped {
        /// The stream. An event about an earlier stream than the one that runs is old news.
        stream_id: Option<String>,
        /// Why, when it did not end as it should. Cut at [`MAX_ID_BYTES`].
        failure_reason: Option<String>,
    },
    /// The media stream could not be opened or broke (`streaming.failed`); the call may go on.
    StreamingFailed {
        /// The stream.
        stream_id: Option<String>,
        /// Why, in the carrier's words, cut at [`MAX_ID_BYTES`].
        failure_reason: Option<String>,
    },
    /// Any other event, by its name.
    Other(String),
}

/// Reads a JSON event of Call Control. Check the signature first.
pub fn parse_event(raw_body: &[u8]) -> Result<CallControlEvent, WebhookError> {
    check_length(raw_body)?;
    let Data { event_type, id: event_id, occurred_at, payload } = serde_json::from_slice::<Envelope<'_>>(raw_body)?.data;
    let kind = kind(id("event_type", Some(&event_type))?, &payload)?;
    let call_control_id = match (&kind, payload.call_control_id.filled()) {
        (CallControlKind::Other(_), None) => String::new(),
        (_, given) => id("call_control_id", given)?,
    };
    Ok(CallControlEvent {
        id: id("id", event_id.filled())?,
        occurred_at: occurred_at.filled().and_then(|at| at.parse().ok()),
        call_control_id,
        client_state: payload.client_state.filled().and_then(client_state),
        kind,
    })
}

fn kind(event: String, payload: &Payload<'_>) -> Result<CallControlKind, WebhookError> {
    let stream_id = || payload.stream_id.filled().map(|stream| id("stream_id", Some(stream))).transpose();
    let failure_reason = payload.failure_reason.filled().map(|why| cut(why, MAX_ID_BYTES));
    Ok(match event.as_str() {
        "call.initiated" => CallControlKind::Initiated { offer: payload.offer()?, parked: &*payload.state.0 == "parked" },
        "call.answered" => CallControlKind::Answered,
        "call.bridged" => CallControlKind::Bridged,
        "call.hangup" => CallControlKind::Hangup(payload.report(&event)?),
        "streaming.started" => CallControlKind::StreamingStarted { stream_id: stream_id()? },
        "streaming.stopped" => CallControlKind::StreamingStopped { stream_id: stream_id()?, failure_reason },
        "streaming.failed" => CallControlKind::StreamingFailed { stream_id: stream_id()?, failure_reason },
        _ => CallControlKind::Other(event),
    })
}

fn client_state(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_CLIENT_STATE_BYTES.div_ceil(3) * 4 {
        return None;
    }
    let mut state = Vec::new();
    payload::decode(text, &mut state).ok()?;
    (state.len() <= MAX_CLIENT_STATE_BYTES).then_some(state)
}

#[cfg(test)]
mod tests {
    use call::{CallStatus, Direction};

    use super::*;

    fn event(kind: &str, payload: &str) -> Vec<u8> {
        let body = format!(
            r#"{{"data":{{"record_type":"event","event_type":"{kind}","id":"e-1","occurred_at":"2026-01-01T10:00:00.000000Z","payload":{{"call_control_id":"v3:abc","client_state":"aGVsbG8=","from":"+15005550006","to":"+15005550010","direction":"incoming"{payload}}}}},"meta":{{"attempt":1}}}}"#
        );
        body.into_bytes()
    }

    fn kind_of(name: &str, payload: &str) -> CallControlKind {
        parse_event(&event(name, payload)).unwrap().kind
    }

    #[test]
    fn a_parked_call_is_an_offer() {
        let told = parse_event(&event("call.initiated", r#","state":"parked""#)).unwrap();
        assert_eq!((told.id.as_str(), told.call_control_id.as_str()), ("e-1", "v3:abc"));
        assert_eq!(told.occurred_at, Some("2026-01-01T10:00:00Z".parse().unwrap()));
        assert_eq!(told.client_state.as_deref(), Some(&b"hello"[..]));
        let CallControlKind::Initiated { offer, parked: true } = told.kind else { panic!("{:?}", told.kind) };
        assert_eq!((offer.from.expose(), offer.to.expose(), offer.direction), ("+15005550006", "+15005550010", Direction::Inbound));
        assert!(matches!(kind_of("call.initiated", r#","state":"bridging""#), CallControlKind::Initiated { parked: false, .. }));
    }

    #[test]
    fn the_life_of_a_stream_is_told() {
        let stream_id = Some("S-1".to_owned());
        let with = |reason: &str| format!(r#","stream_id":"S-1","stream_type":"websocket","failure_reason":{reason}"#);
        assert_eq!(kind_of("streaming.started", &with("null")), CallControlKind::StreamingStarted { stream_id: stream_id.clone() });
        let stopped = CallControlKind::StreamingStopped { stream_id: stream_id.clone(), failure_reason: None };
        assert_eq!(kind_of("streaming.stopped", &with("null")), stopped);
        let CallControlKind::StreamingFailed { failure_reason: Some(why), .. } =
            kind_of("streaming.failed", &with(&format!("\"{}\"", "é".repeat(MAX_ID_BYTES))))
        else {
            panic!("no reason")
        };
        assert_eq!(why.len(), MAX_ID_BYTES);
        let long = event("streaming.failed", &format!(r#","stream_id":"{}""#, "s".repeat(MAX_ID_BYTES + 1)));
        assert!(matches!(parse_event(&long), Err(WebhookError::FieldTooLong { field: "stream_id", .. })));
    }

    #[test]
    fn answer_hang_up_and_what_we_do_not_know() {
        assert_eq!(kind_of("call.answered", ""), CallControlKind::Answered);
        assert_eq!(kind_of("call.bridged", ""), CallControlKind::Bridged);
        let CallControlKind::Hangup(report) = kind_of("call.hangup", r#","hangup_cause":"user_busy""#) else { panic!("no report") };
        assert_eq!((report.status, report.raw.as_str()), (Some(CallStatus::Busy), "call.hangup:user_busy"));
        assert_eq!(kind_of("call.speak.ended", ""), CallControlKind::Other("call.speak.ended".to_owned()));
        let other = parse_event(br#"{"data":{"event_type":"conference.ended","id":"e-2"}}"#).unwrap();
        assert_eq!((other.call_control_id.as_str(), other.occurred_at, other.client_state), ("", None, None));
    }

    #[test]
    fn a_foreign_client_state_does_not_cost_the_event() {
        let with = |state: &str| {
            let body = String::from_utf8(event("call.hangup", "")).unwrap().replace("aGVsbG8=", state);
            parse_event(body.as_bytes()).unwrap().client_state
        };
        assert_eq!(with("***"), None);
        assert_eq!(with(""), None);
        assert_eq!(with(&"A".repeat(1368)), None, "1026 bytes");
        assert_eq!(with(&"A".repeat(1364)).unwrap().len(), 1023);
    }

    #[test]
    fn an_event_about_a_call_names_it() {
        let missing = |body: &str| match parse_event(body.as_bytes()) {
            Err(WebhookError::MissingField { field }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(r#"{"data":{"event_type":"streaming.stopped","id":"e"}}"#), "call_control_id");
        assert_eq!(missing(r#"{"data":{"event_type":"call.hangup","id":"e","payload":{"call_control_id":""}}}"#), "call_control_id");
        assert_eq!(missing(r#"{"data":{"event_type":"call.answered","payload":{"call_control_id":"v3:a"}}}"#), "id");
        assert_eq!(missing(r#"{"data":{"id":"e"}}"#), "event_type");
        assert!(matches!(parse_event(b"CallSid=x"), Err(WebhookError::Malformed(_))));
        let long = vec![b' '; crate::MAX_BODY_BYTES + 1];
        assert!(matches!(parse_event(&long), Err(WebhookError::BodyTooLong { .. })));
    }
}
