//! Headers of every answer (OWASP secure headers; security.md of this project's sources names them).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// Answers of the API are data: nothing in them may be run or shown as a page.
const DATA_ONLY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// Two years, as the preload lists ask for.
const STAY_WITH_TLS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Whether browsers reach this server by TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnderTls(pub(crate) bool);

/// Adds what is missing to the headers of an answer that is not for everybody to keep. `under_tls`: browsers reach this server by TLS.
pub fn secured(headers: &mut HeaderMap, under_tls: bool) {
    let mut add = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    add(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    add(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    add(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    add(HeaderName::from_static("permissions-policy"), HeaderValue::from_static("camera=(), geolocation=(), microphone=(self)"));
    add(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    add(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    if under_tls {
        add(header::STRICT_TRANSPORT_SECURITY, STAY_WITH_TLS);
    }
}

/// Middleware of the API: [`secured`], and nothing is kept or run.
pub(crate) async fn of_data(State(UnderTls(under_tls)): State<UnderTls>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    secured(headers, under_tls);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(DATA_ONLY);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
