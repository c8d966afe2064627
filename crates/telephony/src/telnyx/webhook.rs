//! Telnyx's voice and status webhooks: TeXML forms with Twilio's names, or the JSON envelope of Call Control (telnyx.md 3).

mod event;

use std::borrow::Cow;

use call::{CallStatus, Carrier, PhoneNumber};
use serde::Deserialize;

use crate::error::WebhookError;
use crate::webhook::{MAX_ID_BYTES, StatusReport, VoiceOffer, check_length, cut, direction, form_report, form_voice, id};
use crate::wire::Text;

pub use event::{CallControlEvent, CallControlKind, MAX_CLIENT_STATE_BYTES, parse_event};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    occurred_at: Text<'a>,
    #[serde(borrow, default)]
    payload: Payload<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Payload<'a> {
    #[serde(borrow)]
    call_control_id: Text<'a>,
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(borrow)]
    to: Text<'a>,
    #[serde(borrow)]
    direction: Text<'a>,
    #[serde(borrow)]
    hangup_cause: Text<'a>,
    #[serde(borrow)]
    client_state: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow)]
    stream_id: Text<'a>,
    #[serde(borrow)]
    failure_reason: Text<'a>,
}

impl Payload<'_> {
    fn offer(&self) -> Result<VoiceOffer, WebhookError> {
        Ok(VoiceOffer {
            carrier: Carrier::Telnyx,
            carrier_call_id: id("call_control_id", self.call_control_id.filled())?,
            account: None,
            from: PhoneNumber::new(&*self.from.0),
            to: PhoneNumber::new(id("to", self.to.filled())?),
            direction: direction(&self.direction.0),
        })
    }

    fn report(&self, event: &str) -> Result<StatusReport, WebhookError> {
        let cause = self.hangup_cause.filled();
        Ok(StatusReport {
            carrier_call_id: id("call_control_id", self.call_control_id.filled())?,
            status: event_status(event, cause),
            raw: cause.map_or_else(|| event.to_owned(), |cause| cut(&format!("{event}:{cause}"), MAX_ID_BYTES)),
            // The envelope has no connected time: it is the hang-up minus the answer, which the record knows.
            duration_secs: None,
            sequence: None,
        })
    }
}

/// Reads the voice webhook of a call: a TeXML form or a `call.initiated` event. Check the signature first.
pub fn parse_voice(raw_body: &[u8], content_type: Option<&str>) -> Result<VoiceOffer, WebhookError> {
    check_length(raw_body)?;
    if !is_json(raw_body, content_type) {
        return form_voice(Carrier::Telnyx, raw_body);
    }
    let Data { event_type, payload, .. } = serde_json::from_slice::<Envelope<'_>>(raw_body)?.data;
    if event_type != "call.initiated" {
        return Err(WebhookError::NotAnOffer { event: cut(&event_type, 64) });
    }
    payload.offer()
}

/// Reads a status webhook: a TeXML form or any Call Control event. Check the signature first.
pub fn parse_status(raw_body: &[u8], content_type: Option<&str>) -> Result<StatusReport, WebhookError> {
    check_length(raw_body)?;
    if !is_json(raw_body, content_type) {
        return form_report(raw_body);
    }
    let Data { event_type, payload, .. } = serde_json::from_slice::<Envelope<'_>>(raw_body)?.data;
    payload.report(&id("event_type", Some(&event_type))?)
}

/// By the content type; by the first character where there is none.
fn is_json(raw_body: &[u8], content_type: Option<&str>) -> bool {
    match content_type {
        Some(content_type) => content_type.to_ascii_lowercase().contains("json"),
        None => raw_body.trim_ascii_start().first() == Some(&b'{'),
    }
}

fn event_status(event: &str, cause: Option<&str>) -> Option<CallStatus> {
    Some(match event {
        "call.initiated" => CallStatus::Initiated,
        "call.ringing" => CallStatus::Ringing,
        "call.answered" => CallStatus::InProgress,
        "call.hangup" => hangup_status(cause.unwrap_or("normal_clearing")),
        _ => return None,
    })
}

/// Causes come in lower case today and came in upper case before.
fn hangup_status(cause: &str) -> CallStatus {
    match cause.to_ascii_lowercase().as_str() {
        "normal_clearing" | "normal_release" => CallStatus::Completed,
        "user_busy" => CallStatus::Busy,
        // `timeout`: nobody answered within `timeout_secs`.
        "no_answer" | "timeout" => CallStatus::NoAnswer,
        "call_rejected" | "originator_cancel" => CallStatus::Canceled,
        _ => CallStatus::Failed,
    }
}

#[cfg(test)]
mod tests {
    use call::Direction;

    use super::*;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

    fn event(kind: &str, more: &str) -> String {
        format!(
            r#"{{"data":{{"record_type":"event","event_type":"{kind}","payload":{{"call_control_id":"v3:abc","client_state":null,"from":"+15005550006","to":"+15005550010","direction":"incoming"{more}}}}},"meta":{{"attempt":1}}}}"#
        )
    }

    #[test]
    fn call_initiated_is_an_offer() {
        let offer = parse_voice(event("call.initiated", "").as_bytes(), JSON).unwrap();
        assert_eq!((offer.carrier, offer.carrier_call_id.as_str()), (Carrier::Telnyx, "v3:abc"));
        assert_eq!((offer.from.expose(), offer.to.expose()), ("+15005550006", "+15005550010"));
        assert_eq!(offer.direction, Direction::Inbound);
        let other = parse_voice(event("call.answered", "").as_bytes(), None);
        assert!(matches!(other, Err(WebhookError::NotAnOffer { event }) if event == "call.answered"));
    }

    #[test]
    fn a_texml_form_is_an_offer_too() {
        let offer = parse_voice(b"CallSid=v2%3Aabc&AccountSid=u-1&From=%2B1500&To=%2B1501&Direction=inbound", FORM).unwrap();
        assert_eq!((offer.carrier, offer.carrier_call_id.as_str()), (Carrier::Telnyx, "v2:abc"));
        let report = parse_status(b"CallSid=v2%3Aabc&CallStatus=completed&CallDuration=9", FORM).unwrap();
        assert_eq!((report.status, report.duration_secs), (Some(CallStatus::Completed), Some(9)));
    }

    #[test]
    fn the_cause_refines_a_hang_up() {
        for (cause, status) in [
            ("normal_clearing", CallStatus::Completed),
            ("NORMAL_RELEASE", CallStatus::Completed),
            ("USER_BUSY", CallStatus::Busy),
            ("no_answer", CallStatus::NoAnswer),
            ("timeout", CallStatus::NoAnswer),
            ("call_rejected", CallStatus::Canceled),
            ("ORIGINATOR_CANCEL", CallStatus::Canceled),
            ("time_limit", CallStatus::Failed),
        ] {
            let body = event("call.hangup", &format!(r#","hangup_cause":"{cause}""#));
            let report = parse_status(body.as_bytes(), JSON).unwrap();
            assert_eq!(report.status, Some(status), "{cause}");
            assert_eq!(report.raw, format!("call.hangup:{cause}"));
        }
        let status = |kind: &str| parse_status(event(kind, "").as_bytes(), JSON).unwrap().status;
        assert_eq!(status("call.initiated"), Some(CallStatus::Initiated));
        assert_eq!(status("call.ringing"), Some(CallStatus::Ringing));
        assert_eq!(status("call.answered"), Some(CallStatus::InProgress));
        assert_eq!(status("call.hangup"), Some(CallStatus::Completed));
        assert_eq!(status("streaming.started"), None);
    }

    #[test]
    fn broken_envelopes_are_typed_errors() {
        assert!(matches!(parse_voice(b"{", JSON), Err(WebhookError::Malformed(_))));
        assert!(matches!(parse_voice(br#"{"data":7}"#, JSON), Err(WebhookError::Malformed(_))));
        let no_id = br#"{"data":{"event_type":"call.initiated","payload":{}}}"#;
        assert!(matches!(parse_voice(no_id, JSON), Err(WebhookError::MissingField { field: "call_control_id" })));
        assert!(matches!(parse_status(br#"{"data":{}}"#, JSON), Err(WebhookError::MissingField { field: "event_type" })));
    }
}
