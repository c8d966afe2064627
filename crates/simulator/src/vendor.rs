//! Which vendors are simulated, and where each one is.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

macro_rules! vendors {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $path:literal, $setting:literal, $key:literal;)*) => {
        /// A simulated vendor.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Vendor {
            $($(#[$doc])* $name,)*
        }

        impl Vendor {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in addresses and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The path below which it lives; empty for a listener of its own.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }

            /// The setting of the program that takes its address.
            pub const fn setting(self) -> &'static str {
                match self { $(Self::$name => $setting,)* }
            }

            /// The setting of the program that takes a key for it: without one, the program does not ask it.
            pub const fn key_setting(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }
        }
    };
}

vendors! {
    /// Deepgram: live transcription and Aura voices.
    Deepgram = "deepgram", "/deepgram", "DEEPGRAM_API_URL", "DEEPGRAM_API_KEY";
    /// ElevenLabs' voices.
    ElevenLabs = "elevenlabs", "/elevenlabs", "ELEVENLABS_API_URL", "ELEVENLABS_API_KEY";
    /// Azure Speech's voices.
    AzureSpeech = "azure_speech", "/azure-speech", "AZURE_SPEECH_URL", "AZURE_SPEECH_KEY";
    /// OpenAI: chat completions, transcription, voices, Realtime.
    OpenAi = "openai", "/openai/v1", "OPENAI_API_URL", "OPENAI_API_KEY";
    /// Anthropic's messages.
    Anthropic = "anthropic", "/anthropic", "ANTHROPIC_API_URL", "ANTHROPIC_API_KEY";
    /// Google's Live sessions.
    Gemini = "gemini", "/gemini", "GEMINI_API_URL", "GEMINI_API_KEY";
    /// NVIDIA Riva: gRPC, on a port of its own.
    Riva = "riva", "", "RIVA_URL", "RIVA_API_KEY";
}

impl Vendor {
    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|vendor| vendor.as_str() == name)
    }

    /// The base address to give to the program.
    pub fn base_url(self, address: SocketAddr) -> String {
        format!("http://{address}{}", self.path())
    }
}
