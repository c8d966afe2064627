//! Versions of what is changed: `ETag` in answers, `If-Match` in changes (RFC 9110, 8.8.3 and 13).

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Problem;

/// One thing with its version: JSON with an `ETag`. A reader who has it already gets 304 from the table's layer.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// The status: 200, or 201 for what was made.
    pub status: StatusCode,
    /// Counts its changes.
    pub version: i64,
    /// The thing.
    pub body: T,
}

impl<T> Versioned<T> {
    /// 200.
    pub fn ok(version: i64, body: T) -> Self {
        Self { status: StatusCode::OK, version, body }
    }

    /// 201.
    pub fn created(version: i64, body: T) -> Self {
        Self { status: StatusCode::CREATED, version, body }
    }
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Ok(tag) = HeaderValue::from_str(&tag(self.version)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// `"v3"`
pub(crate) fn tag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// The version that the sender of a change has read; none: whatever version there is, also for `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(&parts.headers).map(Self)
    }
}

fn read(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let mut given = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" && given.next().is_none() {
        return Ok(None);
    }
    let one = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|tag| !tag.contains('"'));
    match one {
        Some(tag) if given.next().is_none() => {
            // A tag that is not ours matches nothing that is here.
            let version = tag.strip_prefix('v').and_then(|digits| digits.parse().ok());
            version.map(Some).ok_or_else(|| Problem::changed("resource"))
        }
        // A weak tag matches nothing either (RFC 9110, 13.1.1).
        _ if text.starts_with("W/\"") => Err(Problem::changed("resource")),
        _ => Err(Problem::bad_request("if_match", "If-Match must be one ETag as it was answered, such as \"v3\"")),
    }
}

/// What a reader gets who has this version already: no body.
pub(crate) fn not_modified(method: &Method, asked: Option<&HeaderValue>, response: Response) -> Response {
    let reads = matches!(*method, Method::GET | Method::HEAD) && response.status() == StatusCode::OK;
    let known = |tag: &HeaderValue| asked.and_then(|asked| asked.to_str().ok()).is_some_and(|asked| is_among(tag, asked));
    if !reads || !response.headers().get(header::ETAG).is_some_and(known) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, axum::body::Body::empty())
}

/// The weak comparison (RFC 9110, 13.1.2).
fn is_among(tag: &HeaderValue, asked: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = plain(tag.to_str().unwrap_or_default());
    asked.split(',').any(|one| one.trim() == "*" || plain(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(text: &'static str) -> Result<Option<i64>, StatusCode> {
        read(&[(header::IF_MATCH, HeaderValue::from_static(text))].into_iter().collect()).map_err(|problem| problem.status)
    }

    #[test]
    fn if_match_is_one_tag_of_ours() {
        assert_eq!(read(&HeaderMap::new()), Ok(None));
        assert_eq!((if_match("\"v3\""), if_match(" \"v12\" "), if_match("*")), (Ok(Some(3)), Ok(Some(12)), Ok(None)));
        for stale in ["\"abc\"", "\"v\"", "\"v9x\"", "W/\"v3\""] {
            assert_eq!(if_match(stale), Err(StatusCode::PRECONDITION_FAILED), "{stale}");
        }
        for unreadable in ["v3", "\"v3", "\"v3\", \"v4\"", ""] {
            assert_eq!(if_match(unreadable), Err(StatusCode::BAD_REQUEST), "{unreadable}");
        }
    }

    #[test]
    fn who_has_the_version_gets_no_body_and_who_writes_does() {
        let status = |method: Method, asked: &'static str| {
            not_modified(&method, Some(&HeaderValue::from_static(asked)), Versioned::ok(3, "x").into_response()).status()
        };
        for known in ["\"v3\"", "W/\"v3\"", "\"v1\", \"v3\"", "*"] {
            assert_eq!(status(Method::GET, known), StatusCode::NOT_MODIFIED, "{known}");
        }
        assert_eq!(status(Method::GET, "\"v4\""), StatusCode::OK);
        assert_eq!(status(Method::PATCH, "\"v3\""), StatusCode::OK);
    }
}
