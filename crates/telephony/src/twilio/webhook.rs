//! Twilio's voice and status webhooks: forms (twilio.md 3).

use call::Carrier;

use crate::error::WebhookError;
use crate::webhook::{StatusReport, VoiceOffer, form_report, form_voice};

/// Reads the voice webhook of a call. Check the signature first.
pub fn parse_voice(raw_body: &[u8]) -> Result<VoiceOffer, WebhookError> {
    form_voice(Carrier::Twilio, raw_body)
}

/// Reads a call status callback. Check the signature first.
pub fn parse_status(raw_body: &[u8]) -> Result<StatusReport, WebhookError> {
    form_report(raw_body)
}

#[cfg(test)]
mod tests {
    use call::{CallStatus, Direction, Unreached};

    use super::*;
    use crate::{DialOutcome, MAX_BODY_BYTES, MAX_FORM_FIELDS, MAX_ID_BYTES, parse_dial};

    #[test]
    fn a_ringing_call_is_an_offer() {
        let body = b"CallSid=CA1&AccountSid=AC1&From=%2B15005550006&To=%2B15005550010&CallStatus=ringing&Direction=inbound&StirVerstat=new";
        let offer = parse_voice(body).unwrap();
        assert_eq!(offer.carrier_call_id, "CA1");
        assert_eq!(offer.account.as_deref(), Some("AC1"));
        assert_eq!((offer.from.expose(), offer.to.expose()), ("+15005550006", "+15005550010"));
        assert_eq!(offer.direction, Direction::Inbound);
        let placed = parse_voice(b"CallSid=CA1&From=&To=1&Direction=outbound-api").unwrap();
        assert_eq!((placed.direction, placed.from.expose(), placed.account), (Direction::Outbound, "", None));
    }

    #[test]
    fn every_status_word_is_mapped_and_an_unknown_one_is_kept() {
        for (word, status) in [
            ("initiated", CallStatus::Initiated),
            ("ringing", CallStatus::Ringing),
            ("in-progress", CallStatus::InProgress),
            ("completed", CallStatus::Completed),
            ("busy", CallStatus::Busy),
            ("failed", CallStatus::Failed),
            ("no-answer", CallStatus::NoAnswer),
            ("canceled", CallStatus::Canceled),
        ] {
            let report = parse_status(format!("CallSid=CA1&CallStatus={word}").as_bytes()).unwrap();
            assert_eq!((report.status, report.raw.as_str()), (Some(status), word));
        }
        let report = parse_status(b"CallSid=CA1&CallStatus=levitating&CallDuration=17&SequenceNumber=3").unwrap();
        assert_eq!(report.status, None);
        assert_eq!((report.raw.as_str(), report.duration_secs, report.sequence), ("levitating", Some(17), Some(3)));
    }

    #[test]
    fn every_outcome_of_a_dial_is_read_and_an_unknown_one_reached_nobody() {
        let of = |more: &str| parse_dial(format!("CallSid=CA1&CallStatus=in-progress&{more}").as_bytes()).unwrap();
        assert_eq!(of("DialCallStatus=completed&DialCallDuration=35"), DialOutcome::Reached { talked_secs: Some(35) });
        assert_eq!(of("DialCallStatus=answered"), DialOutcome::Reached { talked_secs: None });
        for (word, why) in [
            ("busy", Unreached::Busy),
            ("no-answer", Unreached::NoAnswer),
            ("failed", Unreached::Failed),
            ("canceled", Unreached::Failed),
            ("levitating", Unreached::Failed),
            ("", Unreached::Failed),
        ] {
            assert_eq!(of(&format!("DialCallStatus={word}")), DialOutcome::Unreached(why), "{word}");
        }
        assert_eq!(of("DialCallSid=CA2"), DialOutcome::Unreached(Unreached::Failed));
    }

    #[test]
    fn what_cannot_be_a_call_is_refused() {
        assert!(matches!(parse_voice(b"From=1&To=2"), Err(WebhookError::MissingField { field: "CallSid" })));
        assert!(matches!(parse_voice(b"CallSid=&From=1&To=2"), Err(WebhookError::MissingField { field: "CallSid" })));
        assert!(matches!(parse_voice(b"CallSid=CA1&To=2"), Err(WebhookError::MissingField { field: "From" })));
        let long = format!("CallSid={}&From=1&To=2", "C".repeat(MAX_ID_BYTES + 1));
        assert!(matches!(parse_voice(long.as_bytes()), Err(WebhookError::FieldTooLong { field: "CallSid", .. })));
        assert!(matches!(parse_voice("a=b&".repeat(MAX_FORM_FIELDS + 1).as_bytes()), Err(WebhookError::TooManyFields)));
        assert!(matches!(parse_status(&vec![b'a'; MAX_BODY_BYTES + 1]), Err(WebhookError::BodyTooLong { .. })));
    }
}
