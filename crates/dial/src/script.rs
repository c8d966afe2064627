//! What a caller does in a call, and what is expected of the agent: as a Rust value, or read from a TOML file.

mod expectation;
mod file;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use call::{Carrier, PhoneNumber};

pub(crate) use expectation::Outcome;
pub use expectation::{Expect, ExpectTool};

/// Twilio's published test numbers: nobody has them.
const DEFAULT_FROM: &str = "+15005550006";
const DEFAULT_TO: &str = "+15005550010";

/// The voice when the script names none: flite's American woman.
pub const DEFAULT_VOICE: &str = "slt";
/// How long a whole call may take when the script says nothing.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(180);
/// How long one wait may take when the step says nothing.
pub const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// Silence after which the agent counts as having finished. Longer than the pause between two sentences of local voices.
pub const DEFAULT_QUIET: Duration = Duration::from_millis(500);
/// Longest call a script may ask for: a carrier's own limit (Twilio: 4 h).
pub const MAX_TIMEOUT: Duration = Duration::from_secs(4 * 3600);
/// Most steps in one script.
pub const MAX_STEPS: usize = 1000;

/// One call as the caller lives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Whose side of the protocol is played.
    pub carrier: Carrier,
    /// The called number.
    pub to: PhoneNumber,
    /// The caller's number.
    pub from: PhoneNumber,
    /// An agent by id or name; `None` leaves the choice to the server.
    pub agent: Option<String>,
    /// The caller's voice, where a step names none.
    pub voice: String,
    /// Line noise under everything the caller sends, dBFS (RMS); `None` for the comfort noise of a quiet line.
    pub noise_dbfs: Option<f32>,
    /// How the audio travels.
    pub format: LineFormat,
    /// What happens, in order. After the last step the caller hangs up.
    pub steps: Vec<Step>,
    /// What must be true afterwards.
    pub expect: Expect,
    /// The whole call may take this long; then the caller hangs up and the call counts as failed.
    pub timeout: Duration,
}

/// How audio travels on the media stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// Mu-law at 8 kHz: both carriers.
    Pcmu,
    /// A-law at 8 kHz: Telnyx only.
    Pcma,
    /// Linear 16 bit at 16 kHz: Telnyx only.
    L16,
}

/// One thing the caller does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Listens until the agent has spoken and then was silent for `quiet`.
    WaitForAgent {
        /// Given up, and the call failed, after this long.
        timeout: Duration,
        /// The silence that ends the agent's words.
        quiet: Duration,
    },
    /// Speaks.
    Say {
        /// What is said.
        speech: Speech,
        /// Hangs up this long after the first word, in the middle of the sentence.
        hang_up_after: Option<Duration>,
    },
    /// Speaks into the agent's next reply (or into the one under way).
    Interrupt {
        /// What is said.
        speech: Speech,
        /// How long the agent has spoken by then.
        after: Duration,
        /// Given up, and the call failed, when the agent does not start within this long.
        timeout: Duration,
    },
    /// Presses keys.
    Press {
        /// From `0123456789*#ABCD`.
        digits: String,
        /// As tones in the audio; otherwise as the carrier's own DTMF messages.
        in_band: bool,
    },
    /// Says nothing (the line noise goes on).
    Silence(Duration),
    /// Sends what no carrier would send.
    Garbage(Garbage),
    /// Hangs up.
    HangUp,
    /// Waits until the agent ends the call.
    WaitForEnd {
        /// Given up, and the call failed, after this long.
        timeout: Duration,
    },
}

/// Something to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Speech {
    /// Words for the speech engine.
    Words {
        /// What to say.
        text: String,
        /// A voice other than the script's.
        voice: Option<String>,
    },
    /// A WAV file: 16-bit PCM; of several channels, the first.
    Wav(PathBuf),
    /// Samples from a program.
    Pcm {
        /// Mono samples.
        samples: Arc<[i16]>,
        /// Samples a second.
        rate: u32,
    },
}

/// Input that breaks a rule, for tests of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garbage {
    /// A binary message where text belongs.
    Binary,
    /// A text message that is no JSON.
    Json,
    /// A media message whose payload is no base64.
    Base64,
    /// Two seconds of loud white noise as audio.
    Noise,
}

impl Script {
    /// A call without steps: it connects and hangs up at once.
    pub fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            to: PhoneNumber::new(DEFAULT_TO),
            from: PhoneNumber::new(DEFAULT_FROM),
            agent: None,
            voice: DEFAULT_VOICE.to_owned(),
            noise_dbfs: None,
            format: LineFormat::Pcmu,
            steps: Vec::new(),
            expect: Expect::default(),
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// A polite caller: lets the agent finish before each sentence, and before hanging up.
    pub fn saying<T: Into<String>>(carrier: Carrier, sentences: impl IntoIterator<Item = T>) -> Self {
        Self::speaking(carrier, sentences.into_iter().map(Speech::words))
    }

    /// [`Self::saying`] with words, files or samples.
    pub fn speaking(carrier: Carrier, speeches: impl IntoIterator<Item = Speech>) -> Self {
        let mut script = Self::new(carrier).step(Step::wait());
        for speech in speeches {
            script = script.step(Step::Say { speech, hang_up_after: None }).step(Step::wait());
        }
        script.step(Step::HangUp)
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl Step {
    /// Waits for the agent with the usual limits.
    pub const fn wait() -> Self {
        Self::WaitForAgent { timeout: STEP_TIMEOUT, quiet: DEFAULT_QUIET }
    }

    /// Says words in the script's voice.
    pub fn say(text: impl Into<String>) -> Self {
        Self::Say { speech: Speech::words(text), hang_up_after: None }
    }

    /// Says words into the agent's next reply.
    pub fn interrupt(text: impl Into<String>, after: Duration) -> Self {
        Self::Interrupt { speech: Speech::words(text), after, timeout: STEP_TIMEOUT }
    }

    /// Waits for the agent's hang-up with the usual limit.
    pub const fn wait_for_end() -> Self {
        Self::WaitForEnd { timeout: STEP_TIMEOUT }
    }
}

impl Speech {
    /// Words in the script's voice.
    pub fn words(text: impl Into<String>) -> Self {
        Self::Words { text: text.into(), voice: None }
    }
}

impl LineFormat {
    /// Samples a second.
    pub const fn rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8000,
            Self::L16 => 16_000,
        }
    }

    /// True when the carrier can carry it (Twilio: mu-law at 8 kHz only).
    pub const fn fits(self, carrier: Carrier) -> bool {
        matches!((self, carrier), (Self::Pcmu, _) | (_, Carrier::Telnyx))
    }
}
