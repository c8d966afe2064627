//! Every address the server answers, and the layers around them.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::state::App;
use crate::{access, api, console, health, media_socket, metrics, refusals, webhooks};

/// A request that is not a media socket is answered within this time. Carriers wait 15 s for a document.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Longest body of a request to the API and the console.
const BODY_LIMIT: usize = 64 * 1024;

/// The whole server.
pub(crate) fn router(app: App) -> Router {
    let operators =
        Router::new().merge(api::routes()).merge(console::routes()).layer(from_fn_with_state(app.clone(), access::operators_only));
    let answered = Router::new()
        .merge(operators)
        .merge(console::public_routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(refusals::routes())
        .merge(webhooks::routes())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_LIMIT));
    answered.merge(media_socket::routes()).fallback(not_found).layer(from_fn(headers)).layer(CatchPanicLayer::new()).with_state(app)
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "detail": "there is nothing at this address" }))).into_response()
}

/// What every answer carries.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
