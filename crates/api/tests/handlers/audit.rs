//! The audit trail.

use serde_json::json;

use crate::desk::{Desk, PASSWORD};

async fn every_change_has_a_line_without_personal_data(desk: Desk) {
    let owner = desk.owner().await;
    desk.colleague(&owner, "canary@example.com", "viewer").await;
    let agent = owner.post("agents", json!({ "name": "Canary desk", "greeting": "Hello Canary" })).await.is(201);
    owner.patch(&format!("agents/{}", agent.text("/id")), json!({ "name": "Canary bar" })).await.is(200);
    owner.post("phone-numbers", json!({ "number": "+4930987654321", "carrier": "twilio" })).await.is(201);
    owner.put("settings/providers/openai", json!({ "value": "sk-canary-0123456789" })).await.is(200);
    owner.post("privacy/export", json!({ "phone_number": "+4930987654321" })).await.is(200);
    let trail = owner.get("audit?limit=200&everything=true").await.is(200);
    let lines = trail.body["items"].as_array().unwrap();
    let done: Vec<&str> = lines.iter().filter(|line| line["outcome"] == "done").map(|line| line["action"].as_str().unwrap()).collect();
    for action in ["agent.create", "agent.change", "phone_number.add", "provider_key.set", "privacy.export", "user.invite", "auth.login"] {
        assert!(done.contains(&action), "{action} is not among {done:?}");
    }
    let text = trail.body.to_string().to_lowercase();
    for personal in ["canary", "4930987654321", PASSWORD, "olga"] {
        assert!(!text.contains(personal), "{personal} stands in {text}");
    }
    assert!(store::audit::verify(&desk.state.db).await.unwrap().first_fault.is_none());
}

async fn the_trail_is_read_by_filters_and_in_pages(desk: Desk) {
    let owner = desk.owner().await;
    let viewer = desk.colleague(&owner, "viewer@example.com", "viewer").await;
    let agent = owner.post("agents", json!({ "name": "Front desk" })).await.is(201).text("/id");
    owner.delete(&format!("agents/{agent}")).await.is(204);
    owner.delete(&format!("agents/{agent}")).await.is(404);
    viewer.post("agents", json!({ "name": "Mine" })).await.is(403);
    let count = async |query: &str| owner.get(&format!("audit?{query}")).await.is(200).body["items"].as_array().unwrap().len();
    assert_eq!(count("action=agent.&outcome=done").await, 2);
    assert_eq!(count(&format!("target_kind=agent&target_id={agent}")).await, 3);
    assert_eq!(count(&format!("target_id={agent}&outcome=failed")).await, 1);
    assert_eq!(count(&format!("actor_id={}&outcome=refused", viewer.id)).await, 1, "what was not allowed is noted");
    assert_eq!(count("action=agent.&until=2020-01-01T00:00:00Z").await, 0);

    let all = owner.get("audit?limit=200").await.is(200);
    let mut paged = Vec::new();
    let mut next = owner.get("audit?limit=2").await.is(200);
    loop {
        paged.extend(next.body["items"].as_array().unwrap().clone());
        let Some(before) = next.body["next"].as_i64() else { break };
        next = owner.get(&format!("audit?limit=2&before={before}")).await.is(200);
    }
    assert_eq!(&paged, all.body["items"].as_array().unwrap());
    assert_eq!(owner.get("audit?limit=0").await.bad_fields(), ["limit"]);
    assert_eq!(owner.get("audit?outcome=perhaps&since=yesterday").await.bad_fields(), ["outcome", "since"]);
    viewer.get("audit").await.refused(403, "permission");
}

async fn the_trail_of_another_workspace_is_not_seen(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let agent = owner.post("agents", json!({ "name": "Front desk" })).await.is(201).text("/id");
    let theirs = stranger.get(&format!("audit?target_id={agent}")).await.is(200);
    assert_eq!(theirs.body["items"], json!([]));
    stranger.get("audit?everything=true").await.refused(403, "forbidden");
    assert!(!stranger.get("audit").await.is(200).body["items"].as_array().unwrap().is_empty());
}

stories! {
    every_change_has_a_line_without_personal_data,
    the_trail_is_read_by_filters_and_in_pages,
    the_trail_of_another_workspace_is_not_seen,
}
