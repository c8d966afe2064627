//! What a carrier is told to do with a call: open a media stream, say that it is not possible, dial a person, hang up.

use std::sync::Arc;
use std::time::Instant;

use agent::AgentDefinition;
use call::{AgentId, CallId, CallRecord, CallStatus, Carrier, EndReason, PhoneNumber};
use dispatch::{CallToken, Offer, Offers, Permit, Place, SharedOffer};
use jiff::Timestamp;
use live::{Enqueued, Limit, NewQueueEntry};
use telemetry::RefusedBecause;
use telephony::{Document, MediaFormat, VoiceOffer};
use tracing::{error, warn};
use uuid::Uuid;

use super::{elsewhere, rates};
use crate::directory::Answers;
use crate::origin::Origin;
use crate::refusals::Refusal;
use crate::state::App;

/// Said when the call cannot be served; in the carrier's own voice, so it needs nothing of ours.
pub(super) const NO_AGENT: &str = "We are sorry, nobody answers this number at the moment. Goodbye.";
pub(super) const FAULT: &str = "We are sorry, we cannot take your call at the moment. Please call again later. Goodbye.";

/// A person's phone rings this long.
const DIAL_SECONDS: u32 = 30;

/// What the request's address says beside its path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// The agent's id or name, when the address names one.
    pub(crate) agent: Option<String>,
    /// How often the call was sent on to another instance.
    pub(crate) hop: u8,
    /// How urgent the call is, should it have to wait; higher is more urgent.
    pub(crate) priority: i32,
}

/// How a call comes to be connected.
#[derive(Debug, Clone)]
pub(crate) struct Coming {
    /// It was connected before.
    pub(crate) resumed: bool,
    /// See [`Asked::priority`].
    pub(crate) priority: i32,
    /// The path the carrier asked, without its hops: another instance may have room when this one has none.
    pub(crate) path: String,
    /// See [`Asked::hop`].
    pub(crate) hop: u8,
}

/// Why there is no place here.
enum Nowhere {
    /// Another instance has one.
    Elsewhere(Document),
    /// There is none.
    Full(RefusedBecause),
}

/// The priority of a conversation that was cut off and finds no place.
pub(crate) const CUT_OFF: i32 = 1000;

/// Answers a voice webhook.
pub(crate) async fn answer(app: &App, origin: &Origin, offer: VoiceOffer, asked: &Asked) -> Document {
    let answers = match &asked.agent {
        Some(name) => named(app, name).await,
        None => app.directory.for_number(&offer.to),
    };
    let Some(Answers::Agent(agent)) = answers else {
        app.services.recorder.refused(RefusedBecause::NoAgent);
        return say(NO_AGENT, "en-US");
    };
    if !agent.active {
        app.services.recorder.refused(RefusedBecause::AgentInactive);
        return say(NO_AGENT, &agent.language);
    }
    if !app.drain.state().takes_calls() {
        let path = elsewhere::voice_path(offer.carrier, asked);
        return match elsewhere::redirect(app, origin, &path, asked.hop).await {
            Some(document) => document,
            None => {
                app.services.recorder.refused(RefusedBecause::Draining);
                refusal(app, origin, &agent, Refusal::Closing)
            }
        };
    }
    let new = record(offer, &agent);
    match app.services.records.open_call(&new).await {
        Ok(record) if record.ended_at.is_none() => {
            // Who talks already may finish.
            if record.answered_at.is_none() && !app.directory.is_open(record.tenant, Timestamp::now()) {
                app.services.recorder.refused(RefusedBecause::Closed);
                crate::calls::end_record(app, &record, EndReason::Refused).await;
                return refusal(app, origin, &agent, Refusal::Closed);
            }
            // A repeated webhook, or one that another instance has sent on, is no new call.
            if record.id == new.id
                && let Some(because) = rates::too_often(app, &record).await
            {
                app.services.recorder.refused(because);
                crate::calls::end_record(app, &record, EndReason::Refused).await;
                return refusal(app, origin, &agent, Refusal::Busy);
            }
            // Who has talked already is not greeted again, whatever made the carrier ask again.
            let resumed = record.answered_at.is_some();
            let path = elsewhere::voice_path(record.carrier, asked);
            connect(app, origin, record, agent, Coming { resumed, priority: asked.priority, path, hop: asked.hop }).await
        }
        Ok(record) if record.end_reason == Some(EndReason::Refused) => refusal(app, origin, &agent, why_refused(app, &record)),
        Ok(_) => Document::Hangup,
        Err(fault) => {
            error!(error = %fault, "call refused: its record could not be stored");
            app.services.recorder.refused(RefusedBecause::Fault);
            say(FAULT, &agent.language)
        }
    }
}

async fn named(app: &App, name: &str) -> Option<Answers> {
    let known = app.directory.named(name);
    let agent = match name.parse() {
        Ok(id) if known.is_none() => app.directory.find(id).await,
        _ => known,
    };
    agent.map(Answers::Agent)
}

/// What a caller is told whose call was refused a moment ago.
pub(super) fn why_refused(app: &App, record: &CallRecord) -> Refusal {
    if app.directory.is_open(record.tenant, Timestamp::now()) { Refusal::Busy } else { Refusal::Closed }
}

/// Finds a place for a call that has a record, and has its media stream opened.
pub(super) async fn connect(app: &App, origin: &Origin, record: CallRecord, agent: Arc<AgentDefinition>, coming: Coming) -> Document {
    let resumed = coming.resumed;
    // A repeated webhook replaces its own offer: without this, its second permit could be refused by its first.
    let repeated = app.offers.withdraw(record.carrier, &record.carrier_call_id).map(|earlier| earlier.place);
    let place = match repeated {
        Some(place) => Ok(place),
        None => place(app, origin, &record, &agent, &coming).await,
    };
    match place {
        Ok(place) => offer_stream(app, origin, record, agent, place, resumed).await,
        Err(Nowhere::Elsewhere(document)) => document,
        Err(Nowhere::Full(because)) => {
            app.services.recorder.refused(because);
            crate::calls::end_interrupted(app, &record, EndReason::Refused).await;
            refusal(app, origin, &agent, Refusal::Busy)
        }
    }
}

/// A permit, or a place in the queue; where this instance is full and another one is not, the call goes there.
async fn place(app: &App, origin: &Origin, record: &CallRecord, agent: &AgentDefinition, coming: &Coming) -> Result<Place, Nowhere> {
    let queue = app.settings.call_centre.queue;
    // Whoever waited before waits on: it has kept its place.
    if coming.resumed && record.answered_at.is_none() && queue {
        return queue_up(app, record, agent, coming.priority).await.map_err(Nowhere::Full);
    }
    let limit = match admit(app, record, agent).await {
        Ok(permit) => return Ok(Place::Permit(permit)),
        Err(limit) => limit,
    };
    if limit == Limit::Instance
        && let Some(document) = elsewhere::redirect(app, origin, &coming.path, coming.hop).await
    {
        return Err(Nowhere::Elsewhere(document));
    }
    if queue {
        // Who was in the middle of a conversation waits before everybody else.
        let priority = if coming.resumed { CUT_OFF } else { coming.priority };
        return queue_up(app, record, agent, priority).await.map_err(Nowhere::Full);
    }
    Err(Nowhere::Full(match limit {
        Limit::Instance => RefusedBecause::InstanceLimit,
        Limit::Agent => RefusedBecause::AgentLimit,
        Limit::Tenant => RefusedBecause::TenantLimit,
    }))
}

/// A permit. When the shared book says that this instance is full and its own says that it is not, the shared one has lost us, or a permit is on
/// its way back: a heartbeat tells, and then the answer stands.
async fn admit(app: &App, record: &CallRecord, agent: &AgentDefinition) -> Result<Permit, Limit> {
    let request = app.request(record, agent);
    match app.admission.admit(&request).await {
        Err(Limit::Instance) if app.admission.taken() < app.admission.limit() => {
            app.heart.beat_soon().await;
            app.admission.admit(&request).await
        }
        verdict => verdict,
    }
}

/// A place in the queue; a call that waits already keeps the one it has.
pub(crate) async fn queue_up(app: &App, record: &CallRecord, agent: &AgentDefinition, priority: i32) -> Result<Place, RefusedBecause> {
    let entry = NewQueueEntry {
        call_id: record.carrier_call_id.clone(),
        agent_id: agent.id.to_string(),
        phone_number: Some(record.from.clone()).filter(|number| !number.digits().is_empty()),
        priority,
        metadata: Some(dispatch::metadata(record)),
        holder: Some(app.instance().clone()),
        tenant: record.tenant.to_string(),
        limits: app.limits(record.tenant),
        queued_at: None,
    };
    match app.waiting.join(entry).await {
        Ok(Enqueued::Queued(_) | Enqueued::Already(_)) => Ok(Place::Waiting),
        Ok(Enqueued::Full) => Err(RefusedBecause::QueueFull),
        Err(fault) => {
            warn!(error = %fault, "call refused: there is no place, and the queue cannot be reached");
            Err(RefusedBecause::Fault)
        }
    }
}

async fn offer_stream(
    app: &App,
    origin: &Origin,
    record: CallRecord,
    agent: Arc<AgentDefinition>,
    place: Place,
    resumed: bool,
) -> Document {
    let carrier = record.carrier;
    let (id, language) = (agent.id, agent.language.clone());
    let key = SharedOffer::key(carrier, &record.carrier_call_id);
    let (call, waiting) = (record.id, matches!(place, Place::Waiting));
    // From now on the call is this instance's: should it die, its calls are found by its name.
    crate::calls::claim(app, call).await;
    match app.offers.mint(Offer { record, agent, place, resumed }, Instant::now()) {
        Ok(token) => {
            let instance = app.instance().clone();
            share(app, &key, &SharedOffer { call, agent: id, token_digest: token.digest(), instance, waiting, resumed }).await;
            stream_document(app, origin, carrier, id, &token)
        }
        Err(fault) => {
            error!(error = %fault, "call refused");
            say(FAULT, &language)
        }
    }
}

/// The document of an offer that this has led to already, while its stream has not come.
pub(super) fn again(app: &App, origin: &Origin, carrier: Carrier, carrier_call_id: &str, cause: &str) -> Option<Document> {
    let (agent, token) = app.offers.of_cause(carrier, carrier_call_id, cause, Instant::now())?;
    Some(stream_document(app, origin, carrier, agent, &token))
}

fn stream_document(app: &App, origin: &Origin, carrier: Carrier, agent: AgentId, token: &CallToken) -> Document {
    // Past any balancer, when this instance can be reached so: its socket is where its offer is.
    let own = app.settings.call_centre.instance_url.as_deref().map(Origin::at);
    Document::ConnectStream {
        stream_url: own.as_ref().unwrap_or(origin).socket_url(&format!("/ws/telephony/{carrier}/{agent}")),
        parameters: vec![("agent_id".into(), agent.to_string()), ("token".into(), token.expose().to_owned())],
        action_url: Some(origin.with_path(&format!("/webhooks/{carrier}/action"))),
        status_callback_url: None,
        format: MediaFormat::PCMU_8K,
        fallback: Some(FAULT.into()),
    }
}

/// Lets other instances know the offer, where there may be others: the media stream may reach any of them.
async fn share(app: &App, key: &str, offer: &SharedOffer) {
    if !app.shares_live_state() {
        return;
    }
    let text = serde_json::to_string(offer).unwrap_or_default();
    if let Err(fault) = app.live_state.share_offer(key, &text, Offers::LIFETIME).await {
        warn!(error = %fault, "other instances do not know of this offer: its stream must come here");
    }
}

fn record(offer: VoiceOffer, agent: &AgentDefinition) -> CallRecord {
    CallRecord {
        id: CallId(Uuid::now_v7()),
        tenant: agent.tenant,
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
pub(super) fn dial(origin: &Origin, record: &CallRecord, number: PhoneNumber) -> Document {
    Document::Dial {
        number,
        // The number that was called: carriers refuse a caller id that is not the account's.
        caller_id: Some(record.to.expose().to_owned()).filter(|number| number.starts_with('+')),
        say_first: None,
        action_url: Some(origin.with_path(&format!("/webhooks/{}/action?after=dial", record.carrier))),
        timeout_secs: DIAL_SECONDS,
    }
}

/// Tells a caller that it is not possible: in the agent's own voice, rendered ahead, where there is one; else in the carrier's.
pub(super) fn refusal(app: &App, origin: &Origin, agent: &AgentDefinition, kind: Refusal) -> Document {
    match crate::refusals::path(app, agent.id, kind) {
        Some(path) => Document::PlayAndHangup { url: origin.with_path(&path) },
        None => say(&crate::refusals::text(agent, kind), &agent.language),
    }
}

pub(super) fn say(text: &str, language: &str) -> Document {
    Document::SayAndHangup { text: text.into(), language: Some(language.into()) }
}
