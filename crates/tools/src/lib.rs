//! Tools that are run for agents: messages for the people behind them, HTTP requests that a workspace declared, and the tools of MCP servers.
//!
//! What a workspace declared goes out by [`outbound::Client::to_stranger`]: under TLS, to public addresses only, without redirects, behind a guard of
//! its own, within its deadline and a largest answer.

mod error;
mod http;
mod mcp;
mod messages;

pub use self::error::ToolsError;
pub use self::http::HttpRequest;
pub use self::mcp::{McpSource, McpTool};
pub use self::messages::{ScheduleCallback, TakeMessage};
