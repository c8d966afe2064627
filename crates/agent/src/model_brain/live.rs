//! A conversation by voice: the model hears the caller and speaks by itself. What it says, wishes and hears is kept as with a model of words, so that
//! one of those can go on where it stops.

use std::sync::Arc;
use std::time::Duration;

use flow::yes_or_no;
use models::{Message, ToolCall, VoiceConfig, VoiceEvent, VoiceSession};
use privacy::{Level, redact};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::Broken;
use super::events::SURE;
use super::instructions::instructions;
use super::talk::{Ready, Talk};
use crate::BrainOutput;

/// A wish that changes something waits so long for the caller's words: without a yes in them it is not granted.
const WORDS_LIMIT: Duration = Duration::from_secs(2);

/// Longest answer: about a minute of sound. More than that cannot be queued to be played.
const MAX_SOUND_TOKENS: u32 = 1_000;

/// The model's session and what of its answer is under way.
pub(crate) struct Live {
    session: Box<dyn VoiceSession>,
    answering: bool,
    /// Sound went out, and its end did not.
    sounding: bool,
    /// It said something in this answer.
    spoke: bool,
    calls: Vec<ToolCall>,
    /// The answer is complete, and its wishes wait until then for the caller's words.
    wishes_due: Option<Instant>,
    words: Option<Awaited>,
}

/// Words of the caller's last utterance that the model has not written down yet.
#[derive(Default)]
struct Awaited {
    /// What the ears beside it heard, and how surely.
    ears: Option<(String, f32)>,
}

impl Live {
    fn tell(&mut self, text: &str, answer: bool) {
        self.session.tell(text, answer);
        self.answering |= answer;
    }
}

impl Talk {
    /// From now on this session hears and speaks. `missed`: what was said since it was opened.
    pub(crate) fn go_live(&mut self, mut session: Box<dyn VoiceSession>, missed: &[String]) {
        missed.iter().for_each(|text| session.tell(text, false));
        let (answering, sounding, spoke) = (false, false, false);
        self.live = Some(Live { session, answering, sounding, spoke, calls: Vec::new(), wishes_due: None, words: None });
    }

    /// What a session is opened with now.
    pub(crate) fn voice_config(&self, voice: Option<String>, rate: u32) -> VoiceConfig {
        VoiceConfig {
            instructions: instructions(&self.persona, self.now),
            voice,
            language: self.persona.language.clone(),
            tools: Arc::clone(self.persona.tools.specs()),
            // A token is a twentieth of a second of sound here, and a word of text elsewhere: the persona's limit is none for sound.
            max_tokens: Some(MAX_SOUND_TOKENS),
            temperature: self.persona.temperature,
            rate,
            history: self.state.history.messages().cloned().collect(),
            meter: self.meter.clone(),
        }
    }

    /// What was said beyond what a session was told, for it.
    pub(crate) fn said_since(&self, told: &[Message]) -> Vec<String> {
        let known = self.state.history.messages().zip(told).take_while(|(message, told)| message == told).count();
        let news = self.state.history.messages().skip(known);
        news.map(|message| match message {
            Message::Caller { text } => text.clone(),
            Message::Agent { text, .. } => said(text),
            Message::Tool { name, content, .. } => format!("[The tool {name} has answered: {content}]"),
        })
        .collect()
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// The session is given up. True when there was one.
    pub(crate) fn leave_live(&mut self) -> bool {
        self.settle_by_ears();
        let Some(live) = self.live.take() else { return false };
        if live.sounding {
            self.put(BrainOutput::SoundOver);
        }
        true
    }

    pub(crate) fn utterance_begins(&mut self) {
        self.settle_by_ears();
        if let Some(live) = &mut self.live {
            live.session.start();
        }
    }

    pub(crate) fn utterance_sounds(&mut self, pcm: &[i16]) {
        if let Some(live) = &mut self.live {
            live.session.push(pcm);
        }
    }

    pub(crate) fn utterance_was_none(&mut self) {
        if let Some(live) = &mut self.live {
            live.session.cancel();
        }
    }

    /// The model answers what it heard.
    pub(crate) fn utterance_over(&mut self) {
        self.drop_answer();
        self.new_turn();
        self.state.turn.clear();
        let notes = std::mem::take(&mut self.state.notes);
        let Some(live) = &mut self.live else { return };
        notes.iter().for_each(|note| live.session.tell(note, false));
        notes.iter().for_each(|note| self.state.history.caller(note));
        self.state.history.unwritten();
        live.session.finish();
        (live.answering, live.words) = (true, Some(Awaited::default()));
    }

    /// What the ears beside the model heard: the second best account of what was said.
    pub(crate) fn ears_heard(&mut self, text: &str, confidence: f32) {
        if let Some(words) = self.live.as_mut().and_then(|live| live.words.as_mut()) {
            words.ears = Some((text.to_owned(), confidence));
        }
    }

    /// True while it is not known what the caller said last.
    pub(crate) fn awaits_words(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.words.is_some())
    }

    /// What the caller said comes in another way.
    pub(crate) fn forget_unwritten(&mut self) {
        self.state.history.forget_unwritten();
    }

    fn settle_by_ears(&mut self) {
        let Some(words) = self.live.as_mut().and_then(|live| live.words.take()) else { return };
        match words.ears {
            Some((text, confidence)) => self.settle(&text, confidence),
            None => self.state.consents.heard(false),
        }
    }

    /// It is known what the caller said.
    fn settle(&mut self, text: &str, confidence: f32) {
        // Square brackets are the program's, and a card is nobody's.
        let text = redact(text, Level::Cards).replace(['[', ']'], " ");
        self.state.history.written(&text);
        self.state.consents.heard(confidence >= SURE && yes_or_no(&text, &self.persona.language) == Some(true));
    }

    /// The session's next event; waits for ever without one.
    pub(super) async fn live_event(&mut self) -> Result<(), Broken> {
        let Some(live) = &mut self.live else { return std::future::pending().await };
        let event = match live.wishes_due {
            None => live.session.next().await,
            Some(due) => match timeout_at(due, live.session.next()).await {
                Ok(event) => event,
                Err(_) => {
                    tracing::warn!(limit = ?WORDS_LIMIT, "the model did not write down what the caller said: the ears beside it decide");
                    self.settle_by_ears();
                    self.grant();
                    return Ok(());
                }
            },
        };
        self.live_news(event)
    }

    fn live_news(&mut self, event: VoiceEvent) -> Result<(), Broken> {
        let Some(live) = &mut self.live else { return Ok(()) };
        match event {
            VoiceEvent::Audio(pcm) => {
                (live.sounding, live.spoke) = (true, true);
                self.own(BrainOutput::Sound(pcm));
            }
            VoiceEvent::AgentText(text) => {
                (live.sounding, live.spoke) = (true, true);
                self.own(BrainOutput::Words(text));
            }
            VoiceEvent::CallerText(text) => self.caller_text(text),
            VoiceEvent::Call(call) => live.calls.push(call),
            VoiceEvent::Answered { .. } => self.live_answered(),
            VoiceEvent::Trouble(error) | VoiceEvent::Failed(error) => return Err(Broken::from(error)),
            VoiceEvent::GoingAway => {}
        }
        Ok(())
    }

    fn caller_text(&mut self, text: String) {
        if text.trim().is_empty() || !self.awaits_words() {
            return;
        }
        if let Some(live) = &mut self.live {
            live.words = None;
        }
        self.settle(&text, 1.0);
        self.put(BrainOutput::CallerSaid(text));
        if self.live.as_ref().is_some_and(|live| live.wishes_due.is_some()) {
            self.grant();
        }
    }

    fn live_answered(&mut self) {
        let Some(live) = &mut self.live else { return };
        if std::mem::take(&mut live.sounding) {
            self.ready.push_back(Ready { output: BrainOutput::SoundOver, own: true });
        }
        live.answering = !live.calls.is_empty();
        let bound = live.words.is_some() && live.calls.iter().any(|call| self.persona.tools.has_effects(&call.name));
        match bound {
            true => live.wishes_due = Some(Instant::now() + WORDS_LIMIT),
            false => self.grant(),
        }
    }

    /// What the model wants is done, once all it said before was taken.
    fn grant(&mut self) {
        if let Some(live) = &mut self.live {
            live.wishes_due = None;
            self.wishes = Some(std::mem::take(&mut live.calls));
        }
    }

    fn own(&mut self, output: BrainOutput) {
        self.ready.push_back(Ready { output, own: true });
    }

    /// It said something in the answer that is over now.
    pub(super) fn live_spoke(&mut self) -> bool {
        self.live.as_mut().is_some_and(|live| std::mem::take(&mut live.spoke))
    }

    /// An answer of the session, or its wishes, are under way.
    pub(super) fn live_busy(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.answering)
    }

    /// The answer under way, or one of which something was not heard, is given up; the caller heard so much of its sound.
    pub(super) fn live_cut(&mut self, sound_ms: u32, unheard: bool) {
        let Some(live) = &mut self.live else { return };
        if live.answering || unheard {
            live.session.interrupt(sound_ms);
        }
        (live.answering, live.sounding, live.spoke, live.wishes_due) = (false, false, false, None);
        let given_up = self.wishes.take().unwrap_or_default();
        given_up.into_iter().chain(live.calls.drain(..)).for_each(|call| live.session.tool_dropped(&call.id));
    }

    /// The session is told what the program said in the agent's name.
    pub(super) fn live_said(&mut self, text: &str) {
        if let Some(live) = &mut self.live {
            live.tell(&said(text), false);
        }
    }

    /// Asks the session to speak, after these notes. True when there is one.
    pub(super) fn live_ask(&mut self, notes: &[String]) -> bool {
        let Some(live) = &mut self.live else { return false };
        let (last, before) = notes.split_last().map_or((GO_ON, &[][..]), |(last, before)| (last.as_str(), before));
        before.iter().for_each(|note| live.tell(note, false));
        live.tell(last, true);
        true
    }

    /// Tells the session what its tools answered. True when there is one.
    pub(super) fn live_tools(&mut self, answers: &[(ToolCall, String)]) -> bool {
        let Some(live) = &mut self.live else { return false };
        for (call, answer) in answers {
            let answer = serde_json::from_str(answer).unwrap_or_else(|_| Value::from(answer.as_str()));
            live.session.tool_answered(&call.id, &answer);
        }
        live.answering = true;
        true
    }
}

/// What a model is asked when it has the word and was told nothing new.
const GO_ON: &str = "[Go on.]";

/// For a model that did not say it.
fn said(text: &str) -> String {
    format!("[You have just said to the caller: \"{text}\"]")
}
