//! What OpenAI says when it does not do what it was asked: its body, its words.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// One refusal.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    kind: Option<&'static str>,
    pub(super) message: String,
    param: Option<String>,
    pub(super) code: Option<String>,
    retry_after: Option<u64>,
}

impl Refusal {
    fn new(status: u16, kind: &'static str, message: impl Into<String>, code: Option<&str>) -> Self {
        Self { status, kind: Some(kind), message: message.into(), param: None, code: code.map(str::to_owned), retry_after: None }
    }

    /// The request is wrong.
    pub(super) fn invalid(message: impl Into<String>, param: Option<String>, code: Option<&str>) -> Self {
        Self { param, ..Self::new(400, "invalid_request_error", message, code) }
    }

    pub(super) fn no_key() -> Self {
        let message = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth \
                       (i.e. Authorization: Bearer YOUR_KEY).";
        Self::new(401, "invalid_request_error", message, None)
    }

    pub(super) fn no_model(name: &str) -> Self {
        let message = format!("The model '{name}' does not exist or you do not have access to it.");
        Self::new(404, "invalid_request_error", message, Some("model_not_found"))
    }

    /// Azure counts statuses among its codes.
    pub(super) fn azure_key() -> Self {
        let message = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active \
                       subscription and use a correct regional API endpoint for your resource.";
        Self { kind: None, ..Self::new(401, "", message, Some("401")) }
    }

    /// Azure, without a version of the API.
    pub(super) fn azure_not_found() -> Self {
        Self { kind: None, ..Self::new(404, "", "Resource not found", Some("404")) }
    }

    /// By a status, as trouble wants it.
    pub(super) fn of_status(status: u16, retry_after: Option<u64>) -> Self {
        let refusal = match status {
            401 => Self::new(401, "invalid_request_error", "Incorrect API key provided.", Some("invalid_api_key")),
            429 => Self::new(429, "requests", "Rate limit reached for requests per min (RPM).", Some("rate_limit_exceeded")),
            503 => Self::new(503, "server_error", "The server is currently overloaded with other requests.", None),
            _ => Self::new(status, "server_error", "The server had an error while processing your request.", None),
        };
        Self { retry_after, ..refusal }
    }

    /// As the error stands within a stream.
    pub(super) fn in_stream(&self) -> String {
        format!("data: {}\n\n", self.body())
    }

    fn body(&self) -> serde_json::Value {
        let (kind, param, code) = (self.kind, &self.param, &self.code);
        json!({ "error": { "message": self.message, "type": kind, "param": param, "code": code } })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers = HeaderMap::new();
        if let Some(seconds) = self.retry_after {
            headers.insert("retry-after", HeaderValue::from(seconds));
        }
        (status, headers, Json(self.body())).into_response()
    }
}
