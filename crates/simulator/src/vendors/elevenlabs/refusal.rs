//! How ElevenLabs refuses: `{"detail":{"status","message"}}`. The names of the statuses are unverified \[U\] beyond those their SDK shows.

use axum::Json;
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) word: &'static str,
    message: String,
    retry_after: Option<u64>,
    /// The list of a validation error in the place of `{"status","message"}`.
    fields: Option<Value>,
}

impl Refusal {
    pub(super) fn new(status: u16, word: &'static str, message: impl Into<String>) -> Self {
        Self { status, word, message: message.into(), retry_after: None, fields: None }
    }

    pub(super) fn no_key() -> Self {
        Self::new(401, "needs_authorization", "Neither authorization header nor xi-api-key received, please provide one.")
    }

    pub(super) fn of_status(status: u16, retry_after: Option<u64>) -> Self {
        let refusal = match status {
            401 => Self::new(401, "invalid_api_key", "Invalid API key"),
            429 => Self::new(429, "too_many_concurrent_requests", "Too many concurrent requests for your current subscription."),
            status => Self::new(status, "internal_error", "Something went wrong."),
        };
        Self { retry_after, ..refusal }
    }

    /// A field of the body that is missing or wrong.
    pub(super) fn field(name: &str, message: &str) -> Self {
        let fields = json!([{ "loc": ["body", name], "msg": message, "type": "value_error" }]);
        Self { fields: Some(fields), ..Self::new(422, "validation_error", message) }
    }

    /// As it is said over a WebSocket, before the socket is closed with code 1008.
    pub(super) fn event(&self) -> String {
        json!({ "message": self.message, "error": self.word, "code": 1008 }).to_string()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let detail = self.fields.unwrap_or_else(|| json!({ "status": self.word, "message": self.message }));
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(json!({ "detail": detail }))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
