//! Signing in and out, and one's own account.

use call::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, PASSWORD};

async fn the_first_administrator_comes_with_a_ticket_and_only_once(desk: Desk) {
    let link = desk.state.people.first_admin_link(Timestamp::now()).await.unwrap().unwrap();
    let first = |ticket: &str| json!({ "ticket": ticket, "email": "ann@example.com", "name": "Ann", "password": PASSWORD });
    let nobody = desk.nobody();
    nobody.post("auth/first-admin", first("guessed")).await.refused(410, "expired");
    let weak = json!({ "ticket": link.token.expose(), "email": "ann@", "name": "", "password": "" });
    assert_eq!(nobody.post("auth/first-admin", weak).await.bad_fields(), ["/email", "/name", "/password"]);
    let account = nobody.post("auth/first-admin", first(link.token.expose())).await.is(201);
    assert_eq!(account.body["system_admin"], true);
    nobody.post("auth/first-admin", first(link.token.expose())).await.refused(410, "expired");
    let ann = desk.sign_in("ann@example.com").await;
    assert_eq!(ann.get("auth/me").await.is(200).text("/role"), "owner");
}

async fn unknown_and_wrong_are_answered_alike(desk: Desk) {
    let owner = desk.owner().await;
    let nobody = desk.nobody();
    let told = async |email: &str, password: &str| {
        let mut answer = nobody.post("auth/login", json!({ "email": email, "password": password })).await.refused(401, "wrong_credentials");
        answer.body.as_object_mut().unwrap().remove("request_id").unwrap();
        answer.body
    };
    let wrong = told("owner@example.com", "not the password").await;
    assert_eq!(wrong, told("nobody@example.com", "not the password").await);
    assert_eq!(wrong, told("nobody@example.com", PASSWORD).await);
    let trail = owner.get("audit?action=auth.login&outcome=failed&everything=true").await.is(200);
    assert_eq!(trail.body["items"].as_array().unwrap().len(), 3);
    assert!(!trail.body.to_string().contains("nobody@example.com"), "the trail holds no addresses: {trail:?}");
}

async fn a_session_is_listed_refreshed_and_ended(desk: Desk) {
    let owner = desk.owner().await;
    let signed_in = desk.nobody().post("auth/login", json!({ "email": "owner@example.com", "password": PASSWORD })).await.is(200);
    let other = desk.bearer(&signed_in.text("/access_token"));
    let sessions = owner.get("auth/sessions").await.is(200);
    let listed = sessions.body["items"].as_array().unwrap();
    assert_eq!(listed.iter().map(|session| &session["current"]).collect::<Vec<_>>(), [false, true]);
    assert_eq!(listed[0]["id"], signed_in.body["session_id"]);

    let refresh = json!({ "refresh_token": signed_in.text("/refresh_token") });
    let next = desk.nobody().post("auth/refresh", refresh.clone()).await.is(200);
    assert_ne!(next.text("/refresh_token"), signed_in.text("/refresh_token"));
    desk.bearer(&next.text("/access_token")).get("auth/me").await.is(200);
    desk.nobody().post("auth/refresh", refresh).await.refused(401, "unauthenticated");
    other.get("auth/me").await.is(401);
    desk.nobody().post("auth/refresh", json!({ "refresh_token": next.text("/refresh_token") })).await.is(401);

    let third = desk.sign_in("owner@example.com").await;
    let mine = third.get("auth/sessions").await.is(200).text("/items/0/id");
    owner.delete(&format!("auth/sessions/{mine}")).await.is(204);
    owner.delete(&format!("auth/sessions/{mine}")).await.refused(404, "not_found");
    third.get("auth/me").await.is(401);
    let fourth = desk.sign_in("owner@example.com").await;
    assert_eq!(owner.delete("auth/sessions").await.is(200).body["ended"], 1);
    fourth.get("auth/me").await.is(401);
    owner.post("auth/logout", json!({})).await.is(204);
    owner.get("auth/me").await.is(401);
}

async fn a_browser_gets_a_cookie_and_no_token(desk: Desk) {
    desk.owner().await;
    let nobody = desk.nobody();
    let login = json!({ "email": "owner@example.com", "password": PASSWORD, "cookie": true });
    let signed_in = nobody.post("auth/login", login).await.is(200);
    assert!(signed_in.body.get("access_token").is_none() && signed_in.body.get("refresh_token").is_none(), "{signed_in:?}");
    let cookie = signed_in.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    nobody.ask(Method::GET, "auth/me", None, &[("cookie", pair)]).await.is(200);
    let foreign = [("cookie", pair), ("origin", "https://evil.example")];
    nobody.ask(Method::POST, "auth/logout", Some(json!({})), &foreign).await.is(403);
    let out = nobody.ask(Method::POST, "auth/logout", Some(json!({})), &[("cookie", pair)]).await.is(204);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    nobody.ask(Method::GET, "auth/me", None, &[("cookie", pair)]).await.is(401);
}

async fn a_password_is_changed_by_who_knows_the_former_one(desk: Desk) {
    let owner = desk.owner().await;
    let other = desk.sign_in("owner@example.com").await;
    let new = "another horse in the battery";
    owner.post("auth/password", json!({ "current": "guessed", "new": new })).await.refused(401, "wrong_credentials");
    let weak = owner.post("auth/password", json!({ "current": PASSWORD, "new": "password" })).await;
    assert!(weak.bad_fields().iter().all(|field| field == "/password" || field == "/new"));
    owner.post("auth/password", json!({ "current": PASSWORD, "new": new })).await.is(204);
    owner.get("auth/me").await.is(200);
    other.get("auth/me").await.is(401);
    let login = |password: &str| json!({ "email": "owner@example.com", "password": password });
    desk.nobody().post("auth/login", login(PASSWORD)).await.refused(401, "wrong_credentials");
    desk.nobody().post("auth/login", login(new)).await.is(200);
    owner.line("password.change", &owner.id).await;
}

async fn somebody_chooses_among_their_own_workspaces_only(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let here = owner.get("auth/me").await.is(200).text("/workspace_id");
    let refused = stranger.post("auth/workspace", json!({ "workspace_id": here })).await;
    assert!(matches!(refused.status.as_u16(), 403 | 404), "{refused:?}");
    let made = owner.post("workspaces", json!({ "name": "Third" })).await.is(201);
    let me = owner.post("auth/workspace", json!({ "workspace_id": made.text("/id") })).await.is(200);
    assert_eq!(me.text("/workspace_id"), made.text("/id"));
    assert_eq!(owner.get("users").await.is(200).names(), ["Olga Owner"]);
    let login = json!({ "email": "stranger@example.com", "password": PASSWORD, "workspace_id": here });
    desk.nobody().post("auth/login", login).await.refused(403, "not_allowed");
}

async fn who_asks_is_told_what_they_may_do(desk: Desk) {
    let owner = desk.owner().await;
    let viewer = desk.colleague(&owner, "viewer@example.com", "viewer").await;
    let me = viewer.get("auth/me").await.is(200);
    assert_eq!((me.text("/kind").as_str(), me.text("/account/email").as_str()), ("user", "viewer@example.com"));
    assert_eq!(me.body["permissions"], json!(["call:view", "agent:view", "workspace:view"]));
    assert_eq!(me.text("/workspaces/0/role"), "viewer");
    let list = viewer.get("permissions").await.is(200);
    let granted: Vec<&Value> =
        list.body["permissions"].as_array().unwrap().iter().filter(|one| one["granted"] == true).map(|one| &one["name"]).collect();
    assert_eq!(granted, ["call:view", "agent:view", "workspace:view"]);
    assert_eq!(list.body["roles"].as_array().unwrap().len(), 4);
    desk.nobody().get("auth/me").await.refused(401, "unauthenticated");
}

async fn a_sign_in_with_several_faults_names_them_all(desk: Desk) {
    let nobody = desk.nobody();
    assert_eq!(nobody.post("auth/login", json!({ "email": "", "password": "" })).await.bad_fields(), ["/email", "/password"]);
    let unread = nobody.post("auth/login", json!({ "email": 1, "password": "x", "workspace_id": "here" })).await;
    assert_eq!(unread.bad_fields(), ["/email", "/workspace_id"]);
    let nul = nobody.post("auth/login", json!({ "email": "a\u{0}@example.com", "password": "x" })).await;
    assert_eq!(nul.bad_fields(), ["/email"]);
    nobody.post("auth/openid/begin", json!({})).await.refused(404, "not_found");
}

stories! {
    the_first_administrator_comes_with_a_ticket_and_only_once,
    unknown_and_wrong_are_answered_alike,
    a_session_is_listed_refreshed_and_ended,
    a_browser_gets_a_cookie_and_no_token,
    a_password_is_changed_by_who_knows_the_former_one,
    somebody_chooses_among_their_own_workspaces_only,
    who_asks_is_told_what_they_may_do,
    a_sign_in_with_several_faults_names_them_all,
}
