//! Keys of vendors and carriers.

use api::{Provider, sealed_for};
use call::TenantId;
use serde_json::json;
use store::provider_keys;

use crate::desk::Desk;

const KEY: &str = "sk-canary-0123456789abWXYZ";

async fn a_key_is_set_sealed_shown_by_its_ending_and_forgotten(desk: Desk) {
    let owner = desk.owner().await;
    let set = owner.put("settings/providers/openai", json!({ "value": KEY })).await.is(200);
    assert_eq!((set.text("/ending").as_str(), set.text("/updated_by")), ("WXYZ", format!("user:{}", owner.id)));
    let listed = owner.get("settings/providers").await.is(200);
    assert!(!listed.body.to_string().contains("canary"), "a key is not shown: {listed:?}");
    let states = listed.body["items"].as_array().unwrap();
    assert_eq!(states.len(), Provider::ALL.len());
    assert_eq!(states.iter().filter(|state| state["set"] == true).map(|state| &state["provider"]).collect::<Vec<_>>(), ["openai"]);

    let sealed = provider_keys::sealed(&desk.state.db, TenantId::DEFAULT, "openai").await.unwrap().unwrap();
    assert!(!sealed.windows(6).any(|part| part == b"canary"));
    let opened = desk.state.sealer.open(&sealed_for(TenantId::DEFAULT, Provider::Openai), &sealed).await.unwrap();
    assert_eq!(opened.as_slice(), KEY.as_bytes());

    owner.put("settings/providers/openai", json!({ "value": "12345678" })).await.is(200);
    let short = owner.get("settings/providers").await.is(200);
    assert!(short.body["items"][0]["ending"].is_null(), "of a short key nothing is shown: {short:?}");
    owner.delete("settings/providers/openai").await.is(204);
    owner.delete("settings/providers/openai").await.refused(404, "not_found");
    let trail = owner.get("audit?action=provider_key.&outcome=done").await.is(200);
    assert_eq!(trail.body["items"].as_array().unwrap().len(), 3);
    assert!(!trail.body.to_string().contains("canary"));
}

async fn a_key_that_cannot_be_one_is_refused(desk: Desk) {
    let owner = desk.owner().await;
    for bad in [
        "",
        "short",
        " sk-canary-0123456789",
        "sk-canary-0123456789\n",
        "sk-canary\u{0}0123456789",
        "sk-canary\n0123456789",
        "sk-cänary-0123456789",
    ] {
        assert!(owner.put("settings/providers/openai", json!({ "value": bad })).await.bad_fields().contains(&"/value".into()), "{bad:?}");
    }
    for (letters, status) in [(7, 422), (8, 200), (16_384, 200), (16_385, 422)] {
        let key = "k".repeat(letters);
        owner.put("settings/providers/groq", json!({ "value": key })).await.is(status);
    }
    owner.delete("settings/providers/groq").await.is(204);
    let account = "{\n  \"type\": \"service_account\"\n}";
    owner.put("settings/providers/google", json!({ "value": account })).await.is(200);
    owner.delete("settings/providers/google").await.is(204);
    owner.put("settings/providers/nobody", json!({ "value": KEY })).await.refused(404, "not_found");
    let viewer = desk.colleague(&owner, "viewer@example.com", "viewer").await;
    viewer.get("settings/providers").await.refused(403, "permission");
    viewer.put("settings/providers/openai", json!({ "value": KEY })).await.refused(403, "permission");
    assert!(provider_keys::list(&desk.state.db, TenantId::DEFAULT).await.unwrap().is_empty());
}

async fn keys_of_another_workspace_are_not_seen(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    owner.put("settings/providers/openai", json!({ "value": KEY })).await.is(200);
    let theirs = stranger.get("settings/providers").await.is(200);
    assert!(theirs.body["items"].as_array().unwrap().iter().all(|state| state["set"] == false));
    stranger.delete("settings/providers/openai").await.refused(404, "not_found");
    stranger.put("settings/providers/openai", json!({ "value": "sk-other-0123456789abcdef" })).await.is(200);
    let ours = owner.get("settings/providers").await.is(200);
    assert_eq!(ours.text("/items/0/ending"), "WXYZ");
}

stories! {
    a_key_is_set_sealed_shown_by_its_ending_and_forgotten,
    a_key_that_cannot_be_one_is_refused,
    keys_of_another_workspace_are_not_seen,
}
