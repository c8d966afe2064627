//! What can go wrong before a tool is there.

use outbound::Fault;

/// Errors of declared tools. None holds a word of a conversation or a secret.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// The way to it cannot be made.
    #[error("the tool {name} cannot be reached: {fault}; correct its address and secret")]
    Way {
        /// Which tool or server.
        name: String,
        /// Why.
        #[source]
        fault: Fault,
    },
    /// It is to say who we are and has no secret.
    #[error("the tool {name} has no secret to say who we are with; set it, or set auth to none")]
    NoSecret {
        /// Which.
        name: String,
    },
    /// A header cannot be sent.
    #[error("the tool {name} has a header or a secret that cannot be sent: it must be one line of plain characters")]
    Header {
        /// Which.
        name: String,
    },
    /// The key for signatures is none.
    #[error("the secret of the tool {name} begins with whsec_ and is not base64 after it; copy it again")]
    Key {
        /// Which.
        name: String,
    },
    /// An MCP server does not speak as it should.
    #[error("the MCP server {name} does not answer as its protocol says: {why}; check its address and version")]
    Protocol {
        /// Which.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
}
