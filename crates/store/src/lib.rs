//! What is kept: call records, turns, tool calls, messages. One schema, one trait per kind of record, one contract suite for every adapter.

mod connection;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod database;
mod error;
mod going_on;
mod query;
mod records;
mod sql_records;
mod statements;
pub mod times;

pub use connection::{Connection, Transaction};
pub use database::{Database, PoolState};
pub use error::StoreError;
pub use going_on::{CallbackRequest, CallbackWhy, Progress};
pub use query::{ANSWER_TIMEOUT, Param, Query, Row, Target, query};
pub use records::{CallFilter, Message, NewToolCall, Records, ToolClaim};
pub use sql_records::SqlRecords;
