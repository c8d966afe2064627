//! What carriers ask us: what to do with a call, how it went, and how it goes on. Signatures are checked on the raw body before anything is read.

mod answer;
mod signed;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use call::{Carrier, EndReason};
use dispatch::Continuation;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use telephony::{Document, StatusReport, VoiceOffer, WebhookError, telnyx, twilio};
use tracing::{error, info, warn};

use crate::state::App;
pub(crate) use answer::answer;
use signed::{Signed, SignedTelnyx, SignedTwilio};

/// What stands in a webhook's address.
#[derive(Debug, Deserialize, Default)]
pub(crate) struct Wanted {
    /// Id or name of the agent; signed with the address, so it can be trusted. Not given: the called number decides.
    #[serde(alias = "agent_id")]
    agent: Option<String>,
    /// Set when a transfer's outcome is reported.
    after: Option<String>,
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
    match parse_voice(S::CARRIER, request.body(), request.content_type()) {
        Ok(offer) => document(S::CARRIER, answer(&app, request.origin(), offer, wanted.agent.as_deref()).await),
        Err(fault) => bad_request(S::CARRIER, &fault),
    }
}

/// The media stream is over: how does the call go on?
async fn action<S: Signed>(State(app): State<App>, Query(wanted): Query<Wanted>, request: S) -> Response {
    let call = match parse_voice(S::CARRIER, request.body(), request.content_type()) {
        Ok(offer) => offer,
        Err(fault) => return bad_request(S::CARRIER, &fault),
    };
    let next = match (app.continuations.get(S::CARRIER, &call.carrier_call_id), wanted.after.as_deref()) {
        (Continuation::Hangup, _) => Document::Hangup,
        (Continuation::Dial { number, .. }, None) => answer::dial(request.origin(), S::CARRIER, number, &call),
        (Continuation::Dial { language, .. }, Some(_)) => answer::after_dial(request.body(), &language),
    };
    document(S::CARRIER, next)
}

/// How a call goes, in the carrier's words.
async fn status<S: Signed>(State(app): State<App>, request: S) -> Response {
    let report = match parse_status(S::CARRIER, request.body(), request.content_type()) {
        Ok(report) => report,
        Err(fault) => return bad_request(S::CARRIER, &fault),
    };
    if let Err(response) = store_status(&app, S::CARRIER, &report).await {
        return response;
    }
    axum::Json(json!({ "status": "received" })).into_response()
}

async fn store_status(app: &App, carrier: Carrier, report: &StatusReport) -> Result<(), Response> {
    let Some(status) = report.status else {
        info!(carrier = carrier.as_str(), raw = report.raw, "the carrier reports a status we do not know");
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
    if status.is_final()
        && let Some(offer) = app.offers.withdraw(carrier, &report.carrier_call_id)
    {
        records.end_call(offer.record.id, now, EndReason::NotConnected).await.map_err(unavailable)?;
    }
    Ok(())
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
