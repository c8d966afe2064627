//! Declared tools.

use api::tool_sealed_for;
use call::TenantId;
use reqwest::Method;
use serde_json::{Value, json};
use store::tools;
use uuid::Uuid;

use crate::desk::{Desk, Hand};

const SECRET: &str = "token-canary-0123456789";

fn lookup(url: &str) -> Value {
    json!({
        "kind": "http", "description": "Looks an order up.", "method": "GET", "url": url, "effects": false, "auth": { "type": "bearer" },
        "parameters": { "type": "object", "properties": { "number": { "type": "string" } } },
    })
}

fn order() -> Value {
    json!({ "name": "find_order", "definition": lookup("https://shop.example.com/orders/{number}"), "secret": SECRET })
}

/// The secret as it can be opened again.
async fn secret(desk: &Desk, id: &str) -> Option<String> {
    let id: Uuid = id.parse().unwrap();
    let sealed = tools::get(&desk.state.db, TenantId::DEFAULT, id).await.unwrap().unwrap().secret?;
    assert!(!sealed.windows(6).any(|part| part == b"canary"));
    let opened = desk.state.sealer.open(&tool_sealed_for(TenantId::DEFAULT, id), &sealed).await.unwrap();
    Some(String::from_utf8(opened.to_vec()).unwrap())
}

async fn bad_fields_of(owner: &Hand, definition: Value) -> Vec<String> {
    owner.post("tools", json!({ "name": "find_order", "definition": definition, "secret": SECRET })).await.bad_fields()
}

async fn a_tool_is_declared_read_changed_and_removed_and_its_secret_never_comes_back(desk: Desk) {
    let owner = desk.owner().await;
    let made = owner.post("tools", order()).await.is(201);
    assert_eq!((made.etag().as_str(), &made.body["has_secret"], &made.body["active"]), ("\"v1\"", &json!(true), &json!(true)));
    assert_eq!(made.body["definition"]["deadline_ms"], 8_000, "what is left out is shown as it counts");
    let (id, before) = (made.text("/id"), desk.directory.changes());
    let path = format!("tools/{id}");
    assert_eq!(owner.get(&path).await.is(200).body, made.body);
    assert_eq!(owner.get("tools").await.is(200).names(), ["find_order"]);
    assert_eq!(secret(&desk, &id).await.as_deref(), Some(SECRET));

    let other = json!({ "name": "get_order", "secret": "another-canary", "active": false });
    let changed = owner.patch(&path, other).await.is(200);
    assert_eq!((changed.text("/name").as_str(), changed.etag().as_str(), &changed.body["active"]), ("get_order", "\"v2\"", &json!(false)));
    assert_eq!(secret(&desk, &id).await.as_deref(), Some("another-canary"));
    assert_eq!(desk.directory.changes(), before + 1, "who holds agents is told");
    let open = json!({ "kind": "http", "description": "x", "method": "POST", "url": "https://elsewhere.example.com/", "effects": true,
        "parameters": { "type": "object", "properties": {} } });
    let cleared = owner.patch(&path, json!({ "definition": open, "secret": null })).await.is(200);
    assert_eq!((&cleared.body["has_secret"], secret(&desk, &id).await), (&json!(false), None));

    let line = owner.line("tool.create", &id).await;
    assert!(line["after"].is_string());
    let trail = owner.get("audit?action=tool.&outcome=done").await.is(200);
    assert_eq!(trail.body["items"].as_array().unwrap().len(), 3);
    for shown in [&made.body, &changed.body, &cleared.body, &trail.body] {
        assert!(!shown.to_string().contains("canary"), "{shown}");
    }
    owner.ask(Method::DELETE, &path, None, &[("if-match", "\"v1\"")]).await.refused(412, "changed");
    owner.delete(&path).await.is(204);
    owner.get(&path).await.refused(404, "not_found");
    owner.delete(&path).await.refused(404, "not_found");
    owner.line("tool.remove", &id).await;
}

async fn who_may_change_a_tool_cannot_have_its_secret_sent_elsewhere(desk: Desk) {
    let owner = desk.owner().await;
    let made = owner.post("tools", order()).await.is(201);
    let path = format!("tools/{}", made.text("/id"));
    for url in ["https://shop.example.com:8443/", "https://evil.example.com/orders"] {
        assert_eq!(owner.patch(&path, json!({ "definition": lookup(url) })).await.bad_fields(), ["/secret"], "{url}");
    }
    owner.patch(&path, json!({ "definition": lookup("https://shop.example.com/v2/{number}") })).await.is(200);
    owner.patch(&path, json!({ "definition": lookup("https://new.example.com/"), "secret": "given-again" })).await.is(200);
    assert_eq!(secret(&desk, &made.text("/id")).await.as_deref(), Some("given-again"));
    let mut open = lookup("https://new.example.com/");
    open["auth"] = json!({ "type": "none" });
    assert_eq!(
        owner.patch(&path, json!({ "definition": open })).await.bad_fields(),
        ["/secret"],
        "a secret that nobody uses does not stay"
    );
    assert_eq!(owner.patch(&path, json!({ "secret": null })).await.bad_fields(), ["/secret"]);
}

async fn every_field_of_a_tool_that_is_not_right_is_named(desk: Desk) {
    let owner = desk.owner().await;
    for name in ["", "Find", "end_call", "look_up", "a b"] {
        let mut bad = order();
        bad["name"] = json!(name);
        assert_eq!(owner.post("tools", bad).await.bad_fields(), ["/name"], "{name}");
    }
    for url in ["http://shop.example.com/", "https://127.0.0.1/", "http://127.0.0.1/", "https://{number}.example.com/"] {
        assert_eq!(bad_fields_of(&owner, lookup(url)).await, ["/definition/url"], "{url}");
    }
    let mut many = lookup("https://shop.example.com/");
    many["headers"] = json!({ "Host": "x" });
    many["deadline_ms"] = json!(1);
    many["parameters"] = json!({});
    many["description"] = json!("");
    let all = ["/definition/deadline_ms", "/definition/description", "/definition/headers", "/definition/parameters"];
    assert_eq!(bad_fields_of(&owner, many).await, all);
    let mut open = order();
    open["secret"] = Value::Null;
    assert_eq!(owner.post("tools", open).await.bad_fields(), ["/secret"], "a bearer without a token");
    let mut signed = order();
    signed["definition"]["auth"] = json!({ "type": "signed" });
    signed["secret"] = Value::Null;
    assert_eq!(owner.post("tools", signed).await.bad_fields(), ["/secret"], "a signature without a key");
    for secret in ["", " x", "a\nb", "ü"] {
        let mut bad = order();
        bad["secret"] = json!(secret);
        assert_eq!(owner.post("tools", bad).await.bad_fields(), ["/secret"], "{secret:?}");
    }
    for definition in
        [json!({ "kind": "smtp" }), json!({}), json!({ "kind": "mcp" }), json!({ "kind": "mcp", "url": "https://a.example.com", "x": 1 })]
    {
        let fields = bad_fields_of(&owner, definition.clone()).await;
        assert!(!fields.is_empty() && fields.iter().all(|field| field.starts_with("/definition")), "{definition}: {fields:?}");
    }
    let made = owner.post("tools", order()).await.is(201);
    let path = format!("tools/{}", made.text("/id"));
    let server = json!({ "kind": "mcp", "url": "https://shop.example.com/mcp", "auth": { "type": "bearer" } });
    assert_eq!(owner.patch(&path, json!({ "definition": server })).await.bad_fields(), ["/definition/kind"]);
    let cleared = owner.patch(&path, json!({ "name": null, "definition": null, "active": null })).await;
    assert_eq!(cleared.bad_fields(), ["/active", "/definition", "/name"]);
    assert_eq!(owner.get(&path).await.etag(), "\"v1\"");
    owner.post("tools", json!({ "name": "shop", "definition": { "kind": "mcp", "url": "https://shop.example.com/mcp" } })).await.is(201);
}

async fn an_agent_may_name_declared_tools_which_then_stay(desk: Desk) {
    let owner = desk.owner().await;
    assert_eq!(owner.post("agents", json!({ "name": "Shop", "tools": ["find_order"] })).await.bad_fields(), ["/tools/0"]);
    let tool = owner.post("tools", order()).await.is(201);
    let path = format!("tools/{}", tool.text("/id"));
    let agent = owner.post("agents", json!({ "name": "Shop", "tools": ["find_booking", "find_order"] })).await.is(201);
    owner.delete(&path).await.refused(409, "in_use");
    owner.patch(&path, json!({ "name": "other" })).await.refused(409, "in_use");
    owner.patch(&path, json!({ "active": false })).await.is(200);
    owner.patch(&format!("agents/{}", agent.text("/id")), json!({ "tools": null })).await.is(200);
    owner.delete(&path).await.is(204);
}

async fn tools_of_another_workspace_are_not_there_and_a_viewer_only_looks(desk: Desk) {
    let owner = desk.owner().await;
    let stranger = desk.stranger(&owner).await;
    let made = owner.post("tools", order()).await.is(201);
    let path = format!("tools/{}", made.text("/id"));
    stranger.get(&path).await.refused(404, "not_found");
    stranger.patch(&path, json!({ "active": false })).await.refused(404, "not_found");
    stranger.delete(&path).await.refused(404, "not_found");
    assert!(stranger.get("tools").await.is(200).names().is_empty());
    assert_eq!(stranger.post("agents", json!({ "name": "Shop", "tools": ["find_order"] })).await.bad_fields(), ["/tools/0"]);
    stranger.post("tools", order()).await.is(201);
    owner.post("tools", order()).await.refused(409, "taken");
    let viewer = desk.colleague(&owner, "viewer@example.com", "viewer").await;
    viewer.get(&path).await.is(200);
    viewer.post("tools", order()).await.refused(403, "permission");
    viewer.patch(&path, json!({ "active": false })).await.refused(403, "permission");
    viewer.delete(&path).await.refused(403, "permission");
    desk.nobody().get(&path).await.refused(401, "unauthenticated");
}

async fn a_declaration_that_is_repeated_makes_one_tool(desk: Desk) {
    let owner = desk.owner().await;
    let once = [("idempotency-key", "0c5f2d5c-7d1c-4f0e-9a53-0d8f4a4d6a11")];
    let first = owner.ask(Method::POST, "tools", Some(order()), &once).await.is(201);
    let again = owner.ask(Method::POST, "tools", Some(order()), &once).await.is(201);
    assert_eq!((&first.body, first.etag()), (&again.body, again.etag()));
    assert_eq!(owner.get("tools").await.is(200).names(), ["find_order"]);
}

stories! {
    a_tool_is_declared_read_changed_and_removed_and_its_secret_never_comes_back,
    who_may_change_a_tool_cannot_have_its_secret_sent_elsewhere,
    every_field_of_a_tool_that_is_not_right_is_named,
    an_agent_may_name_declared_tools_which_then_stay,
    tools_of_another_workspace_are_not_there_and_a_viewer_only_looks,
    a_declaration_that_is_repeated_makes_one_tool,
}
