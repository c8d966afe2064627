//! What Anthropic says when it does not do what it was asked: its body, its words.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// One refusal.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    pub(super) message: String,
    retry_after: Option<u64>,
}

impl Refusal {
    /// The request is wrong.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), retry_after: None }
    }

    pub(super) fn no_key() -> Self {
        Self { status: 401, message: "x-api-key header is required".to_owned(), retry_after: None }
    }

    /// By a status, as trouble wants it.
    pub(super) fn of_status(status: u16, retry_after: Option<u64>) -> Self {
        let message = match status {
            401 => "invalid x-api-key",
            429 => "This request would exceed your organization's rate limit.",
            529 => "Overloaded",
            _ => "Internal server error",
        };
        Self { status, message: message.to_owned(), retry_after }
    }

    fn kind(&self) -> &'static str {
        match self.status {
            400 => "invalid_request_error",
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            529 => "overloaded_error",
            _ => "api_error",
        }
    }

    /// As the error stands within a stream; a body has the id of the request beside it.
    pub(super) fn body(&self) -> Value {
        json!({ "type": "error", "error": { "type": self.kind(), "message": self.message } })
    }
}

pub(super) fn request_id() -> String {
    format!("req_{}", std::iter::repeat_with(fastrand::alphanumeric).take(24).collect::<String>())
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers = HeaderMap::new();
        if let Some(seconds) = self.retry_after {
            headers.insert("retry-after", HeaderValue::from(seconds));
        }
        let (mut body, id) = (self.body(), request_id());
        body["request_id"] = id.as_str().into();
        (status, headers, [("request-id", id)], Json(body)).into_response()
    }
}
