//! Webhook bodies of both carriers, signatures included. Two lines may go before the body: a signature and a timestamp.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::telnyx::webhook::{CallControlKind, MAX_CLIENT_STATE_BYTES};
use telephony::{MAX_ID_BYTES, StatusReport, VoiceOffer, telnyx, twilio};

const JSON: Option<&str> = Some("application/json");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
/// Public key of the seed 00..1f (telnyx.md 4), and the one body that was ever signed with it.
const KEY: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const SIGNED: &[u8] = br#"{"data":{"event_type":"call.initiated","id":"00000000-0000-4000-8000-000000000001"}}"#;

fuzz_target!(|data: &[u8]| {
    signatures(data);
    let offers = [twilio::webhook::parse_voice(data), telnyx::webhook::parse_voice(data, JSON), telnyx::webhook::parse_voice(data, FORM)];
    offers.iter().flatten().for_each(offer);
    let reports =
        [twilio::webhook::parse_status(data), telnyx::webhook::parse_status(data, JSON), telnyx::webhook::parse_status(data, FORM)];
    reports.iter().flatten().for_each(report);
    let _ = (telnyx::webhook::parse_voice(data, None), telnyx::webhook::parse_status(data, None));
    event(data);
});

fn offer(offer: &VoiceOffer) {
    assert!(!offer.carrier_call_id.is_empty() && offer.carrier_call_id.len() <= MAX_ID_BYTES);
    assert!(offer.account.as_ref().is_none_or(|account| account.len() <= MAX_ID_BYTES));
}

fn report(report: &StatusReport) {
    assert!(!report.carrier_call_id.is_empty() && report.carrier_call_id.len() <= MAX_ID_BYTES);
    assert!(!report.raw.is_empty() && report.raw.len() <= MAX_ID_BYTES);
}

/// The two readings of one body agree, and nothing kept is long.
fn event(data: &[u8]) {
    let Ok(event) = telnyx::webhook::parse_event(data) else { return };
    assert!(event.id.len() <= MAX_ID_BYTES && event.call_control_id.len() <= MAX_ID_BYTES);
    assert!(event.client_state.is_none_or(|state| state.len() <= MAX_CLIENT_STATE_BYTES));
    let short = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= MAX_ID_BYTES);
    match &event.kind {
        CallControlKind::Initiated { offer, .. } => {
            assert_eq!(telnyx::webhook::parse_voice(data, JSON).ok().as_ref(), Some(offer));
        }
        CallControlKind::Hangup(report) => assert_eq!(telnyx::webhook::parse_status(data, JSON).ok().as_ref(), Some(report)),
        CallControlKind::StreamingStarted { stream_id } => assert!(short(stream_id)),
        CallControlKind::StreamingStopped { stream_id, failure_reason }
        | CallControlKind::StreamingFailed { stream_id, failure_reason } => {
            assert!(short(stream_id) && short(failure_reason));
        }
        CallControlKind::Answered => {}
        CallControlKind::Other(name) => assert!(name.len() <= MAX_ID_BYTES),
    }
    if !matches!(event.kind, CallControlKind::Other(_)) {
        assert!(!event.call_control_id.is_empty(), "an event about a call names it");
    }
}

/// Nobody forges a signature by chance.
fn signatures(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let (Some(signature), Some(timestamp), Some(body)) = (parts.next(), parts.next(), parts.next()) else { return };
    let (Ok(signature), Ok(timestamp)) = (std::str::from_utf8(signature), std::str::from_utf8(timestamp)) else { return };
    let genuine = telnyx::signature::verify(body, timestamp, signature, KEY, 1_760_000_000).is_ok();
    assert!(!genuine || body == SIGNED, "a forged signature");
    // Any text is a key to somebody who configured it.
    let _ = telnyx::signature::verify(body, timestamp, signature, timestamp, 1_760_000_000);
    for content_type in [None, JSON, FORM] {
        let urls = ["https://h.test/webhooks/twilio/voice", timestamp];
        assert!(!twilio::signature::verify(&urls, body, content_type, signature, "a token"), "a forged signature");
    }
}
