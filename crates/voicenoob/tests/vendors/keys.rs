//! Workspaces with keys of their own.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, pairs, words};

/// A key that the simulated vendors refuse.
const WRONG: &str = "wrong-key";
const VENDORS: [&str; 3] = ["deepgram", "cerebras", "elevenlabs"];
/// With the right key the next call climbs nowhere; the one that begins while the agent is being made may.
const CALLS: usize = 3;
/// A change of keys is taken up within this time.
const TAKEN_UP: Duration = Duration::from_secs(20);

/// A call with two sentences, and what is kept of it.
async fn called(stage: &Stage, agent: &str) -> Result<Value> {
    let call = stage.call(agent, &["I would like to book a double room.", "Goodbye."]).await?;
    stage.record(&call).await
}

fn climbs(record: &Value) -> Vec<(String, String)> {
    pairs(&record["rungs"], "part", "to")
}

#[tokio::test]
async fn a_workspaces_refused_key_closes_nothing_for_another_and_the_right_one_is_used_without_a_restart() -> Result<()> {
    let stage = Stage::open().await?;
    let home = stage.admin.get("/api/v1/auth/me").await?["workspace_id"].as_str().context("no workspace")?.to_owned();
    let receptionist = stage.receptionist().await?;
    let made = stage.admin.post("/api/v1/workspaces", &json!({ "name": "Annex" })).await?;
    let annex = made["id"].as_str().context("no id")?;

    stage.enter(annex).await?;
    for vendor in VENDORS {
        stage.key(vendor, WRONG).await?;
    }
    let agent = stage.receptionist().await?;
    let record = called(&stage, &agent).await?;
    let (rungs, said) = (climbs(&record), words(&record, "agent"));
    for rung in [("ears", "pocketsphinx"), ("mind", "dialogue")] {
        ensure!(rungs.iter().any(|(part, to)| part == rung.0 && to.contains(rung.1)), "{rung:?} is not in {rungs:?}");
    }
    ensure!(said.contains("Harbour View"), "{said}");
    let services = stage.admin.get("/api/v1/services").await?;
    let name = format!("deepgram_listen/{annex}");
    ensure!(services["parts"].as_array().is_some_and(|parts| parts.iter().any(|part| part["name"] == name)), "{services}");
    let address = format!("/api/v1/services/deepgram_listen%2F{annex}");
    let opened = stage.admin.post(&format!("{address}/open"), &json!({})).await?;
    ensure!(opened["name"] == name && opened["forced"] == true, "{opened}");
    stage.admin.post(&format!("{address}/reset"), &json!({})).await?;

    stage.enter(&home).await?;
    let record = called(&stage, &receptionist).await?;
    ensure!(climbs(&record).is_empty(), "the installation's key is as good as before: {}", record["rungs"]);

    stage.enter(annex).await?;
    for vendor in VENDORS {
        stage.key(vendor, "a-key-of-the-annex").await?;
    }
    let mut record = Value::Null;
    for _ in 0..CALLS {
        record = called(&stage, &agent).await?;
        if climbs(&record).is_empty() {
            break;
        }
    }
    ensure!(climbs(&record).is_empty(), "the right key is not used: {}", record["rungs"]);
    let used = pairs(&record["usage"], "service", "unit");
    ensure!(used.iter().any(|(service, _)| service == "deepgram") && used.iter().any(|(service, _)| service == "cerebras"), "{used:?}");
    stage.close().await
}

#[tokio::test]
async fn a_tier_is_refused_without_any_key_and_taken_with_the_workspaces_own_until_that_is_removed() -> Result<()> {
    let stage = Stage::without_keys().await?;
    let body = json!({ "name": "Poor", "tier": "budget" });
    let (status, refused) = stage.admin.send(Method::POST, "/api/v1/agents", Some(&body)).await?;
    ensure!(status == 422 && refused.to_string().contains("OPENAI_API_KEY"), "{status} {refused}");

    for vendor in VENDORS {
        stage.key(vendor, "a-key-of-our-own").await?;
    }
    let choices = stage.admin.get("/api/v1/agents/choices").await?;
    ensure!(choices["voices"].to_string().contains("\"rachel\""), "a vendor's voices can be chosen with its key: {choices}");
    let agent = stage.receptionist().await?;
    let record = called(&stage, &agent).await?;
    let used = pairs(&record["usage"], "service", "unit");
    for service in VENDORS {
        ensure!(used.iter().any(|(used, _)| used == service), "{service} is not in {used:?}");
    }

    for vendor in VENDORS {
        let (status, answer) = stage.admin.send(Method::DELETE, &format!("/api/v1/settings/providers/{vendor}"), None).await?;
        ensure!(status == 204, "{status} {answer}");
    }
    let busy = stage.server.url().join(&format!("/audio/refusals/{agent}/busy.wav"))?;
    let gone = async {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        while stage.server.http().get(busy.clone()).send().await?.status() == 200 {
            tick.tick().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(TAKEN_UP, gone).await.context("an agent goes on with a key that was removed")??;
    stage.close().await
}
