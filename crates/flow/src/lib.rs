//! The flow brain: an agent is a file, a call is a walk through it. Text goes in, replies and tool calls come out.
//!
//! Pure: the local date and time, and the seed that picks prompt variants, are arguments.

mod definition;
mod dialogue;
mod generate;
mod load;
mod matcher;
mod phrase;
mod speak;
mod template;
mod understand;
mod values;
mod vocabulary;
mod words;

pub use definition::{Flow, Keypad, KeypadEntry, TurnTaking};
pub use dialogue::{Dialogue, SnapshotError};
pub use load::Problem;
pub use vocabulary::{Exit, Input, Output, ToolOutcome};
