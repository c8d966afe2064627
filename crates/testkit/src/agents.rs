//! Agents that are made over the API, and what is kept of their calls.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{ApiClient, Server};

/// What an agent says is made ready within this time.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// A call that is over is kept within this time.
const KEPT_LIMIT: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(100);

impl Server {
    /// Makes an agent and waits until it takes calls. Its id.
    pub async fn add_agent(&self, admin: &ApiClient, body: &Value) -> Result<String> {
        let made = admin.post("/api/v1/agents", body).await?;
        let id = made["id"].as_str().with_context(|| made.to_string())?.to_owned();
        let address = self.url().join(&format!("/audio/refusals/{id}/busy.wav"))?;
        let ready = async {
            let mut tick = tokio::time::interval(TICK);
            loop {
                tick.tick().await;
                if self.http().get(address.clone()).send().await?.status() == 200 {
                    return anyhow::Ok(());
                }
            }
        };
        tokio::time::timeout(READY_LIMIT, ready).await.context("the agent does not become ready")??;
        Ok(id)
    }

    /// What is kept of a call, once all of it is.
    pub async fn record(&self, admin: &ApiClient, carrier_call_id: &str) -> Result<Value> {
        let path = format!("/api/v1/calls/{carrier_call_id}");
        let whole = async {
            let mut tick = tokio::time::interval(TICK);
            loop {
                tick.tick().await;
                let found = admin.get(&path).await?;
                if !found["call"]["ended_at"].is_null() && found["live"] == false {
                    return anyhow::Ok(found);
                }
            }
        };
        tokio::time::timeout(KEPT_LIMIT, whole).await.context("the call does not end")?
    }
}
