//! Speech-to-speech models: the caller's voice goes in, the agent's voice comes out.
//!
//! Turn taking is ours, the same for every kind of agent, so a session is driven utterance by utterance and the
//! vendor's own turn detection is switched off: [`VoiceSession::start`], `push`, `finish`; then the answer comes out of [`VoiceSession::next`].

pub(crate) mod handle;
pub(crate) mod memory;
pub(crate) mod order;
pub(crate) mod pump;
pub(crate) mod sound;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use call::Meter;
use serde_json::Value;

use crate::{Message, ModelError, ToolCall, ToolSpec};

/// What a session is opened with.
#[derive(Clone)]
pub struct VoiceConfig {
    /// Who the agent is and what holds for it.
    pub instructions: String,
    /// The vendor's name of the voice; `None`: the vendor's own choice.
    pub voice: Option<String>,
    /// BCP 47, for the transcription of the caller.
    pub language: String,
    /// What it may ask for.
    pub tools: Arc<[ToolSpec]>,
    /// Longest answer, tokens.
    pub max_tokens: Option<u32>,
    /// From 0 to 2, where the vendor takes one.
    pub temperature: Option<f32>,
    /// Samples a second of the audio in both directions: 8000 or 16000.
    pub rate: u32,
    /// What was said before: a call that is taken up again, or that climbed up to this model.
    pub history: Vec<Message>,
    /// Where tokens and seconds are counted.
    pub meter: Meter,
}

/// A speech-to-speech model.
#[async_trait]
pub trait SpeechToSpeech: Send + Sync {
    /// The service's name in logs, on the console and in prices.
    fn service(&self) -> &'static str;

    /// The model's name.
    fn model(&self) -> &str;

    /// It has a voice of this name.
    fn has_voice(&self, name: &str) -> bool;

    /// Opens a session: resolves when the vendor has taken the configuration and audio may be sent.
    async fn open(&self, config: VoiceConfig) -> Result<Box<dyn VoiceSession>, ModelError>;

    /// Opens a session, lets the model say one word and listens that there is sound in it. Costs a few tokens.
    async fn check(&self) -> Result<(), ModelError>;
}

/// One call's conversation with the model. Nothing here waits except [`Self::next`]; what is said to a session that has failed is ignored.
#[async_trait]
pub trait VoiceSession: Send {
    /// The caller begins to speak. While the agent speaks this changes nothing yet.
    fn start(&mut self);

    /// The caller's audio, mono, at the configured rate; at most 30 s an utterance.
    fn push(&mut self, pcm: &[i16]);

    /// The utterance is over: the model answers.
    fn finish(&mut self);

    /// The utterance was none (a cough, an "mhm"): the model forgets it.
    fn cancel(&mut self);

    /// The agent was cut off: the answer under way is stopped, and the model is told that this much of its audio was heard, counted from the
    /// first of it after the last [`Self::finish`] or [`Self::tell`]. Nothing more of that answer is reported, its [`VoiceEvent::Answered`] neither; its
    /// wishes that were not reported are dropped.
    fn interrupt(&mut self, heard_ms: u32);

    /// Something about the call that the model shall know (keys that were pressed, silence); with `answer` it speaks now.
    fn tell(&mut self, text: &str, answer: bool);

    /// A tool answered; once all tools of an answer have, the model goes on.
    fn tool_answered(&mut self, id: &str, result: &Value);

    /// A wish of an answer that was cut off is not fulfilled. The model knows, and does not go on because of it.
    fn tool_dropped(&mut self, id: &str);

    /// The next event; waits for ever when none is under way. May be dropped and called again without loss.
    async fn next(&mut self) -> VoiceEvent;
}

/// What a session reports.
#[derive(Clone)]
pub enum VoiceEvent {
    /// The agent's voice, mono, at the configured rate. Comes faster than it is spoken.
    Audio(Arc<[i16]>),
    /// Words of the agent's answer, in time with its audio as the vendor does it.
    AgentText(String),
    /// What the caller said in the last utterance; may come after the answer has begun.
    CallerText(String),
    /// A wish for a tool.
    Call(ToolCall),
    /// The answer is complete: all of its audio was reported. `tools`: it waits for tools, and more follows.
    Answered {
        /// Tools are to be answered before it goes on.
        tools: bool,
    },
    /// The answer failed; nothing more of it follows, and the session lives: it may be asked again.
    Trouble(ModelError),
    /// The vendor will close this connection soon; the session moves to a new one by itself, between two turns, if it can.
    GoingAway,
    /// The session is over; nothing follows.
    Failed(ModelError),
}

/// What is said does not print.
impl fmt::Debug for VoiceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audio(pcm) => write!(f, "Audio({} samples)", pcm.len()),
            Self::AgentText(text) => write!(f, "AgentText({} bytes)", text.len()),
            Self::CallerText(text) => write!(f, "CallerText({} bytes)", text.len()),
            Self::Call(call) => call.fmt(f),
            Self::Answered { tools } => write!(f, "Answered(tools: {tools})"),
            Self::Trouble(error) => write!(f, "Trouble({error})"),
            Self::GoingAway => f.write_str("GoingAway"),
            Self::Failed(error) => write!(f, "Failed({error})"),
        }
    }
}

/// What is asked when a model is checked.
const CHECK: &str = "Say the word \"yes\" and nothing else.";
/// Longest answer to a check, tokens: a word of speech is some 20.
const CHECK_TOKENS: u32 = 200;

/// Opens a session, lets it say a word, and listens that there is sound in it.
pub(crate) async fn check(model: &(impl SpeechToSpeech + ?Sized)) -> Result<(), ModelError> {
    let config = VoiceConfig {
        instructions: CHECK.to_owned(),
        voice: None,
        language: "en-US".to_owned(),
        tools: Arc::default(),
        max_tokens: Some(CHECK_TOKENS),
        temperature: None,
        rate: 8000,
        history: Vec::new(),
        meter: Meter::new(),
    };
    let mut session = model.open(config).await?;
    session.tell(CHECK, true);
    let mut loud = false;
    loop {
        match session.next().await {
            VoiceEvent::Audio(pcm) => loud |= pcm.iter().any(|sample| sample.unsigned_abs() > AUDIBLE),
            VoiceEvent::Answered { .. } if loud => return Ok(()),
            VoiceEvent::Answered { .. } => return Err(ModelError::CheckFailed { model: model.service() }),
            VoiceEvent::Failed(error) | VoiceEvent::Trouble(error) => return Err(error),
            VoiceEvent::AgentText(_) | VoiceEvent::CallerText(_) | VoiceEvent::Call(_) | VoiceEvent::GoingAway => {}
        }
    }
}

/// A sample above this is sound: some -40 dB of full scale.
const AUDIBLE: u16 = 328;
