//! Workspaces.

use call::TenantId;
use reqwest::Method;
use serde_json::json;

use crate::desk::{Desk, PASSWORD};

async fn a_workspace_is_made_read_changed_and_cleared(desk: Desk) {
    let owner = desk.owner().await;
    let hours = json!({ "monday": [{ "from": "09:00", "to": "17:00" }], "saturday": [{ "from": "22:00", "to": "02:00" }] });
    let new = json!({
        "name": "Hotel Adler", "description": "By the lake.", "time_zone": "Europe/Berlin", "opening_hours": hours,
        "retention": { "recordings_days": 30 }, "redaction": "all", "max_calls": 5,
    });
    let made = owner.post("workspaces", new).await.is(201);
    let (id, path) = (made.text("/id"), format!("workspaces/{}", made.text("/id")));
    owner.get(&path).await.refused(404, "not_found");
    owner.post("auth/workspace", json!({ "workspace_id": id })).await.is(200);
    assert_eq!(owner.get(&path).await.is(200).body, made.body);
    assert_eq!(made.body["opening_hours"]["monday"], hours["monday"]);
    assert_eq!(made.body["opening_hours"]["tuesday"], json!([]));

    let changed =
        owner.patch(&path, json!({ "opening_hours": null, "description": null, "retention": null, "max_calls": null })).await.is(200);
    for cleared in ["opening_hours", "description", "max_calls"] {
        assert!(changed.body[cleared].is_null(), "{cleared}: {changed:?}");
    }
    assert!(changed.body["retention"]["recordings_days"].is_null());
    assert_eq!((changed.text("/time_zone").as_str(), changed.text("/redaction").as_str()), ("Europe/Berlin", "all"));
    assert_eq!(owner.get(&path).await.is(200).body, changed.body);
    let line = owner.line("workspace.change", &id).await;
    assert_eq!(line["detail"]["fields"], json!(["description", "opening_hours", "retention", "max_calls"]));
    assert_eq!(line["before"], owner.line("workspace.create", &id).await["after"]);
}

async fn every_field_of_a_workspace_that_is_not_right_is_named(desk: Desk) {
    let owner = desk.owner().await;
    let bad = json!({
        "name": "", "description": "x".repeat(2001), "time_zone": "Mars/Olympus", "max_calls": 0,
        "opening_hours": { "monday": [{ "from": "9", "to": "25:00" }] }, "retention": { "calls_days": 0 },
    });
    let all = [
        "/description",
        "/max_calls",
        "/name",
        "/opening_hours/monday/0/from",
        "/opening_hours/monday/0/to",
        "/retention/calls_days",
        "/time_zone",
    ];
    assert_eq!(owner.post("workspaces", bad.clone()).await.bad_fields(), all);
    let path = format!("workspaces/{}", TenantId::DEFAULT);
    assert_eq!(owner.patch(&path, bad).await.bad_fields(), all);
    assert_eq!(
        owner.patch(&path, json!({ "name": null, "time_zone": null, "redaction": null })).await.bad_fields(),
        ["/name", "/redaction", "/time_zone"]
    );
    let owner_unknown = owner.post("workspaces", json!({ "name": "New", "owner": "nobody@example.com" })).await;
    assert_eq!(owner_unknown.bad_fields(), ["/owner"]);
}

async fn the_limit_of_calls_is_not_the_owners_to_raise(desk: Desk) {
    let owner = desk.owner().await;
    let second = desk.colleague(&owner, "second@example.com", "owner").await;
    let path = format!("workspaces/{}", TenantId::DEFAULT);
    second.patch(&path, json!({ "max_calls": 1000 })).await.refused(403, "forbidden");
    second.patch(&path, json!({ "name": "Ours" })).await.is(200);
    owner.patch(&path, json!({ "max_calls": 1000 })).await.is(200);
    second.post("workspaces", json!({ "name": "Another" })).await.refused(403, "permission");
}

async fn a_workspace_is_removed_with_its_sessions_and_the_first_one_stays(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let there = stranger.get("auth/me").await.is(200).text("/workspace_id");
    stranger.delete(&format!("workspaces/{}", TenantId::DEFAULT)).await.refused(404, "not_found");
    owner.delete(&format!("workspaces/{there}")).await.refused(404, "not_found");
    owner.delete(&format!("workspaces/{}", TenantId::DEFAULT)).await.refused(409, "in_use");
    stranger.delete(&format!("workspaces/{there}")).await.is(204);
    stranger.get("agents").await.is(401);
    owner.get("agents").await.is(200);
}

async fn everybody_sees_their_own_workspaces_and_the_system_administrator_all(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    assert_eq!(stranger.get("workspaces").await.is(200).names(), ["Elsewhere"]);
    assert_eq!(owner.get("workspaces").await.is(200).names(), ["Elsewhere", "default"]);
    let page = owner.get("workspaces?limit=1").await.is(200);
    assert_eq!(page.names(), ["Elsewhere"]);
    assert_eq!(owner.get(&format!("workspaces?limit=1&after={}", page.text("/next"))).await.is(200).names(), ["default"]);
    let made = owner.post("workspaces", json!({ "name": "Gift", "owner": "Stranger@Example.com" })).await.is(201);
    assert_eq!(stranger.get("workspaces").await.is(200).names(), ["Gift", "Elsewhere"]);
    let login = json!({ "email": "stranger@example.com", "password": PASSWORD, "workspace_id": made.text("/id") });
    let signed_in = desk.nobody().post("auth/login", login).await.is(200);
    assert_eq!(desk.bearer(&signed_in.text("/access_token")).get("auth/me").await.is(200).text("/role"), "owner");
}

async fn of_two_changes_of_a_workspace_the_second_is_told(desk: Desk) {
    let owner = desk.owner().await;
    let path = format!("workspaces/{}", TenantId::DEFAULT);
    let read = owner.get(&path).await.is(200).etag();
    let headers = [("if-match", read.as_str())];
    owner.ask(Method::PATCH, &path, Some(json!({ "name": "First" })), &headers).await.is(200);
    owner.ask(Method::PATCH, &path, Some(json!({ "name": "Second" })), &headers).await.refused(412, "changed");
    owner.ask(Method::PATCH, &path, Some(json!({ "name": "Second" })), &[("if-match", "v1")]).await.is(400);
    assert_eq!(owner.get(&path).await.is(200).text("/name"), "First");
}

stories! {
    a_workspace_is_made_read_changed_and_cleared,
    every_field_of_a_workspace_that_is_not_right_is_named,
    the_limit_of_calls_is_not_the_owners_to_raise,
    a_workspace_is_removed_with_its_sessions_and_the_first_one_stays,
    everybody_sees_their_own_workspaces_and_the_system_administrator_all,
    of_two_changes_of_a_workspace_the_second_is_told,
}
