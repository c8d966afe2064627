//! One id for each request: in its answer, its problem, its log lines and the audit trail.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use crate::problem::Problem;

/// The header that brings and answers it.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over, bytes: a UUID or a trace id with room to spare.
const LONGEST: usize = 64;

/// The id of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Its text: letters, digits, `.`, `_`, `-`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the sender gave, when it is fit for log lines, else a new one.
    fn of(headers: &HeaderMap) -> Self {
        let fits = |text: &&str| {
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let given = headers.get(&HEADER).and_then(|value| value.to_str().ok()).filter(fits);
        Self(given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }
}

/// Middleware around everything: gives the request its id, writes one log line when it is answered. A request that has an id already passes.
pub async fn with_request_id(mut request: Request, next: Next) -> Response {
    if request.extensions().get::<RequestId>().is_some() {
        return next.run(request).await;
    }
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    // The path's pattern, not the path: ids and numbers of people may stand there.
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", request_id = id.as_str(), method = %request.method(), route);
    let begun = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, ms) = (response.status().as_u16(), begun.elapsed().as_secs_f64() * 1000.0);
    span.in_scope(|| match status {
        500.. => tracing::warn!(status, ms, "answered"),
        _ => tracing::debug!(status, ms, "answered"),
    });
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = Body::from(problem.written(Some(id.as_str())));
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_would_break_a_log_line_is_replaced() {
        let id = |text: &[u8]| RequestId::of(&[(HEADER, HeaderValue::from_bytes(text).unwrap())].into_iter().collect()).0;
        assert_eq!(id(b"trace-1.a_B"), "trace-1.a_B");
        for bad in [&b""[..], b"a b", b"a\tb", b"\xc3\xa4", b"<script>", &[b'a'; 65]] {
            assert_eq!(Uuid::parse_str(&id(bad)).unwrap().get_version_num(), 7);
        }
    }
}
