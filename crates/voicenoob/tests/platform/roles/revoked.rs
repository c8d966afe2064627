//! What is taken from somebody at one instance is gone at the other within five seconds.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use people::Permission;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::postgres::PostgresServer;
use testkit::redis::RedisServer;
use testkit::{ApiClient, Server};

use super::house::{House, PASSWORD, Person, is, within};
use crate::program;

/// The promise: seen everywhere within this time.
const SEEN: Duration = Duration::from_secs(5);

/// Two instances with the same database, live state and keys.
struct Two {
    here: House,
    there: Server,
    _redis: RedisServer,
    _keys: tempfile::TempDir,
}

impl Two {
    async fn open() -> Result<Self> {
        let (database, redis) = (PostgresServer::shared().await?.database().await?, RedisServer::start().await?);
        let keys = tempfile::tempdir()?;
        let file = keys.path().join("secrets.toml");
        let (file, redis_url) = (file.to_str().context("path")?, redis.url());
        let shared = [
            ("DATABASE_URL", database.as_str()),
            ("REDIS_URL", redis_url.as_str()),
            ("SECRETS_FILE", file),
            ("RATE_LIMIT_LOGIN", "1000000"),
        ];
        let mut migrate = tokio::process::Command::new(program());
        migrate.arg("migrate").env_clear().env("DATABASE_URL", &database).env("DATA_DIR", keys.path());
        let migrated = migrate.output().await?;
        ensure!(migrated.status.success(), "no schema: {}", String::from_utf8_lossy(&migrated.stderr));
        let here = House::open(&shared).await?;
        let there = Server::start_with(program(), &shared).await?;
        Ok(Self { here, there, _redis: redis, _keys: keys })
    }

    /// The same person at the other instance.
    fn there(&self, client: &ApiClient) -> ApiClient {
        ApiClient::with_token(self.there.http(), self.there.url(), client.token())
    }

    /// Does something here, and looks there until the client gets this answer; before, it got another.
    async fn taken(&self, what: &str, client: &ApiClient, look: &str, refused: u16, act: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
        let there = self.there(client);
        is(there.send(Method::GET, look, None).await?, 200, what)?;
        act().await?;
        within(SEEN, what, async || Ok(there.send(Method::GET, look, None).await?.0 == refused)).await?;
        is(client.send(Method::GET, look, None).await?, refused, what).map(drop)
    }

    async fn ann(&self, method: Method, path: &str, body: Option<Value>) -> Result<()> {
        let (status, answer) = self.here.ann.send(method, path, body.as_ref()).await?;
        ensure!(status.is_success(), "{path}: {status} {answer}");
        Ok(())
    }

    async fn joins(&self, name: &str, role: &str) -> Result<Person> {
        self.here.joins(&self.here.ann, &format!("{name}@example.com"), role).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_from_somebody_at_one_instance_is_gone_at_the_other_within_five_seconds() -> Result<()> {
    let two = Two::open().await?;
    let me = "/api/v1/auth/me";

    let left = two.joins("left", "admin").await?;
    two.taken("a session that its owner ended", &left.client, me, 401, async || {
        left.client.post("/api/v1/auth/logout", &json!({})).await.map(drop)
    })
    .await?;

    let ended = two.joins("ended", "admin").await?;
    let path = format!("/api/v1/users/{}/sessions", ended.id);
    two.taken("sessions that an administrator ended", &ended.client, me, 401, async || two.ann(Method::DELETE, &path, None).await).await?;

    let off = two.joins("off", "admin").await?;
    let path = format!("/api/v1/users/{}", off.id);
    two.taken("an account that was switched off", &off.client, me, 401, async || {
        two.ann(Method::PATCH, &path, Some(json!({ "active": false }))).await
    })
    .await?;

    let lower = two.joins("lower", "admin").await?;
    let path = format!("/api/v1/users/{}", lower.id);
    two.taken("sessions with a role that was lowered", &lower.client, "/api/v1/audit", 401, async || {
        two.ann(Method::PATCH, &path, Some(json!({ "role": "viewer" }))).await
    })
    .await?;
    let again = ApiClient::sign_in(two.there.http(), two.there.url(), &lower.email, PASSWORD).await?;
    is(again.send(Method::GET, "/api/v1/audit", None).await?, 403, "the lowered role")?;

    let (id, key) = two.here.key(&two.here.ann, &[Permission::CallView]).await?;
    let path = format!("/api/v1/api-keys/{id}");
    two.taken("a key that was revoked", &key, "/api/v1/calls", 401, async || two.ann(Method::DELETE, &path, None).await).await?;

    let out = two.joins("out", "admin").await?;
    let path = format!("/api/v1/users/{}", out.id);
    two.taken("somebody who was taken out", &out.client, "/api/v1/calls", 401, async || two.ann(Method::DELETE, &path, None).await).await
}
