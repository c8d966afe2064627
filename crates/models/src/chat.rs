//! Language models: a conversation goes in, words and wishes for tools come out as they are thought of.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use call::Meter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::ModelError;

/// A conversation so far, and how to go on.
#[derive(Clone)]
pub struct ChatRequest {
    /// Who the agent is and what holds for it.
    pub system: String,
    /// What was said, oldest first.
    pub messages: Vec<Message>,
    /// What it may ask for.
    pub tools: Arc<[ToolSpec]>,
    /// From 0 to 2; `None`: the model's own. Models that take none are not sent one.
    pub temperature: Option<f32>,
    /// Longest answer, tokens.
    pub max_tokens: u32,
}

/// One piece of a conversation.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Message {
    /// The caller said this; or the program tells the model something about the call, in square brackets.
    Caller {
        /// The words.
        text: String,
    },
    /// The agent said this (what was heard of it), and wanted these tools.
    Agent {
        /// The words; may be empty.
        text: String,
        /// The tools.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<ToolCall>,
    },
    /// A tool answered.
    Tool {
        /// Which request of [`Message::Agent`].
        id: String,
        /// The tool's name.
        name: String,
        /// The answer: JSON text.
        content: String,
    },
}

/// A tool as a model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Letters, digits and underscores, at most 64.
    pub name: String,
    /// What it does and when to use it, for the model.
    pub description: String,
    /// JSON Schema of its arguments: an object.
    pub parameters: Value,
}

/// A wish for a tool.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The model's name of this wish; ours where it gave none.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// The arguments as the model wrote them: JSON text, perhaps malformed.
    pub arguments: String,
}

/// What comes of a request, piece by piece.
#[derive(Clone, PartialEq)]
pub enum AnswerEvent {
    /// More words.
    Text(String),
    /// A wish for a tool, complete.
    Call(ToolCall),
    /// The answer is over; nothing follows.
    Done(Stop),
}

/// Why an answer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All was said.
    Finished,
    /// It waits for its tools.
    Tools,
    /// The longest answer was reached.
    Length,
    /// The vendor kept the rest back.
    Filtered,
}

/// An answer as it is made: bounded, ends after [`AnswerEvent::Done`] or an error. Dropping it stops the work at once.
pub type AnswerStream = mpsc::Receiver<Result<AnswerEvent, ModelError>>;

/// A language model.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The service's name in logs, on the console and in prices.
    fn service(&self) -> &'static str;

    /// The model's name.
    fn model(&self) -> &str;

    /// Begins an answer. Tokens that were used are counted into `meter`, also when the answer is cut off, as far as the vendor says.
    async fn answer(&self, request: ChatRequest, meter: &Meter) -> Result<AnswerStream, ModelError>;

    /// Asks for one word and compares. Costs a few tokens.
    async fn check(&self) -> Result<(), ModelError>;
}

/// What callers say does not print.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller { text } => write!(f, "Caller({} bytes)", text.len()),
            Self::Agent { text, calls } => write!(f, "Agent({} bytes, {} calls)", text.len(), calls.len()),
            Self::Tool { name, content, .. } => write!(f, "Tool({name}, {} bytes)", content.len()),
        }
    }
}

impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToolCall({}, {} bytes)", self.name, self.arguments.len())
    }
}

impl fmt::Debug for AnswerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Call(call) => call.fmt(f),
            Self::Done(stop) => write!(f, "Done({stop:?})"),
        }
    }
}

impl fmt::Debug for ChatRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatRequest").field("messages", &self.messages).field("tools", &self.tools.len()).finish_non_exhaustive()
    }
}
