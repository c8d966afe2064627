//! A server whose every output is kept, and what is noted while people use it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use store::Database;
use tempfile::TempDir;
use testkit::carrier::{CarrierKeys, CarrierSimulator};
use testkit::redis::RedisServer;
use testkit::{ApiClient, OUTPUT, Server};

use super::canary::Canary;
use super::places::Places;
use crate::program;

/// What Twilio signs with here.
pub(crate) const TWILIO_TOKEN: &str = "canary0twilio0token0d41d8cd98f00";
const OPERATOR_TOKEN: &str = "canary-operator-token-7f3c9a51e2";

/// The server and everything around it.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) carrier: CarrierSimulator,
    pub(crate) redis: RedisServer,
    pub(crate) canaries: Vec<Canary>,
    /// What is found on the way.
    pub(crate) places: Places,
    output: TempDir,
    database_url: Option<String>,
}

impl Stage {
    /// One line, the queue behind it, live state in Redis, and a log that says all it can.
    pub(crate) async fn open(format: &str, database_url: Option<&str>) -> Result<Self> {
        let (redis, output) = (RedisServer::start().await?, tempfile::tempdir()?);
        let keys = CarrierKeys::given(TWILIO_TOKEN.into(), [11; 32]);
        let [(twilio, token), (telnyx, public_key)] = keys.settings();
        let (url, folder) = (redis.url(), output.path().to_str().context("path")?);
        let mut settings = vec![
            ("LOG_LEVEL", "trace"),
            ("LOG_FORMAT", format),
            (OUTPUT, folder),
            ("REDIS_URL", &url),
            (twilio, &token),
            (telnyx, &public_key),
            ("OPERATOR_TOKEN", OPERATOR_TOKEN),
            ("MAX_CONCURRENT_CALLS", "1"),
            ("ENABLE_CALL_QUEUE", "true"),
            ("RATE_LIMIT_LOGIN", "60"),
        ];
        settings.extend(database_url.map(|url| ("DATABASE_URL", url)));
        let server = Server::start_with(program(), &settings).await?;
        let carrier = CarrierSimulator::new(server.url().clone(), keys)?;
        let canaries = vec![Canary::secret("the operator's token", OPERATOR_TOKEN), Canary::secret("the carrier's token", TWILIO_TOKEN)];
        let database_url = database_url.map(str::to_owned);
        Ok(Self { server, carrier, redis, canaries, places: Places::default(), output, database_url })
    }

    pub(crate) fn operator(&self) -> ApiClient {
        ApiClient::with_token(self.server.http(), self.server.url(), OPERATOR_TOKEN)
    }

    pub(crate) fn output(&self) -> &Path {
        self.output.path()
    }

    /// A password, token or key that came in or went out.
    pub(crate) fn secret(&mut self, name: &'static str, value: &str) {
        self.canaries.push(Canary::secret(name, value));
    }

    /// The same, out of an answer.
    pub(crate) fn secret_of(&mut self, name: &'static str, answer: &Value, member: &str) -> Result<String> {
        let value = answer[member].as_str().with_context(|| format!("no {member} in the answer"))?.to_owned();
        self.secret(name, &value);
        Ok(value)
    }

    /// A request that is to be refused; what is answered may say what was wrong, and not repeat it.
    pub(crate) async fn refused(&mut self, expected: u16, request: RequestBuilder) -> Result<()> {
        let answer = request.send().await?;
        let (status, url) = (answer.status(), answer.url().path().to_owned());
        self.places.add(format!("problem of {url}"), format!("{:?}", answer.headers()));
        let body = answer.bytes().await?;
        ensure!(status.as_u16() == expected, "{url}: {status} in place of {expected}: {}", String::from_utf8_lossy(&body));
        self.places.add(format!("problem of {url}"), body.to_vec());
        Ok(())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        Ok(self.server.http().request(method, self.server.url().join(path)?))
    }

    /// Signs in, and notes what was given out.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Result<Value> {
        let body = serde_json::json!({ "email": email, "password": password });
        let answer = self.request(Method::POST, "/api/v1/auth/login")?.json(&body).send().await?;
        ensure!(answer.status() == StatusCode::OK || answer.status() == StatusCode::ACCEPTED, "{}", answer.text().await?);
        let answer: Value = answer.json().await?;
        for (name, member) in [("an access token", "access_token"), ("a refresh token", "refresh_token"), ("a ticket", "ticket")] {
            if let Some(value) = answer[member].as_str() {
                self.secret(name, value);
            }
        }
        Ok(answer)
    }

    pub(crate) async fn database(&self) -> Result<Database> {
        match &self.database_url {
            Some(url) => Ok(Database::connect(url).await?),
            None => Ok(Database::open(self.server.data_dir()).await?),
        }
    }

    /// Looks at every place there is now.
    pub(crate) async fn look(&mut self) -> Result<()> {
        let database = self.database().await?;
        self.places.database(&database, self.database_url.is_some()).await?;
        database.close().await;
        self.places.files(self.server.data_dir())?;
        self.places.redis(&self.redis).await?;
        self.places.answers(&self.server).await?;
        let operator = self.operator();
        let mut after = String::new();
        loop {
            let page = operator.get(&format!("/api/v1/audit?everything=true&limit=200{after}")).await?;
            self.places.add("audit", page.to_string());
            let Some(next) = page["next"].as_i64() else { break };
            after = format!("&before={next}");
        }
        self.places.output(self.output.path())
    }

    /// Nothing is where it may not be.
    pub(crate) fn expect_clean(&self) -> Result<()> {
        let strays = self.places.strays(&self.canaries);
        ensure!(strays.is_empty(), "{} values are where they may not be:\n{}", strays.len(), strays.join("\n"));
        Ok(())
    }
}
