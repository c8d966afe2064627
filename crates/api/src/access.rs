//! Who asks: the bearer of an access token, of an API key or of the operator token, the browser with a session's cookie, or, while there are
//! no accounts and no operator token, somebody on this machine.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use axum::http::{HeaderMap, header};
use call::Timestamp;
use people::{Client, PeopleError, Principal};
use subtle::ConstantTimeEq;

use crate::address::client_address;
use crate::cookie;
use crate::problem::Problem;
use crate::state::ApiState;

/// How API keys begin.
const KEY_PREFIX: &str = "vnk_";
/// Longest credential that is looked at, bytes: access tokens have at most 8 KB.
const LONGEST: usize = 8 * 1024;

/// Who asks, for addresses that are in no table: the console's pages. The same rules; nothing is counted.
pub async fn authenticated(state: &ApiState, headers: &HeaderMap, peer: SocketAddr) -> Result<Principal, Problem> {
    let address = client_address(peer.ip(), headers, &state.settings.trusted_proxies);
    let client = Client { address, user_agent: String::new(), request_id: String::new(), claim: None };
    authenticate(state, headers, peer, &client, Timestamp::now()).await
}

/// Who asks, or why that is not known. A credential that was brought and is wrong is never made up for by another.
pub(crate) async fn authenticate(
    state: &ApiState,
    headers: &HeaderMap,
    peer: SocketAddr,
    client: &Client,
    now: Timestamp,
) -> Result<Principal, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        let bearer = bearer(headers).ok_or_else(|| {
            Problem::unauthenticated("Authorization must be \"Bearer\" and an access token, an API key or the operator token")
        })?;
        return by_bearer(state, bearer, client, now).await;
    }
    if cookie::given(headers, cookie::OPERATOR).is_some_and(|token| is_operator(state, token)) {
        return Ok(Principal::operator());
    }
    if let Some(session) = cookie::given(headers, cookie::name(&state.settings)).filter(|value| value.len() <= LONGEST) {
        return state.people.authenticate_cookie(session, now).await.map_err(not_let_in);
    }
    by_place(state, headers, peer).await
}

async fn by_bearer(state: &ApiState, bearer: &str, client: &Client, now: Timestamp) -> Result<Principal, Problem> {
    if is_operator(state, bearer) {
        return Ok(Principal::operator());
    }
    let known = match bearer.starts_with(KEY_PREFIX) {
        true => state.people.authenticate_key(bearer, client, now).await,
        false => state.people.authenticate_token(bearer, now).await,
    };
    known.map_err(not_let_in)
}

/// Somebody on this machine may do everything until there is an account: otherwise nobody could make the first.
async fn by_place(state: &ApiState, headers: &HeaderMap, peer: SocketAddr) -> Result<Principal, Problem> {
    const SIGN_IN: &str = "sign in, or send an access token or an API key: Authorization: Bearer ...";
    if state.settings.operator_token.is_some() || !state.settings.loopback_operator || accounts(state).await? {
        return Err(Problem::unauthenticated(SIGN_IN));
    }
    // A browser on this machine must not be led here by a foreign page under a foreign name (DNS rebinding): the host must be loopback too.
    // Nor by a proxy on this machine that stands in front for the world.
    if peer.ip().to_canonical().is_loopback() && local_host(headers) && !is_forwarded(headers) {
        return Ok(Principal::operator());
    }
    let detail =
        "while there are no accounts, this is answered only on the machine itself; make the first account there, or set OPERATOR_TOKEN";
    Err(Problem::forbidden("not_local", detail))
}

/// Whether there are accounts. Once there were, the answer is kept: it opens nothing to ask again.
async fn accounts(state: &ApiState) -> Result<bool, Problem> {
    if state.accounts_seen.load(Ordering::Relaxed) {
        return Ok(true);
    }
    let any = store::users::any(&state.db).await?;
    state.accounts_seen.fetch_or(any, Ordering::Relaxed);
    Ok(any)
}

/// Wrong, old and revoked look alike.
fn not_let_in(fault: PeopleError) -> Problem {
    match fault {
        PeopleError::WrongCredentials | PeopleError::Expired { .. } => Problem::unauthenticated(fault.to_string()),
        fault => fault.into(),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let text = all.next()?.to_str().ok()?;
    // The scheme's name has no case (RFC 9110, 11.1).
    let (scheme, token) = text.split_once(' ')?;
    (all.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && (1..=LONGEST).contains(&token.trim().len())).then(|| token.trim())
}

fn is_operator(state: &ApiState, given: &str) -> bool {
    state.settings.operator_token.as_ref().is_some_and(|token| token.expose().as_bytes().ct_eq(given.as_bytes()).into())
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
        assert!(!host("evil.example:8000") && !host("") && !host("localhost.evil.example"));
    }

    #[test]
    fn a_bearer_is_one_token_of_bounded_length() {
        let token = |text: &str| {
            let headers: HeaderMap = [(header::AUTHORIZATION, text.parse().unwrap())].into_iter().collect();
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer  abc").as_deref(), Some("abc"));
        for wrong in ["", "abc", "Basic abc", "Bearer", "Bearer ", &format!("Bearer {}", "a".repeat(LONGEST + 1))] {
            assert_eq!(token(wrong), None, "{wrong}");
        }
    }
}
