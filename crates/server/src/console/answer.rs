//! Pages as answers: rendered, with the headers that keep personal data out of caches and foreign scripts out of the page.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use store::StoreError;
use tracing::error;

use super::pages::{ProblemPage, Top};

/// Only our own scripts, styles and sounds; the media socket and the player are the two things a page opens.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; style-src 'self'; script-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; \
     connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What every page carries.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// A page or a part of one.
pub(super) struct Page<T>(pub(super) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(text) => Html(text).into_response(),
            Err(fault) => {
                error!(error = %fault, "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// Why there is no page.
pub(super) enum Problem {
    NoSuchCall,
    NotPermitted,
    Store(StoreError),
}

impl From<StoreError> for Problem {
    fn from(fault: StoreError) -> Self {
        Self::Store(fault)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, title, detail) = match self {
            Self::NotPermitted => {
                (StatusCode::FORBIDDEN, "This is not for you to see", "Ask an administrator of the workspace for a role that may.")
            }
            Self::NoSuchCall => (StatusCode::NOT_FOUND, "There is no such call", "It may have been deleted, or the address is cut off."),
            Self::Store(fault) => {
                error!(error = %fault, "the console could not read the records");
                (StatusCode::SERVICE_UNAVAILABLE, "The records cannot be read", "Calls go on. Load this page again in a moment.")
            }
        };
        (status, Page(ProblemPage { top: Some(Top::default()), title, detail })).into_response()
    }
}

/// Puts the headers on.
pub(super) async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
