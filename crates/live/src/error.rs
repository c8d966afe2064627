//! What can go wrong with live state.

/// Why live state could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The server did not answer, or not in time: nothing is known, and the change may or may not have happened.
    #[error("cannot {doing}: live state is not reachable ({why}); calls go on, try again when it is back")]
    Unavailable {
        /// What was tried.
        doing: &'static str,
        /// The client's words, without addresses.
        why: String,
    },
    /// The server answered something that is not ours.
    #[error("cannot {doing}: the server's answer is not what this program writes ({why}); is the key prefix used by another program?")]
    Unexpected {
        /// What was tried.
        doing: &'static str,
        /// What was wrong.
        why: String,
    },
    /// The address of the server cannot be used.
    #[error(
        "the address of the live state server is not usable: {why}; use redis://host:port/db, redis+sentinel://host:port,host:port/name or redis+cluster://host:port,host:port"
    )]
    Address {
        /// What is wrong with it, without the address (it may hold a password).
        why: String,
    },
    /// A name that would break keys.
    #[error("{name:?} is no instance name: use 1 to 64 letters, digits, '.', '_' and '-'")]
    InstanceName {
        /// The name.
        name: String,
    },
}
