//! Anthropic's messages, streamed.
//!
//! What an answer used is told from its beginning on; an answer that is cut off is counted as far as it was told, and that this was not all
//! ([`call::Unit::Uncounted`]).

mod reader;
mod request;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use call::Meter;
use outbound::{Client, Content, Request, Setup};
use privacy::Secret;
use resilience::{Guard, Service};
use tokio::time::Instant;

use crate::reading::{self, Account, Patience};
use crate::{AnswerStream, ChatRequest, LanguageModel, ModelError};

/// The version of the protocol that is spoken. The next one, 2026-10-21, refuses every temperature, even the default one (openai-realtime.md 0), and
/// agents have one.
pub const VERSION: &str = "2023-06-01";
/// Where Anthropic is.
pub const BASE_URL: &str = "https://api.anthropic.com";
/// Time to the first token: a caller hears silence.
const FIRST: Duration = Duration::from_secs(3);
/// Time between two tokens: what was said already covers some of it.
const STALL: Duration = Duration::from_secs(3);
const SERVICE: &str = Service::Anthropic.as_str();

/// How the key is shown. The SDK of today sends the second, the documentation has the first; that both stay is unverified, so it can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Auth {
    /// `x-api-key`.
    #[default]
    ApiKey,
    /// `Authorization: Bearer`.
    Bearer,
}

/// What a model is reached with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Base address: [`BASE_URL`], or one of a gateway.
    pub base_url: String,
    /// Anthropic's name of the model.
    pub model: String,
    /// The key.
    pub key: Secret,
    /// How it is shown.
    pub auth: Auth,
    /// The model takes a temperature. Newer models may refuse one under every version (unverified).
    pub temperature: bool,
    /// From the request to the first token; 3 s.
    pub first: Duration,
    /// Between two tokens; 3 s.
    pub stall: Duration,
    /// Plain http to another machine is allowed: an operator said so.
    pub plain: bool,
}

impl Config {
    /// With the usual limits.
    pub fn new(model: impl Into<String>, key: Secret) -> Self {
        let (base_url, model) = (BASE_URL.to_owned(), model.into());
        Self { base_url, model, key, auth: Auth::default(), temperature: true, first: FIRST, stall: STALL, plain: false }
    }
}

/// A model of Anthropic's.
pub struct Anthropic {
    client: Client,
    model: Arc<str>,
    temperature: bool,
    patience: Patience,
}

impl Anthropic {
    /// `guard`: that of [`Service::Anthropic`].
    ///
    /// # Errors
    /// An address or a key that cannot be used.
    pub fn new(config: Config, guard: Guard) -> Result<Self, ModelError> {
        let key = match config.auth {
            Auth::ApiKey => ("x-api-key", config.key),
            Auth::Bearer => ("authorization", Secret::from(format!("Bearer {}", config.key.expose()))),
        };
        let setup = Setup { base_url: config.base_url, headers: vec![key], query: Vec::new(), plain: config.plain };
        Ok(Self {
            client: Client::new(&setup, guard).map_err(ModelError::service(SERVICE))?,
            model: config.model.into(),
            temperature: config.temperature,
            patience: Patience { first: config.first, stall: config.stall },
        })
    }
}

#[async_trait]
impl LanguageModel for Anthropic {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn model(&self) -> &str {
        &self.model
    }

    async fn answer(&self, request: ChatRequest, meter: &Meter) -> Result<AnswerStream, ModelError> {
        let since = Instant::now();
        let fault = ModelError::service(SERVICE);
        let body = Content::json(&request::body(&self.model, self.temperature, &request)).map_err(&fault)?;
        let request = Request::post("v1/messages", body).header("anthropic-version", VERSION).header("accept", "text/event-stream");
        let asking = Account::asking((meter, SERVICE, &self.model), &self.client, &request, self.patience.watch());
        let (account, body) = asking.await.map_err(&fault)?;
        Ok(reading::run(body.events(), reader::Answer::default(), account, self.patience, since))
    }

    async fn check(&self) -> Result<(), ModelError> {
        crate::check(self, SERVICE).await
    }
}
