//! Changes of who listens, thinks and speaks within a call: down when a service fails, and up again.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in records, metrics and the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads what [`Self::as_str`] wrote.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text)
            }
        }
    };
}

words! {
    /// Which part of the agent.
    Part {
        /// Who listens: speech to text.
        Ears = "ears",
        /// Who thinks: speech-to-speech model, language model, dialogue.
        Mind = "mind",
        /// Who speaks: text to speech.
        Voice = "voice",
    }
}

words! {
    /// Why another took over.
    RungWhy {
        /// The better one is not asked: it failed too often, asked for a pause, or has no free place.
        NotLetThrough = "not_let_through",
        /// The better one has no voice for the language.
        NoVoice = "no_voice",
        /// It could not be reached, broke off, refused, or made no sense.
        Failed = "failed",
        /// It said nothing in time.
        Late = "late",
        /// It stopped in the middle.
        Stalled = "stalled",
        /// Nobody can hear the caller, and only the dialogue has a menu for keys.
        Deaf = "deaf",
        /// What it said was nothing.
        Silent = "silent",
        /// A better one is back.
        Recovered = "recovered",
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RungChange {
    /// On the call clock.
    pub at_ms: u64,
    /// Which part.
    pub part: Part,
    /// Who did it before: the name of an engine or service.
    pub from: String,
    /// Who does it now; `none` when nobody can.
    pub to: String,
    /// Why.
    pub why: RungWhy,
}

impl RungChange {
    /// Most changes of one call that are kept. A call that changes more often is broken in a way that a hundred lines show.
    pub const MAX: usize = 100;
}
