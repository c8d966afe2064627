//! Every address the server answers, and the layers around them.

use std::time::Duration;

use ::api::{Problem, with_request_id};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::state::App;
use crate::{access, api, console, health, media_socket, metrics, refusals, webhooks};

/// A request that is not a media socket is answered within this time. Carriers wait 15 s for a document.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Longest body of a request to the console and of a webhook.
const BODY_LIMIT: usize = 64 * 1024;

/// The whole server.
pub(crate) fn router(app: App) -> Router {
    let console = console::routes().layer(from_fn_with_state(app.clone(), access::console_only));
    let answered = Router::new()
        .merge(console)
        .merge(console::public_routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(refusals::routes())
        .merge(webhooks::routes())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_LIMIT));
    // The API has limits of its own, row by row: its events stay open.
    let api = api::table(&app).into_router(&app.api);
    let secured = from_fn_with_state(app.clone(), headers);
    let unknown = Router::new().fallback(not_found).layer(from_fn(with_request_id));
    answered.merge(api).merge(media_socket::routes()).fallback_service(unknown).layer(secured).layer(CatchPanicLayer::new()).with_state(app)
}

async fn not_found() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "no_such_address", "Not found", "there is nothing at this address; /api/docs lists the API's")
        .into_response()
}

/// What every answer carries that does not say otherwise.
async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    ::api::secured(response.headers_mut(), app.is_public());
    response
}
