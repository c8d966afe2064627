//! A server with its first administrator, and people who come to work there.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use people::Permission;
use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::{ApiClient, Server};
use tokio::time::{Instant, interval};

use super::rows::{self, Row};
use crate::program;

/// Everybody's but the administrator's.
pub(crate) const PASSWORD: &str = "seven yellow trams go uphill";

/// Between two looks.
const GLANCE: Duration = Duration::from_millis(50);

/// The server and its first administrator, who owns the first workspace.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) ann: ApiClient,
}

/// Somebody who works here.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) client: ApiClient,
}

impl House {
    /// Opens it; limits of rate have tests of their own.
    pub(crate) async fn open(settings: &[(&str, &str)]) -> Result<Self> {
        let plenty = [("RATE_LIMIT_LOGIN", "1000000"), ("RATE_LIMIT_COSTLY", "1000000")];
        let server = Server::start_with(program(), &[&plenty, settings].concat()).await?;
        let ann = server.administrator().await?;
        Ok(Self { server, ann })
    }

    /// Invites somebody, who accepts and signs in.
    pub(crate) async fn joins(&self, host: &ApiClient, email: &str, role: &str) -> Result<Person> {
        let invited = host.post("/api/v1/users", &json!({ "email": email, "role": role })).await?;
        let acceptance = json!({ "ticket": invited["ticket"], "password": PASSWORD, "name": "Kim Doe" });
        let account = self.with_token("").post("/api/v1/auth/invitations/accept", &acceptance).await?;
        let id = account["id"].as_str().context("an account without an id")?.to_owned();
        Ok(Person { id, email: email.to_owned(), client: self.signed_in(email).await? })
    }

    /// A new session of somebody who joined.
    pub(crate) async fn signed_in(&self, email: &str) -> Result<ApiClient> {
        ApiClient::sign_in(self.server.http(), self.server.url(), email, PASSWORD).await
    }

    /// Somebody with this token; without any for an empty one.
    pub(crate) fn with_token(&self, token: &str) -> ApiClient {
        ApiClient::with_token(self.server.http(), self.server.url(), token)
    }

    /// An API key of the maker's workspace: its id, and whoever holds it.
    pub(crate) async fn key(&self, maker: &ApiClient, scopes: &[Permission]) -> Result<(String, ApiClient)> {
        let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let made = maker.post("/api/v1/api-keys", &json!({ "name": "of a test", "scopes": scopes })).await?;
        let key = made["key"].as_str().with_context(|| format!("no key in {made}"))?;
        Ok((made["api_key"]["id"].as_str().context("no id")?.to_owned(), self.with_token(key)))
    }

    /// Every row of the server's document.
    pub(super) async fn rows(&self) -> Result<Vec<Row>> {
        let document: Value = self.server.json("/api/v1/openapi.json").await?;
        let rows = rows::of_document(&document)?;
        ensure!(rows.len() > 80, "the document has only {} operations", rows.len());
        Ok(rows)
    }
}

/// Fails unless the request was answered so.
pub(crate) fn is(answer: (StatusCode, Value), status: u16, what: &str) -> Result<Value> {
    ensure!(answer.0.as_u16() == status, "{what}: {} {}, expected {status}", answer.0, answer.1);
    Ok(answer.1)
}

/// Waits until it is so, at most for this long; how long it took.
pub(crate) async fn within(limit: Duration, what: &str, mut is: impl AsyncFnMut() -> Result<bool>) -> Result<Duration> {
    let (began, mut glance) = (Instant::now(), interval(GLANCE));
    while !is().await? {
        ensure!(began.elapsed() < limit, "not within {limit:?}: {what}");
        glance.tick().await;
    }
    Ok(began.elapsed())
}
