//! What is set for which service: the one table.

use std::time::Duration;

use crate::{BreakerPolicy, BulkheadPolicy, PacePolicy, RetryPolicy, SlowPolicy};

/// How a service is treated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// One try, from the first byte sent to the answer.
    pub attempt: Duration,
    /// All tries with the waits between them and for a place. Requests of ours are answered within 10 s: below that, or nobody hears of it.
    pub deadline: Duration,
    /// Repeats.
    pub retry: RetryPolicy,
    /// When it is left alone.
    pub breaker: BreakerPolicy,
    /// How many at once.
    pub bulkhead: BulkheadPolicy,
    /// How often, where the service has a limit that we know.
    pub pace: Option<PacePolicy>,
}

macro_rules! services {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The outside services that this program knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Service {
            $($(#[$doc])* $name,)*
        }

        impl Service {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in metrics, addresses and messages.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

services! {
    /// Telnyx's REST interface: Call Control commands.
    Telnyx = "telnyx",
    /// Twilio's REST interface.
    Twilio = "twilio",
    /// The OpenID provider people sign in with.
    OpenId = "openid",
    /// Deepgram's live transcription.
    DeepgramListen = "deepgram_listen",
    /// Deepgram's voices (Aura).
    DeepgramSpeak = "deepgram_speak",
    /// NVIDIA Riva's streaming recognition.
    Riva = "riva",
    /// ElevenLabs' voices.
    ElevenLabs = "elevenlabs",
    /// Azure Speech's voices.
    AzureSpeech = "azure_speech",
    /// OpenAI's transcription, or one that speaks its protocol.
    OpenAiListen = "openai_listen",
    /// OpenAI's voices, or those of one that speaks its protocol.
    OpenAiSpeak = "openai_speak",
    /// OpenAI's chat completions.
    OpenAi = "openai",
    /// Azure OpenAI's chat completions.
    AzureOpenAi = "azure_openai",
    /// Cerebras' chat completions.
    Cerebras = "cerebras",
    /// Groq's chat completions.
    Groq = "groq",
    /// Chat completions of one's own: vLLM, Ollama and the like.
    OwnModel = "own_model",
    /// Anthropic's messages.
    Anthropic = "anthropic",
    /// OpenAI's Realtime sessions.
    OpenAiRealtime = "openai_realtime",
    /// Azure OpenAI's Realtime sessions.
    AzureRealtime = "azure_realtime",
    /// Google's Live sessions.
    GeminiLive = "gemini_live",
    /// Tools that workspaces declared: a guard for each of them.
    Tools = "tools",
    /// The database.
    Database = "database",
    /// Redis.
    Redis = "redis",
}

impl Service {
    /// How it is treated unless settings say otherwise.
    pub const fn policy(self) -> Policy {
        match self {
            // A caller waits in silence for a command, so limits are shorter than the SDK's 60 s. A command id makes repeats safe.
            Self::Telnyx | Self::Twilio => Policy {
                attempt: seconds(3),
                deadline: seconds(8),
                retry: RetryPolicy { times: 2, base: Duration::from_millis(500), cap: seconds(3) },
                // A call whose stream broke off waits meanwhile: a short look away, and another soon.
                breaker: BreakerPolicy { open_at_most: seconds(30), ..breaker(5, seconds(2)) },
                bulkhead: BulkheadPolicy { at_once: 64, waiting: 256, wait: seconds(2) },
                pace: None,
            },
            // A person looks at a blank page.
            Self::OpenId => Policy {
                attempt: seconds(5),
                deadline: seconds(8),
                retry: RetryPolicy { times: 1, base: Duration::from_millis(200), cap: seconds(1) },
                breaker: breaker(5, seconds(15)),
                bulkhead: BulkheadPolicy { at_once: 16, waiting: 32, wait: seconds(3) },
                pace: None,
            },
            // One stream for as long as a call lasts, and another engine behind it: nobody waits for a place, and nothing is repeated.
            Self::DeepgramListen | Self::Riva | Self::OpenAiRealtime | Self::AzureRealtime | Self::GeminiLive => {
                Policy { bulkhead: streams(1000), ..vendor(millis(1500)) }
            }
            Self::OpenAiListen => Policy { bulkhead: streams(200), ..vendor(millis(2500)) },
            // A sentence is owed: 800 ms to its first sound is late already.
            Self::DeepgramSpeak | Self::ElevenLabs | Self::AzureSpeech | Self::OpenAiSpeak => vendor(millis(1500)),
            Self::OpenAi | Self::AzureOpenAi | Self::Cerebras | Self::Groq | Self::OwnModel | Self::Anthropic => vendor(millis(3000)),
            // Each tool has its own deadline, which is shorter than this one.
            Self::Tools => Policy {
                attempt: seconds(30),
                deadline: seconds(31),
                retry: RetryPolicy { times: 1, base: millis(200), cap: seconds(2) },
                breaker: breaker(5, seconds(10)),
                bulkhead: BulkheadPolicy { at_once: 32, waiting: 64, wait: seconds(2) },
                pace: None,
            },
            // Requests of ours are answered within 10 s. What follows of a failure is decided where the statement stands, never repeated here. The
            // pool connects anew by itself within a second of the server's return: the breaker looks as often.
            Self::Database => Policy {
                attempt: seconds(8),
                deadline: seconds(9),
                retry: RetryPolicy { times: 0, base: millis(100), cap: millis(100) },
                breaker: BreakerPolicy { open_at_most: seconds(1), ..breaker(10, millis(500)) },
                bulkhead: BulkheadPolicy { at_once: 4096, waiting: 4096, wait: seconds(5) },
                pace: None,
            },
            Self::Redis => Policy {
                attempt: seconds(2),
                deadline: seconds(3),
                retry: RetryPolicy { times: 0, base: millis(100), cap: millis(100) },
                breaker: BreakerPolicy { open_at_most: seconds(1), ..breaker(10, millis(500)) },
                bulkhead: BulkheadPolicy { at_once: 4096, waiting: 4096, wait: seconds(1) },
                pace: None,
            },
        }
    }
}

/// A vendor on the caller's ear: answers later than `slow` count as slow, and when half of them are, the next engine is better. Whole requests
/// (checks, lists of voices) have 5 s.
const fn vendor(slow: Duration) -> Policy {
    Policy {
        attempt: seconds(5),
        deadline: seconds(8),
        retry: RetryPolicy { times: 0, base: millis(200), cap: seconds(1) },
        breaker: BreakerPolicy {
            slow: Some(SlowPolicy { after: slow, share: 0.5 }),
            // Callers are served by another engine meanwhile, and a check of ours looks whether it is back.
            open_at_most: seconds(60),
            ..breaker(3, seconds(5))
        },
        bulkhead: BulkheadPolicy { at_once: 200, waiting: 50, wait: millis(500) },
        pace: None,
    }
}

/// So many streams at once, and no waiting.
const fn streams(at_once: usize) -> BulkheadPolicy {
    BulkheadPolicy { at_once, waiting: 0, wait: Duration::ZERO }
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// So many failures in a row, or half of at least twenty calls in a minute. One answered probe closes it.
const fn breaker(in_a_row: u32, open_for: Duration) -> BreakerPolicy {
    BreakerPolicy { in_a_row, share: 0.5, volume: 20, window: seconds(60), slow: None, open_for, open_at_most: seconds(120), probes: 1 }
}
