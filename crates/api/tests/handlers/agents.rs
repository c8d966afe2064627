//! Agents.

use reqwest::Method;
use serde_json::json;

use crate::desk::{Desk, FLOW};

async fn an_agent_is_made_read_changed_cleared_and_removed(desk: Desk) {
    let owner = desk.owner().await;
    let made = owner.post("agents", json!({ "name": "Front desk", "voice": "slt", "greeting": "Good day.", "flow": FLOW })).await.is(201);
    assert_eq!((made.etag().as_str(), made.text("/base").as_str()), ("\"v1\"", "hotel"));
    let path = format!("agents/{}", made.text("/id"));
    assert_eq!(owner.get(&path).await.is(200).body, made.body);

    let before = desk.directory.changes();
    let changed =
        owner.patch(&path, json!({ "name": "Reception", "greeting": null, "flow": null, "silence_duration_ms": 700 })).await.is(200);
    assert_eq!(changed.etag(), "\"v2\"");
    assert_eq!((changed.text("/name").as_str(), changed.text("/voice").as_str()), ("Reception", "slt"), "what is left out stays");
    assert!(changed.body["greeting"].is_null() && changed.body["flow"].is_null(), "null clears");
    assert_eq!(changed.body["silence_duration_ms"], 700);
    assert_eq!(desk.directory.changes(), before + 1, "who holds agents is told");
    assert_eq!(owner.get(&path).await.is(200).body, changed.body);

    let line = owner.line("agent.change", &made.text("/id")).await;
    assert_eq!(line["detail"]["fields"], json!(["name", "flow", "greeting", "silence_duration_ms"]));
    assert_eq!(line["before"], owner.line("agent.create", &made.text("/id")).await["after"]);
    assert_ne!(line["before"], line["after"]);

    owner.delete(&path).await.is(204);
    owner.get(&path).await.refused(404, "not_found");
    owner.delete(&path).await.refused(404, "not_found");
    owner.line("agent.remove", &made.text("/id")).await;
}

async fn every_field_of_an_agent_that_is_not_right_is_named(desk: Desk) {
    let owner = desk.owner().await;
    let bad = json!({
        "name": " ", "description": "x".repeat(2001), "base": "shop", "voice": "nobody", "language": "xx", "greeting": "",
        "tools": ["find_booking", "find_booking"], "silence_duration_ms": 2001, "turn_detection_threshold": 1.5, "max_call_seconds": 5,
    });
    let all = [
        "/base",
        "/description",
        "/greeting",
        "/language",
        "/max_call_seconds",
        "/name",
        "/silence_duration_ms",
        "/tools/1",
        "/turn_detection_threshold",
        "/voice",
    ];
    assert_eq!(owner.post("agents", bad.clone()).await.bad_fields(), all);
    let made = owner.post("agents", json!({ "name": "Front desk" })).await.is(201);
    let path = format!("agents/{}", made.text("/id"));
    assert_eq!(owner.patch(&path, bad).await.bad_fields(), all);
    let cleared = owner.patch(&path, json!({ "name": null, "base": null, "active": null })).await;
    assert_eq!(cleared.bad_fields(), ["/active", "/base", "/name"], "what an agent must have is not cleared");
    let unknown = owner.post("agents", json!({ "name": "Front desk", "tenant_id": "x" })).await;
    assert!(unknown.status.is_client_error(), "what is not known is not passed over: {unknown:?}");
    let mind = json!({ "system_prompt": "Be kind", "temperature": 2.1, "max_tokens": 99 });
    assert_eq!(owner.patch(&path, mind).await.bad_fields(), ["/max_tokens", "/system_prompt", "/temperature"]);
    let words = json!({ "tier": "free", "turn_detection_mode": "disabled" });
    assert_eq!(owner.patch(&path, words).await.bad_fields(), ["/tier", "/turn_detection_mode"]);
    let edges = [
        (99, 0.1, "/silence_duration_ms"),
        (2001, 0.9, "/silence_duration_ms"),
        (100, 0.09, "/turn_detection_threshold"),
        (2000, 0.91, "/turn_detection_threshold"),
    ];
    for (silence, threshold, bad) in edges {
        let patch = json!({ "silence_duration_ms": silence, "turn_detection_threshold": threshold });
        assert_eq!(owner.patch(&path, patch).await.bad_fields(), [bad], "{silence} {threshold}");
    }
    assert_eq!(owner.get(&path).await.etag(), "\"v1\"");
}

async fn an_agents_model_is_chosen_and_left_again(desk: Desk) {
    let owner = desk.owner().await;
    let mind = json!({ "tier": "premium-mini", "system_prompt": "Be kind and brief.", "temperature": 0.5, "max_tokens": 400,
        "turn_detection_mode": "normal" });
    let mut body = mind.clone();
    body["name"] = json!("Front desk");
    let made = owner.post("agents", body).await.is(201);
    let path = format!("agents/{}", made.text("/id"));
    let read = owner.get(&path).await.is(200);
    for (field, value) in mind.as_object().unwrap() {
        assert_eq!(&read.body[field], value, "{field}");
    }
    let other = owner.patch(&path, json!({ "tier": "budget", "max_tokens": null, "turn_detection_mode": "semantic" })).await.is(200);
    assert_eq!((other.text("/tier").as_str(), other.text("/turn_detection_mode").as_str()), ("budget", "semantic"));
    assert!(other.body["max_tokens"].is_null() && other.body["temperature"] == 0.5, "{other:?}");
    let none = json!({ "tier": null, "system_prompt": null, "temperature": null, "turn_detection_mode": null });
    let left = owner.patch(&path, none).await.is(200);
    assert!(mind.as_object().unwrap().keys().all(|field| left.body[field].is_null()), "{left:?}");
}

async fn what_cannot_be_built_here_is_not_stored(desk: Desk) {
    let owner = desk.owner().await;
    let broken = owner.post("agents", json!({ "name": "Broken", "flow": "id = ", "tools": ["find_booking", "fly"] })).await;
    assert_eq!(broken.bad_fields(), ["/flow", "/tools/1"]);
    assert!(owner.get("agents").await.is(200).names().is_empty());
    let made = owner.post("agents", json!({ "name": "Whole" })).await.is(201);
    let path = format!("agents/{}", made.text("/id"));
    assert_eq!(owner.patch(&path, json!({ "flow": "[" })).await.bad_fields(), ["/flow"]);
    assert_eq!(owner.get(&path).await.is(200).body, made.body);
}

async fn of_two_changes_of_one_version_the_second_is_told(desk: Desk) {
    let owner = desk.owner().await;
    let made = owner.post("agents", json!({ "name": "Front desk" })).await.is(201);
    let (path, read) = (format!("agents/{}", made.text("/id")), made.etag());
    let headers = [("if-match", read.as_str())];
    owner.ask(Method::PATCH, &path, Some(json!({ "name": "First" })), &headers).await.is(200);
    owner.ask(Method::PATCH, &path, Some(json!({ "name": "Second" })), &headers).await.refused(412, "changed");
    owner.ask(Method::DELETE, &path, None, &headers).await.refused(412, "changed");
    let now = owner.get(&path).await.is(200);
    assert_eq!(now.text("/name"), "First");
    owner.ask(Method::GET, &path, None, &[("if-none-match", &now.etag())]).await.is(304);
    owner.ask(Method::DELETE, &path, None, &[("if-match", &now.etag())]).await.is(204);
}

async fn agents_are_listed_in_pages_newest_first(desk: Desk) {
    let owner = desk.owner().await;
    for name in ["a", "b", "c"] {
        owner.post("agents", json!({ "name": name })).await.is(201);
    }
    let first = owner.get("agents?limit=2").await.is(200);
    assert_eq!(first.names(), ["c", "b"]);
    let second = owner.get(&format!("agents?limit=2&after={}", first.text("/next"))).await.is(200);
    assert_eq!(second.names(), ["a"]);
    assert!(second.body["next"].is_null());
    assert_eq!(owner.get("agents?limit=201").await.bad_fields(), ["limit"]);
    assert!(owner.get("agents?offset=2").await.status.is_client_error());
}

async fn two_agents_of_a_workspace_do_not_share_a_name(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    owner.post("agents", json!({ "name": "Front desk" })).await.is(201);
    owner.post("agents", json!({ "name": "front DESK" })).await.refused(409, "taken");
    stranger.post("agents", json!({ "name": "Front desk" })).await.is(201);
    let other = owner.post("agents", json!({ "name": "Bar" })).await.is(201);
    owner.patch(&format!("agents/{}", other.text("/id")), json!({ "name": "Front Desk" })).await.refused(409, "taken");
}

async fn agents_of_another_workspace_are_not_there(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let made = owner.post("agents", json!({ "name": "Front desk" })).await.is(201);
    let path = format!("agents/{}", made.text("/id"));
    stranger.get(&path).await.refused(404, "not_found");
    stranger.patch(&path, json!({ "name": "Mine" })).await.refused(404, "not_found");
    stranger.delete(&path).await.refused(404, "not_found");
    assert!(stranger.get("agents").await.is(200).names().is_empty());
    assert_eq!(owner.get(&path).await.is(200).body, made.body);
    desk.nobody().get(&path).await.refused(401, "unauthenticated");
}

async fn a_creation_that_is_repeated_makes_one_agent(desk: Desk) {
    let owner = desk.owner().await;
    let once = [("idempotency-key", "0c5f2d5c-7d1c-4f0e-9a53-0d8f4a4d6a10")];
    let first = owner.ask(Method::POST, "agents", Some(json!({ "name": "Front desk" })), &once).await.is(201);
    let again = owner.ask(Method::POST, "agents", Some(json!({ "name": "Front desk" })), &once).await.is(201);
    assert_eq!((&first.body, first.etag()), (&again.body, again.etag()));
    assert_eq!(owner.get("agents").await.is(200).names(), ["Front desk"]);
    let other = owner.ask(Method::POST, "agents", Some(json!({ "name": "Bar" })), &once).await;
    assert!(other.status.is_client_error(), "a key is for one request: {other:?}");
}

stories! {
    an_agent_is_made_read_changed_cleared_and_removed,
    every_field_of_an_agent_that_is_not_right_is_named,
    an_agents_model_is_chosen_and_left_again,
    what_cannot_be_built_here_is_not_stored,
    of_two_changes_of_one_version_the_second_is_told,
    agents_are_listed_in_pages_newest_first,
    two_agents_of_a_workspace_do_not_share_a_name,
    agents_of_another_workspace_are_not_there,
    a_creation_that_is_repeated_makes_one_agent,
}
