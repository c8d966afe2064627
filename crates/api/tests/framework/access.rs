//! Who gets through by which credential.

use api::{ApiSettings, Limits};
use call::TenantId;
use people::{Permission, Role};
use privacy::Secret;
use reqwest::Method;
use serde_json::json;

use super::routes::table;
use super::stage::{Credential, Stage, plenty, read};

const ME: &str = "/api/v1/test/me";

#[tokio::test]
async fn tokens_keys_and_cookies_say_who_asks() {
    let stage = Stage::open(table()).await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let (key, by_key) = stage.key(TenantId::DEFAULT, owner, &[Permission::AgentView], None).await;
    let token = stage.token(owner, Some(TenantId::DEFAULT)).await;
    let cookie = stage.cookie(owner, TenantId::DEFAULT).await;
    for (credential, kind, id) in [(token, "user", owner), (cookie, "user", owner), (by_key, "api_key", key)] {
        let (status, body) = read(stage.get(ME, &credential).await).await;
        assert_eq!((status, &body["kind"], &body["id"]), (200, &json!(kind), &json!(id.to_string())), "{credential:?}");
    }
}

#[tokio::test]
async fn a_wrong_credential_is_not_made_up_for_by_another() {
    let stage = Stage::open(table()).await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let Credential::Cookie(cookie) = stage.cookie(owner, TenantId::DEFAULT).await else { panic!("no cookie") };
    let both =
        |authorization: &str| stage.ask(Method::GET, ME, &Credential::Cookie(cookie.clone())).header("authorization", authorization).send();
    for wrong in ["Bearer wrong", "Basic YTpi", "Bearer", "vnk_a_b"] {
        let response = both(wrong).await.unwrap();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        assert_eq!(read(response).await.0, 401, "{wrong}");
    }
}

fn settings(token: Option<&str>, loopback_operator: bool) -> ApiSettings {
    ApiSettings { operator_token: token.map(|token| Secret::from(token.to_owned())), loopback_operator, ..ApiSettings::default() }
}

#[tokio::test]
async fn the_operator_token_is_a_bearer_or_the_console_s_cookie() {
    let stage = Stage::with(table(), settings(Some("operator-secret"), true), Limits::new(None, plenty())).await;
    let (status, body) = read(stage.get(ME, &Credential::Bearer("operator-secret".into())).await).await;
    assert_eq!((status, &body["kind"]), (200, &json!("operator")));
    let cookie = stage.ask(Method::GET, ME, &Credential::Nothing).header("cookie", "voicenoob_operator=operator-secret");
    assert_eq!(cookie.send().await.unwrap().status(), 200);
    assert_eq!(stage.get(ME, &Credential::Bearer("operator-secreT".into())).await.status(), 401);
    assert_eq!(stage.get(ME, &Credential::Nothing).await.status(), 401, "with a token set, this machine alone is nobody");
}

#[tokio::test]
async fn this_machine_is_the_operator_until_there_is_an_account() {
    let stage = Stage::with(table(), settings(None, true), Limits::new(None, plenty())).await;
    let (status, body) = read(stage.get(ME, &Credential::Nothing).await).await;
    assert_eq!((status, &body["kind"]), (200, &json!("operator")));
    for (name, value) in [("x-forwarded-for", "198.51.100.1"), ("via", "1.1 proxy"), ("host", "evil.example")] {
        let response = stage.ask(Method::GET, ME, &Credential::Nothing).header(name, value).send().await.unwrap();
        let (status, body) = read(response).await;
        assert_eq!((status, &body["code"]), (403, &json!("not_local")), "{name}");
    }
    let foreign_page = stage.ask(Method::POST, "/api/v1/test/costly", &Credential::Nothing).header("sec-fetch-site", "cross-site");
    assert_eq!(foreign_page.send().await.unwrap().status(), 403);
    stage.person(None, true).await;
    assert_eq!(stage.get(ME, &Credential::Nothing).await.status(), 401);
}

#[tokio::test]
async fn without_the_setting_this_machine_is_nobody() {
    let stage = Stage::with(table(), settings(None, false), Limits::new(None, plenty())).await;
    assert_eq!(stage.get(ME, &Credential::Nothing).await.status(), 401);
}

#[tokio::test]
async fn under_tls_only_the_cookie_that_is_bound_to_the_host_counts() {
    let settings = ApiSettings { public_url: Some("https://voice.example.com".into()), ..ApiSettings::default() };
    let stage = Stage::with(table(), settings, Limits::new(None, plenty())).await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let Credential::Cookie(value) = stage.cookie(owner, TenantId::DEFAULT).await else { panic!("no cookie") };
    let with = |name: &str| stage.ask(Method::GET, ME, &Credential::Nothing).header("cookie", format!("{name}={value}")).send();
    assert_eq!(with("__Host-voicenoob").await.unwrap().status(), 200);
    assert_eq!(with("voicenoob").await.unwrap().status(), 401);
}

#[tokio::test]
async fn only_proxies_of_ours_name_the_client() {
    let address = async |trusted: &[&str], forwarded: &str| {
        let trusted_proxies = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let stage = Stage::with(table(), ApiSettings { trusted_proxies, ..ApiSettings::default() }, Limits::new(None, plenty())).await;
        let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
        let token = stage.token(owner, None).await;
        let response = stage.ask(Method::GET, ME, &token).header("x-forwarded-for", forwarded).send().await.unwrap();
        read(response).await.1["address"].clone()
    };
    assert_eq!(address(&[], "198.51.100.1").await, "127.0.0.1");
    assert_eq!(address(&["127.0.0.0/8"], "1.2.3.4, 198.51.100.1").await, "198.51.100.1");
}

#[tokio::test]
async fn who_lacks_a_permission_is_refused_and_noted() {
    let stage = Stage::open(table()).await;
    let viewer = stage.person(Some((TenantId::DEFAULT, Role::Viewer)), false).await;
    let token = stage.token(viewer, Some(TenantId::DEFAULT)).await;
    let request = stage.ask(Method::POST, "/api/v1/test/things", &token).json(&json!({ "name": "a", "size": 1 }));
    let (status, body) = read(request.send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (403, &json!("permission")));
    assert!(body["detail"].as_str().unwrap().contains("agent:manage"));
    let filter = store::audit::AuditFilter { action: Some("access.refuse".into()), limit: 10, ..Default::default() };
    let rows = store::audit::list(stage.db(), &filter).await.unwrap();
    let entry = &rows[0].entry;
    assert_eq!((entry.outcome, entry.actor.id.as_deref()), (store::audit::Outcome::Refused, Some(viewer.to_string().as_str())));
    assert_eq!((entry.target.1.as_deref(), &entry.request_id), (Some("make"), &body["request_id"].as_str().unwrap().to_owned()));
    assert_eq!(entry.detail["lacking"], json!(["agent:manage"]));
}

#[tokio::test]
async fn what_is_done_is_noted_with_it_and_what_failed_too() {
    let stage = Stage::open(table()).await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let token = stage.token(owner, Some(TenantId::DEFAULT)).await;
    for (name, status) in [("good", 201), ("bad", 409)] {
        let request = stage.ask(Method::POST, "/api/v1/test/things", &token).json(&json!({ "name": name, "size": 1 }));
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    let filter = store::audit::AuditFilter { action: Some("thing.".into()), limit: 10, ..Default::default() };
    let rows = store::audit::list(stage.db(), &filter).await.unwrap();
    let outcomes: Vec<_> =
        rows.iter().map(|row| (row.entry.outcome.as_str(), row.entry.after.is_some(), &row.entry.detail["code"])).collect();
    assert_eq!(outcomes, [("failed", false, &json!("bad")), ("done", true, &json!(null))]);
    assert_eq!(store::audit::verify(stage.db()).await.unwrap().first_fault, None);
}

#[tokio::test]
async fn without_its_line_in_the_trail_nothing_is_done() {
    let stage = Stage::open(table()).await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let token = stage.token(owner, Some(TenantId::DEFAULT)).await;
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no trail'); END";
    store::query(broken).execute(stage.db().writer()).await.unwrap();
    let request = stage.ask(Method::POST, "/api/v1/test/things", &token).json(&json!({ "name": "untraced", "size": 1 }));
    let (status, body) = read(request.send().await.unwrap()).await;
    assert!(status == 503 || status == 500, "{status} {body}");
    assert!(!body.to_string().contains("no trail"), "what the database said stays inside");
}
