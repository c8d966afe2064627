//! The rows and columns of the matrix: vendors' adapters, and what goes wrong.

use std::str::FromStr;

use anyhow::{Result, bail};
use simulator::{Simulator, Trouble, Vendor};

/// A key that the simulated vendors take.
const KEY: &str = "key-of-the-matrix";
/// `slow_first`: later than every deadline for a first byte.
const SLOW_MS: u64 = 4_000;
/// `too_many`: what the vendor wants waited.
const RETRY_AFTER_SECS: u64 = 5;

/// What a vendor does in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Listens.
    Ears,
    /// Thinks.
    Mind,
    /// Speaks.
    Voice,
    /// Hears the caller and speaks by itself.
    Speech,
}

/// One adapter. The others of its call are vendors of other companies, so the fault is its alone.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As `--only` takes it.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What it does.
    pub part: Part,
    /// Who is simulated.
    pub vendor: Vendor,
    /// Who listens, thinks and speaks, as `STT_ENGINES`, `LLM_ENGINES` and `TTS_ENGINES` take it.
    pub engines: [&'static str; 3],
}

const fn row(name: &'static str, title: &'static str, part: Part, vendor: Vendor, engines: [&'static str; 3]) -> Row {
    Row { name, title, part, vendor, engines }
}

/// Every adapter that calls use.
pub const ROWS: &[Row] = &[
    row("deepgram", "Deepgram live", Part::Ears, Vendor::Deepgram, ["deepgram", "anthropic", "elevenlabs"]),
    row("openai-listen", "OpenAI transcription", Part::Ears, Vendor::OpenAi, ["openai", "anthropic", "elevenlabs"]),
    row("riva", "NVIDIA Riva", Part::Ears, Vendor::Riva, ["riva", "anthropic", "elevenlabs"]),
    row("chat", "Chat completions", Part::Mind, Vendor::OpenAi, ["deepgram", "openai", "elevenlabs"]),
    row("anthropic", "Anthropic Messages", Part::Mind, Vendor::Anthropic, ["deepgram", "anthropic", "elevenlabs"]),
    row("elevenlabs", "ElevenLabs", Part::Voice, Vendor::ElevenLabs, ["deepgram", "anthropic", "elevenlabs"]),
    row("azure", "Azure Speech", Part::Voice, Vendor::AzureSpeech, ["deepgram", "anthropic", "azure_speech"]),
    row("aura", "Deepgram Aura", Part::Voice, Vendor::Deepgram, ["riva", "anthropic", "deepgram"]),
    row("openai-speak", "OpenAI voices", Part::Voice, Vendor::OpenAi, ["deepgram", "anthropic", "openai"]),
    // This machine's ears: simulated ones would take lines of the script that the model is to hear.
    row("realtime", "OpenAI Realtime", Part::Speech, Vendor::OpenAi, ["local", "anthropic", "elevenlabs"]),
    row("gemini", "Gemini Live", Part::Speech, Vendor::Gemini, ["local", "anthropic", "elevenlabs"]),
];

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault(&'static str);

/// Every fault of the simulator.
pub const FAULTS: &[Fault] = &[
    Fault("wrong_key"),
    Fault("too_many"),
    Fault("unavailable"),
    Fault("silent"),
    Fault("slow_first"),
    Fault("stall"),
    Fault("cut"),
    Fault("malformed"),
    Fault("error"),
];

impl Row {
    /// The agent's tier: the one that speaks by such a model, or any other.
    pub(super) fn tier(&self) -> &'static str {
        if self.part == Part::Speech && self.vendor == Vendor::OpenAi { "premium" } else { "balanced" }
    }

    /// The settings of a server whose parts are these vendors.
    pub(super) fn settings(&self, vendors: &Simulator) -> Vec<(&'static str, String)> {
        let [ears, mind, voice] = self.engines;
        let orders =
            [("STT_ENGINES", format!("{ears},local")), ("LLM_ENGINES", mind.to_owned()), ("TTS_ENGINES", format!("{voice},local"))];
        let conversing = (self.part == Part::Speech).then_some(self.vendor);
        let places = self.engines.iter().filter_map(|engine| place(engine)).chain(conversing);
        let places = places.flat_map(|vendor| [(vendor.setting(), vendors.url(vendor)), (vendor.key_setting(), KEY.to_owned())]);
        orders.into_iter().chain(places).collect()
    }
}

/// Who an engine's name stands for.
fn place(engine: &str) -> Option<Vendor> {
    Some(match engine {
        "deepgram" => Vendor::Deepgram,
        "riva" => Vendor::Riva,
        "openai" => Vendor::OpenAi,
        "anthropic" => Vendor::Anthropic,
        "elevenlabs" => Vendor::ElevenLabs,
        "azure_speech" => Vendor::AzureSpeech,
        _ => return None,
    })
}

impl Fault {
    /// Its name, as the simulator knows it.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// In the middle of an answer, where it has one: after 0.3 s of sound, after three words; ears fail with their next result.
    pub(super) fn trouble(self, part: Part) -> Trouble {
        let after = if part == Part::Ears { 0 } else { 3 };
        match self.0 {
            "wrong_key" => Trouble::WrongKey,
            "too_many" => Trouble::TooMany { retry_after: Some(RETRY_AFTER_SECS) },
            "silent" => Trouble::Silent,
            "slow_first" => Trouble::SlowFirst { ms: SLOW_MS },
            "stall" => Trouble::Stall { after },
            "cut" => Trouble::Cut { after },
            "malformed" => Trouble::Malformed { after },
            "error" => Trouble::Error { after },
            _ => Trouble::Unavailable { status: 503 },
        }
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match FAULTS.iter().find(|fault| fault.0 == name) {
            Some(fault) => Ok(*fault),
            None => bail!("no fault is called {name:?}; there are: {}", FAULTS.iter().map(|fault| fault.0).collect::<Vec<_>>().join(", ")),
        }
    }
}

impl FromStr for Row {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match ROWS.iter().find(|row| row.name == name) {
            Some(row) => Ok(*row),
            None => bail!("no adapter is called {name:?}; there are: {}", ROWS.iter().map(|row| row.name).collect::<Vec<_>>().join(", ")),
        }
    }
}
