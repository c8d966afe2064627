//! A tool that is one HTTP request, as a workspace declared it.

mod address;
mod answer;
mod proof;

use std::time::Duration;

use ::http::HeaderMap;
use ::http::Method as Verb;
pub(crate) use address::parts;
use agent::{Auth, HttpTool, Method, Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use outbound::{Client, Content, Request, Setup};
use privacy::Secret;
use proof::Proof;
use resilience::Guard;
use serde_json::{Map, Value};

use crate::ToolsError;

/// Largest answer, bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// The tool.
pub struct HttpRequest {
    name: String,
    tool: HttpTool,
    client: Client,
    /// Path and query, with placeholders.
    address: String,
    headers: HeaderMap,
    proof: Proof,
}

impl HttpRequest {
    /// `private`: addresses of this machine and of private networks are allowed. `guard`: this tool's own.
    ///
    /// # Errors
    /// [`ToolsError`].
    pub fn new(name: &str, tool: HttpTool, secret: Option<&Secret>, private: bool, guard: Guard) -> Result<Self, ToolsError> {
        let (origin, address) = address::parts(&tool.url);
        let setup = Setup { base_url: origin.to_owned(), headers: Vec::new(), query: Vec::new(), plain: false };
        let client = Client::to_stranger(&setup, private, guard).map_err(|fault| ToolsError::Way { name: name.to_owned(), fault })?;
        let proof = Proof::new(name, &tool.auth, secret)?;
        let headers = proof::fixed(name, &tool.headers)?;
        Ok(Self { name: name.to_owned(), client, address: address.to_owned(), headers, proof, tool })
    }

    fn request(&self, context: &ToolContext, arguments: &Map<String, Value>) -> Result<Request, String> {
        let mut rest = arguments.clone();
        let path = address::fill(&self.address, &mut rest)?;
        let in_query = matches!(self.tool.method, Method::Get | Method::Delete);
        let body = if in_query { Vec::new() } else { serde_json::to_vec(&rest).map_err(|fault| fault.to_string())? };
        let mut headers = self.headers.clone();
        self.proof.add(context, &body, &mut headers);
        if self.tool.effects
            && let Ok(key) = context.idempotency_key.parse()
        {
            headers.insert("idempotency-key", key);
        }
        let content = if in_query { Content::Empty } else { Content::Bytes { kind: "application/json", bytes: body.into() } };
        let mut request =
            Request::new(verb(self.tool.method), path, content).header("accept", "application/json, text/*;q=0.5").headers(headers);
        if in_query {
            for (name, value) in rest {
                request = request.query(name, address::scalar(&value).unwrap_or_else(|| value.to_string()));
            }
        }
        Ok(request)
    }
}

#[async_trait]
impl Tool for HttpRequest {
    fn name(&self) -> &str {
        &self.name
    }

    fn spec(&self) -> Option<ToolSpec> {
        let HttpTool { description, parameters, .. } = &self.tool;
        Some(ToolSpec { name: self.name.clone(), description: description.clone(), parameters: parameters.clone() })
    }

    fn effects(&self) -> bool {
        self.tool.effects
    }

    /// Its own deadline is shorter, so that it says itself what happened.
    fn deadline(&self) -> Duration {
        self.limit() + Duration::from_secs(1)
    }

    fn spoken(&self, fields: &Value) -> Option<String> {
        answer::spoken(self.tool.speak.as_deref()?, fields)
    }

    async fn call(&self, context: &ToolContext, arguments: &Value) -> ToolAnswer {
        let none = Map::new();
        let request = match self.request(context, arguments.as_object().unwrap_or(&none)) {
            Ok(request) => request,
            Err(why) => return ToolAnswer::Failed(format!("{}: {why}", self.name)),
        };
        match self.client.exchange(&request, self.limit(), MAX_ANSWER).await {
            Ok(answer) => answer::of(&answer),
            Err(fault) => ToolAnswer::Failed(format!("{}: {fault}", self.name)),
        }
    }
}

impl HttpRequest {
    fn limit(&self) -> Duration {
        Duration::from_millis(u64::from(self.tool.deadline_ms))
    }
}

fn verb(method: Method) -> Verb {
    match method {
        Method::Get => Verb::GET,
        Method::Post => Verb::POST,
        Method::Put => Verb::PUT,
        Method::Patch => Verb::PATCH,
        Method::Delete => Verb::DELETE,
    }
}

/// The headers that say who we are, for whoever asks with fixed ones only.
pub(crate) fn proof_headers(name: &str, auth: &Auth, secret: Option<&Secret>) -> Result<HeaderMap, ToolsError> {
    Proof::new(name, auth, secret).map(|proof| proof.fixed_headers())
}

#[cfg(test)]
mod tests;
