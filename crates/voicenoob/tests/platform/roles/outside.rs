//! What is not in the table checks who asks in its own way. That nothing else is outside of it is a rule of `cargo xtask tidy`.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::house::{House, is};

/// Pages and parts of the console.
const PAGES: [&str; 6] = ["/", "/talk", "/people", "/console/live", "/calls/none", "/console/calls/none"];
/// What carriers ask for.
const WEBHOOKS: [&str; 8] =
    ["twilio/voice", "twilio/answer", "twilio/action", "twilio/status", "telnyx/voice", "telnyx/answer", "telnyx/action", "telnyx/status"];

fn changes() -> [(&'static str, Value); 2] {
    [("/console/calls", json!({ "agent": null })), ("/account/qr", json!({ "text": "x" }))]
}

#[tokio::test]
async fn what_is_outside_of_the_table_is_closed_as_well() -> Result<()> {
    let house = House::open(&[]).await?;
    let nobody = house.with_token("");
    for page in PAGES {
        is(nobody.send(Method::GET, page, None).await?, 401, page)?;
    }
    for (path, body) in changes() {
        is(nobody.send(Method::POST, path, Some(&body)).await?, 401, path)?;
    }
    for webhook in WEBHOOKS {
        is(nobody.send(Method::POST, &format!("/webhooks/{webhook}"), Some(&json!({}))).await?, 403, webhook)?;
    }
    for gone in ["/api/v1/nothing", "/admin", "/console", "/assets/../secrets.toml"] {
        is(nobody.send(Method::GET, gone, None).await?, 404, gone)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_console_shows_each_role_what_it_may_see() -> Result<()> {
    let house = House::open(&[]).await?;
    let viewer = house.joins(&house.ann, "viewer@example.com", "viewer").await?.client;
    let operator = house.joins(&house.ann, "operator@example.com", "operator").await?.client;
    let admin = house.joins(&house.ann, "admin@example.com", "admin").await?.client;
    let nowhere = house.joins(&house.ann, "nowhere@example.com", "owner").await?;
    is(house.ann.send(Method::DELETE, &format!("/api/v1/users/{}", nowhere.id), None).await?, 204, "taking somebody out")?;
    let nowhere = house.signed_in(&nowhere.email).await?;
    for (who, client, sees, people, calls) in [
        ("viewer", &viewer, true, false, false),
        ("operator", &operator, true, false, true),
        ("admin", &admin, true, true, true),
        ("without a workspace", &nowhere, false, false, false),
    ] {
        let status = |allowed: bool| if allowed { 200 } else { 403 };
        for page in ["/", "/talk", "/console/live"] {
            is(client.send(Method::GET, page, None).await?, status(sees), &format!("{page} for {who}"))?;
        }
        is(client.send(Method::GET, "/people", None).await?, status(people), &format!("/people for {who}"))?;
        is(client.send(Method::GET, "/account", None).await?, 200, &format!("/account for {who}"))?;
        let placed = client.send(Method::POST, "/console/calls", Some(&json!({ "agent": null }))).await?;
        ensure!((placed.0 != 403) == calls, "a call placed by {who}: {placed:?}");
    }
    Ok(())
}
