//! How Deepgram refuses a request: a status, its word in the body, and both in headers, for clients that see no body of a failed upgrade.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::Act;

/// A refusal. The words are those of Deepgram's answers; that of 429 is unverified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_QUERY_PARAMETER", message)
    }

    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    fn of(status: u16, retry_after: Option<u64>) -> Self {
        let (code, message) = match status {
            401 => ("INVALID_AUTH", "Invalid credentials."),
            429 => ("TOO_MANY_REQUESTS", "Too many requests. Please try again later."),
            _ => ("INTERNAL_SERVER_ERROR", "An internal error occurred."),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { retry_after, ..Self::new(status, code, message) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let id = request_id();
        let body = json!({"err_code": self.code, "err_msg": self.message, "request_id": id});
        let mut response = (self.status, [("dg-error", self.code), ("dg-request-id", id.as_str())], Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What is refused whatever is asked: trouble, and a key that is none.
pub(super) fn look(act: &Act, headers: &HeaderMap) -> Result<(), Refusal> {
    if let Some((status, retry_after)) = act.refusal() {
        return Err(Refusal::of(status, retry_after));
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, key) = authorization.split_once(' ').unwrap_or_default();
    let known = ["token", "bearer"].contains(&scheme.to_ascii_lowercase().as_str()) && !key.trim().is_empty() && key != "wrong-key";
    if known { Ok(()) } else { Err(Refusal::of(401, None)) }
}

/// As Deepgram's: a UUID.
pub(super) fn request_id() -> String {
    let bits = fastrand::u128(..);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
