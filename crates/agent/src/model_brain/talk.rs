//! The conversation with a model: what is told to it, and what becomes of its answers. Which model it is may change between two answers.

use std::collections::VecDeque;
use std::sync::Arc;

use call::Meter;
use flow::Exit;
use jiff::civil::DateTime;
use models::{ChatRequest, LanguageModel, Message, ToolCall};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Answer, Piece};
use super::consents::Consents;
use super::ear::for_the_ear;
use super::hands::Slot;
use super::history::History;
use super::instructions::instructions;
use super::live::Live;
use super::{Broken, Persona};
use crate::BrainOutput;

/// The state of a recogniser's domain that takes any words, see [`BrainOutput::Listen`].
const ANY_WORDS: &str = "main";
/// Keys of one entry: what a person keys at most; `#` or a pause ends it.
pub(super) const MAX_KEYS: u8 = 20;

/// Where the conversation stands: all that another process needs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(super) history: History,
    pub(super) started: bool,
    /// The last id of a tool call.
    pub(super) last_id: u32,
    /// Wishes of the model that are being fulfilled.
    pub(super) round: Vec<Slot>,
    pub(super) consents: Consents,
    /// Rounds of tools, and calls that were no good, since the caller's last words.
    pub(super) rounds: u32,
    pub(super) mistakes: u32,
    /// Said by the caller or the program while tools were at work.
    pub(super) notes: Vec<String>,
    pub(super) keys: String,
    /// Misunderstandings in a row.
    pub(super) misses: u32,
    /// What was said in the agent's last turn, and whether that turn is over.
    pub(super) turn: Vec<String>,
    pub(super) turn_over: bool,
    /// The last tool that changed something did so, and nothing was said since.
    pub(super) untold_effect: bool,
    /// Times the caller was to be put through and nobody was reached.
    pub(super) unreached: u32,
    pub(super) ended: Option<Exit>,
}

/// What comes next.
pub(crate) enum Step {
    /// Do this.
    Do(BrainOutput),
    /// The model failed; nothing is under way.
    Broken(Broken),
}

/// Something to do, and whether the model thought of it.
pub(super) struct Ready {
    pub(super) output: BrainOutput,
    pub(super) own: bool,
}

pub(crate) struct Talk {
    model: Arc<dyn LanguageModel>,
    pub(crate) persona: Arc<Persona>,
    pub(super) meter: Meter,
    pub(crate) state: State,
    pub(super) ready: VecDeque<Ready>,
    pub(super) answer: Option<Answer>,
    /// A model that hears and speaks by itself, in place of [`Self::model`].
    pub(super) live: Option<Live>,
    /// The last piece of the answer is on its way: what the model wants is done once all its words were taken.
    pub(super) wishes: Option<Vec<ToolCall>>,
    pub(super) now: DateTime,
}

impl Talk {
    pub(crate) fn new(model: Arc<dyn LanguageModel>, persona: Arc<Persona>, meter: Meter, state: State) -> Self {
        Self { model, persona, meter, state, ready: VecDeque::new(), answer: None, live: None, wishes: None, now: DateTime::ZERO }
    }

    pub(crate) fn snapshot(&self) -> Value {
        serde_json::to_value(&self.state).unwrap_or_default()
    }

    /// From the next answer on another model thinks.
    pub(crate) fn switch(&mut self, model: Arc<dyn LanguageModel>) {
        self.model = model;
    }

    /// An answer is being thought of or spoken, or tools are at work.
    pub(crate) fn busy(&self) -> bool {
        self.answer.is_some() || self.live_busy() || self.wishes.is_some() || !self.ready.is_empty() || !self.state.round.is_empty()
    }

    /// The next thing to do; waits for ever when there is none. May be dropped and called again without loss.
    pub(crate) async fn step(&mut self) -> Step {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                self.taken(&ready);
                return Step::Do(ready.output);
            }
            if let Some(wishes) = self.wishes.take() {
                if let Err(broken) = self.over(wishes) {
                    return Step::Broken(broken);
                }
                continue;
            }
            let Some(answer) = &mut self.answer else {
                match self.live_event().await {
                    Ok(()) => continue,
                    Err(broken) => return Step::Broken(broken),
                }
            };
            match answer.next().await {
                Ok(Piece::Words(sentences)) => self.words(sentences),
                Ok(Piece::Over(last, calls)) => {
                    self.words(last);
                    self.wishes = Some(calls);
                }
                Err(broken) => {
                    self.answer = None;
                    return Step::Broken(broken);
                }
            }
        }
    }

    /// Something goes out: what was said is known to have been said from here on.
    pub(super) fn taken(&mut self, ready: &Ready) {
        match &ready.output {
            BrainOutput::Say { text, .. } => {
                self.said(text);
                match ready.own {
                    true => self.state.consents.said(),
                    false => self.live_said(text),
                }
            }
            BrainOutput::Words(text) => {
                self.said_more(text);
                self.state.consents.said();
            }
            BrainOutput::Listen { .. } => self.state.turn_over = true,
            _ => {}
        }
    }

    /// Words of the agent, whoever thought of them.
    pub(super) fn said(&mut self, text: &str) {
        if std::mem::take(&mut self.state.turn_over) {
            self.state.turn.clear();
        }
        self.state.history.agent(text);
        self.state.turn.push(text.to_owned());
        self.state.untold_effect = false;
    }

    /// More of what a model says by itself.
    fn said_more(&mut self, text: &str) {
        if std::mem::take(&mut self.state.turn_over) {
            self.state.turn.clear();
        }
        self.state.history.agent_more(text);
        match self.state.turn.last_mut() {
            Some(last) => last.push_str(text),
            None => self.state.turn.push(text.trim_start().to_owned()),
        }
        self.state.untold_effect = false;
    }

    fn words(&mut self, sentences: impl IntoIterator<Item = String>) {
        for sentence in sentences {
            let text = for_the_ear(&sentence);
            if !text.is_empty() {
                if let Some(answer) = &mut self.answer {
                    answer.spoke = true;
                }
                self.ready.push_back(Ready { output: BrainOutput::Say { text, interruptible: true }, own: true });
            }
        }
    }

    /// The model has said all and was heard; now what it wants.
    fn over(&mut self, wishes: Vec<ToolCall>) -> Result<(), Broken> {
        let spoke = self.answer.take().map_or_else(|| self.live_spoke(), |answer| answer.spoke);
        if !wishes.is_empty() {
            self.fulfil(wishes, spoke)?;
        } else if spoke {
            self.listen();
        } else {
            return Err(Broken::Empty);
        }
        Ok(())
    }

    /// Asks the model for the next words.
    pub(crate) fn ask(&mut self) {
        let notes = std::mem::take(&mut self.state.notes);
        notes.iter().for_each(|note| self.state.history.caller(note));
        self.state.history.trim();
        if self.live_ask(&notes) {
            return;
        }
        let request = self.request();
        let (language, limits) = (&self.persona.language, self.persona.limits);
        self.wishes = None;
        self.answer = Some(Answer::ask(Arc::clone(&self.model), request, self.meter.clone(), language, limits));
    }

    fn request(&self) -> ChatRequest {
        let caller = |text: &str| Message::Caller { text: text.to_owned() };
        let history = &self.state.history;
        let mut messages: Vec<Message> = Vec::new();
        if !matches!(history.messages().next(), Some(Message::Caller { .. })) {
            messages.push(caller("[The call begins.]"));
        }
        messages.extend(history.messages().cloned());
        if matches!(history.last(), Some(Message::Agent { .. })) {
            messages.push(caller("[You were cut off after these words. Go on from there, without saying them again.]"));
        }
        ChatRequest {
            system: instructions(&self.persona, self.now),
            messages,
            tools: Arc::clone(self.persona.tools.specs()),
            temperature: self.persona.temperature,
            max_tokens: self.persona.max_tokens,
        }
    }

    /// A fixed sentence.
    pub(crate) fn say(&mut self, text: String) {
        self.fixed(text, true);
    }

    /// A fixed sentence that must be heard.
    pub(super) fn say_last(&mut self, text: String) {
        self.fixed(text, false);
    }

    fn fixed(&mut self, text: String, interruptible: bool) {
        if !text.is_empty() {
            self.ready.push_back(Ready { output: BrainOutput::Say { text, interruptible }, own: false });
        }
    }

    pub(super) fn put(&mut self, output: BrainOutput) {
        self.ready.push_back(Ready { output, own: false });
    }

    pub(crate) fn listen(&mut self) {
        self.state.history.trim();
        self.put(BrainOutput::Listen { state: ANY_WORDS.to_owned(), max_keys: MAX_KEYS });
    }

    pub(super) fn end(&mut self, exit: Exit) {
        self.state.ended = Some(exit.clone());
        self.put(BrainOutput::End(exit));
    }
}
