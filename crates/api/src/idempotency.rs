//! Requests that make something may be repeated: with the same `Idempotency-Key`, it is made once and the answer is repeated
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! The work goes on when the one who asked hangs up, so that the answer is there when they ask again. Only success is kept: what failed may be
//! tried again under its key. That it was done is noted in the transaction that does it: when the database or the instance goes away in that moment,
//! a repeated request is not done again, and answered 409. When an instance dies before, the key answers 409 until it is forgotten.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use call::{TenantId, Timestamp};
use people::Client;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use store::idempotency::{Claim, Held, claim};
use store::{Database, StoreError};
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::extract::{Caller, ClientInfo};
use crate::problem::Problem;
use crate::state::ApiState;
use crate::table::Row;

/// How long answers are kept.
pub const LIFE: Duration = Duration::from_secs(24 * 3600);
/// Longest key, bytes.
const LONGEST_KEY: usize = 255;
/// Longest answer that is kept, bytes: no row that makes something answers with more than what was sent and a secret.
const LONGEST_ANSWER: usize = 2 * 1024 * 1024;
/// Headers that are kept of an answer.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];
/// Most keys of failed requests that wait for the database to be freed.
static FREEING: Semaphore = Semaphore::const_new(1_000);
/// How often they are tried, and how long after the last time: for ten minutes.
const FREE_TRIES: u32 = 600;
const FREE_AGAIN: Duration = Duration::from_secs(1);
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Forgets answers that are older than [`LIFE`], and says how many. To be done now and then.
pub async fn sweep(db: &Database, now: Timestamp) -> Result<u64, StoreError> {
    store::idempotency::sweep(db, now.saturating_sub(LIFE).unwrap_or(now)).await
}

/// A key that is claimed, and where.
#[derive(Clone)]
struct Claimed {
    state: ApiState,
    held: Held,
}

/// Does the work, unless it was done under this key.
pub(crate) async fn once<W, F>(state: &ApiState, row: &Row, caller: &Caller, request: Request, work: W) -> Response
where
    W: FnOnce(Request) -> F,
    F: Future<Output = Response> + Send + 'static,
{
    let key = match key(request.headers()) {
        Ok(Some(key)) => key.to_owned(),
        Ok(None) => return work(request).await,
        Err(problem) => return problem.into_response(),
    };
    match claimed(state, row, caller, &key, request).await {
        Ok((claimed, Claim::Ours, request)) => done(claimed, work(request)).await,
        Ok((claimed, Claim::Done { status, headers, body }, _)) => claimed.replayed(status, &headers, &body).await,
        Ok((_, Claim::Running, _)) => running().into_response(),
        Ok((_, Claim::AnswerLost, _)) => {
            let detail = "the request with this Idempotency-Key was done, and its answer is lost; look at what it made, or take a new key to make another";
            Problem::conflict("idempotency_answer_lost", detail).into_response()
        }
        Ok((_, Claim::OtherRequest, _)) => {
            let detail = "this Idempotency-Key was given with another request; use a new key for every new request";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Key of another request", detail).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

fn running() -> Problem {
    let detail = "the request with this Idempotency-Key is still at work; ask again to get its answer";
    Problem { retry_after: Some(Duration::from_secs(1)), ..Problem::conflict("idempotency_running", detail) }
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all(&KEY).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let key =
        value.to_str().ok().filter(|text| (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()));
    match (key, given.next()) {
        (Some(key), None) => Ok(Some(key)),
        _ => {
            let detail = format!("Idempotency-Key must be one text of 1 to {LONGEST_KEY} visible ASCII characters without spaces");
            Err(Problem::bad_request("idempotency_key", detail))
        }
    }
}

/// Claims the key for the request, which is read whole.
async fn claimed(state: &ApiState, row: &Row, caller: &Caller, key: &str, request: Request) -> Result<(Claimed, Claim, Request), Problem> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, row.body_limit).await.map_err(|_| too_large(row.body_limit))?;
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let request_digest = digest(&[parts.method.as_str().as_bytes(), target.as_bytes(), &body]);
    let actor = caller.principal.actor();
    let actor_id = actor.id.unwrap_or_default();
    let key = digest(&[actor.kind.as_str().as_bytes(), actor_id.as_bytes(), key.as_bytes()]);
    let tenant = caller.principal.tenant.unwrap_or(TenantId::DEFAULT);
    let held = Held::new(tenant, key, Timestamp::now());
    let claimed = Claimed { state: state.clone(), held };
    let unsure = Unsure(Some(claimed.clone()));
    let outcome = claim(&state.db, &held, &request_digest).await?;
    unsure.settled();
    let mut request = Request::from_parts(parts, Body::from(body));
    let client = Client { claim: Some(held), ..caller.client.clone() };
    request.extensions_mut().insert(ClientInfo(client.clone()));
    request.extensions_mut().insert(Caller { client, ..caller.clone() });
    Ok((claimed, outcome, request))
}

/// A claim of which it is not known whether it was made: nobody waited for the answer, or none came. It is given up when it is there.
struct Unsure(Option<Claimed>);

impl Unsure {
    fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for Unsure {
    fn drop(&mut self) {
        if let (Some(claimed), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(claimed.give_up_later());
        }
    }
}

/// 413.
pub(crate) fn too_large(limit: usize) -> Problem {
    let detail = format!("the body may have {limit} bytes at most; send less");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large", detail)
}

/// Each part with its length: parts cannot be shifted into each other.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Does the work in a task of its own and keeps its answer.
async fn done(claimed: Claimed, work: impl Future<Output = Response> + Send + 'static) -> Response {
    let task = async move {
        let response = work.await;
        claimed.kept(response).await
    };
    match tokio::spawn(task.in_current_span()).await {
        Ok(response) => response,
        Err(fault) => Problem::internal_because(&fault).into_response(),
    }
}

impl Claimed {
    /// The answer, after it was kept. When it cannot be kept, the key stays claimed: better no second answer than a second thing.
    async fn kept(&self, response: Response) -> Response {
        if !response.status().is_success() {
            if self.given_up().await.is_err() {
                tokio::spawn(self.clone().give_up_later());
            }
            return response;
        }
        let (parts, body) = response.into_parts();
        let Ok(body) = to_bytes(body, LONGEST_ANSWER).await else {
            return Problem::internal_because(&"an answer is too long to be kept for its idempotency key").into_response();
        };
        if let Err(fault) = self.keep(parts.status, &parts.headers, &body).await {
            tracing::error!(problem = fault.code, "an answer could not be kept for its idempotency key");
        }
        Response::from_parts(parts, Body::from(body))
    }

    async fn given_up(&self) -> Result<(), StoreError> {
        self.held.give_up(&self.state.db).await
    }

    /// The database that failed the request may not have the key freed either: it is tried again until the database is back.
    async fn give_up_later(self) {
        let Ok(_place) = FREEING.try_acquire() else {
            tracing::error!("the idempotency key of a request that failed stays claimed: too many wait to be freed");
            return;
        };
        for _ in 0..FREE_TRIES {
            tokio::time::sleep(FREE_AGAIN).await;
            if self.given_up().await.is_ok() {
                return;
            }
        }
        tracing::error!("the idempotency key of a request that failed stays claimed: the database was away for too long");
    }

    async fn keep(&self, status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<(), Problem> {
        let text = |name: &HeaderName| Some((name.as_str().to_owned(), Value::from(headers.get(name)?.to_str().ok()?)));
        let headers: Map<String, Value> = KEPT.iter().filter_map(text).collect();
        let sealed = self.state.sealer.seal(&self.context(), body).await?;
        Ok(self.held.finish(&self.state.db, status.as_u16(), &Value::Object(headers), &sealed).await?)
    }

    async fn replayed(&self, status: u16, headers: &Value, sealed: &[u8]) -> Response {
        let body = match self.state.sealer.open(&self.context(), sealed).await {
            Ok(body) => Bytes::copy_from_slice(&body),
            Err(fault) => return Problem::from(fault).into_response(),
        };
        let Ok(status) = StatusCode::from_u16(status) else {
            return Problem::internal_because(&"a kept answer has no status").into_response();
        };
        let mut response = (status, body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        for name in KEPT {
            let value = headers.get(name.as_str()).and_then(Value::as_str).and_then(|text| HeaderValue::from_str(text).ok());
            if let Some(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        response
    }

    /// What the sealed answer is bound to.
    fn context(&self) -> String {
        format!("idempotency:{}:{}", self.held.tenant(), hex::encode(self.held.key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_and_bounded() {
        let read =
            |text: &str| key(&[(KEY, HeaderValue::from_str(text).unwrap())].into_iter().collect()).map(|key| key.map(str::to_owned)).ok();
        assert_eq!(key(&HeaderMap::new()), Ok(None));
        assert_eq!(read("8e03978e-40d5-43e8"), Some(Some("8e03978e-40d5-43e8".into())));
        assert!(read(&"a".repeat(255)).is_some());
        for wrong in ["", "a b", &"a".repeat(256)] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
