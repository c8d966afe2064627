//! What a carrier's webhooks mean, whichever carrier sent them. Signatures are checked before, on the raw body.

use std::borrow::Cow;

use call::{CallStatus, Carrier, Direction, PhoneNumber, Unreached};

use crate::error::WebhookError;

/// Longest webhook body that is looked at, signature check included. The carriers' have a few KiB.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Most fields of a form. Twilio sends about thirty.
pub const MAX_FORM_FIELDS: usize = 256;
/// Longest id, and longest raw status kept.
pub const MAX_ID_BYTES: usize = 256;

/// A carrier asks what to do with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceOffer {
    /// Who asks.
    pub carrier: Carrier,
    /// `CallSid` or `call_control_id`.
    pub carrier_call_id: String,
    /// `AccountSid`, where the carrier says it.
    pub account: Option<String>,
    /// The calling number; may be `anonymous`, `client:...`, `sip:...` or blank.
    pub from: PhoneNumber,
    /// The called number.
    pub to: PhoneNumber,
    /// Who placed the call. Every word that does not begin with `out` counts as inbound.
    pub direction: Direction,
}

/// A carrier tells how a call goes. Reports may come out of order; see [`CallStatus::advance`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// `CallSid` or `call_control_id`.
    pub carrier_call_id: String,
    /// In our words; `None` when the carrier's word is not known.
    pub status: Option<CallStatus>,
    /// The carrier's own word, cut at [`MAX_ID_BYTES`]; a Telnyx hang-up is written `call.hangup:cause`.
    pub raw: String,
    /// How long the call was connected, s; only on the last report of a form webhook.
    pub duration_secs: Option<u64>,
    /// Place among the reports of this call, from 0 (Twilio progress events).
    pub sequence: Option<u64>,
}

/// How it came out when a person was dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialOutcome {
    /// The person was there, and that call is over.
    Reached {
        /// How long they talked, s, where the carrier says it.
        talked_secs: Option<u64>,
    },
    /// Nobody was.
    Unreached(Unreached),
}

impl DialOutcome {
    /// What the last status of the person's call says of it. Unverified: that a Telnyx leg which somebody answered always ends as
    /// [`CallStatus::Completed`]; whether it was bridged is told by an event of its own.
    pub const fn of_status(status: Option<CallStatus>) -> Self {
        match status {
            Some(CallStatus::Completed) => Self::Reached { talked_secs: None },
            Some(CallStatus::Busy) => Self::Unreached(Unreached::Busy),
            Some(CallStatus::NoAnswer) => Self::Unreached(Unreached::NoAnswer),
            _ => Self::Unreached(Unreached::Failed),
        }
    }
}

/// Reads what became of a `<Dial>`: the question that goes to its `action` (twilio.md 3.1, `DialCallStatus`; TeXML's has the same names, whether
/// with `DialCallDuration` too is unverified). A word that is not known is a failure: the caller is still there, and is not to be hung up on.
/// Check the signature first.
pub fn parse_dial(raw_body: &[u8]) -> Result<DialOutcome, WebhookError> {
    let form = Form::parse(raw_body)?;
    let talked_secs = form.get("DialCallDuration").and_then(|secs| secs.trim().parse().ok());
    Ok(match form.get("DialCallStatus") {
        Some("completed" | "answered") => DialOutcome::Reached { talked_secs },
        word => DialOutcome::of_status(word.and_then(form_status).filter(|status| status.is_final())),
    })
}

/// The fields of a form body, in their order.
pub(crate) struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    pub(crate) fn parse(raw_body: &'a [u8]) -> Result<Self, WebhookError> {
        check_length(raw_body)?;
        let fields: Vec<_> = form_urlencoded::parse(raw_body).take(MAX_FORM_FIELDS + 1).collect();
        if fields.len() > MAX_FORM_FIELDS { Err(WebhookError::TooManyFields) } else { Ok(Self(fields)) }
    }

    /// The first field of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| &**value)
    }

    fn voice(&self, carrier: Carrier) -> Result<VoiceOffer, WebhookError> {
        let from = self.get("From").ok_or(WebhookError::MissingField { field: "From" })?;
        Ok(VoiceOffer {
            carrier,
            carrier_call_id: id("CallSid", self.get("CallSid"))?,
            account: self.get("AccountSid").filter(|account| !account.is_empty()).map(|account| cut(account, MAX_ID_BYTES)),
            from: PhoneNumber::new(from),
            to: PhoneNumber::new(id("To", self.get("To"))?),
            direction: direction(self.get("Direction").unwrap_or_default()),
        })
    }

    fn status(&self) -> Result<StatusReport, WebhookError> {
        let raw = id("CallStatus", self.get("CallStatus"))?;
        let number = |field: &str| self.get(field).and_then(|value| value.trim().parse().ok());
        Ok(StatusReport {
            carrier_call_id: id("CallSid", self.get("CallSid"))?,
            status: form_status(&raw),
            raw,
            duration_secs: number("CallDuration"),
            sequence: number("SequenceNumber"),
        })
    }
}

/// Reads a voice webhook that is a form: Twilio's, and TeXML's with the same names.
pub(crate) fn form_voice(carrier: Carrier, raw_body: &[u8]) -> Result<VoiceOffer, WebhookError> {
    Form::parse(raw_body)?.voice(carrier)
}

/// Reads a status webhook that is a form.
pub(crate) fn form_report(raw_body: &[u8]) -> Result<StatusReport, WebhookError> {
    Form::parse(raw_body)?.status()
}

/// The words of `CallStatus` (twilio.md 3.1). `queued` is a call that Twilio knows and has not placed yet; `answered` is the event's name for
/// `in-progress`.
fn form_status(word: &str) -> Option<CallStatus> {
    Some(match word {
        "queued" | "initiated" => CallStatus::Initiated,
        "ringing" => CallStatus::Ringing,
        "in-progress" | "answered" => CallStatus::InProgress,
        "completed" => CallStatus::Completed,
        "busy" => CallStatus::Busy,
        "failed" => CallStatus::Failed,
        "no-answer" => CallStatus::NoAnswer,
        "canceled" => CallStatus::Canceled,
        _ => return None,
    })
}

pub(crate) fn check_length(raw_body: &[u8]) -> Result<(), WebhookError> {
    if raw_body.len() > MAX_BODY_BYTES { Err(WebhookError::BodyTooLong { bytes: raw_body.len() }) } else { Ok(()) }
}

/// A field that must be there and filled. Too long is an error, because a cut id would be another call's.
pub(crate) fn id(field: &'static str, value: Option<&str>) -> Result<String, WebhookError> {
    match value {
        Some(value) if value.len() > MAX_ID_BYTES => Err(WebhookError::FieldTooLong { field, bytes: value.len() }),
        Some(value) if !value.is_empty() => Ok(value.to_owned()),
        _ => Err(WebhookError::MissingField { field }),
    }
}

/// Twilio says `inbound`, `outbound-api`, `outbound-dial`; Telnyx `incoming`, `outgoing`.
pub(crate) fn direction(word: &str) -> Direction {
    if word.starts_with("out") { Direction::Outbound } else { Direction::Inbound }
}

/// The first `limit` bytes, not cutting a character.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    text[..text.floor_char_boundary(limit)].to_owned()
}
