//! What is kept: call records, turns, tool calls, messages. One schema, one trait per kind of record, one contract suite for every adapter.

#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod database;
mod error;
mod records;
mod sqlite;
mod statements;
pub mod times;

pub use database::Database;
pub use error::StoreError;
pub use records::{CallFilter, Message, NewToolCall, Records, ToolClaim};
pub use sqlite::SqliteRecords;
