//! Agents: what one is (definition), how it thinks (brain), and what it can do (tools).

mod brain;
mod builtin;
mod declared;
mod definition;
mod ladder;
mod mind;
mod model_brain;
mod tool;
mod toolset;

pub use brain::{Brain, CallerSound, FlowBrain};
pub use builtin::{Control, Knowledge, KnowledgeError, LookUp};
pub use declared::{Auth, BUILT_IN_TOOLS, Declared, DeclaredProblem, HttpTool, McpServer, Method};
pub use definition::{AgentDefinition, AgentError, AgentKind, Agents, Hearing, Keeps};
pub use flow::{Exit, HoldTexts, Input as BrainInput, Output as BrainOutput, TransferWhy, WaitTexts};
pub use ladder::{LadderBrain, LadderError, OnRung, Rung, RungChange, RungName, RungWhy, VoiceRung};
pub use mind::Mind;
pub use model_brain::{Destination, Limits, ModelBrain, Persona, Texts};
pub use models::ToolSpec;
pub use tool::{Tool, ToolAnswer, ToolContext, Toolbox};
pub use toolset::{ToolSet, ToolSetError};
