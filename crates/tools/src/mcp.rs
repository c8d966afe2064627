//! MCP servers as sources of tools, by the streamable HTTP transport of protocol version 2025-06-18 (JSON or server-sent events as answers).
//!
//! A client of our own, see docs/dependencies.md: all that a call needs are two requests and a greeting, by the one road that looks at addresses.

mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use agent::{McpServer, Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use outbound::{Client, Setup};
use privacy::Secret;
use resilience::Guard;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use wire::{Reply, Wire};

use crate::ToolsError;
use crate::http::proof_headers;

/// Most tools that are taken of a server, and most pages that are asked for them.
const MAX_TOOLS: usize = 64;
const MAX_PAGES: usize = 8;
/// Longest description and largest schema of a tool that is taken.
const MAX_DESCRIPTION: usize = 2_000;
const MAX_SCHEMA: usize = 16 * 1024;

/// A server, and what it can do.
pub struct McpSource {
    name: String,
    allowed: Option<BTreeSet<String>>,
    wire: Arc<Wire>,
    listed: Mutex<Option<(Instant, Vec<Listed>)>>,
}

/// A tool as the server describes it.
#[derive(Debug, Clone, PartialEq)]
struct Listed {
    name: String,
    description: String,
    parameters: Value,
    effects: bool,
}

/// One tool of a server.
pub struct McpTool {
    name: String,
    listed: Listed,
    wire: Arc<Wire>,
}

impl McpSource {
    /// A list is asked for again after this time.
    pub const LIST_AGE: Duration = Duration::from_secs(300);

    /// `private`: addresses of this machine and of private networks are allowed. `guard`: this server's own.
    ///
    /// # Errors
    /// [`ToolsError`].
    pub fn new(name: &str, server: &McpServer, secret: Option<&Secret>, private: bool, guard: Guard) -> Result<Self, ToolsError> {
        let (origin, path) = crate::http::parts(&server.url);
        let setup = Setup { base_url: origin.to_owned(), headers: Vec::new(), query: Vec::new(), plain: false };
        let client = Client::to_stranger(&setup, private, guard).map_err(|fault| ToolsError::Way { name: name.to_owned(), fault })?;
        let headers = proof_headers(name, &server.auth, secret)?;
        let limit = Duration::from_millis(u64::from(server.deadline_ms));
        let path = format!("./{}", path.strip_prefix('/').unwrap_or(path));
        let allowed = server.tools.as_ref().map(|tools| tools.iter().cloned().collect());
        Ok(Self { name: name.to_owned(), allowed, wire: Arc::new(Wire::new(client, path, headers, limit)), listed: Mutex::new(None) })
    }

    /// Its tools, at most 64 of those that are allowed; asked for again after [`Self::LIST_AGE`]. `taken`: names that others have; a tool of
    /// such a name is called `server__tool`. When the server does not answer, what it listed last holds.
    ///
    /// # Errors
    /// [`ToolsError::Way`] and [`ToolsError::Protocol`], when nothing was ever listed.
    pub async fn tools(&self, taken: &BTreeSet<String>) -> Result<Vec<Arc<dyn Tool>>, ToolsError> {
        let mut listed = self.listed.lock().await;
        let old = listed.as_ref().is_none_or(|(at, _)| at.elapsed() >= Self::LIST_AGE);
        if old {
            match self.list().await {
                Ok(tools) => *listed = Some((Instant::now(), tools)),
                Err(fault) => match listed.as_mut() {
                    None => return Err(fault),
                    Some((at, _)) => {
                        tracing::warn!(server = self.name, error = %fault, "the server does not list its tools; those it listed before are kept");
                        *at = Instant::now();
                    }
                },
            }
        }
        let tools = listed.iter().flat_map(|(_, tools)| tools);
        Ok(tools.map(|tool| Arc::new(self.tool(tool, taken)) as Arc<dyn Tool>).collect())
    }

    fn tool(&self, listed: &Listed, taken: &BTreeSet<String>) -> McpTool {
        let plain =
            |name: &str| name.chars().map(|sign| if sign.is_ascii_alphanumeric() || sign == '_' { sign } else { '_' }).collect::<String>();
        let mut name = plain(&listed.name);
        if taken.contains(&name) || agent::BUILT_IN_TOOLS.contains(&name.as_str()) {
            name = format!("{}__{name}", plain(&self.name));
        }
        // As long as vendors of models take.
        name.truncate(64);
        McpTool { name, listed: listed.clone(), wire: Arc::clone(&self.wire) }
    }

    async fn list(&self) -> Result<Vec<Listed>, ToolsError> {
        let way = |fault| ToolsError::Way { name: self.name.clone(), fault };
        let wrong = |why| ToolsError::Protocol { name: self.name.clone(), why };
        let (mut tools, mut cursor) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let parameters = cursor.map_or(json!({}), |cursor: String| json!({ "cursor": cursor }));
            let page = match self.wire.ask("tools/list", parameters).await.map_err(way)? {
                Reply::Result(page) => page,
                Reply::Error { .. } => return Err(wrong("it refuses to list its tools")),
            };
            let found = page["tools"].as_array().ok_or_else(|| wrong("its list has no tools"))?;
            tools.extend(
                found.iter().filter_map(listed).filter(|tool| self.allowed.as_ref().is_none_or(|allowed| allowed.contains(&tool.name))),
            );
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() || tools.len() >= MAX_TOOLS {
                break;
            }
        }
        tools.truncate(MAX_TOOLS);
        Ok(tools)
    }
}

/// A tool that can be offered: named, described, with a schema that is not too large.
fn listed(tool: &Value) -> Option<Listed> {
    let name = tool["name"].as_str().filter(|name| (1..=128).contains(&name.len()))?;
    let parameters = tool.get("inputSchema").filter(|schema| schema.is_object() && schema.to_string().len() <= MAX_SCHEMA)?;
    let described = tool["description"].as_str().or(tool["title"].as_str()).unwrap_or(name);
    // What the server says of itself is a hint (2025-06-18, tools, annotations); whoever says nothing may change something.
    let effects = !tool.pointer("/annotations/readOnlyHint").and_then(Value::as_bool).unwrap_or(false);
    let description = described.chars().take(MAX_DESCRIPTION).collect();
    Some(Listed { name: name.to_owned(), description, parameters: parameters.clone(), effects })
}

#[async_trait]
impl Tool for McpTool {
    fn name(&self) -> &str {
        &self.name
    }

    fn spec(&self) -> Option<ToolSpec> {
        let Listed { description, parameters, .. } = &self.listed;
        Some(ToolSpec { name: self.name.clone(), description: description.clone(), parameters: parameters.clone() })
    }

    fn effects(&self) -> bool {
        self.listed.effects
    }

    /// The protocol knows of none.
    fn keeps_keys(&self) -> bool {
        false
    }

    /// Its own limit is shorter.
    fn deadline(&self) -> Duration {
        self.wire.limit() + Duration::from_secs(1)
    }

    async fn call(&self, context: &ToolContext, arguments: &Value) -> ToolAnswer {
        // The protocol has no idempotency key; a server that knows ours finds it where the protocol has a place for such things.
        let meta = json!({ "voicenoob/idempotency-key": context.idempotency_key });
        let parameters = json!({ "name": self.listed.name, "arguments": arguments, "_meta": meta });
        match self.wire.ask("tools/call", parameters).await {
            Ok(Reply::Result(result)) => answer(&result),
            Ok(Reply::Error { code, message }) => {
                ToolAnswer::Refused { code: "invalid", fields: json!({ "code": code, "message": message }) }
            }
            Err(fault) => ToolAnswer::Failed(format!("{}: {fault}", self.name)),
        }
    }
}

/// Structured content as it is, else the texts; `isError` is the tool's own no.
fn answer(result: &Value) -> ToolAnswer {
    let content = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts: Vec<&str> = content.iter().filter_map(|part| part["text"].as_str()).collect();
    let text = texts.join("\n");
    if result["isError"].as_bool().unwrap_or(false) {
        return ToolAnswer::Refused { code: "refused", fields: json!({ "text": text }) };
    }
    let fields = result.get("structuredContent").and_then(Value::as_object).cloned();
    ToolAnswer::Ok(Value::Object(fields.unwrap_or_else(|| Map::from_iter([("text".to_owned(), Value::from(text))]))))
}

#[cfg(test)]
mod tests;
