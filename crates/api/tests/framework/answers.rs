//! What every answer carries, and how bad requests are told.

use api::{ApiSettings, Limits};
use call::TenantId;
use people::Role;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::routes::table;
use super::stage::{Credential, Stage, plenty, read};

const OPEN: &str = "/api/v1/test/open";
const THINGS: &str = "/api/v1/test/things";

async fn owner(stage: &Stage) -> Credential {
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    stage.token(owner, Some(TenantId::DEFAULT)).await
}

#[tokio::test]
async fn every_answer_has_its_request_s_id_and_nothing_to_run_or_keep() {
    let stage = Stage::open(table()).await;
    let response = stage.ask(Method::GET, OPEN, &Credential::Nothing).header("x-request-id", "trace-7").send().await.unwrap();
    let headers = response.headers();
    for (name, value) in [
        ("x-request-id", "trace-7"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert!(!headers.contains_key("server") && !headers.contains_key("strict-transport-security"));
    let refused = stage.get("/api/v1/test/me", &Credential::Nothing).await;
    let id = refused.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert!(id.parse::<Uuid>().is_ok(), "{id}");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert_eq!(read(refused).await.1["request_id"], json!(id));
}

#[tokio::test]
async fn under_tls_browsers_are_told_to_stay_with_it() {
    let settings = ApiSettings { public_url: Some("https://voice.example.com".into()), ..ApiSettings::default() };
    let stage = Stage::with(table(), settings, Limits::new(None, plenty())).await;
    let response = stage.get(OPEN, &Credential::Nothing).await;
    assert_eq!(response.headers()["strict-transport-security"], "max-age=63072000; includeSubDomains");
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let stage = Stage::open(table()).await;
    let response = stage.ask(Method::GET, OPEN, &Credential::Nothing).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(response.bytes().await.unwrap().len() < 500);
    let plain = stage.get(OPEN, &Credential::Nothing).await;
    assert!(!plain.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn problems_are_what_their_encoding_says() {
    let stage = Stage::open(table()).await;
    let response = stage.ask(Method::GET, "/api/v1/test/me", &Credential::Nothing).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["content-encoding"]), (401, &"gzip".parse().unwrap()));
    let body = response.bytes().await.unwrap();
    assert_eq!(body[..2], [0x1f, 0x8b], "the magic number of gzip (RFC 1952, 2.3.1): {body:?}");
}

#[tokio::test]
async fn pages_elsewhere_may_only_when_they_are_named() {
    let preflight = async |origins: &[&str]| {
        let cors_origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        let stage = Stage::with(table(), ApiSettings { cors_origins, ..ApiSettings::default() }, Limits::new(None, plenty())).await;
        let request = stage.ask(Method::OPTIONS, THINGS, &Credential::Nothing).header("origin", "https://app.example.com");
        let response = request.header("access-control-request-method", "POST").send().await.unwrap();
        response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(preflight(&[]).await, None);
    assert_eq!(preflight(&["https://app.example.com"]).await.as_deref(), Some("https://app.example.com"));
    assert_eq!(preflight(&["https://other.example.com", "https://app.example.com.evil.example"]).await, None);
}

#[tokio::test]
async fn a_method_that_is_not_there_is_a_problem_that_names_those_that_are() {
    let stage = Stage::open(table()).await;
    for method in [Method::DELETE, Method::TRACE, Method::PUT] {
        let response = stage.ask(method.clone(), THINGS, &Credential::Nothing).send().await.unwrap();
        let allow = response.headers()["allow"].to_str().unwrap().to_owned();
        assert!(allow.contains("GET") && allow.contains("POST"), "{method}: {allow}");
        let (status, body) = read(response).await;
        assert_eq!((status, &body["code"]), (405, &json!("method_not_allowed")), "{method}");
    }
}

#[tokio::test]
async fn every_bad_field_of_a_body_is_told_at_once() {
    let stage = Stage::open(table()).await;
    let token = owner(&stage).await;
    let request = stage.ask(Method::POST, THINGS, &token).json(&json!({ "size": 1000, "colour": "red" }));
    let (status, body) = read(request.send().await.unwrap()).await;
    let mut fields: Vec<_> = body["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!((status, fields), (422, vec!["/colour", "/name", "/size"]), "{body}");
}

#[tokio::test]
async fn what_is_no_json_or_too_long_says_so() {
    let stage = Stage::open(table()).await;
    let token = owner(&stage).await;
    let post = async |kind: &str, body: String| {
        let request = stage.ask(Method::POST, THINGS, &token).header("content-type", kind.to_owned()).body(body);
        let (status, body) = read(request.send().await.unwrap()).await;
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(post("application/json", "{".into()).await, (400, "json".into()));
    assert_eq!(post("application/json", String::new()).await, (400, "json".into()));
    assert_eq!(post("application/json", r#"{"name":"a","name":"b","size":1}"#.into()).await, (400, "json".into()));
    assert_eq!(post("text/plain", "{}".into()).await, (415, "media_type".into()));
    let long = json!({ "name": "a".repeat(2000), "size": 1 }).to_string();
    assert_eq!(post("application/json", long.clone()).await, (413, "too_large".into()));
    let with_key =
        stage.ask(Method::POST, THINGS, &token).header("idempotency-key", "long").header("content-type", "application/json").body(long);
    assert_eq!(with_key.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_query_is_checked_like_a_body() {
    let stage = Stage::open(table()).await;
    let token = owner(&stage).await;
    assert_eq!(read(stage.get(&format!("{THINGS}?limit=7"), &token).await).await, (200, json!({ "limit": 7 })));
    assert_eq!(read(stage.get(THINGS, &token).await).await, (200, json!({ "limit": 50 })));
    for (query, field) in [("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("after=x", "after"), ("ofset=1", "ofset")] {
        let (status, body) = read(stage.get(&format!("{THINGS}?{query}"), &token).await).await;
        assert_eq!((status, &body["errors"][0]["field"]), (422, &json!(field)), "{query}");
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_one_is_an_id_of_nothing() {
    let stage = Stage::open(table()).await;
    let token = owner(&stage).await;
    for id in ["x", "1", "..%2f..", "%00", "%ff", "01890000-0000-7000-8000-00000000000"] {
        assert_eq!(stage.get(&format!("{THINGS}/{id}"), &token).await.status(), 404, "{id}");
    }
}

#[tokio::test]
async fn versions_are_answered_and_asked_for() {
    let stage = Stage::open(table()).await;
    let token = owner(&stage).await;
    let path = format!("{THINGS}/{}", Uuid::now_v7());
    let response = stage.get(&path, &token).await;
    assert_eq!(response.headers()["etag"], "\"v3\"");
    let known = stage.ask(Method::GET, &path, &token).header("if-none-match", "\"v3\"").send().await.unwrap();
    assert_eq!((known.status().as_u16(), known.headers()["etag"].to_str().unwrap()), (304, "\"v3\""));
    assert!(known.bytes().await.unwrap().is_empty());
    let patch = async |tag: &str| {
        let request = stage.ask(Method::PATCH, &path, &token).header("if-match", tag.to_owned()).json(&json!({ "name": "b", "size": 2 }));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((patch("\"v3\"").await, patch("*").await, patch("\"v2\"").await, patch("v3").await), (200, 200, 412, 400));
}

#[tokio::test]
async fn a_handler_that_breaks_says_nothing_of_why() {
    let stage = Stage::open(table()).await;
    let token = owner(&stage).await;
    let (status, body) = read(stage.get("/api/v1/test/panic", &token).await).await;
    assert_eq!((status, &body["code"]), (500, &json!("internal")));
    assert!(!body.to_string().contains("on purpose") && body["request_id"].is_string());
}
