//! What a declaration may hold.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::{Auth, Declared, HttpTool, McpServer, address};

/// Longest description and longest spoken template, characters.
const MAX_DESCRIPTION: usize = 1_000;
const MAX_SPEAK: usize = 500;
/// Longest value of a header and longest user's name, bytes.
const MAX_VALUE: usize = 1_000;
/// Longest name of a tool or an argument.
const MAX_NAME: usize = 64;
/// Most tools of a server that may be named.
const MAX_SERVER_TOOLS: usize = 64;
/// Longest name of a server's tool (the protocol's advice is 128).
const MAX_SERVER_TOOL: usize = 128;

/// Headers that belong to the connection, to the body or to us.
const OURS: [&str; 17] = [
    "host",
    "content-length",
    "content-type",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "authorization",
    "proxy-authorization",
    "cookie",
    "idempotency-key",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// Beginning of the headers that this program adds.
const OUR_BEGINNING: &str = "x-voicenoob-";

/// Something of a declaration that is not right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredProblem {
    /// JSON pointer into the declaration.
    pub field: String,
    /// What is wrong, in words that follow the field's name.
    pub message: String,
}

#[derive(Default)]
struct Found(Vec<DeclaredProblem>);

impl Found {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(DeclaredProblem { field: field.into(), message: message.into() });
    }
}

/// A lower-case letter, then lower-case letters, digits and `_`.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The name of an argument: letters, digits and `_`.
pub(super) fn is_argument(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(super) fn problems(declared: &Declared, private: bool) -> Vec<DeclaredProblem> {
    let mut found = Found::default();
    if let Some(fault) = address::fault(declared.url(), private) {
        found.add("/url", fault);
    }
    auth(declared.auth(), &mut found);
    match declared {
        Declared::Http(tool) => http(tool, &mut found),
        Declared::Mcp(server) => mcp(server, &mut found),
    }
    found.0
}

fn http(tool: &HttpTool, found: &mut Found) {
    text("/description", &tool.description, MAX_DESCRIPTION, found);
    if let Some(speak) = &tool.speak {
        text("/speak", speak, MAX_SPEAK, found);
    }
    deadline(tool.deadline_ms, found);
    headers(&tool.headers, found);
    let properties = parameters(&tool.parameters, found);
    for name in tool.placeholders() {
        if !properties.contains(name) {
            found.add("/url", format!("names the argument {name:?}, which is not among the properties of parameters"));
        }
    }
}

fn mcp(server: &McpServer, found: &mut Found) {
    deadline(server.deadline_ms, found);
    if server.url.contains(['{', '}']) {
        found.add("/url", "takes no arguments");
    }
    // Every request to a server has the same headers, and a signature is of one body.
    if server.auth == Auth::Signed {
        found.add("/auth/type", "must be bearer, header, basic or none: requests to an MCP server are not signed");
    }
    let named = server.tools.as_deref().unwrap_or_default();
    if named.len() > MAX_SERVER_TOOLS {
        found.add("/tools", format!("must name at most {MAX_SERVER_TOOLS} tools"));
    }
    for (index, tool) in named.iter().enumerate().take(MAX_SERVER_TOOLS) {
        if !(1..=MAX_SERVER_TOOL).contains(&tool.len()) || !tool.bytes().all(|byte| byte.is_ascii_graphic()) {
            found.add(format!("/tools/{index}"), format!("must have 1 to {MAX_SERVER_TOOL} letters, digits and signs"));
        }
    }
}

fn text(field: &str, text: &str, most: usize, found: &mut Found) {
    if text.trim().is_empty() || text.chars().count() > most {
        found.add(field, format!("must have 1 to {most} characters, not only spaces"));
    } else if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        found.add(field, "must not hold control characters other than line breaks and tabs");
    }
}

fn deadline(ms: u32, found: &mut Found) {
    let range = HttpTool::DEADLINE_MS;
    if !range.contains(&ms) {
        found.add("/deadline_ms", format!("must be from {} to {}", range.start(), range.end()));
    }
}

fn auth(auth: &Auth, found: &mut Found) {
    match auth {
        Auth::None | Auth::Bearer | Auth::Signed => {}
        Auth::Header { name } => {
            if let Some(fault) = header_fault(name) {
                found.add("/auth/name", fault);
            }
        }
        // RFC 7617, 2: a user's name with a colon cannot be told from its password.
        Auth::Basic { user } => {
            if user.is_empty() || user.len() > MAX_VALUE || user.contains(':') || user.chars().any(char::is_control) {
                found.add("/auth/user", format!("must have 1 to {MAX_VALUE} characters, without colon and control characters"));
            }
        }
    }
}

fn headers(headers: &BTreeMap<String, String>, found: &mut Found) {
    if headers.len() > HttpTool::MAX_HEADERS {
        found.add("/headers", format!("must be at most {}", HttpTool::MAX_HEADERS));
    }
    let mut seen = BTreeSet::new();
    for (name, value) in headers.iter().take(HttpTool::MAX_HEADERS) {
        let fault = header_fault(name).or_else(|| (!seen.insert(name.to_ascii_lowercase())).then(|| "is named twice".into()));
        if let Some(fault) = fault {
            found.add("/headers", format!("{name:?} {fault}"));
        } else if value.len() > MAX_VALUE || HeaderValue::from_str(value).is_err() {
            found.add("/headers", format!("{name:?} must have a value of one line of at most {MAX_VALUE} bytes"));
        }
    }
}

fn header_fault(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if name.len() > MAX_NAME || HeaderName::from_bytes(lower.as_bytes()).is_err() {
        return Some("is not the name of a header".into());
    }
    let ours = OURS.contains(&lower.as_str()) || lower.starts_with(OUR_BEGINNING) || lower.starts_with("proxy-");
    ours.then(|| "is a header of the connection, or one this program sets; a secret is said with auth".into())
}

/// The names of the properties.
fn parameters<'a>(schema: &'a Value, found: &mut Found) -> BTreeSet<&'a str> {
    let field = "/parameters";
    if schema.to_string().len() > HttpTool::MAX_SCHEMA {
        found.add(field, format!("must have at most {} bytes", HttpTool::MAX_SCHEMA));
    }
    if refers_elsewhere(schema) {
        found.add(field, "must not refer to a schema elsewhere ($ref)");
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let Some(properties) = properties.filter(|_| schema.get("type").and_then(Value::as_str) == Some("object")) else {
        found.add(field, "must be a JSON Schema with the type \"object\" and properties");
        return BTreeSet::new();
    };
    if properties.len() > HttpTool::MAX_PROPERTIES {
        found.add(field, format!("must have at most {} properties", HttpTool::MAX_PROPERTIES));
    }
    for (name, property) in properties {
        if !is_argument(name) || !(property.is_object() || property.is_boolean()) {
            found.add(
                format!("{field}/properties"),
                format!("{name:?} must be a name of at most {MAX_NAME} letters, digits and _, with a schema"),
            );
        }
    }
    properties.keys().map(String::as_str).collect()
}

/// Whoever reads the schema must not go and fetch something.
fn refers_elsewhere(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            let away = matches!(name.as_str(), "$ref" | "$dynamicRef") && value.as_str().is_some_and(|to| !to.starts_with('#'));
            away || refers_elsewhere(value)
        }),
        Value::Array(items) => items.iter().any(refers_elsewhere),
        _ => false,
    }
}
