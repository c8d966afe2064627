//! What is kept: call records, turns, tool calls, messages. One schema, one trait per kind of record, one contract suite for every adapter.

pub mod agents;
pub mod api_keys;
pub mod audit;
pub mod backup;
#[cfg(test)]
mod business_tests;
pub mod calls;
mod connection;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod database;
pub mod directory;
mod error;
mod going_on;
pub mod idempotency;
pub mod numbers;
mod paging;
pub mod personal;
pub mod provider_keys;
mod query;
mod records;
pub mod retention;
mod road;
pub mod rungs;
pub mod sealed;
pub mod sessions;
mod sql_records;
mod statements;
pub mod tenants;
pub mod throttle;
pub mod tickets;
pub mod times;
pub mod tools;
pub mod usage;
pub mod users;
mod waits;

pub use connection::{Connection, Transaction};
pub use database::{Database, PoolSettings, PoolState};
pub use error::StoreError;
pub use going_on::{CallbackRequest, CallbackWhy, Progress};
pub use paging::{Change, Page, Paged};
pub use query::{ANSWER_TIMEOUT, Param, Query, Row, Target, query};
pub use records::{CallFilter, Message, NewToolCall, Records, ToolClaim};
pub use road::Road;
pub use sql_records::SqlRecords;
pub use waits::Waits;

#[cfg(test)]
mod people_tests;
