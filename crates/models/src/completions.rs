//! Chat completions, streamed, as OpenAI and all that speak its protocol have them.
//!
//! One adapter; what differs from server to server is a [`Dialect`]. It reads tolerantly: what servers of this protocol get wrong in harmless ways
//! (openai-realtime.md 3.1) does not end a call.
//!
//! Usage comes in the last piece of an answer. An answer that is cut off before it, by the caller or by a fault, is billed and not told: nothing is
//! counted then but that there was one ([`call::Unit::Uncounted`]).

mod dialect;
mod pieces;
mod reader;
mod request;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use call::Meter;
use outbound::{Client, Content, Fault, Request, Setup};
use privacy::Secret;
use resilience::Guard;
use tokio::time::Instant;

pub use self::dialect::{Auth, Dialect, Limit};
pub(crate) use self::request::decimal;
use crate::reading::{self, Account, Patience};
use crate::{AnswerStream, ChatRequest, LanguageModel, ModelError};

/// Time to the first token: a caller hears silence.
const FIRST: Duration = Duration::from_secs(3);
/// Time between two tokens: what was said already covers some of it.
const STALL: Duration = Duration::from_secs(3);

/// What a model is reached with.
#[derive(Debug, Clone)]
pub struct Config {
    /// How the server speaks.
    pub dialect: Dialect,
    /// Its name of the model; Azure: of the deployment.
    pub model: String,
    /// Its key; a server of one's own may want none.
    pub key: Option<Secret>,
    /// From the request to the first token; 3 s.
    pub first: Duration,
    /// Between two tokens; 3 s.
    pub stall: Duration,
    /// Plain http to another machine is allowed: an operator said so.
    pub plain: bool,
}

impl Config {
    /// With the usual limits.
    pub fn new(dialect: Dialect, model: impl Into<String>, key: Option<Secret>) -> Self {
        Self { dialect, model: model.into(), key, first: FIRST, stall: STALL, plain: false }
    }
}

/// A model behind chat completions.
pub struct Completions {
    client: Client,
    dialect: Dialect,
    model: Arc<str>,
    patience: Patience,
    /// Answers so far: makes names of wishes for tools where the server gives none.
    answers: AtomicU64,
}

impl Completions {
    /// `guard`: that of the dialect's service.
    ///
    /// # Errors
    /// An address or a key that cannot be used.
    pub fn new(config: Config, guard: Guard) -> Result<Self, ModelError> {
        let service = config.dialect.service.as_str();
        let headers = config.key.iter().map(|key| config.dialect.auth.header(key)).collect();
        let setup = Setup { base_url: config.dialect.base_url.clone(), headers, query: Vec::new(), plain: config.plain };
        Ok(Self {
            client: Client::new(&setup, guard).map_err(ModelError::service(service))?,
            dialect: config.dialect,
            model: config.model.into(),
            patience: Patience { first: config.first, stall: config.stall },
            answers: AtomicU64::new(0),
        })
    }

    fn request(&self, asked: &ChatRequest) -> Result<Request, Fault> {
        let body = Content::json(&request::body(&self.dialect, &self.model, asked))?;
        let request = Request::post(self.dialect.path.clone(), body).header("accept", "text/event-stream");
        Ok(self.dialect.query.iter().fold(request, |request, (name, value)| request.query(name.clone(), value.clone())))
    }

    fn fault(&self, fault: Fault) -> ModelError {
        let model = self.service();
        match fault {
            // Azure's filter, on the question (openai-realtime.md 3.1): the server works, and will not answer this.
            Fault::Refused { code, .. } if code == "content_filter" => {
                ModelError::NoAnswer { model, why: "its filter does not let the question through" }
            }
            fault => ModelError::Service { model, fault },
        }
    }
}

#[async_trait]
impl LanguageModel for Completions {
    fn service(&self) -> &'static str {
        self.dialect.service.as_str()
    }

    fn model(&self) -> &str {
        &self.model
    }

    async fn answer(&self, request: ChatRequest, meter: &Meter) -> Result<AnswerStream, ModelError> {
        let since = Instant::now();
        let request = self.request(&request).map_err(|fault| self.fault(fault))?;
        let asking = Account::asking((meter, self.service(), &self.model), &self.client, &request, self.patience.watch());
        let (account, body) = asking.await.map_err(|fault| self.fault(fault))?;
        let reader = reader::Completion::new(self.answers.fetch_add(1, Ordering::Relaxed));
        Ok(reading::run(body.events(), reader, account, self.patience, since))
    }

    async fn check(&self) -> Result<(), ModelError> {
        crate::check(self, self.service()).await
    }
}
