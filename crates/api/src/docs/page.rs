//! The page that shows the document: HTML, one script, one style, all from this program.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// Nothing but the page's own parts, and nothing inline.
const OWN_PARTS_ONLY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The page
#[utoipa::path(
    get, path = "/api/docs", operation_id = "getDocumentPage", tag = "Documentation",
    responses((status = 200, description = "A page to read the document with.", content_type = "text/html", body = String))
)]
pub(super) async fn html() -> Response {
    part("text/html; charset=utf-8", include_str!("../../assets/docs.html"))
}

/// The page's script
#[utoipa::path(
    get, path = "/api/docs/docs.js", operation_id = "getDocumentScript", tag = "Documentation",
    responses((status = 200, description = "The page's script.", content_type = "text/javascript", body = String))
)]
pub(super) async fn script() -> Response {
    part("text/javascript; charset=utf-8", include_str!("../../assets/docs.js"))
}

/// The page's style
#[utoipa::path(
    get, path = "/api/docs/docs.css", operation_id = "getDocumentStyle", tag = "Documentation",
    responses((status = 200, description = "The page's style.", content_type = "text/css", body = String))
)]
pub(super) async fn style() -> Response {
    part("text/css; charset=utf-8", include_str!("../../assets/docs.css"))
}

fn part(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, OWN_PARTS_ONLY),
    ];
    (headers, text).into_response()
}
