//! The documented API: one route table with permission and rate limit for each address, problem details, idempotency, and the handlers for
//! people and business data.
//!
//! The way in for a reader: [`Table`] collects handlers with what they need; [`Table::into_router`] puts the same steps before each of them, in
//! this order: request id, client's address, rate limit, authentication, rate limit of the caller, permission, idempotency.

mod access;
mod address;
mod audited;
pub mod cookie;
mod cors;
mod docs;
mod etag;
mod extract;
mod gate;
mod handlers;
mod headers;
mod idempotency;
mod limits;
mod origin;
mod problem;
mod request_id;
mod settings;
mod state;
mod table;

pub use access::authenticated;
pub use address::{Network, client_address};
pub use audited::{Act, Done, privileged};
pub use etag::{IfMatch, Versioned};
pub use extract::{ApiJson, ApiPath, ApiQuery, Caller, ClientInfo, Paging};
pub use handlers::{Erasures, Provider, RecordingFiles, answers, sealed_for, table, tool_sealed_for};
pub use headers::secured;
pub use idempotency::{LIFE as IDEMPOTENCY_LIFE, sweep as sweep_idempotency};
pub use limits::{Budget, Limits, Rates};
pub use problem::{FieldProblem, Problem};
pub use request_id::{RequestId, with_request_id};
pub use settings::ApiSettings;
pub use state::{ApiState, Base, DirectoryHook, Parts};
pub use table::{Access, BODY, LONGEST_BODY, Row, Table};
