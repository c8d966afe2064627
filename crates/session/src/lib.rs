//! One call, one task: the loop that drives the media stream, turn taking, speech and the brain.
//!
//! What is decided is decided in the machines of tier 0; what is awaited is awaited here. Nothing slow stands in the audio's way:
//! engines, tools and the database work in tasks of their own, and the recording goes to a thread of its own.

mod echo;
mod floor;
pub mod hold;
mod inbound;
mod journal;
mod kept;
mod keypad;
mod listen;
mod liveness;
mod open;
mod order;
mod owed;
mod pause;
mod progress;
mod recording;
mod reply;
mod run;
mod rungs;
mod setup;
mod shut;
mod socket;
mod speak;
mod tools;
mod traffic;
mod veil;

pub use inbound::unquoted;
pub use order::Order;
pub use recording::{RecordingError, Recordings, Track};
pub use run::Session;
pub use setup::{END_LIMIT, Ending, Interrupted, Minds, OnEnd, Price, Services, SessionSetup, callable};
pub use socket::{Incoming, MediaSocket, SocketClosed};

/// Close codes of media sockets, with the reasons sent along. 1000 and 1001 are the protocol's own; 4003 and 4004 are a contract with operators.
pub mod close {
    /// A code and its reason.
    pub type Close = (u16, &'static str);
    /// The agent ended the call.
    pub const BY_AGENT: Close = (1000, "Call ended by agent");
    /// The caller or the carrier ended it.
    pub const BY_CALLER: Close = (1000, "Call ended by caller");
    /// This process stops.
    pub const GOING_AWAY: Close = (1001, "Server is shutting down");
    /// A message was larger than allowed.
    pub const TOO_BIG: Close = (1009, "Message too big");
    /// A fault of ours.
    pub const INTERNAL: Close = (1011, "Internal error");
    /// The path's agent id is no UUID, or the messages are not the carrier's dialect.
    pub const BAD_REQUEST: Close = (4000, "Malformed agent id");
    /// The call token is missing, wrong, used or expired.
    pub const BAD_TOKEN: Close = (4001, "Call token missing, wrong or expired");
    /// The stream broke the protocol.
    pub const PROTOCOL: Close = (4002, "Media stream protocol error");
    /// The agent takes no calls.
    pub const AGENT_INACTIVE: Close = (4003, "Agent is not active");
    /// There is no such agent.
    pub const AGENT_UNKNOWN: Close = (4004, "Agent not found");
    /// No `start` came in time.
    pub const START_TIMEOUT: Close = (4005, "No start message in time");
    /// The stream's audio format is not spoken here.
    pub const BAD_FORMAT: Close = (4006, "Media format not supported");
    /// The far end broke the stream off without saying that the call is over.
    pub const LOST: Close = (4009, "Media stream lost");
    /// This call goes on on another instance: the carrier is told where.
    pub const HANDED_OVER: Close = (4010, "Call continues on another instance");
    /// No sign of life.
    pub const SILENT: Close = (4008, "No audio and no sign of life");
    /// Too many sockets (said with 503 before the upgrade), or the stream of another instance's call came here and there is no place.
    pub const FULL: Close = (4013, "No capacity");
    /// An operator hung up.
    pub const BY_OPERATOR: Close = (1000, "Call ended by operator");
}
