//! A tool's definition as the document shows it; what is read and kept is `agent::Declared`.
#![expect(dead_code, reason = "describes a body that is read as another type")]

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What the tool is.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Definition {
    Http(HttpTool),
    Mcp(McpServer),
}

/// A tool that is one HTTP request.
#[derive(Serialize, ToSchema)]
pub(crate) struct HttpTool {
    /// What it does and when to use it, for the model.
    #[schema(min_length = 1, max_length = 1000, example = "Looks an order up by its number.")]
    description: String,
    method: HttpMethod,
    /// `https://`, or `http://` on this machine where that is allowed. `{argument}` may stand in path and query.
    #[schema(max_length = 2000, example = "https://shop.example.com/orders/{number}")]
    url: String,
    /// JSON Schema of the arguments: of type object, with at most 32 properties and 16 KiB.
    #[schema(value_type = Object, example = json!({ "type": "object", "properties": { "number": { "type": "string" } }, "required": ["number"] }))]
    parameters: Value,
    /// Headers with fixed values, at most 16. They are shown; a secret is said with `auth`.
    #[schema(required = false)]
    headers: BTreeMap<String, String>,
    #[schema(required = false)]
    auth: Auth,
    /// Longest time to the whole answer, ms.
    #[schema(required = false, minimum = 500, maximum = 30000, default = 8000)]
    deadline_ms: u32,
    /// It changes something: it gets an idempotency key, and the caller is asked first.
    effects: bool,
    /// What is said of its answer, instead of the model's own words.
    #[schema(required = false, min_length = 1, max_length = 500)]
    speak: Option<String>,
}

/// A server of the Model Context Protocol.
#[derive(Serialize, ToSchema)]
pub(crate) struct McpServer {
    /// Where it is; as of an HTTP tool, without arguments.
    #[schema(max_length = 2000, example = "https://tools.example.com/mcp")]
    url: String,
    /// Any but `signed`: requests to a server are not signed.
    #[schema(required = false)]
    auth: Auth,
    /// The only tools of it that may be used; `null`: all it has.
    #[schema(required = false, max_items = 64)]
    tools: Option<Vec<String>>,
    /// Longest time to the answer of one request, ms.
    #[schema(required = false, minimum = 500, maximum = 30000, default = 8000)]
    deadline_ms: u32,
}

/// How a request says who it is from; the secret stands beside the definition.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Auth {
    None,
    /// `Authorization: Bearer` and the secret.
    Bearer,
    /// The secret as the value of this header.
    Header {
        #[schema(example = "X-Api-Key")]
        name: String,
    },
    /// `Authorization: Basic`; the secret is the password.
    Basic {
        user: String,
    },
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature` as Standard Webhooks has them; the secret is the key: `whsec_` and base64, or plain.
    /// For HTTP tools only.
    Signed,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum HttpMethod {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}
