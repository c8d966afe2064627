//! Telephone numbers.

use reqwest::Method;
use serde_json::json;

use crate::desk::Desk;

async fn a_number_is_added_given_to_an_agent_cleared_and_taken_out(desk: Desk) {
    let owner = desk.owner().await;
    let agent = owner.post("agents", json!({ "name": "Front desk" })).await.is(201).text("/id");
    let before = desk.directory.changes();
    let added = owner.post("phone-numbers", json!({ "number": "+4930123456", "name": "Main", "carrier": "telnyx" })).await.is(201);
    let path = format!("phone-numbers/{}", added.text("/id"));
    assert!(added.body["agent_id"].is_null());
    assert_eq!(owner.get(&path).await.is(200).body, added.body);

    let given = owner.patch(&path, json!({ "agent_id": agent })).await.is(200);
    assert_eq!((given.text("/agent_id"), given.text("/name"), given.etag()), (agent.clone(), "Main".into(), "\"v2\"".into()));
    let cleared = owner.patch(&path, json!({ "agent_id": null, "name": null })).await.is(200);
    assert!(cleared.body["agent_id"].is_null() && cleared.body["name"].is_null());
    assert_eq!(desk.directory.changes(), before + 3);

    owner.patch(&path, json!({ "agent_id": agent })).await.is(200);
    owner.delete(&format!("agents/{agent}")).await.is(204);
    assert!(owner.get(&path).await.is(200).body["agent_id"].is_null(), "a number outlives its agent");

    owner.delete(&path).await.is(204);
    owner.get(&path).await.refused(404, "not_found");
    let line = owner.line("phone_number.add", &added.text("/id")).await;
    assert!(!line.to_string().contains("4930123456"), "the trail holds no numbers: {line}");
    owner.line("phone_number.remove", &added.text("/id")).await;
}

async fn every_field_of_a_number_that_is_not_right_is_named(desk: Desk) {
    let owner = desk.owner().await;
    let bad = owner.post("phone-numbers", json!({ "number": "030 123456", "name": "", "carrier": "telnyx" })).await;
    assert_eq!(bad.bad_fields(), ["/name", "/number"]);
    let unread = owner.post("phone-numbers", json!({ "number": 30, "carrier": "pigeon" })).await.is(422);
    assert!(unread.body["errors"].as_array().unwrap().iter().any(|fault| fault["field"] == "/carrier"), "{unread:?}");
    let missing = owner.post("phone-numbers", json!({ "number": "+4930123456", "carrier": "twilio", "agent_id": nothing() })).await;
    assert_eq!(missing.bad_fields(), ["/agent_id"]);
}

async fn a_number_belongs_to_one_workspace(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let number = json!({ "number": "+4930123456", "carrier": "twilio" });
    let added = owner.post("phone-numbers", number.clone()).await.is(201);
    owner.post("phone-numbers", number.clone()).await.refused(409, "taken");
    stranger.post("phone-numbers", number.clone()).await.refused(409, "taken");
    let path = format!("phone-numbers/{}", added.text("/id"));
    stranger.get(&path).await.refused(404, "not_found");
    stranger.patch(&path, json!({ "name": "Mine" })).await.refused(404, "not_found");
    stranger.delete(&path).await.refused(404, "not_found");
    assert_eq!(stranger.get("phone-numbers").await.is(200).body["items"], json!([]));
    owner.delete(&path).await.is(204);
    stranger.post("phone-numbers", number).await.is(201);
}

async fn an_agent_of_another_workspace_answers_no_number(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let foreign = stranger.post("agents", json!({ "name": "Theirs" })).await.is(201).text("/id");
    let added = owner.post("phone-numbers", json!({ "number": "+4930123456", "carrier": "twilio" })).await.is(201);
    let path = format!("phone-numbers/{}", added.text("/id"));
    assert_eq!(owner.patch(&path, json!({ "agent_id": foreign })).await.bad_fields(), ["/agent_id"]);
    let new = owner.post("phone-numbers", json!({ "number": "+4930123457", "carrier": "twilio", "agent_id": foreign })).await;
    assert_eq!(new.bad_fields(), ["/agent_id"]);
    assert_eq!(owner.get(&path).await.is(200).body, added.body);
}

async fn of_two_changes_of_a_number_the_second_is_told(desk: Desk) {
    let owner = desk.owner().await;
    let added = owner.post("phone-numbers", json!({ "number": "+4930123456", "carrier": "twilio" })).await.is(201);
    let (path, read) = (format!("phone-numbers/{}", added.text("/id")), added.etag());
    let headers = [("if-match", read.as_str())];
    owner.ask(Method::PATCH, &path, Some(json!({ "name": "First" })), &headers).await.is(200);
    owner.ask(Method::PATCH, &path, Some(json!({ "name": "Second" })), &headers).await.refused(412, "changed");
    owner.ask(Method::DELETE, &path, None, &headers).await.refused(412, "changed");
    assert_eq!(owner.get(&path).await.is(200).text("/name"), "First");
}

/// An id of nothing.
fn nothing() -> &'static str {
    "01890a5d-ac96-774b-bcce-b302099a8057"
}

stories! {
    a_number_is_added_given_to_an_agent_cleared_and_taken_out,
    every_field_of_a_number_that_is_not_right_is_named,
    a_number_belongs_to_one_workspace,
    an_agent_of_another_workspace_answers_no_number,
    of_two_changes_of_a_number_the_second_is_told,
}
