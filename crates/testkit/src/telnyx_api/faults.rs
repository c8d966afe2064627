//! Refusals as the carrier writes them, and troubles that a test asks for.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::calls::Refusal;
use super::{Shared, lock};

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum ApiFault {
    /// Answered with this status and a list of one error. Nothing is obeyed.
    Status(u16),
    /// Answered with 429 and, when given, this `Retry-After` in seconds.
    Throttle(Option<u64>),
    /// Obeyed, but the answer never comes.
    ObeyThenStall,
    /// Obeyed, but the connection breaks in the middle of the answer.
    ObeyThenBreak,
    /// Not obeyed; the answer has this status and body.
    Raw(u16, String),
}

/// Applies the next fault, else looks at the key.
pub(super) async fn gate(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let fault = {
        let mut faults = lock(&shared.faults);
        if faults.is_empty() { None } else { Some(faults.remove(0)) }
    };
    match fault {
        Some(ApiFault::Status(status)) => error(code(status), "10000", "Simulated fault"),
        Some(ApiFault::Throttle(seconds)) => {
            let mut response = error(StatusCode::TOO_MANY_REQUESTS, "10011", "Too many requests");
            if let Some(seconds) = seconds {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        Some(ApiFault::Raw(status, body)) => (code(status), body).into_response(),
        Some(ApiFault::ObeyThenStall) => {
            next.run(request).await;
            // Longer than any client waits; the connection goes with the client.
            tokio::time::sleep(Duration::from_secs(3600)).await;
            code(504).into_response()
        }
        Some(ApiFault::ObeyThenBreak) => {
            next.run(request).await;
            let broken = futures_util::stream::iter([Ok("{\"data\":"), Err(std::io::Error::other("the line is cut"))]);
            Response::new(Body::from_stream(broken))
        }
        None if authorized(&shared, &request) => next.run(request).await,
        None => error(StatusCode::UNAUTHORIZED, "10009", "Authentication failed"),
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn authorized(shared: &Shared, request: &Request) -> bool {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    given.and_then(|value| value.strip_prefix("Bearer ")) == Some(shared.key.as_str())
}

/// A list of one error; `code` is a string (telnyx.md 2).
pub(super) fn error(status: StatusCode, code: &str, title: &str) -> Response {
    let errors =
        json!({ "errors": [{ "code": code, "title": title, "detail": title, "meta": { "url": "https://developers.telnyx.com" } }] });
    (status, Json(errors)).into_response()
}

pub(super) fn refused(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::UnknownCall => error(StatusCode::NOT_FOUND, "10005", "Resource not found"),
        Refusal::Ended => error(StatusCode::UNPROCESSABLE_ENTITY, "90018", "Call has already ended"),
        Refusal::NotAnswered => error(StatusCode::UNPROCESSABLE_ENTITY, "90034", "Call not answered yet"),
        Refusal::Streaming => error(StatusCode::UNPROCESSABLE_ENTITY, "90045", "Media streaming is already in progress"),
        Refusal::Invalid(what) => error(StatusCode::UNPROCESSABLE_ENTITY, "10015", what),
        Refusal::UnknownAction => error(StatusCode::NOT_FOUND, "10005", "Resource not found"),
    }
}
