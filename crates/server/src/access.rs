//! Who may use the API and the console: the holder of the operator token, or, while none is set, somebody on this machine.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use subtle::ConstantTimeEq;

use crate::state::App;

/// Cookie that carries the operator token in a browser.
const COOKIE: &str = "voicenoob_operator";

/// Lets operators pass.
pub(crate) async fn operators_only(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if !request.method().is_safe() && is_cross_site(request.headers()) {
        let detail = "a page of another site may not change anything here";
        return (StatusCode::FORBIDDEN, axum::Json(serde_json::json!({ "detail": detail }))).into_response();
    }
    if allowed(&app, peer, request.headers()) {
        return next.run(request).await;
    }
    let browser =
        request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    if browser && app.settings.operator_token.is_some() {
        return Redirect::to("/sign-in").into_response();
    }
    let (status, detail) = match app.settings.operator_token {
        Some(_) => {
            (StatusCode::UNAUTHORIZED, "send the operator token: Authorization: Bearer ..., or open /sign-in?token=... once in the browser")
        }
        None => (StatusCode::FORBIDDEN, "this address answers only on the machine itself; set OPERATOR_TOKEN to open it to operators"),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(serde_json::json!({ "detail": detail }))).into_response()
}

/// Browsers say where a request comes from; programs do not.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// True for a request that carries the operator token.
pub(crate) fn is_operator(app: &App, headers: &HeaderMap) -> bool {
    app.settings.operator_token.as_ref().is_some_and(|token| given(headers).is_some_and(|given| token_matches(token.expose(), given)))
}

fn allowed(app: &App, peer: SocketAddr, headers: &HeaderMap) -> bool {
    match &app.settings.operator_token {
        Some(_) => is_operator(app, headers),
        // A browser on this machine must not be led here by a foreign page under a foreign name (DNS rebinding): the host must be loopback too.
        // Nor by a proxy on this machine that stands in front for the world.
        None => peer.ip().to_canonical().is_loopback() && local_host(headers) && !is_forwarded(headers) && !app.is_public(),
    }
}

/// Compares in constant time.
pub(crate) fn token_matches(token: &str, given: &str) -> bool {
    token.as_bytes().ct_eq(given.as_bytes()).into()
}

/// The cookie that lets a browser in, for the console's sign-in.
pub(crate) fn cookie(token: &str, under_tls: bool) -> String {
    let secure = if under_tls { "; Secure" } else { "" };
    format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200{secure}")
}

fn given(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    bearer.or_else(|| {
        let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
        cookies.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
    })
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

fn local_host(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.chars().all(|digit| digit.is_ascii_digit())).map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_count_as_local() {
        let host = |text: &str| local_host(&[(header::HOST, text.parse().unwrap())].into_iter().collect());
        assert!(host("127.0.0.1:8000") && host("localhost:8000") && host("[::1]:8000") && host("localhost"));
        assert!(!host("evil.example:8000") && !host(""));
    }
}
