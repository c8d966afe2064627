//! Requests that are repeated.

use std::sync::atomic::Ordering;
use std::time::Duration;

use call::TenantId;
use people::Role;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::routes::{MADE, SLOW_BEGUN, table};
use super::stage::{Credential, OTHER, Stage, read};

const THINGS: &str = "/api/v1/test/things";

async fn people(stage: &Stage) -> (Credential, Credential) {
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let other = stage.person(Some((OTHER, Role::Owner)), false).await;
    (stage.token(owner, Some(TenantId::DEFAULT)).await, stage.token(other, Some(OTHER)).await)
}

async fn make(stage: &Stage, who: &Credential, key: &str, body: &Value) -> Response {
    stage.ask(Method::POST, THINGS, who).header("idempotency-key", key).json(body).send().await.unwrap()
}

#[tokio::test]
async fn a_repeated_request_makes_one_thing_and_has_one_answer() {
    let stage = Stage::open(table()).await;
    let (owner, other) = people(&stage).await;
    let thing = json!({ "name": "once", "size": 1 });
    let first = make(&stage, &owner, "key-1", &thing).await;
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let first = read(first).await;
    assert_eq!(first.0, 201);
    let before = MADE.load(Ordering::SeqCst);
    let again = make(&stage, &owner, "key-1", &thing).await;
    for (name, value) in
        [("idempotency-replayed", "true"), ("etag", "\"v1\""), ("content-type", "application/json"), ("cache-control", "no-store")]
    {
        assert_eq!(again.headers()[name], value, "{name}");
    }
    assert_eq!(read(again).await, first);
    let body = read(make(&stage, &other, "key-1", &thing).await).await;
    assert_ne!(body.1["number"], first.1["number"], "another's key is another key");
    assert!(MADE.load(Ordering::SeqCst) > before);
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let stage = Stage::open(table()).await;
    let (owner, _) = people(&stage).await;
    assert_eq!(make(&stage, &owner, "key-2", &json!({ "name": "a", "size": 1 })).await.status(), 201);
    let (status, body) = read(make(&stage, &owner, "key-2", &json!({ "name": "b", "size": 1 })).await).await;
    assert_eq!((status, &body["code"]), (422, &json!("idempotency_key_reused")));
}

#[tokio::test]
async fn what_failed_may_be_tried_again_under_its_key() {
    let stage = Stage::open(table()).await;
    let (owner, _) = people(&stage).await;
    assert_eq!(make(&stage, &owner, "key-3", &json!({ "name": "bad", "size": 1 })).await.status(), 409);
    assert_eq!(make(&stage, &owner, "key-3", &json!({ "name": 5 })).await.status(), 422);
    assert_eq!(make(&stage, &owner, "key-3", &json!({ "name": "good", "size": 1 })).await.status(), 201);
}

#[tokio::test]
async fn of_many_at_once_one_does_the_work() {
    let stage = Stage::open(table()).await;
    let (owner, _) = people(&stage).await;
    let thing = json!({ "name": "slow", "size": 1 });
    let all = futures_util::future::join_all((0..8).map(|_| make(&stage, &owner, "key-4", &thing))).await;
    let mut statuses: Vec<u16> = all.iter().map(|response| response.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    let running = all.into_iter().find(|response| response.status() == 409).unwrap();
    assert_eq!(running.headers()["retry-after"], "1");
    assert_eq!(make(&stage, &owner, "key-4", &thing).await.headers()["idempotency-replayed"], "true");
}

#[tokio::test]
async fn who_hangs_up_finds_the_answer_when_asking_again() {
    let stage = Stage::open(table()).await;
    let (owner, _) = people(&stage).await;
    let thing = json!({ "name": "slow", "size": 2 });
    let asking = tokio::spawn(stage.ask(Method::POST, THINGS, &owner).header("idempotency-key", "key-5").json(&thing).send());
    while SLOW_BEGUN.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    let answer = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let response = make(&stage, &owner, "key-5", &thing).await;
            if response.status() != 409 {
                break response;
            }
            tokio::task::yield_now().await;
        }
    });
    let answer = answer.await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["idempotency-replayed"].to_str().unwrap()), (201, "true"));
}

#[tokio::test]
async fn a_key_that_is_no_key_is_refused() {
    let stage = Stage::open(table()).await;
    let (owner, _) = people(&stage).await;
    let long = "a".repeat(256);
    for key in ["", "two words", long.as_str()] {
        let (status, body) = read(make(&stage, &owner, key, &json!({ "name": "a", "size": 1 })).await).await;
        assert_eq!((status, &body["code"]), (400, &json!("idempotency_key")), "{key}");
    }
}
