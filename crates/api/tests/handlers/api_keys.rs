//! API keys.

use reqwest::Method;
use serde_json::json;

use crate::desk::Desk;

async fn a_key_is_made_used_listed_and_revoked(desk: Desk) {
    let owner = desk.owner().await;
    let made = owner.post("api-keys", json!({ "name": "Reporting", "scopes": ["agent:view", "workspace:view"] })).await.is(201);
    let (key, path) = (made.text("/key"), format!("api-keys/{}", made.text("/api_key/id")));
    assert!(key.starts_with("vnk_") && key.contains(&made.text("/api_key/prefix")), "{made:?}");
    let program = desk.bearer(&key);
    program.get("agents").await.is(200);
    let me = program.get("auth/me").await.is(200);
    assert_eq!((me.text("/kind").as_str(), me.text("/api_key_id")), ("api_key", made.text("/api_key/id")));
    assert_eq!(program.get("workspaces").await.is(200).names(), ["default"]);

    assert_eq!(owner.get("api-keys").await.is(200).names(), ["Reporting"]);
    let read = owner.get(&path).await.is(200);
    assert!(!read.body.to_string().contains(&key), "the key itself is shown once: {read:?}");
    owner.delete(&path).await.is(204);
    program.get("agents").await.is(401);
    owner.delete(&path).await.refused(404, "not_found");
    assert!(owner.get(&path).await.is(200).body["revoked_at"].is_string(), "it stays in the list");
    owner.line("key.create", &made.text("/api_key/id")).await;
    owner.line("key.revoke", &made.text("/api_key/id")).await;
}

async fn every_field_of_a_key_that_is_not_right_is_named(desk: Desk) {
    let owner = desk.owner().await;
    let bad = json!({ "name": "", "scopes": ["agent:view", "agent:*"], "expires_at": "2020-01-01T00:00:00Z" });
    assert_eq!(owner.post("api-keys", bad).await.bad_fields(), ["/expires_at", "/name", "/scopes/1"]);
    assert_eq!(owner.post("api-keys", json!({ "name": "Empty", "scopes": [] })).await.bad_fields(), ["/scopes"]);
    let admin = desk.colleague(&owner, "admin@example.com", "admin").await;
    let beyond = json!({ "name": "More", "scopes": ["agent:view", "workspace:delete", "system:admin"] });
    assert_eq!(admin.post("api-keys", beyond).await.bad_fields(), ["/scopes/1", "/scopes/2"]);
}

async fn a_key_does_not_do_what_its_scopes_do_not_say(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let made = owner.post("api-keys", json!({ "name": "Reader", "scopes": ["agent:view"] })).await.is(201);
    let program = desk.bearer(&made.text("/key"));
    program.post("agents", json!({ "name": "New" })).await.refused(403, "permission");
    program.get("users").await.refused(403, "permission");
    program.get("auth/sessions").await.refused(403, "not_a_person");
    program.post("auth/logout", json!({})).await.refused(403, "not_a_person");
    let path = format!("api-keys/{}", made.text("/api_key/id"));
    stranger.get(&path).await.refused(404, "not_found");
    stranger.delete(&path).await.refused(404, "not_found");
    program.get("agents").await.is(200);
}

async fn a_key_that_is_asked_for_twice_with_one_idempotency_key_is_made_once(desk: Desk) {
    let owner = desk.owner().await;
    let once = [("idempotency-key", "3f0c5f3a-2f0c-4d67-8a0b-53a2d0a6c1f1")];
    let body = json!({ "name": "Reporting", "scopes": ["agent:view"] });
    let first = owner.ask(Method::POST, "api-keys", Some(body.clone()), &once).await.is(201);
    let again = owner.ask(Method::POST, "api-keys", Some(body), &once).await.is(201);
    assert_eq!(first.text("/key"), again.text("/key"), "who lost the answer gets it again");
    assert_eq!(owner.get("api-keys").await.is(200).names(), ["Reporting"]);
    desk.bearer(&again.text("/key")).get("agents").await.is(200);
}

stories! {
    a_key_is_made_used_listed_and_revoked,
    every_field_of_a_key_that_is_not_right_is_named,
    a_key_does_not_do_what_its_scopes_do_not_say,
    a_key_that_is_asked_for_twice_with_one_idempotency_key_is_made_once,
}
