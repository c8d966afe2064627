//! Pages about people: one's own account, and who works in the workspace. What they show and change is the API's; they hold nothing themselves.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use fast_qr::QRBuilder;
use fast_qr::convert::svg::SvgBuilder;
use people::Permission;
use serde::Deserialize;

use super::answer::{Page, Problem};
use super::pages::{AccountPage, PeoplePage, Top};
use crate::access::Viewer;
use crate::state::App;

/// Longest text that is drawn, bytes: an authenticator's address has about 150, and more would make a code too fine for a camera.
const QR_TEXT: usize = 512;

/// `GET /account`: for everybody with an account, in a workspace or not.
pub(super) async fn account(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap) -> Response {
    match api::authenticated(&app.api, &headers, peer).await {
        Ok(principal) if principal.user().is_some() => Page(AccountPage { top: Top::of(&principal) }).into_response(),
        // Operators and keys have none.
        Ok(_) => Redirect::to("/").into_response(),
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => Redirect::to("/sign-in").into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// What is to be drawn.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drawn {
    text: String,
}

/// `POST /account/qr`: a text as a QR code. Drawn here, because what an authenticator app is told must not go to a stranger. JSON only: a foreign
/// page cannot send that without asking first.
pub(super) async fn qr(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Json(drawn): Json<Drawn>,
) -> Response {
    if let Err(problem) = api::authenticated(&app.api, &headers, peer).await {
        return problem.into_response();
    }
    let code = (drawn.text.len() <= QR_TEXT).then(|| QRBuilder::new(drawn.text).build().ok()).flatten();
    match code {
        Some(code) => ([(header::CONTENT_TYPE, "image/svg+xml")], SvgBuilder::default().to_str(&code)).into_response(),
        None => api::Problem::invalid_field("/text", format!("must have at most {QR_TEXT} bytes")).into_response(),
    }
}

/// `GET /people`: who works in the workspace.
pub(super) async fn people(viewer: Viewer) -> Result<impl IntoResponse, Problem> {
    if !viewer.principal.may(Permission::UserView) {
        return Err(Problem::NotPermitted);
    }
    Ok(Page(PeoplePage { top: Top::of(&viewer.principal), invites: viewer.principal.may(Permission::UserCreate) }))
}
