//! How OpenAI refuses: `{"error":{"message","type","param","code"}}`.

use axum::Json;
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::json;

#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<&'static str>,
    message: String,
    retry_after: Option<u64>,
}

impl Refusal {
    fn new(status: u16, kind: &'static str, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status, kind, code, param: None, message: message.into(), retry_after: None }
    }

    pub(super) fn no_key() -> Self {
        Self::new(401, "invalid_request_error", None, "You didn't provide an API key.")
    }

    pub(super) fn of_status(status: u16, retry_after: Option<u64>) -> Self {
        let refusal = match status {
            401 => Self::new(401, "invalid_request_error", Some("invalid_api_key"), "Incorrect API key provided."),
            429 => Self::new(429, "requests", Some("rate_limit_exceeded"), "Rate limit reached."),
            status => Self::new(status, "server_error", None, "The server had an error while processing your request."),
        };
        Self { retry_after, ..refusal }
    }

    /// A field that is missing or wrong.
    pub(super) fn field(param: &'static str, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { param: Some(param), ..Self::new(400, "invalid_request_error", code, message) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = json!({ "message": self.message, "type": self.kind, "param": self.param, "code": self.code });
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
