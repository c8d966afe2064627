//! Agents: what one is (definition), how it thinks (brain), and what it can do (tools).

mod brain;
mod declared;
mod definition;
mod mind;
mod tool;

pub use brain::{Brain, FlowBrain};
pub use declared::{Auth, BUILT_IN_TOOLS, Declared, DeclaredProblem, HttpTool, McpServer, Method};
pub use definition::{AgentDefinition, AgentError, AgentKind, Agents, Hearing, Keeps};
pub use flow::{Exit, HoldTexts, Input as BrainInput, Output as BrainOutput, WaitTexts};
pub use mind::Mind;
pub use tool::{Tool, ToolAnswer, ToolContext, Toolbox};
