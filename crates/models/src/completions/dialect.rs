//! What differs between servers of chat completions.

use privacy::Secret;
use resilience::Service;

/// How a server is spoken with.
#[derive(Debug, Clone)]
pub struct Dialect {
    /// Whose it is, by the table of services.
    pub service: Service,
    /// Base address.
    pub base_url: String,
    /// How the key is shown.
    pub auth: Auth,
    /// Path below the base address.
    pub path: String,
    /// Query parameters: Azure's `api-version`.
    pub query: Vec<(String, String)>,
    /// What the longest answer is called.
    pub limit: Limit,
    /// It takes a temperature; models that reason before they speak refuse one.
    pub temperature: bool,
    /// It takes `stream_options`: without, most servers say no usage.
    pub usage: bool,
    /// Whether a model may wish for several tools at once; `None`: the server's own choice.
    pub parallel_tool_calls: Option<bool>,
}

/// How a key is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer`.
    Bearer,
    /// `api-key`, Azure's.
    ApiKey,
}

/// What the longest answer is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `max_completion_tokens`: OpenAI's, for whom the other one is old.
    MaxCompletionTokens,
    /// `max_tokens`: all that many servers know.
    MaxTokens,
}

const OPENAI_URL: &str = "https://api.openai.com/v1";
const CEREBRAS_URL: &str = "https://api.cerebras.ai/v1";
const GROQ_URL: &str = "https://api.groq.com/openai/v1";
const PATH: &str = "chat/completions";

impl Dialect {
    /// OpenAI, as it speaks to this model.
    pub fn openai(model: &str) -> Self {
        Self { temperature: !reasons(model), ..Self::plain(Service::OpenAi, OPENAI_URL, Limit::MaxCompletionTokens) }
    }

    /// Azure OpenAI: the resource's address (`https://NAME.openai.azure.com`), the deployment, and the version of the API.
    pub fn azure_openai(resource: &str, deployment: &str, api_version: &str) -> Self {
        let dialect = Self::plain(Service::AzureOpenAi, resource, Limit::MaxCompletionTokens);
        Self {
            auth: Auth::ApiKey,
            path: format!("openai/deployments/{}/{PATH}", segment(deployment)),
            query: vec![("api-version".to_owned(), api_version.to_owned())],
            // A deployment's name need not tell its model: whoever knows better sets it.
            temperature: !reasons(deployment),
            ..dialect
        }
    }

    /// Cerebras.
    pub fn cerebras() -> Self {
        Self::plain(Service::Cerebras, CEREBRAS_URL, Limit::MaxCompletionTokens)
    }

    /// Groq.
    pub fn groq() -> Self {
        Self::plain(Service::Groq, GROQ_URL, Limit::MaxCompletionTokens)
    }

    /// A server of one's own: vLLM, Ollama and the like. `base_url` ends before `chat/completions`.
    pub fn own(base_url: &str) -> Self {
        Self::plain(Service::OwnModel, base_url, Limit::MaxTokens)
    }

    /// At another address.
    #[must_use]
    pub fn at(self, base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), ..self }
    }

    fn plain(service: Service, base_url: &str, limit: Limit) -> Self {
        Self {
            service,
            base_url: base_url.to_owned(),
            auth: Auth::Bearer,
            path: PATH.to_owned(),
            query: Vec::new(),
            limit,
            temperature: true,
            usage: true,
            parallel_tool_calls: None,
        }
    }
}

impl Auth {
    pub(super) fn header(self, key: &Secret) -> (&'static str, Secret) {
        match self {
            Self::Bearer => ("authorization", Secret::from(format!("Bearer {}", key.expose()))),
            Self::ApiKey => ("api-key", key.clone()),
        }
    }
}

/// OpenAI's models that reason first, by their names. Unverified for names to come: a model that is missed here refuses the temperature, and its
/// dialect says so.
fn reasons(model: &str) -> bool {
    let numbered = |rest: &str| rest.starts_with(|sign: char| sign.is_ascii_digit());
    model.strip_prefix('o').is_some_and(numbered) || (model.starts_with("gpt-5") && !model.contains("chat"))
}

/// A name as one segment of a path: nothing in it may lead elsewhere.
fn segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && name.trim_matches('.') == name);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_reason_are_sent_no_temperature() {
        for (model, temperature) in
            [("gpt-4.1-mini", true), ("o4-mini", false), ("gpt-5.1", false), ("gpt-5-chat-latest", true), ("omni", true)]
        {
            assert_eq!(Dialect::openai(model).temperature, temperature, "{model}");
        }
    }

    #[test]
    fn a_deployment_cannot_lead_to_another_path() {
        assert_eq!(Dialect::azure_openai("https://x", "../a b?c", "1").path, "openai/deployments/%2E%2E%2Fa%20b%3Fc/chat/completions");
        assert_eq!(Dialect::azure_openai("https://x", "gpt-4.1", "1").path, "openai/deployments/gpt-4.1/chat/completions");
    }
}
