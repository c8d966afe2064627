//! A server with vendors, and the calls it gets.

use std::time::Duration;

use anyhow::{Result, ensure};
use call::Carrier;
use dial::{CallReport, Script};
use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Seen, Simulator, Vendor};
use tempfile::TempDir;
use testkit::{ApiClient, Server};

use crate::program;

/// A key that the simulated vendors take.
const KEY: &str = "key-of-the-test";
/// What is freed is free within this time.
const FREED: Duration = Duration::from_secs(5);

pub(crate) struct Stage {
    pub(crate) vendors: Simulator,
    pub(crate) server: Server,
    pub(crate) admin: ApiClient,
}

impl Stage {
    /// A server that listens by Deepgram, thinks by Cerebras and speaks by ElevenLabs: the tier "budget".
    pub(crate) async fn open() -> Result<Self> {
        Self::with_keys(KEY).await
    }

    /// The same without a key: the installation only says where the vendors are.
    pub(crate) async fn without_keys() -> Result<Self> {
        Self::with_keys("").await
    }

    async fn with_keys(key: &str) -> Result<Self> {
        Self::begin(Simulator::quick().await?, key, &[]).await
    }

    /// With these vendors, and with more settings, which count before the others.
    pub(crate) async fn with(vendors: Simulator, more: &[(&str, &str)]) -> Result<Self> {
        Self::begin(vendors, KEY, more).await
    }

    async fn begin(vendors: Simulator, key: &str, more: &[(&str, &str)]) -> Result<Self> {
        let server = Self::serve(&vendors, key, tempfile::tempdir()?, more).await?;
        let admin = server.administrator().await?;
        Ok(Self { vendors, server, admin })
    }

    /// The same installation, stopped and started again with these settings.
    pub(crate) async fn again(self, more: &[(&str, &str)]) -> Result<Self> {
        let data = self.server.stop().await?.data;
        let server = Self::serve(&self.vendors, KEY, data, more).await?;
        let admin = server.administrator_again().await?;
        Ok(Self { vendors: self.vendors, server, admin })
    }

    async fn serve(vendors: &Simulator, key: &str, data: TempDir, more: &[(&str, &str)]) -> Result<Server> {
        let [deepgram, openai, elevenlabs] = [Vendor::Deepgram, Vendor::OpenAi, Vendor::ElevenLabs].map(|vendor| vendors.url(vendor));
        let mut settings = vec![
            ("DEEPGRAM_API_URL", deepgram.as_str()),
            ("DEEPGRAM_API_KEY", key),
            // Cerebras speaks OpenAI's protocol.
            ("CEREBRAS_API_URL", openai.as_str()),
            ("CEREBRAS_API_KEY", key),
            ("ELEVENLABS_API_URL", elevenlabs.as_str()),
            ("ELEVENLABS_API_KEY", key),
            ("TTS_ENGINES", "elevenlabs,local"),
        ];
        settings.extend_from_slice(more);
        Server::start_in(program(), data, &settings).await
    }

    /// Makes an agent of a tier that takes calls.
    pub(crate) async fn agent(&self, body: Value) -> Result<String> {
        self.server.add_agent(&self.admin, &body).await
    }

    /// The receptionist of the demo hotel with a model.
    pub(crate) async fn receptionist(&self) -> Result<String> {
        self.agent(json!({
            "name": "Receptionist", "tier": "budget", "system_prompt": "You are the receptionist of a small hotel.", "greeting": "Good morning, Harbour View."
        }))
        .await
    }

    /// The administrator works in this workspace from now on.
    pub(crate) async fn enter(&self, workspace: &str) -> Result<()> {
        self.admin.post("/api/v1/auth/workspace", &json!({ "workspace_id": workspace })).await.map(drop)
    }

    /// Stores a key of the workspace's own.
    pub(crate) async fn key(&self, provider: &str, value: &str) -> Result<()> {
        let (path, body) = (format!("/api/v1/settings/providers/{provider}"), json!({ "value": value }));
        let (status, answer) = self.admin.send(Method::PUT, &path, Some(&body)).await?;
        ensure!(status == 200, "{status} {answer}");
        Ok(())
    }

    /// A caller who says these sentences, each after the agent has finished.
    pub(crate) async fn call(&self, agent: &str, sentences: &[&str]) -> Result<CallReport> {
        let script = Script::saying(Carrier::Twilio, sentences.iter().copied());
        self.server.call(Script { agent: Some(agent.to_owned()), ..script }).await
    }

    /// What is kept of a call, once all of it is.
    pub(crate) async fn record(&self, call: &CallReport) -> Result<Value> {
        self.server.record(&self.admin, &call.carrier_call_id).await
    }

    /// Nothing of a call is left open at a vendor but what stands by.
    pub(crate) async fn freed(&self, vendor: Vendor, standing_by: usize) -> Result<Seen> {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + FREED;
        loop {
            tick.tick().await;
            let seen = self.vendors.seen(vendor);
            if seen.open <= standing_by {
                return Ok(seen);
            }
            ensure!(tokio::time::Instant::now() < deadline, "{} connections are left open: {seen:?}", vendor.as_str());
        }
    }

    pub(crate) async fn close(self) -> Result<()> {
        self.server.stop().await?;
        Ok(())
    }
}

/// The words of one side, as they are kept.
pub(crate) fn words(record: &Value, speaker: &str) -> String {
    let turns = pairs(&record["turns"], "speaker", "text");
    turns.into_iter().filter(|(who, _)| who == speaker).map(|(_, text)| text).collect::<Vec<_>>().join("\n")
}

/// The lines of a record's list, by two of their fields.
pub(crate) fn pairs(list: &Value, first: &str, second: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.as_array().into_iter().flatten().map(|line| (text(&line[first]), text(&line[second]))).collect()
}
