//! Names of things: a call, an agent, a carrier, a direction.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// Our own id of a call: a UUID of version 7, so that ids sort by the time they were made.
    CallId
);
id!(
    /// An agent's id, as it stands in the path of the media stream.
    AgentId
);

id!(
    /// A workspace (tenant): whose calls, agents and people these are.
    TenantId
);

impl TenantId {
    /// The workspace that is always there: an installation for one team needs no other.
    pub const DEFAULT: Self = Self(uuid::uuid!("00000000-0000-7000-8000-000000000001"));
}

/// Which carrier's dialect a call speaks. Chosen once, at the edge; only `telephony` acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// Twilio media streams and TwiML.
    Twilio,
    /// Telnyx media streaming and TeXML.
    Telnyx,
}

impl Carrier {
    /// The carrier's name as it stands in paths, labels and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Telnyx => "telnyx",
        }
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who placed the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Somebody called us.
    Inbound,
    /// We called somebody.
    Outbound,
}

impl Direction {
    /// The word used in records and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}
