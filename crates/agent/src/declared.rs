//! Tools that a workspace declares: HTTP requests, and MCP servers as sources of tools. Plain definitions; who runs them is elsewhere.

mod address;
mod rules;

use std::collections::BTreeMap;

pub use rules::DeclaredProblem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a workspace declared, by its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Declared {
    /// One tool that is one HTTP request.
    Http(HttpTool),
    /// A server that has tools.
    Mcp(McpServer),
}

/// A tool that is one HTTP request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTool {
    /// What it does and when to use it, for the model; 1 to 1000 characters.
    pub description: String,
    /// The request's method.
    pub method: Method,
    /// Where it goes; `{argument}` in its path or query is replaced by that argument.
    pub url: String,
    /// JSON Schema of the arguments: an object with at most [`Self::MAX_PROPERTIES`] properties.
    pub parameters: Value,
    /// Headers with fixed values, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How it says who it is.
    #[serde(default)]
    pub auth: Auth,
    /// Longest time to the whole answer, ms.
    #[serde(default = "default_deadline")]
    pub deadline_ms: u32,
    /// It changes something: it gets an idempotency key and needs the caller's yes.
    pub effects: bool,
    /// What is said of its answer, instead of the model's own words.
    #[serde(default)]
    pub speak: Option<String>,
}

/// A server of the Model Context Protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServer {
    /// Where it is (streamable HTTP).
    pub url: String,
    /// How we say who we are.
    #[serde(default)]
    pub auth: Auth,
    /// The only tools of it that may be used; `None`: all it has.
    #[serde(default)]
    pub tools: Option<Vec<String>>,
    /// Longest time to the answer of one request, ms.
    #[serde(default = "default_deadline")]
    pub deadline_ms: u32,
}

/// How a request says who it is from. The secret itself is kept beside, sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Auth {
    /// It does not.
    #[default]
    None,
    /// `Authorization: Bearer` and the secret.
    Bearer,
    /// The secret as the value of a header.
    Header {
        /// The header's name.
        name: String,
    },
    /// `Authorization: Basic`; the secret is the password.
    Basic {
        /// The user's name.
        user: String,
    },
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature` as Standard Webhooks has them; the secret is the key (`whsec_` and base64, or plain).
    /// For HTTP tools only.
    Signed,
}

/// Methods that a tool may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Arguments that the address does not take go into the query.
    Get,
    /// Arguments that the address does not take go into the body, as JSON; so with the next two.
    Post,
    /// As [`Self::Post`].
    Put,
    /// As [`Self::Post`].
    Patch,
    /// As [`Self::Get`].
    Delete,
}

impl Method {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Tools that every agent may be given without declaring them; a declared one has another name.
pub const BUILT_IN_TOOLS: [&str; 6] = ["end_call", "transfer_call", "send_dtmf", "take_message", "schedule_callback", "look_up"];

const fn default_deadline() -> u32 {
    HttpTool::DEFAULT_DEADLINE_MS
}

impl HttpTool {
    /// Deadline when none is set, ms.
    pub const DEFAULT_DEADLINE_MS: u32 = 8_000;
    /// Deadlines that may be set, ms: less is the network's own time, longer no caller waits.
    pub const DEADLINE_MS: std::ops::RangeInclusive<u32> = 500..=30_000;
    /// Most properties of the arguments.
    pub const MAX_PROPERTIES: usize = 32;
    /// Longest schema of the arguments as JSON, bytes.
    pub const MAX_SCHEMA: usize = 16 * 1024;
    /// Most fixed headers.
    pub const MAX_HEADERS: usize = 16;

    /// The arguments that the address takes, in order.
    pub fn placeholders(&self) -> Vec<&str> {
        address::placeholders(&self.url).unwrap_or_default()
    }
}

impl Declared {
    /// The word in records.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Mcp(_) => "mcp",
        }
    }

    /// Where it goes.
    pub fn url(&self) -> &str {
        match self {
            Self::Http(tool) => &tool.url,
            Self::Mcp(server) => &server.url,
        }
    }

    /// How it says who it is.
    pub const fn auth(&self) -> &Auth {
        match self {
            Self::Http(tool) => &tool.auth,
            Self::Mcp(server) => &server.auth,
        }
    }

    /// Scheme, host and port: whom the secret is told.
    pub fn origin(&self) -> &str {
        address::origin(self.url())
    }

    /// Everything that is wrong with it. `private` allows addresses on this machine and in networks of one's own.
    pub fn problems(&self, private: bool) -> Vec<DeclaredProblem> {
        rules::problems(self, private)
    }

    /// Whether a tool may have this name: a lower-case letter, then lower-case letters, digits and `_`, at most 64, and not a built-in one's.
    pub fn is_name(name: &str) -> bool {
        rules::is_name(name) && !BUILT_IN_TOOLS.contains(&name)
    }
}

#[cfg(test)]
mod tests;
