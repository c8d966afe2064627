//! Speech to text, as the rest of the program sees it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use call::Meter;

use crate::SpeechError;

/// What may be said in one agent's calls: sentences by dialogue state. Local engines train their language models on it; vendors take hints from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Names the domain in caches and logs: the agent's name.
    pub name: String,
    /// State name to example sentences (lower case, no punctuation, some thousand per state). A sentence that stands twice weighs twice.
    pub states: BTreeMap<String, Vec<String>>,
    /// Words that callers say outside the domain; they keep the engine honest. May be empty.
    pub background: Vec<String>,
}

/// What recognition is opened with.
#[derive(Debug, Clone)]
pub struct Listening {
    /// What may be said.
    pub domain: Arc<Domain>,
    /// Samples a second: 8000 or 16000.
    pub rate: u32,
    /// BCP 47, such as `en-US`.
    pub language: String,
    /// Where the sound that is listened to is counted.
    pub meter: Meter,
}

impl Listening {
    /// English, counted nowhere: for checks and measurements.
    pub fn plain(domain: Arc<Domain>, rate: u32) -> Self {
        Self { domain, rate, language: "en-US".into(), meter: Meter::default() }
    }
}

/// An engine that turns speech into text.
#[async_trait]
pub trait SpeechToText: Send + Sync {
    /// The engine's name in logs and on the console.
    fn name(&self) -> &'static str;

    /// Makes the engine ready for a domain (trains and stores language models). Called when an agent is loaded, long before its first call.
    async fn prepare(&self, domain: &Arc<Domain>) -> Result<(), SpeechError>;

    /// Opens recognition for one call.
    async fn open(&self, listening: Listening) -> Result<Box<dyn Recognition>, SpeechError>;

    /// Recognises a bundled clip and compares the words.
    async fn check(&self) -> Result<(), SpeechError>;
}

/// The recognition of one call, utterance by utterance. Nothing here waits except [`Self::next`].
#[async_trait]
pub trait Recognition: Send {
    /// Says which state of the domain the following utterances belong to. An unknown state is an error in the agent's file found at load, so it is ignored here.
    fn expect(&mut self, state: &str);

    /// An utterance begins; `push` adds to it. An utterance that was under way is given up.
    fn start(&mut self);

    /// Adds audio (mono, the rate given to `open`). At most 30 s an utterance are kept.
    fn push(&mut self, pcm: &[i16]);

    /// The caller pauses: a good moment for a partial transcript. If the utterance ends without more speech, it becomes the final one at no further cost.
    fn pause(&mut self);

    /// The utterance is over: one `Final` or `Failed` follows.
    fn finish(&mut self);

    /// Gives the utterance up; nothing follows.
    fn cancel(&mut self);

    /// The next event; waits for ever when none is under way. May be dropped and called again without loss.
    async fn next(&mut self) -> RecognitionEvent;
}

/// What recognition reports.
#[derive(Debug)]
pub enum RecognitionEvent {
    /// What was heard up to a pause; may change.
    Partial(Transcript),
    /// The engine hears that the speaker has finished (Deepgram's `speech_final` and the like); the words are in the partials. A hint for turn
    /// taking: the utterance goes on until [`Recognition::finish`].
    EndOfSpeech,
    /// What was heard in the whole utterance.
    Final(Transcript),
    /// This utterance is lost; the next one may work.
    Failed(SpeechError),
}

/// Recognised words.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// Lower-case words without punctuation, with single spaces: what flows understand. Empty when speech was heard but no words were made out.
    pub text: String,
    /// The engine's own writing, with case and punctuation; the same as `text` where it has none.
    pub written: String,
    /// From 0 (guess) to 1 (sure). Low for speech outside the domain.
    pub confidence: f32,
    /// Word by word.
    pub words: Vec<Word>,
    /// Time the engine spent on it.
    pub took: Duration,
}

/// One recognised word.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// From 0 to 1.
    pub confidence: f32,
}
