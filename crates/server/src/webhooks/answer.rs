//! What a carrier is told to do with a call: open a media stream, say that it is not possible, dial a person, hang up.

use std::sync::Arc;
use std::time::Instant;

use agent::AgentDefinition;
use call::{CallId, CallRecord, CallStatus, Carrier, PhoneNumber};
use dispatch::Offer;
use jiff::Timestamp;
use telephony::{Document, MediaFormat, VoiceOffer};
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::origin::Origin;
use crate::state::App;

/// Said when the call cannot be served; in the carrier's own voice, so it needs nothing of ours.
const NO_AGENT: &str = "We are sorry, nobody answers this number at the moment. Goodbye.";
const BUSY: &str = "We are sorry, all lines are busy at the moment. Please call again in a few minutes. Goodbye.";
const CLOSING: &str = "We are sorry, our service is being restarted. Please call again in a minute. Goodbye.";
const FAULT: &str = "We are sorry, we cannot take your call at the moment. Please call again later. Goodbye.";
const NOT_REACHED: &str = "We are sorry, nobody could take your call. Please call again later. Goodbye.";

/// A person's phone rings this long.
const DIAL_SECONDS: u32 = 30;

/// Answers a voice webhook.
pub(crate) async fn answer(app: &App, origin: &Origin, offer: VoiceOffer, wanted: Option<&str>) -> Document {
    let agent = match wanted {
        Some(name) => app.agents.named(name),
        None => app.agents.for_number(&offer.to),
    };
    let Some(agent) = agent.cloned() else {
        info!(carrier = offer.carrier.as_str(), "call refused: no agent serves it");
        return say(NO_AGENT, "en-US");
    };
    if !agent.active {
        info!(agent = agent.name, "call refused: the agent is not active");
        return say(NO_AGENT, &agent.language);
    }
    if app.drain.is_requested() {
        return say(CLOSING, &agent.language);
    }
    connect(app, origin, offer, agent).await
}

async fn connect(app: &App, origin: &Origin, offer: VoiceOffer, agent: Arc<AgentDefinition>) -> Document {
    // A repeated webhook replaces its own offer: without this, its second permit could be refused by its first.
    let repeated = app.offers.withdraw(offer.carrier, &offer.carrier_call_id).map(|earlier| earlier.permit);
    let Some(permit) = repeated.or_else(|| app.admission.admit()) else {
        warn!(limit = app.admission.limit(), "call refused: every line is busy");
        return say(BUSY, &agent.language);
    };
    let carrier = offer.carrier;
    let record = match app.services.records.open_call(&record(offer, &agent)).await {
        Ok(record) if record.ended_at.is_some() => return Document::Hangup,
        Ok(record) => record,
        Err(fault) => {
            error!(error = %fault, "call refused: its record could not be stored");
            return say(FAULT, &agent.language);
        }
    };
    let path = format!("/ws/telephony/{carrier}/{}", agent.id);
    let (id, language) = (agent.id, agent.language.clone());
    match app.offers.mint(Offer { record, agent, permit }, Instant::now()) {
        Ok(token) => Document::ConnectStream {
            stream_url: origin.socket_url(&path),
            parameters: vec![("agent_id".into(), id.to_string()), ("token".into(), token.expose().to_owned())],
            action_url: Some(origin.with_path(&format!("/webhooks/{carrier}/action"))),
            status_callback_url: None,
            format: MediaFormat::PCMU_8K,
            fallback: Some(FAULT.into()),
        },
        Err(fault) => {
            error!(error = %fault, "call refused");
            say(FAULT, &language)
        }
    }
}

fn record(offer: VoiceOffer, agent: &AgentDefinition) -> CallRecord {
    CallRecord {
        id: CallId(Uuid::now_v7()),
        carrier: offer.carrier,
        carrier_call_id: offer.carrier_call_id,
        direction: offer.direction,
        from: offer.from,
        to: offer.to,
        agent_id: agent.id,
        agent_name: agent.name.clone(),
        status: CallStatus::Ringing,
        offered_at: Timestamp::now(),
        answered_at: None,
        ended_at: None,
        end_reason: None,
        recording: None,
    }
}

/// Hands the caller over to a person.
pub(super) fn dial(origin: &Origin, carrier: Carrier, number: String, call: &VoiceOffer) -> Document {
    Document::Dial {
        number: PhoneNumber::new(number),
        // The number that was called: carriers refuse a caller id that is not the account's.
        caller_id: Some(call.to.expose().to_owned()).filter(|number| number.starts_with('+')),
        say_first: None,
        action_url: Some(origin.with_path(&format!("/webhooks/{carrier}/action?after=dial"))),
        timeout_secs: DIAL_SECONDS,
    }
}

/// A transfer is over: it was talked, or nobody took it. Both carriers' forms say so in `DialCallStatus`.
pub(super) fn after_dial(body: &[u8], language: &str) -> Document {
    let status = form_urlencoded::parse(body).find(|(name, _)| name == "DialCallStatus").map(|(_, value)| value);
    match status.as_deref() {
        Some("completed" | "answered") => Document::Hangup,
        _ => say(NOT_REACHED, language),
    }
}

fn say(text: &str, language: &str) -> Document {
    Document::SayAndHangup { text: text.into(), language: Some(language.into()) }
}
