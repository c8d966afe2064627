//! Ladders: engines in an order of preference, the rules when a call goes down to the next, and when it goes up again.
//!
//! An engine's guard (breaker, pace, places) is known here as a question only: does it let through now? What it costs to find out that an engine
//! does not work is bounded by the [`Patience`] with it. Every change is told to an [`OnChange`].

pub mod ears;
mod hearing;
mod rest;
pub mod voices;

use std::sync::Arc;
use std::time::Duration;

use outbound::Fault;
use tracing::warn;

use crate::{SpeechError, TextToSpeech};

pub(crate) use rest::expected;
pub use rest::rest;

/// Whether an engine's guard lets through now.
pub type Gate = Arc<dyn Fn() -> bool + Send + Sync>;

/// Told of each change of engine. Called in the audio's way: it must not wait.
pub type OnChange = Arc<dyn Fn(Change) + Send + Sync>;

/// How long an engine is waited for before the next one is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until it is open; until its first sound.
    pub begin: Duration,
    /// From the end of an utterance to its words; between two pieces of sound.
    pub go_on: Duration,
}

impl Patience {
    /// For a vendor: with as long again for the next engine a caller still hears the answer within 2.5 to 3 s, when people ask whether anybody is
    /// there.
    pub const OUTSIDE: Self = Self { begin: Duration::from_millis(1_500), go_on: Duration::from_millis(1_500) };
    /// For engines of this machine, which have shorter deadlines of their own (8 s for an utterance): there is hardly another to go to.
    pub const HERE: Self = Self { begin: Duration::from_secs(10), go_on: Duration::from_secs(10) };
}

/// One engine of a ladder.
pub struct Rung<T: ?Sized> {
    pub(crate) engine: Arc<T>,
    pub(crate) gate: Gate,
    pub(crate) patience: Patience,
    /// It runs on this machine: what it will say when all others fail is made ahead.
    pub(crate) here: bool,
}

impl<T: ?Sized> Rung<T> {
    /// A vendor's engine. `gate` says whether it may be asked now.
    pub fn outside(engine: Arc<T>, gate: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { engine, gate: Arc::new(gate), patience: Patience::OUTSIDE, here: false }
    }

    /// An engine of this machine: it has no guard.
    pub fn here(engine: Arc<T>) -> Self {
        Self { engine, gate: Arc::new(|| true), patience: Patience::HERE, here: true }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    pub(crate) fn lets_through(&self) -> bool {
        (self.gate)()
    }
}

impl Rung<dyn TextToSpeech> {
    /// The voices of the engine.
    pub fn voices(&self) -> Vec<String> {
        self.engine.voices()
    }
}

impl<T: ?Sized> Clone for Rung<T> {
    fn clone(&self) -> Self {
        Self { engine: Arc::clone(&self.engine), gate: Arc::clone(&self.gate), patience: self.patience, here: self.here }
    }
}

/// Which of the two ladders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Speech to text.
    Hearing,
    /// Text to speech.
    Speaking,
}

impl Side {
    /// Its word in logs, records and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hearing => "hearing",
            Self::Speaking => "speaking",
        }
    }
}

/// Why another engine was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The guard of the better one does not let through.
    NotLetThrough,
    /// The better one has no voice for the language.
    NoVoice,
    /// It could not be opened, or said that it failed.
    Failed,
    /// It said nothing in time.
    Late,
    /// It made sound without energy.
    Silent,
    /// The better one works again.
    Recovered,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::NotLetThrough, Self::NoVoice, Self::Failed, Self::Late, Self::Silent, Self::Recovered];

    /// Its word in logs, records and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotLetThrough => "not_let_through",
            Self::NoVoice => "no_voice",
            Self::Failed => "failed",
            Self::Late => "late",
            Self::Silent => "silent",
            Self::Recovered => "recovered",
        }
    }

    pub(crate) fn of(fault: &SpeechError) -> Self {
        match fault {
            SpeechError::Outside { fault: Fault::NotAsked(_), .. } => Self::NotLetThrough,
            SpeechError::Timeout { .. } | SpeechError::Outside { fault: Fault::NoAnswer(_) | Fault::Stalled(_), .. } => Self::Late,
            SpeechError::SilentAudio { .. } => Self::Silent,
            _ => Self::Failed,
        }
    }
}

/// A call goes on with another engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which ladder.
    pub side: Side,
    /// The engine that was to do it, by its name.
    pub from: &'static str,
    /// The engine that does it.
    pub to: &'static str,
    /// Why.
    pub why: Why,
}

/// Writes a line for each change, in the span of the call.
pub fn logged() -> OnChange {
    Arc::new(|change| {
        let (side, why) = (change.side.as_str(), change.why.as_str());
        warn!(side, from = change.from, to = change.to, why, "the call goes on with another speech engine");
    })
}
