//! Outside services in an operator's hand.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::telnyx_api::TelnyxApi;
use testkit::{ApiClient, Server};

use crate::program;

const KEY: &str = "KEY-of-the-test";

async fn telnyx(admin: &ApiClient) -> Result<Value> {
    Ok(admin.get("/api/v1/services").await?["services"][0].clone())
}

#[tokio::test]
async fn an_operator_leaves_a_service_alone_and_asks_it_again_and_both_are_noted() -> Result<()> {
    let api = TelnyxApi::start(KEY).await?;
    let server = Server::start_with(program(), &[("TELNYX_API_KEY", KEY), ("TELNYX_API_URL", api.url())]).await?;
    let admin = server.administrator().await?;
    let found = telnyx(&admin).await?;
    ensure!(found["name"] == "telnyx" && found["state"] == "closed" && found["forced"] == false, "{found}");

    let opened = admin.post("/api/v1/services/telnyx/open", &json!({})).await?;
    ensure!(opened["state"] == "open" && opened["forced"] == true, "{opened}");
    let metrics = server.http().get(server.url().join("/metrics")?).send().await?.text().await?;
    ensure!(metrics.contains("voicenoob_service_breaker_state{service=\"telnyx\",state=\"open\"} 1.0\n"), "{metrics}");
    let closed = admin.post("/api/v1/services/telnyx/reset", &json!({})).await?;
    ensure!(closed["state"] == "closed" && closed["forced"] == false, "{closed}");

    let (status, body) = admin.send(Method::POST, "/api/v1/services/openid/reset", None).await?;
    ensure!(status == 404, "what is not configured is not there: {status} {body}");
    for action in ["service.open", "service.reset"] {
        let noted = admin.get(&format!("/api/v1/audit?action={action}&everything=true")).await?;
        ensure!(noted.to_string().contains("\"telnyx\""), "{action}: {noted}");
    }
    server.stop().await?;
    Ok(())
}
