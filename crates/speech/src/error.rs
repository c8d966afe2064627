//! Everything that can go wrong with hearing and speaking, by what the caller of this crate can do about it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Errors of speech engines and of the phrase cache. Cheap to clone: everyone who waits for the same phrase gets the same error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SpeechError {
    /// A program, library or model is not on this machine.
    #[error("{engine} is not installed: install the Debian package {package} ({detail})")]
    NotInstalled {
        /// What is missing, in a user's words.
        engine: &'static str,
        /// Debian packages that bring it.
        package: &'static str,
        /// What was tried.
        detail: String,
    },
    /// The engine did not answer within its deadline; it was killed.
    #[error("{engine} did not answer within {after:?} and was stopped")]
    Timeout {
        /// The engine.
        engine: &'static str,
        /// The deadline.
        after: Duration,
    },
    /// The engine's process died.
    #[error("{engine} crashed: {detail}")]
    Crashed {
        /// The engine.
        engine: &'static str,
        /// How it ended.
        detail: String,
    },
    /// More work than the engine may have waiting.
    #[error("{engine} is overloaded: {waiting} requests are waiting already")]
    Overloaded {
        /// The engine.
        engine: &'static str,
        /// The limit that was met.
        waiting: usize,
    },
    /// Audio that cannot be recognised: wrong rate, or nothing in it.
    #[error("audio cannot be used: {detail}")]
    BadAudio {
        /// What is wrong with it.
        detail: String,
    },
    /// An engine refused its language, acoustic or pronunciation model.
    #[error("{engine} cannot use its model: {detail}")]
    Model {
        /// The engine.
        engine: &'static str,
        /// What it said.
        detail: String,
    },
    /// A domain with nothing to train on.
    #[error("the domain {domain} has no sentence that can be recognised: give it example sentences of words that can be spoken")]
    EmptyDomain {
        /// The domain's name.
        domain: String,
    },
    /// The engine made no sound.
    #[error("{engine} made no sound for a text of {} bytes", text.len())]
    SilentAudio {
        /// The engine.
        engine: &'static str,
        /// What it should have said, which may hold what a caller said: the message does not.
        text: String,
    },
    /// The engine has no voice of that name.
    #[error("there is no voice {voice:?}: use one of {known}")]
    UnknownVoice {
        /// The voice asked for.
        voice: String,
        /// The voices there are.
        known: String,
    },
    /// Text that is empty or too long to speak.
    #[error("text of {characters} characters cannot be spoken: say between 1 and {limit}")]
    TextLength {
        /// Its length.
        characters: usize,
        /// The limit.
        limit: usize,
    },
    /// A rate that telephony does not use.
    #[error("{rate} samples a second are not supported: use 8000 or 16000")]
    Rate {
        /// The rate asked for.
        rate: u32,
    },
    /// No engine is there, and the phrase is neither in the cache nor in the pack.
    #[error("a phrase of {} bytes cannot be said: no speech engine is installed and the phrase is not in the pack", text.len())]
    Unsayable {
        /// The phrase, which may hold what a caller said: the message does not.
        text: String,
    },
    /// There are engines, and the guard of none of them lets through.
    #[error(
        "no speech engine is let through now to {to}: their breakers are open or their places taken; see the guards' states on the console"
    )]
    NoEngine {
        /// What was to be done: hear, speak.
        to: &'static str,
    },
    /// Where phrases are kept did not do what it was asked.
    #[error("the store of phrases failed: {detail}")]
    Store {
        /// What happened, without a word of the phrase.
        detail: String,
    },
    /// The engine worked, but its result was wrong: a check failed.
    #[error("{engine} failed its check: {detail}")]
    CheckFailed {
        /// The engine.
        engine: &'static str,
        /// What was expected and what came.
        detail: String,
    },
    /// A file could not be read or written.
    #[error("could not {action} {path}")]
    File {
        /// Read, write, create.
        action: &'static str,
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// A phrase pack that does not follow its format.
    #[error("the phrase pack is broken: {detail}")]
    Pack {
        /// What is wrong with it.
        detail: String,
    },
    /// A vendor, or the way to it, is at fault.
    #[error("{engine}: {fault}")]
    Outside {
        /// The engine.
        engine: &'static str,
        /// What happened.
        #[source]
        fault: outbound::Fault,
    },
    /// The engine went away with its owner.
    #[error("{engine} was stopped")]
    Stopped {
        /// The engine.
        engine: &'static str,
    },
}

impl SpeechError {
    /// A fault of a vendor.
    pub fn outside(engine: &'static str) -> impl Fn(outbound::Fault) -> Self {
        move |fault| Self::Outside { engine, fault }
    }

    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File { action, path, source: Arc::new(source) }
    }
}
