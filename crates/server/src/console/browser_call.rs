//! A call from the browser: offered like a carrier's call, so that everything behind it is the same.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use call::{AgentId, CallId, CallRecord, Carrier, Direction, PhoneNumber, TenantId};
use people::Permission;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telephony::{Document, VoiceOffer};
use tracing::error;
use uuid::Uuid;

use crate::access::Viewer;
use crate::directory::Answers;
use crate::origin::Origin;
use crate::state::App;
use crate::webhooks::Asked;

/// Where browser calls come from, and the number they call.
const FROM: &str = "client:browser";
/// See [`FROM`].
pub(super) const TO: &str = "client:console";

/// True for a call that came from a browser: no carrier is behind it.
pub(crate) fn is_browser_call(record: &CallRecord) -> bool {
    record.from.expose() == FROM
}

/// Whom to call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// Id or name; without it the agent that answers the console's number.
    agent: Option<String>,
}

/// What the browser needs for its media stream.
#[derive(Serialize)]
struct Placed {
    call_sid: String,
    call_id: Option<CallId>,
    stream_path: String,
    parameters: BTreeMap<String, String>,
}

/// `POST /console/calls`. JSON only: a foreign page cannot send that without asking first.
pub(super) async fn place(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    viewer: Viewer,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Response {
    if !viewer.principal.may(Permission::CallStart) {
        return refuse(StatusCode::FORBIDDEN, "this needs the permission call:start; ask an administrator of the workspace");
    }
    let Some(agent) = chosen(&app, viewer.tenant, wish.agent.as_deref()) else {
        return refuse(StatusCode::NOT_FOUND, "there is no such agent in this workspace");
    };
    if !is_same_origin(&headers) {
        return refuse(StatusCode::FORBIDDEN, "calls are placed from the console's own pages only");
    }
    let Some(origin) = Origin::of(&app.settings, peer, &headers) else {
        return refuse(StatusCode::BAD_REQUEST, "the Host header is missing or malformed");
    };
    let call_sid = format!("BR{}", Uuid::new_v4().simple());
    let document =
        crate::webhooks::answer(&app, &origin, offer(&call_sid), &Asked { agent: Some(agent.to_string()), ..Asked::default() }).await;
    match document {
        Document::ConnectStream { stream_url, parameters, .. } => connect(&app, call_sid, &stream_url, parameters).await,
        Document::SayAndHangup { text, .. } => refuse(StatusCode::SERVICE_UNAVAILABLE, &text),
        Document::PlayAndHangup { .. } => {
            refuse(StatusCode::SERVICE_UNAVAILABLE, "all lines are busy at the moment; try again in a few minutes")
        }
        _ => refuse(StatusCode::SERVICE_UNAVAILABLE, "the call was not taken"),
    }
}

/// An agent of the workspace, by id or name; without either, the one that answers the console's number, else the first.
fn chosen(app: &App, tenant: TenantId, wish: Option<&str>) -> Option<AgentId> {
    let agents = app.directory.of(tenant);
    let found = match (wish, app.directory.for_number(&PhoneNumber::new(TO))) {
        (Some(wish), _) => {
            let id = wish.parse().ok();
            agents.iter().find(|agent| Some(agent.id) == id || agent.name.eq_ignore_ascii_case(wish))
        }
        (None, Some(Answers::Agent(usual))) if agents.iter().any(|agent| agent.id == usual.id) => return Some(usual.id),
        (None, _) => agents.first(),
    };
    found.map(|agent| agent.id)
}

async fn connect(app: &App, call_sid: String, stream_url: &str, parameters: Vec<(String, String)>) -> Response {
    let call_id = match app.services.records.call_by_carrier(Carrier::Twilio, &call_sid).await {
        Ok(call) => call.map(|call| call.id),
        Err(fault) => {
            error!(error = %fault, "the record of a browser call could not be read");
            None
        }
    };
    match stream_path(stream_url) {
        Some(stream_path) => Json(Placed { call_sid, call_id, stream_path, parameters: parameters.into_iter().collect() }).into_response(),
        None => {
            error!("the stream's address has no path");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "the call could not be connected")
        }
    }
}

fn offer(call_sid: &str) -> VoiceOffer {
    VoiceOffer {
        carrier: Carrier::Twilio,
        carrier_call_id: call_sid.to_owned(),
        account: None,
        from: PhoneNumber::new(FROM),
        to: PhoneNumber::new(TO),
        direction: Direction::Inbound,
    }
}

/// Browsers say where a request comes from; programs do not.
fn is_same_origin(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin")
}

/// The page knows the host: it may be reached under another name than carriers use.
fn stream_path(url: &str) -> Option<String> {
    Some(url.parse::<Uri>().ok()?.path_and_query()?.to_string())
}

fn refuse(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_page_cannot_place_calls() {
        let from = |site: &'static str| is_same_origin(&[("sec-fetch-site".parse().unwrap(), site.parse().unwrap())].into_iter().collect());
        assert!(from("same-origin") && is_same_origin(&HeaderMap::new()));
        assert!(!from("cross-site") && !from("same-site") && !from("none"));
    }

    #[test]
    fn only_the_path_of_the_stream_is_given() {
        let path = stream_path("wss://voice.example.com/ws/telephony/twilio/1");
        assert_eq!(path.as_deref(), Some("/ws/telephony/twilio/1"));
    }
}
