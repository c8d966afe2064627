//! What went wrong with a request, as problem details (RFC 9457): a code for programs, a sentence for people, every bad field.

mod from;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a problem (RFC 9457, 3).
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
/// Most bad fields that one answer lists.
pub(crate) const MOST_FIELDS: usize = 50;

/// One bad field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901) into the body, or the name of a query parameter.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

/// Why a request was not answered as wished.
///
/// It is a response. The layer [`crate::with_request_id`] adds the request's id to its body.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// A word for programs; it does not change.
    pub code: &'static str,
    /// The code in words.
    pub title: &'static str,
    /// What happened, to what, and what to do.
    pub detail: String,
    /// Every bad field.
    pub errors: Vec<FieldProblem>,
    /// Asking again before makes no sense.
    pub retry_after: Option<Duration>,
}

/// A problem as it is written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Written<'a> {
    /// Always `about:blank`: the code says which problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The code in words.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// A word for programs; it does not change.
    code: &'a str,
    /// What happened, to what, and what to do.
    detail: &'a str,
    /// Every bad field.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
    /// The `X-Request-Id` of the answer; it stands in the log too.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    /// A problem without bad fields.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// 400: the request cannot be read.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, "The request cannot be read", detail)
    }

    /// 401: nobody is signed in, or not any more.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Not signed in", detail)
    }

    /// 403: signed in, and not allowed.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, "Not allowed", detail)
    }

    /// 404. What belongs to another workspace looks the same.
    pub fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", format!("there is no such {what} here; look at its id"))
    }

    /// 409: it does not fit what is there.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "It does not fit what is there", detail)
    }

    /// 412: somebody changed it since it was read.
    pub fn changed(what: &str) -> Self {
        let detail = format!("the {what} was changed since you read it; read it again, and send the new ETag as If-Match");
        Self::new(StatusCode::PRECONDITION_FAILED, "changed", "Changed in the meantime", detail)
    }

    /// 422 with every bad field, at most `MOST_FIELDS` of them.
    pub fn invalid(mut errors: Vec<FieldProblem>) -> Self {
        errors.truncate(MOST_FIELDS);
        let detail = match errors.len() {
            1 => "one field is not right; see errors".to_owned(),
            count => format!("{count} fields are not right; see errors"),
        };
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Fields are not right", detail);
        Self { errors, ..problem }
    }

    /// 422 with one bad field; see [`FieldProblem`].
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldProblem { field: field.into(), message: message.into() }])
    }

    /// 429.
    pub fn too_many(retry_after: Duration) -> Self {
        let detail = format!("too many requests; try again in {} s", whole_seconds(retry_after));
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests", detail);
        Self { retry_after: Some(retry_after), ..problem }
    }

    /// 503: something this program needs is away.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        /// When to try again: a database or Redis that restarts is back within seconds.
        const RETRY: Duration = Duration::from_secs(5);
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "Not available at the moment", detail);
        Self { retry_after: Some(RETRY), ..problem }
    }

    /// 500: a fault of this program. What it was stands in the log under the request's id, not in the answer.
    pub fn internal() -> Self {
        let detail = "the program failed at this request; the log has more under the request's id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    /// Logs the fault and gives [`Problem::internal`]. `fault` must hold no personal data.
    pub fn internal_because(fault: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %fault, "a request failed");
        Self::internal()
    }

    /// The answer with the request's id in its body.
    pub(crate) fn written(&self, request_id: Option<&str>) -> Vec<u8> {
        let written = Written {
            kind: "about:blank",
            title: self.title,
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            errors: &self.errors,
            request_id,
        };
        serde_json::to_vec(&written).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.written(None)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, 11.6.1: a 401 names a way to sign in.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Rounded up, at least one: who waits that long is not early.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}
