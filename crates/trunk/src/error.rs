//! What can go wrong between us and a carrier's interface. No message holds a key, a number, an address or a call's id.

use std::time::Duration;

use resilience::Rejected;

use crate::telnyx::{MAX_ANSWER_BYTES, MAX_CALL_ID_BYTES};

/// A command that was not taken, or of which that is not known.
#[derive(Debug, thiserror::Error)]
pub enum TrunkError {
    /// The carrier's address cannot be used.
    #[error("the address of the carrier's interface cannot be used: {why}; correct it or leave it out")]
    BadBaseUrl {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The key is blank or cannot stand in a header.
    #[error("the carrier's api key is blank or holds characters that no key has; copy it again from the carrier's portal")]
    BadKey,
    /// No HTTP client could be made.
    #[error("the HTTP client could not be set up; are the system's CA certificates installed?")]
    Client(#[source] reqwest::Error),
    /// The carrier would refuse this command, or would drop a part of it without a word; it was not sent.
    #[error("{command} was not sent: {why}")]
    InvalidRequest {
        /// Name of the command.
        command: &'static str,
        /// What is wrong.
        why: InvalidRequest,
    },
    /// The call is over: there is nothing left to command.
    #[error("{command} came too late: the call has ended")]
    CallEnded {
        /// Name of the command.
        command: &'static str,
    },
    /// The carrier does not know the call: never heard of, or over for a while.
    #[error("{command} was refused: the carrier does not know the call")]
    UnknownCall {
        /// Name of the command.
        command: &'static str,
    },
    /// The carrier does not take our key.
    #[error("{command} was refused (HTTP {status}): the carrier does not take our api key; check it in the carrier's portal")]
    Refused {
        /// Name of the command.
        command: &'static str,
        /// 401 or 403.
        status: u16,
    },
    /// The carrier understood the command and will not do it.
    #[error("{command} was rejected (HTTP {status}, code {code}): {title}")]
    Rejected {
        /// Name of the command.
        command: &'static str,
        /// HTTP status.
        status: u16,
        /// The carrier's code, or `none`.
        code: String,
        /// The carrier's name of the fault, with long numbers struck out; may be blank.
        title: String,
    },
    /// Too many commands. Tried again as far as the deadline allowed.
    #[error("{command} was put off: the carrier asks us to slow down; try again later")]
    Throttled {
        /// Name of the command.
        command: &'static str,
        /// How long the carrier asks us to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// The carrier has trouble of its own. Tried again as far as the deadline allowed.
    #[error("{command} failed at the carrier (HTTP {status}); try again later")]
    Unavailable {
        /// Name of the command.
        command: &'static str,
        /// 5xx.
        status: u16,
    },
    /// No connection, or it broke before there was an answer. Tried again as far as the deadline allowed.
    #[error("{command} found no connection to the carrier; check the network and the address")]
    Unreachable {
        /// Name of the command.
        command: &'static str,
        /// Why, without the address.
        #[source]
        source: reqwest::Error,
    },
    /// No answer in time. Whether the carrier took the command is not known.
    #[error("{command} had no answer from the carrier in time; give it again under the same command id")]
    TimedOut {
        /// Name of the command.
        command: &'static str,
    },
    /// The carrier was not asked: it failed too often, asked for a pause, or too many commands are under way.
    #[error("{command} was not sent")]
    NotAsked {
        /// Name of the command.
        command: &'static str,
        /// Why, and when to try again.
        #[source]
        source: Rejected,
    },
    /// The answer is not one that the carrier's interface gives.
    #[error("{command} had an answer (HTTP {status}) that is not the carrier's: {why}; check the address of its interface")]
    BadAnswer {
        /// Name of the command.
        command: &'static str,
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Why a command was not even sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// The id of the call is blank, too long, or a path of its own.
    #[error("the call's id is blank, has over {MAX_CALL_ID_BYTES} bytes or is a path")]
    CallId,
    /// The stream's address is not a WebSocket address.
    #[error("the address of the media stream must begin with wss://")]
    StreamUrl,
    /// The carrier does not stream this format.
    #[error("the carrier does not stream this audio format")]
    Format,
    /// A stream parameter is too long.
    #[error("name and value of a stream parameter must have under {} characters", telephony::MAX_PARAMETER_CHARS)]
    Parameter,
    /// An answer cannot carry what was asked for.
    #[error("an answer carries no stream parameters and no other rate than 8000 Hz; answer first, then start the stream")]
    AnswerCarriesLess,
    /// The client state is too long.
    #[error("the client state has over {} bytes", telephony::telnyx::webhook::MAX_CLIENT_STATE_BYTES)]
    ClientState,
    /// A number to dial or to show is none.
    #[error("a number of the transfer is not in the form +4930123456")]
    Number,
    /// The ringing is too short or too long.
    #[error("a transfer rings for 5 to 600 s")]
    Ringing,
    /// The text is blank or too long.
    #[error("the text to speak is blank or has over {} characters", crate::MAX_SPEECH_CHARS)]
    Speech,
}

impl TrunkError {
    pub(crate) fn too_long(command: &'static str, status: u16) -> Self {
        const _: () = assert!(MAX_ANSWER_BYTES == 64 << 10, "the message names the limit");
        Self::BadAnswer { command, status, why: "it has over 64 KiB" }
    }
}
