//! Pages of other origins: none, unless they are named.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Browsers ask again after this long; they cap it at ten minutes to two hours anyway.
const ASK_AGAIN: Duration = Duration::from_secs(600);

/// The layer for these origins, or none when there are none. Cookies never go along: pages elsewhere bring a token.
pub(crate) fn layer(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let name = HeaderName::from_static;
    let allowed = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        name("idempotency-key"),
        name("x-request-id"),
    ];
    let shown = [
        header::ETAG,
        header::LOCATION,
        header::RETRY_AFTER,
        name("idempotency-replayed"),
        name("ratelimit"),
        name("ratelimit-policy"),
        name("x-request-id"),
    ];
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(allowed)
        .expose_headers(shown)
        .max_age(ASK_AGAIN);
    Some(layer)
}
