//! Tools that every agent may be given without declaring them: those that a brain does itself, and the look into what the agent knows.

mod look_up;

pub use look_up::{Knowledge, KnowledgeError, LookUp};
use models::ToolSpec;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model_brain::Destination;

/// What a brain can do with its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Hangs up, after the goodbye was heard.
    EndCall,
    /// Puts the caller through to one of these.
    TransferCall(Vec<Destination>),
    /// Presses keys: for menus at the other end of the line.
    SendDtmf,
}

/// Arguments of `transfer_call`, checked against its schema.
#[derive(Deserialize)]
pub(crate) struct Transfer {
    pub(crate) destination: String,
}

/// Arguments of `send_dtmf`, checked against its schema.
#[derive(Deserialize)]
pub(crate) struct Tones {
    pub(crate) digits: String,
}

impl Control {
    /// What of it this agent may do, by the names of its tools. Without a destination nobody is put through.
    pub fn chosen<'a>(names: impl IntoIterator<Item = &'a str>, destinations: &[Destination]) -> Vec<Self> {
        let control = |name| match name {
            "end_call" => Some(Self::EndCall),
            "transfer_call" if !destinations.is_empty() => Some(Self::TransferCall(destinations.to_vec())),
            "send_dtmf" => Some(Self::SendDtmf),
            _ => None,
        };
        names.into_iter().filter_map(control).collect()
    }

    /// As a model sees it.
    pub(crate) fn spec(&self) -> ToolSpec {
        match self {
            Self::EndCall => spec(
                "end_call",
                "Ends the call. Say goodbye in the same answer, and call it only when the caller has nothing else to ask.",
                json!({ "reason": { "type": "string", "maxLength": 200, "description": "Why, in a few words, for the record." } }),
                &[],
            ),
            Self::TransferCall(to) => {
                let names: Vec<&str> = to.iter().map(|destination| destination.name.as_str()).collect();
                let whom =
                    json!({ "destination": { "type": "string", "enum": names, "description": "Whom to put the caller through to." } });
                let what = "Puts the caller through to a person and ends your part. Say so in the same answer. Use it when the caller asks for a \
                            person, or needs what you cannot do.";
                spec("transfer_call", what, whom, &["destination"])
            }
            Self::SendDtmf => {
                let digits = "0 to 9, *, #, A to D; w waits half a second.";
                let keys = json!({ "digits": { "type": "string", "pattern": "^[0-9*#A-Dw]{1,32}$", "description": digits } });
                spec("send_dtmf", "Presses keys, for a machine at the other end that asks for them.", keys, &["digits"])
            }
        }
    }
}

/// A tool whose arguments are these properties and no others.
pub(crate) fn spec(name: &str, description: &str, properties: Value, required: &[&str]) -> ToolSpec {
    let parameters = json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    ToolSpec { name: name.to_owned(), description: description.to_owned(), parameters }
}

/// What the vendors of models take for the name of a tool.
pub(crate) fn is_spec_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}
