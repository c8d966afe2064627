//! What carriers ask us: what to do with a call, how it went, and how it goes on. Signatures are checked on the raw body before anything is read.

mod answer;
mod call_control;
pub(crate) mod elsewhere;
mod rates;
mod resume;
mod signed;
mod transfer;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use call::{CallRecord, Carrier, EndReason};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use telephony::{Document, StatusReport, VoiceOffer, WebhookError, telnyx, twilio};
use tracing::{error, info, warn};

use crate::state::App;
pub(crate) use answer::{Asked, CUT_OFF, answer, queue_up as wait};
use signed::{Signed, SignedTelnyx, SignedTwilio};

/// What stands in a webhook's address.
#[derive(Debug, Deserialize, Default)]
pub(crate) struct Wanted {
    /// Id or name of the agent; signed with the address, so it can be trusted. Not given: the called number decides.
    #[serde(alias = "agent_id")]
    agent: Option<String>,
    /// Set when a transfer's outcome is reported.
    after: Option<String>,
    /// How often the call was sent on to another instance.
    #[serde(default)]
    hop: u8,
    /// How urgent the call is, should it have to wait: from -1000 to 1000.
    #[serde(default)]
    priority: i32,
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/webhooks/twilio/voice", post(voice::<SignedTwilio>))
        .route("/webhooks/twilio/answer", post(voice::<SignedTwilio>))
        .route("/webhooks/twilio/action", post(action::<SignedTwilio>))
        .route("/webhooks/twilio/status", post(status::<SignedTwilio>))
        .route("/webhooks/telnyx/voice", post(voice::<SignedTelnyx>))
        .route("/webhooks/telnyx/answer", post(voice::<SignedTelnyx>))
        .route("/webhooks/telnyx/action", post(action::<SignedTelnyx>))
        .route("/webhooks/telnyx/status", post(status::<SignedTelnyx>))
}

async fn voice<S: Signed>(State(app): State<App>, Query(wanted): Query<Wanted>, request: S) -> Response {
    let asked = Asked { agent: wanted.agent, hop: wanted.hop, priority: wanted.priority };
    if let Some(control) = app.call_control.as_ref().filter(|_| is_call_control::<S>(&request)) {
        return match telnyx::webhook::parse_event(request.body()) {
            Ok(event) => call_control::event(&app, control, request.origin(), event, &asked).await,
            Err(fault) => bad_request(S::CARRIER, &fault),
        };
    }
    match parse_voice(S::CARRIER, request.body(), request.content_type()) {
        Ok(offer) => document(S::CARRIER, answer(&app, request.origin(), offer, &asked).await),
        Err(fault) => bad_request(S::CARRIER, &fault),
    }
}

/// True for a JSON event: forms are TeXML's, and are answered with documents.
fn is_call_control<S: Signed>(request: &S) -> bool {
    S::CARRIER == Carrier::Telnyx && request.content_type().is_some_and(|kind| kind.starts_with("application/json"))
}

/// The media stream, or a transfer, is over: how does the call go on?
async fn action<S: Signed>(State(app): State<App>, Query(wanted): Query<Wanted>, request: S) -> Response {
    let call = match parse_voice(S::CARRIER, request.body(), request.content_type()) {
        Ok(offer) => offer,
        Err(fault) => return bad_request(S::CARRIER, &fault),
    };
    if let Ok(report) = parse_status(S::CARRIER, request.body(), request.content_type())
        && wanted.after.is_none()
        && report.status.is_some_and(call::CallStatus::is_final)
    {
        // The caller has hung up: there is nothing to go on with.
        return match store_status(&app, S::CARRIER, &report).await {
            Ok(()) => document(S::CARRIER, Document::Hangup),
            Err(response) => response,
        };
    }
    let dialled = match wanted.after.as_ref().map(|_| told_of_dial::<S>(&request)).transpose() {
        Ok(dialled) => dialled,
        Err(fault) => return bad_request(S::CARRIER, &fault),
    };
    let after = resume::After { call, dialled, hop: wanted.hop };
    document(S::CARRIER, resume::next_document(&app, request.origin(), after).await)
}

/// A transfer is over. A caller who has hung up is told of in the same question.
fn told_of_dial<S: Signed>(request: &S) -> Result<transfer::Told, WebhookError> {
    let outcome = telephony::parse_dial(request.body())?;
    let report = parse_status(S::CARRIER, request.body(), request.content_type());
    let caller_left = report.is_ok_and(|report| report.status.is_some_and(call::CallStatus::is_final));
    Ok(transfer::Told { outcome, caller_left, was_dialled: true })
}

/// How a call goes, in the carrier's words.
async fn status<S: Signed>(State(app): State<App>, request: S) -> Response {
    let report = match parse_status(S::CARRIER, request.body(), request.content_type()) {
        Ok(report) => report,
        Err(fault) => return bad_request(S::CARRIER, &fault),
    };
    reported(&app, S::CARRIER, &report).await
}

async fn reported(app: &App, carrier: Carrier, report: &StatusReport) -> Response {
    if let Err(response) = store_status(app, carrier, report).await {
        return response;
    }
    axum::Json(json!({ "status": "received" })).into_response()
}

async fn store_status(app: &App, carrier: Carrier, report: &StatusReport) -> Result<(), Response> {
    let Some(status) = report.status else {
        // Carriers' words have no digits and no spaces: what has is something else, and maybe somebody's.
        let is_word = report.raw.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_.:".contains(&byte));
        let word = if is_word { report.raw.as_str() } else { "(no word)" };
        info!(carrier = carrier.as_str(), word, "the carrier reports a status we do not know");
        return Ok(());
    };
    let records = &app.services.records;
    let now = Timestamp::now();
    let unavailable = |fault: store::StoreError| {
        error!(error = %fault, "status report not stored");
        // The carrier repeats a webhook that was not taken.
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "2")]).into_response()
    };
    let known = records.report_status(carrier, &report.carrier_call_id, status, &report.raw, now).await.map_err(unavailable)?;
    if !known {
        info!(carrier = carrier.as_str(), "the carrier reports on a call we do not know");
        return Ok(());
    }
    if status.is_final() {
        over(app, carrier, &report.carrier_call_id).await.map_err(unavailable)?;
    }
    Ok(())
}

/// The carrier says that the call is over. A call that is live here learns it from its stream, and knows better why.
async fn over(app: &App, carrier: Carrier, carrier_call_id: &str) -> Result<(), store::StoreError> {
    let records = &app.services.records;
    if let Some(offer) = app.offers.withdraw(carrier, carrier_call_id) {
        app.waiting.give_up(carrier_call_id, live::Leaving::Abandoned).await;
        // The offer may be older than its end.
        if let Some(record) = records.call(offer.record.id).await?.filter(|record| record.ended_at.is_none()) {
            let why = if record.answered_at.is_some() { EndReason::CallerHungUp } else { EndReason::NotConnected };
            crate::calls::end_interrupted(app, &record, why).await;
        }
        return Ok(());
    }
    let Some(record) = records.call_by_carrier(carrier, carrier_call_id).await?.filter(|record| record.ended_at.is_none()) else {
        return Ok(());
    };
    // No agent is there: the caller was with a person, or on the way.
    if let Some(call::NextStep::Dial(dial)) = records.next_step(carrier, carrier_call_id).await? {
        return transfer::line_down(app, &record, &dial).await;
    }
    // Its stream broke off and it was open for resume: nobody will ask for it any more.
    let ours = records.claimed_by(record.id).await?.is_none_or(|instance| instance == app.instance().as_str());
    if !app.live.contains(record.id) && (ours || is_let_go(app, &record).await) {
        app.waiting.gone(carrier_call_id).await;
        crate::calls::end_interrupted(app, &record, EndReason::CallerHungUp).await;
    }
    Ok(())
}

/// True when a call has been talked in and is live on no instance.
async fn is_let_go(app: &App, record: &CallRecord) -> bool {
    if record.answered_at.is_none() || !app.shares_live_state() || !app.settings.call_centre.registry {
        return false;
    }
    let live = app.live_state.active_calls().await;
    live.is_ok_and(|calls| calls.iter().all(|entry| entry.call_id != record.carrier_call_id))
}

fn parse_voice(carrier: Carrier, body: &[u8], content_type: Option<&str>) -> Result<VoiceOffer, WebhookError> {
    match carrier {
        Carrier::Twilio => twilio::webhook::parse_voice(body),
        Carrier::Telnyx => telnyx::webhook::parse_voice(body, content_type),
    }
}

fn parse_status(carrier: Carrier, body: &[u8], content_type: Option<&str>) -> Result<StatusReport, WebhookError> {
    match carrier {
        Carrier::Twilio => twilio::webhook::parse_status(body),
        Carrier::Telnyx => telnyx::webhook::parse_status(body, content_type),
    }
}

fn bad_request(carrier: Carrier, fault: &WebhookError) -> Response {
    warn!(carrier = carrier.as_str(), error = %fault, "webhook refused: it is signed, but it is not what the carrier documents");
    (StatusCode::BAD_REQUEST, axum::Json(json!({ "detail": fault.to_string() }))).into_response()
}

fn document(carrier: Carrier, document: Document) -> Response {
    match document.render(carrier) {
        Ok(xml) => ([(header::CONTENT_TYPE, "application/xml")], xml).into_response(),
        Err(fault) => {
            error!(error = %fault, "the answer document cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
