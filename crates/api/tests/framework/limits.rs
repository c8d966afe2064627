//! How often who may ask, on the wire.

use std::sync::Arc;

use api::{ApiSettings, Limits, Rates};
use call::TenantId;
use live::{Rate, RateLimits, RedisState, Rules};
use people::Role;
use reqwest::Method;
use testkit::redis::RedisServer;

use super::routes::table;
use super::stage::{Credential, OTHER, Stage, plenty, read};

const ME: &str = "/api/v1/test/me";

fn slow(count: u32) -> Rate {
    Rate { count, per: std::time::Duration::from_secs(3600) }
}

async fn passing(stage: &Stage, credential: &Credential) -> usize {
    let mut passing = 0;
    while stage.get(ME, credential).await.status() == 200 {
        passing += 1;
        assert!(passing < 1000, "there is no limit");
    }
    passing
}

#[tokio::test]
async fn the_headers_count_down_and_who_is_refused_is_told_when_to_come_again() {
    let stage = Stage::with(table(), ApiSettings::default(), Limits::new(None, Rates { read: slow(2), workspace: 10, ..plenty() })).await;
    let owner = stage.person(Some((TenantId::DEFAULT, Role::Owner)), false).await;
    let token = stage.token(owner, Some(TenantId::DEFAULT)).await;
    let first = stage.get(ME, &token).await;
    let header = |name: &str| first.headers()[name].to_str().unwrap().to_owned();
    assert!(header("ratelimit-policy").contains("\"read\";q=2;w=3600"), "{}", header("ratelimit-policy"));
    assert!(header("ratelimit").contains("\"read\";r=1;t=1800"), "{}", header("ratelimit"));
    assert_eq!(stage.get(ME, &token).await.status(), 200);
    let refused = stage.get(ME, &token).await;
    let after: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1790..=1800).contains(&after), "{after}");
    let (status, body) = read(refused).await;
    assert_eq!((status, body["code"].as_str()), (429, Some("too_many_requests")));
}

#[tokio::test]
async fn people_of_one_workspace_have_their_own_and_a_common_limit() {
    let stage = Stage::with(table(), ApiSettings::default(), Limits::new(None, Rates { read: slow(4), workspace: 2, ..plenty() })).await;
    let mut passed = Vec::new();
    for (tenant, _) in [(TenantId::DEFAULT, 1), (TenantId::DEFAULT, 2), (TenantId::DEFAULT, 3), (OTHER, 4)] {
        let person = stage.person(Some((tenant, Role::Viewer)), false).await;
        passed.push(passing(&stage, &stage.token(person, Some(tenant)).await).await);
    }
    assert_eq!(passed, [4, 4, 0, 4], "the third finds the workspace's eight gone");
}

#[tokio::test]
async fn a_second_session_is_the_same_person() {
    let stage = Stage::with(table(), ApiSettings::default(), Limits::new(None, Rates { read: slow(3), workspace: 10, ..plenty() })).await;
    let person = stage.person(Some((TenantId::DEFAULT, Role::Viewer)), false).await;
    assert_eq!(passing(&stage, &stage.token(person, Some(TenantId::DEFAULT)).await).await, 3);
    assert_eq!(passing(&stage, &stage.cookie(person, TenantId::DEFAULT).await).await, 0);
}

#[tokio::test]
async fn signing_in_is_counted_by_address_whatever_is_forged() {
    let settings = ApiSettings { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..ApiSettings::default() };
    let stage = Stage::with(table(), settings, Limits::new(None, Rates { login: slow(3), ..plenty() })).await;
    let login = async |forwarded: String| {
        let request = stage.ask(Method::POST, "/api/v1/test/login", &Credential::Nothing).header("x-forwarded-for", forwarded);
        request.json(&serde_json::json!({ "name": "a", "size": 1 })).send().await.unwrap().status().as_u16()
    };
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(login(format!("198.51.100.{number}, 203.0.113.7")).await);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429], "what stands left of the proxy's word is the client's own");
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(login(format!("2001:db8:1:2::{number}")).await);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429], "a customer of IPv6 has a whole network of addresses");
    assert_eq!(login("2001:db8:1:3::1".into()).await, 200);
}

#[tokio::test]
async fn who_brings_nothing_is_limited_by_address() {
    let stage = Stage::with(table(), ApiSettings::default(), Limits::new(None, Rates { address: slow(5), ..plenty() })).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(stage.get(ME, &Credential::Bearer("vnk_guessed_key".into())).await.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
}

#[tokio::test]
async fn instances_count_together_and_by_half_while_redis_is_away() {
    let mut redis = RedisServer::start().await.unwrap();
    let shared =
        |redis: &RedisServer| Arc::new(RedisState::connect(&redis.url(), "voicenoob", Rules::default()).unwrap()) as Arc<dyn RateLimits>;
    let rates = Rates { read: slow(10), address: slow(1000), workspace: 100, ..plenty() };
    let one = Stage::with(table(), ApiSettings::default(), Limits::new(Some(shared(&redis)), rates)).await;
    let person = one.person(Some((TenantId::DEFAULT, Role::Viewer)), false).await;
    let token = one.token(person, Some(TenantId::DEFAULT)).await;
    for _ in 0..6 {
        assert_eq!(one.get(ME, &token).await.status(), 200);
    }
    // What another instance counts for the same person.
    let other = Limits::new(Some(shared(&redis)), rates);
    let two = Stage::beside(&one, table(), other).await;
    assert_eq!(passing(&two, &token).await, 4);
    assert_eq!(one.get(ME, &token).await.status(), 429);
    redis.stop();
    assert_eq!(passing(&one, &token).await, 5, "half, counted anew");
    redis.restart().await.unwrap();
}
