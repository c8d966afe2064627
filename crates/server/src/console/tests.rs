//! The console as a browser meets it: the whole router, without a network and without speech engines.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use agent::{AgentDefinition, Agents, Toolbox};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use call::{CallRecord, CallStatus, Carrier, Direction, EndReason, PhoneNumber, Timestamp};
use dispatch::LiveCall;
use resilience::Guards;
use session::Services;
use speech::phrases::Phrases;
use store::{Database, SqlRecords};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use super::*;
use crate::accounts;
use crate::call_centre::CallCentre;
use crate::directory::AgentDirectory;
use crate::keys::SignatureKeys;
use crate::orders::Orders;
use crate::settings::Settings;
use crate::state::Parts;
use crate::wiring::api_state;

struct Console {
    app: App,
    router: Router,
    _folder: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Console {
    async fn open(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().to_str().unwrap();
        let mut set = BTreeMap::from([("DATA_DIR", data_dir), ("MAX_CONCURRENT_CALLS", "2")]);
        set.extend(environment.iter().copied());
        let settings = Settings::load(None, |name| set.get(name).map(|value| (*value).to_owned())).unwrap();
        let app = App::new(parts(settings).await);
        Self { router: crate::routes::router(app.clone()), app, _folder: folder }
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(request("GET", path, &[], "")).await
    }

    async fn place(&self, headers: &[(&'static str, &str)], body: &str) -> Answer {
        self.ask(request("POST", "/console/calls", headers, body)).await
    }

    async fn store(&self, number: u128, from: &str) -> CallRecord {
        let record = record(number, from);
        self.app.services.records.open_call(&record).await.unwrap()
    }
}

async fn parts(settings: Settings) -> Parts {
    let database = Database::open(&settings.data_dir).await.unwrap();
    let records: Arc<dyn store::Records> = Arc::new(SqlRecords::new(database.clone()));
    let recorder = telemetry::CallRecorder::new();
    let directory = AgentDirectory::of_files(Agents::new(vec![AgentDefinition::echo()], Some(AgentDefinition::ECHO)).unwrap());
    let centre = CallCentre::build(&settings, &records, &recorder, &Guards::default()).unwrap();
    let accounts = accounts::open(&settings, &database, &Guards::default()).unwrap();
    let api = api_state(&settings, &database, accounts, &directory, &centre);
    let heart = centre.heart;
    heart.beat().await;
    let property = hotel::Property::harbour_view().unwrap();
    let clock: hotel::Clock = Arc::new(Timestamp::now);
    let pms = hotel::BuiltInPms::open(database, clock, fastrand::Rng::with_seed(1), &property).await.unwrap();
    Parts {
        prices: crate::prices::Prices::load(None).unwrap(),
        keys: SignatureKeys::load(&settings).unwrap(),
        directory,
        api,
        event_streams: Arc::new(Semaphore::new(1)),
        services: Arc::new(Services {
            ears: None,
            phrases: Phrases::new(None, None, 1024),
            tools: Toolbox::new(),
            records,
            recordings: None,
            recorder,
            price: Box::new(|_| Vec::new()),
        }),
        voice: None,
        recognizer: None,
        vendors: Arc::new([]),
        riva: None,
        pms: Arc::new(pms),
        database: None,
        live_state: heart.state.clone(),
        registry: heart.registry.clone(),
        queue: live::CallQueue::new(heart.state.clone(), false),
        admission: heart.admission.clone(),
        waiting: heart.waiting.clone(),
        offers: heart.offers.clone(),
        live: heart.live.clone(),
        drain: heart.drain.clone(),
        orders: Orders::default(),
        stop: CancellationToken::new(),
        metrics: None,
        call_control: None,
        guards: Guards::default(),
        heart,
        unstarted: Arc::new(Semaphore::new(1)),
        stream_options: telephony::StreamOptions::default(),
        notices: vec!["No voice is installed <here>".into()],
        settings,
    }
}

fn request(method: &str, path: &str, headers: &[(&'static str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:8000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(ConnectInfo("127.0.0.1:5000".parse::<SocketAddr>().unwrap()));
    request
}

fn record(number: u128, from: &str) -> CallRecord {
    CallRecord {
        id: CallId(Uuid::from_u128(number)),
        tenant: call::TenantId::DEFAULT,
        carrier: Carrier::Twilio,
        carrier_call_id: format!("CA{number}"),
        direction: Direction::Inbound,
        from: PhoneNumber::new(from),
        to: PhoneNumber::new("+12025550100"),
        agent_id: AgentDefinition::ECHO,
        agent_name: "echo".into(),
        status: CallStatus::Ringing,
        offered_at: Timestamp::now(),
        answered_at: None,
        ended_at: None,
        end_reason: None,
        recording: None,
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn what_callers_and_machines_say_cannot_become_markup() {
    let console = Console::open(&[]).await;
    let call = console.store(1, "sip:<script>alert(1)</script>").await;
    console.app.services.records.end_call(call.id, Timestamp::now(), EndReason::NotConnected).await.unwrap();
    let page = console.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("<script>alert") && page.text.contains("&#60;script&#62;alert(1)"), "{}", page.text);
    assert!(page.text.contains("No voice is installed &#60;here&#62;"));
    assert!(!page.text.contains("style=\""), "styles in the page are blocked by its own policy");
}

#[tokio::test]
async fn pages_stay_out_of_caches_and_frames() {
    let console = Console::open(&[]).await;
    let call = console.store(1, "+12025550123").await;
    for path in ["/", "/talk", "/console/live", "/sign-in", &format!("/calls/{}", call.id), "/calls/nonsense"] {
        let page = console.get(path).await;
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(page.headers[header::X_FRAME_OPTIONS], "DENY", "{path}");
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{path}");
    }
    assert_eq!(console.get("/calls/nonsense").await.status, StatusCode::NOT_FOUND);
    assert_eq!(console.get(&format!("/calls/{}", Uuid::nil())).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_call_moves_from_connecting_to_live_to_finished() {
    let console = Console::open(&[]).await;
    let call = console.store(1, "+12025550123").await;
    let part = || async { console.get("/console/live").await.text };
    assert!(part().await.contains("connecting"));
    let live = LiveCall { record: call.clone(), since: Timestamp::now(), waiting: false, hangup: CancellationToken::new() };
    let guard = console.app.live.enter(live);
    let shown = part().await;
    assert!(shown.contains("data-hang-up") && !shown.contains("connecting"));
    assert_eq!(shown.matches("+12025550123").count(), 2, "once as the caller, once for who cannot see the row: {shown}");
    console.app.services.records.end_call(call.id, Timestamp::now(), EndReason::CallerHungUp).await.unwrap();
    assert_eq!(part().await.matches("caller hung up").count(), 0, "a live call is not shown as finished too");
    drop(guard);
    assert!(part().await.contains("caller hung up"));
}

#[tokio::test]
async fn older_calls_are_on_the_next_page() {
    let console = Console::open(&[]).await;
    for number in 1..=u128::from(CALLS_PER_PAGE) + 1 {
        let call = console.store(number, &format!("+1202555{number:04}")).await;
        console.app.services.records.end_call(call.id, Timestamp::now(), EndReason::CallerHungUp).await.unwrap();
    }
    let first = console.get("/").await.text;
    assert!(first.contains("+12025550051") && !first.contains("+12025550001"));
    let next = first.split("href=\"/?before=").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let second = console.get(&format!("/?before={next}")).await.text;
    assert!(second.contains("+12025550001") && !second.contains("+12025550051") && !second.contains("Older calls"));
}

#[tokio::test]
async fn a_browser_gets_a_line_with_a_token() {
    let console = Console::open(&[]).await;
    let answer = console.place(&[JSON, ("sec-fetch-site", "same-origin")], r#"{"agent":null}"#).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let placed: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    let sid = placed["call_sid"].as_str().unwrap();
    assert_eq!(placed["stream_path"], format!("/ws/telephony/twilio/{}", AgentDefinition::ECHO));
    let token = placed["parameters"]["token"].as_str();
    let offer = console.app.offers.take(Carrier::Twilio, sid, AgentDefinition::ECHO, token, std::time::Instant::now()).unwrap();
    assert_eq!(serde_json::json!(offer.record.id), placed["call_id"]);
    assert_eq!(offer.record.from, PhoneNumber::new("client:browser"));
}

#[tokio::test]
async fn calls_from_foreign_pages_and_over_full_lines_are_refused() {
    let console = Console::open(&[]).await;
    let wish = r#"{"agent":"echo"}"#;
    assert_eq!(console.place(&[JSON, ("sec-fetch-site", "cross-site")], wish).await.status, StatusCode::FORBIDDEN);
    assert_eq!(console.place(&[("content-type", "text/plain")], wish).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let unknown = console.place(&[JSON], r#"{"agent":"nobody"}"#).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(console.place(&[JSON], wish).await.status, StatusCode::OK);
    assert_eq!(console.place(&[JSON], wish).await.status, StatusCode::OK);
    let full = console.place(&[JSON], wish).await;
    assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(full.text.contains("lines are busy"), "{}", full.text);
}

#[tokio::test]
async fn the_operator_token_opens_the_console_and_another_one_does_not() {
    let console = Console::open(&[("OPERATOR_TOKEN", "open-sesame-open-sesame")]).await;
    assert_eq!(console.get("/console/live").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(console.get("/assets/console.css").await.status, StatusCode::OK, "the way in must look right too");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let refused = console.ask(request("POST", "/sign-in", &[form], "token=open-sesam")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(!refused.headers.contains_key(header::SET_COOKIE));
    let in_address = console.get("/sign-in?token=open-sesame-open-sesame").await;
    assert!(!in_address.headers.contains_key(header::SET_COOKIE), "addresses are logged and kept in histories");
    let let_in = console.ask(request("POST", "/sign-in", &[form], "token=open-sesame-open-sesame")).await;
    assert_eq!((let_in.status, &let_in.headers[header::LOCATION]), (StatusCode::SEE_OTHER, &header::HeaderValue::from_static("/")));
    let cookie = let_in.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(console.ask(request("GET", "/", &[("cookie", &cookie)], "")).await.status, StatusCode::OK);
}
