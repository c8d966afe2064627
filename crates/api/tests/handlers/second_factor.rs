//! Second factors.

use call::Timestamp;
use reqwest::Method;
use serde_json::json;
use totp_rs::Totp;

use crate::desk::{Desk, Hand, PASSWORD};

/// Seconds of a step.
const STEP: u64 = 30;

/// The app: the code so many steps from now.
fn code(url: &str, steps: u64) -> String {
    let now = u64::try_from(Timestamp::now().as_second()).unwrap();
    Totp::from_url(url).unwrap().generate(now + steps * STEP).to_string()
}

async fn set_up(hand: &Hand) -> (String, Vec<String>) {
    hand.post("auth/totp", json!({ "password": "guessed" })).await.refused(401, "wrong_credentials");
    let setup = hand.post("auth/totp", json!({ "password": PASSWORD })).await.is(200);
    let url = setup.text("/url");
    assert!(url.contains(&setup.text("/secret")));
    hand.post("auth/totp/confirm", json!({ "code": "000000" })).await.refused(422, "bad_code");
    let confirmed = hand.post("auth/totp/confirm", json!({ "code": code(&url, 0) })).await.is(200);
    let codes = confirmed.body["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    (url, codes)
}

async fn a_second_factor_is_set_up_asked_for_and_switched_off(desk: Desk) {
    let owner = desk.owner().await;
    let (url, codes) = set_up(&owner).await;
    assert_eq!(codes.len(), people::RECOVERY_CODES);
    let nobody = desk.nobody();
    let login = json!({ "email": "owner@example.com", "password": PASSWORD });
    let first = nobody.post("auth/login", login.clone()).await.is(202);
    assert!(first.body.get("access_token").is_none(), "{first:?}");
    let step = |code: &str| json!({ "ticket": first.text("/ticket"), "code": code });
    nobody.post("auth/second-factor", step("000000")).await.refused(422, "bad_code");
    let signed_in = nobody.post("auth/second-factor", step(&code(&url, 1))).await.is(200);
    nobody.post("auth/second-factor", step(&codes[0])).await.refused(401, "unauthenticated");
    let again = desk.bearer(&signed_in.text("/access_token"));
    assert!(again.get("auth/me").await.is(200).body["second_factor_at"].is_string());

    let renewed = again.post("auth/recovery-codes", json!({ "code": codes[1] })).await.is(200);
    again.post("auth/verify", json!({ "code": codes[2] })).await.refused(422, "bad_code");
    let new = renewed.text("/recovery_codes/0");
    again.post("auth/verify", json!({ "code": new })).await.is(204);
    again.post("auth/verify", json!({ "code": new })).await.refused(422, "bad_code");
    let last = json!({ "code": renewed.text("/recovery_codes/1") });
    again.ask(Method::DELETE, "auth/totp", Some(last), &[]).await.is(204);
    nobody.post("auth/login", login).await.is(200);
}

async fn an_administrator_takes_off_a_lost_second_factor(desk: Desk) {
    let owner = desk.owner().await;
    let bob = desk.colleague(&owner, "bob@example.com", "viewer").await;
    let (url, _) = set_up(&bob).await;
    let path = format!("users/{}", bob.id);
    assert_eq!(owner.get(&path).await.is(200).body["second_factor"], true);
    owner.delete(&format!("{path}/totp")).await.is(204);
    bob.get("auth/me").await.is(401);
    assert_eq!(owner.get(&path).await.is(200).body["second_factor"], false);
    desk.sign_in("bob@example.com").await;
    owner.line("totp.remove", &bob.id).await;
    // What the app was told stays between the two.
    let trail = owner.get("audit?action=totp.").await.is(200);
    let secret = url.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    assert!(!trail.body.to_string().contains(secret));
}

stories! {
    a_second_factor_is_set_up_asked_for_and_switched_off,
    an_administrator_takes_off_a_lost_second_factor,
}
