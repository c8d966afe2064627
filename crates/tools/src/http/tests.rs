//! Declared requests against real servers, hostile ones among them.

use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::{Arc, atomic::AtomicU32, atomic::Ordering};
use std::time::Instant;

use ::http::{HeaderMap, StatusCode, Uri};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use call::{AgentId, CallId};
use resilience::Service;
use serde_json::json;
use uuid::Uuid;

use super::*;

/// What the server saw of the last request.
#[derive(Default)]
struct Seen {
    last: Mutex<Option<(String, Uri, HeaderMap, Bytes)>>,
    count: AtomicU32,
}

async fn serve(State(seen): State<Arc<Seen>>, method: ::http::Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    seen.count.fetch_add(1, Ordering::SeqCst);
    let path = uri.path().to_owned();
    *seen.last.lock().unwrap() = Some((method.to_string(), uri, headers, body));
    match path.as_str() {
        "/moved" => (StatusCode::FOUND, [("location", "http://169.254.169.254/latest/meta-data/")]).into_response(),
        "/here" => (StatusCode::FOUND, [("location", "/secret")]).into_response(),
        "/endless" => {
            let stream = std::iter::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 8192])));
            Body::from_stream(futures_util::stream::iter(stream)).into_response()
        }
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            "late".into_response()
        }
        "/gone" => (StatusCode::NOT_FOUND, axum::Json(json!({ "error": "no such order" }))).into_response(),
        "/taken" => (StatusCode::CONFLICT, "taken already").into_response(),
        "/broken" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "/key" => StatusCode::UNAUTHORIZED.into_response(),
        "/text" => "plain words".into_response(),
        "/nothing" => StatusCode::NO_CONTENT.into_response(),
        _ => axum::Json(json!({ "order": { "state": "sent", "items": 2 } })).into_response(),
    }
}

async fn server() -> (String, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(serve).with_state(Arc::clone(&seen));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, seen)
}

fn declared(method: Method, url: String) -> HttpTool {
    serde_json::from_value(json!({
        "description": "For stories.", "method": method, "url": url, "effects": method != Method::Get, "deadline_ms": 1000,
        "parameters": { "type": "object", "properties": {} },
    }))
    .unwrap()
}

fn guard() -> Guard {
    Guard::new(Service::Tools, Service::Tools.policy())
}

fn tool(declared: HttpTool, secret: Option<&str>) -> HttpRequest {
    HttpRequest::new("order", declared, secret.map(|secret| Secret::from(secret.to_owned())).as_ref(), true, guard()).unwrap()
}

fn context() -> ToolContext {
    let now = jiff::Timestamp::from_second(1_700_000_000).unwrap();
    ToolContext {
        call: CallId(Uuid::from_u128(1)),
        agent: AgentId(Uuid::from_u128(2)),
        caller: None,
        idempotency_key: "call:3:abc".into(),
        now,
    }
}

#[tokio::test]
async fn arguments_go_where_they_belong_and_the_answer_comes_back() {
    let (url, seen) = server().await;
    let declared = HttpTool { auth: Auth::Bearer, ..declared(Method::Get, format!("{url}/orders/{{id}}?lang=en")) };
    let tool = tool(HttpTool { speak: Some("It is {order.state}.".into()), ..declared }, Some("s3cret"));
    let answer = tool.call(&context(), &json!({ "id": "a/../b", "full": true, "q": "x&y" })).await;
    let fields = json!({ "order": { "state": "sent", "items": 2 } });
    assert_eq!(answer, ToolAnswer::Ok(fields.clone()));
    assert_eq!(tool.spoken(&fields).unwrap(), "It is sent.");
    assert_eq!(tool.spoken(&json!({})), None);
    let (_, uri, headers, body) = seen.last.lock().unwrap().take().unwrap();
    assert_eq!(uri.to_string(), "/orders/a%2F..%2Fb?lang=en&full=true&q=x%26y");
    assert_eq!((headers["authorization"].to_str().unwrap(), body.len()), ("Bearer s3cret", 0));
    assert!(!headers.contains_key("idempotency-key"), "a question needs none");
}

#[tokio::test]
async fn an_effect_carries_its_key_and_a_signature_that_can_be_checked() {
    let (url, seen) = server().await;
    let declared = HttpTool { auth: Auth::Signed, ..declared(Method::Post, format!("{url}/orders")) };
    let tool = tool(declared, Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    tool.call(&context(), &json!({ "item": "tea" })).await;
    let (method, _, headers, body) = seen.last.lock().unwrap().take().unwrap();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!((method.as_str(), &body[..], header("content-type")), ("POST", &br#"{"item":"tea"}"#[..], "application/json".into()));
    assert_eq!(
        (header("idempotency-key"), header("webhook-id"), header("webhook-timestamp")),
        ("call:3:abc".into(), "call:3:abc".into(), "1700000000".into())
    );
    let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let mut mac = <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(&key).unwrap();
    hmac::Mac::update(&mut mac, br#"call:3:abc.1700000000.{"item":"tea"}"#);
    let expected = BASE64_STANDARD.encode(hmac::Mac::finalize(mac).into_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{expected}"));
}

#[tokio::test]
async fn a_no_of_the_business_is_an_answer_and_a_fault_is_none() {
    let (url, _) = server().await;
    let ask = |path: &str| tool(declared(Method::Get, format!("{url}{path}")), None);
    let gone = json!({ "http_status": 404, "answer": { "error": "no such order" } });
    assert_eq!(ask("/gone").call(&context(), &json!({})).await, ToolAnswer::Refused { code: "not_found", fields: gone });
    let taken = json!({ "http_status": 409, "answer": { "text": "taken already" } });
    assert_eq!(ask("/taken").call(&context(), &json!({})).await, ToolAnswer::Refused { code: "conflict", fields: taken });
    assert_eq!(ask("/text").call(&context(), &json!({})).await, ToolAnswer::Ok(json!({ "text": "plain words" })));
    assert_eq!(ask("/nothing").call(&context(), &json!({})).await, ToolAnswer::Ok(json!({})));
    for path in ["/broken", "/key"] {
        assert!(matches!(ask(path).call(&context(), &json!({})).await, ToolAnswer::Failed(_)), "{path}");
    }
}

#[tokio::test]
async fn a_hostile_server_costs_little_and_leads_nowhere() {
    let (url, seen) = server().await;
    for (path, why) in [("/moved", "302"), ("/here", "302"), ("/endless", "65536 bytes"), ("/slow", "1000 ms")] {
        let (began, before) = (Instant::now(), seen.count.load(Ordering::SeqCst));
        let answer = tool(declared(Method::Get, format!("{url}{path}")), None).call(&context(), &json!({})).await;
        assert!(matches!(&answer, ToolAnswer::Failed(said) if said.contains(why)), "{path}: {answer:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{path}");
        assert_eq!(seen.count.load(Ordering::SeqCst), before + 1, "{path}: one request and no other");
    }
}

#[tokio::test]
async fn nothing_that_is_not_public_is_reached() {
    let literal = [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "http://example.com/",
    ];
    for url in literal {
        assert!(HttpRequest::new("order", declared(Method::Get, url.into()), None, false, guard()).is_err(), "{url}");
    }
    // A name is looked at when it is resolved, and what it leads to is what is connected to.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let tool = HttpRequest::new("order", declared(Method::Get, url), None, false, guard()).unwrap();
    let answer = tool.call(&context(), &json!({})).await;
    assert!(matches!(&answer, ToolAnswer::Failed(why) if why.contains("private network")), "{answer:?}");
    let knocked = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(knocked.is_err(), "nobody knocked");
}

#[tokio::test]
async fn a_service_that_is_down_is_left_alone_after_a_while() {
    let (url, seen) = server().await;
    let tool = tool(declared(Method::Get, format!("{url}/broken")), None);
    for _ in 0..8 {
        tool.call(&context(), &json!({})).await;
    }
    assert_eq!(seen.count.load(Ordering::SeqCst), 5, "the breaker's five");
}
