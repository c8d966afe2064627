//! The conversation with a model: what is told to it, and what becomes of its answers. Which model it is may change between two answers.

use std::collections::VecDeque;
use std::sync::Arc;

use call::Meter;
use flow::{Exit, yes_or_no};
use jiff::civil::DateTime;
use models::{ChatRequest, LanguageModel, Message, ToolCall};
use privacy::{Level, redact};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Answer, Piece};
use super::consents::Consents;
use super::ear::for_the_ear;
use super::hands::Slot;
use super::history::History;
use super::instructions::instructions;
use super::{Broken, Persona};
use crate::{BrainInput, BrainOutput};

/// The state of a recogniser's domain that takes any words, see [`BrainOutput::Listen`].
const ANY_WORDS: &str = "main";
/// Keys of one entry: what a person keys at most; `#` or a pause ends it.
const MAX_KEYS: u8 = 20;
/// A yes that was recognised with less certainty is none. As for dialogues ([confidence] sure).
const SURE: f32 = 0.45;
/// What the program tells the model that the caller is not asked to hear, between two requests.
const MAX_NOTES: usize = 8;

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
    notes: Vec<String>,
    keys: String,
    /// Misunderstandings in a row.
    misses: u32,
    /// What was said since the caller's last words.
    pub(super) turn: Vec<String>,
    /// The last tool that changed something did so, and nothing was said since.
    pub(super) untold_effect: bool,
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
    own: bool,
}

pub(crate) struct Talk {
    model: Arc<dyn LanguageModel>,
    pub(crate) persona: Arc<Persona>,
    meter: Meter,
    pub(crate) state: State,
    pub(super) ready: VecDeque<Ready>,
    answer: Option<Answer>,
    /// The last piece of the answer is on its way: what the model wants is done once all its words were taken.
    wishes: Option<Vec<ToolCall>>,
    pub(super) now: DateTime,
}

impl Talk {
    pub(crate) fn new(model: Arc<dyn LanguageModel>, persona: Arc<Persona>, meter: Meter, state: State) -> Self {
        Self { model, persona, meter, state, ready: VecDeque::new(), answer: None, wishes: None, now: DateTime::ZERO }
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
        self.answer.is_some() || self.wishes.is_some() || !self.ready.is_empty() || !self.state.round.is_empty()
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
            let Some(answer) = &mut self.answer else { std::future::pending().await };
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
        if let BrainOutput::Say { text, .. } = &ready.output {
            self.state.history.agent(text);
            self.state.turn.push(text.clone());
            self.state.untold_effect = false;
            if ready.own {
                self.state.consents.said();
            }
        }
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
        let spoke = self.answer.take().is_some_and(|answer| answer.spoke);
        if !wishes.is_empty() {
            self.fulfil(wishes, spoke);
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

    /// Tells what happened.
    pub(crate) fn handle(&mut self, input: BrainInput, now: DateTime) {
        self.now = now;
        if let Some(exit) = &self.state.ended {
            // What had ended before it was cut off ends again, the same way.
            if matches!(input, BrainInput::Resumed { .. }) {
                self.ready.push_back(Ready { output: BrainOutput::End(exit.clone()), own: false });
            }
            return;
        }
        match input {
            BrainInput::Started => self.started(),
            BrainInput::Resumed { missed } => self.resumed(missed),
            BrainInput::Heard { text, confidence } => self.heard(&text, confidence),
            BrainInput::NotUnderstood => self.not_understood(),
            BrainInput::Silence { count } => self.silence(count),
            BrainInput::Key(key) => self.key(key),
            BrainInput::KeysDone => self.keys_done(),
            BrainInput::Interrupted { heard } => self.interrupted(&heard),
            BrainInput::ToolAnswered { id, outcome } => self.tool_answered(id, outcome),
            BrainInput::Stalled => self.stalled(),
            BrainInput::TimeIsShort => {
                self.note("[Less than a minute is left in this call: say so with your next words, and come to an end.]")
            }
            BrainInput::TimeIsUp => self.last_words(self.persona.texts.time_up.clone()),
            BrainInput::Closing => {
                let texts = &self.persona.texts;
                self.last_words(if self.persona.caller_known { texts.closing.clone() } else { texts.closing_no_number.clone() });
            }
        }
    }

    fn started(&mut self) {
        if std::mem::replace(&mut self.state.started, true) {
            return;
        }
        match self.persona.greeting.clone() {
            Some(greeting) => {
                self.say(greeting);
                self.listen();
            }
            None => {
                self.state.history.caller("[The call begins: greet the caller in one sentence, and ask how you can help.]");
                self.ask();
            }
        }
    }

    /// The line is there again. What the model was asked and did not answer is asked again; else the last words are said again.
    fn resumed(&mut self, missed: bool) {
        if !self.state.started {
            return self.started();
        }
        let turn = std::mem::take(&mut self.state.turn);
        self.state.keys.clear();
        self.say(self.persona.texts.resumed.clone());
        if !self.state.round.is_empty() {
            return self.call_again();
        }
        let owed = !matches!(self.state.history.last(), Some(Message::Agent { .. }));
        let again = if missed { turn.join(" ") } else { turn.last().cloned().unwrap_or_default() };
        if owed || again.is_empty() {
            self.note("[The line was cut off for a moment and is there again. The caller was told. Go on where you stopped.]");
            return self.ask();
        }
        self.say(again);
        self.listen();
    }

    fn heard(&mut self, text: &str, confidence: f32) {
        // Square brackets are the program's, and a card is nobody's.
        let text = redact(text, Level::Cards).replace(['[', ']'], " ");
        let yes = confidence >= SURE && yes_or_no(&text, &self.persona.language) == Some(true);
        self.caller_turn(&text, yes);
    }

    fn caller_turn(&mut self, words: &str, yes: bool) {
        self.state.consents.heard(yes);
        (self.state.rounds, self.state.mistakes, self.state.misses) = (0, 0, 0);
        self.state.keys.clear();
        self.note(words);
        if self.state.round.is_empty() {
            self.drop_answer();
            self.state.turn.clear();
            self.ask();
        }
    }

    /// The answer under way is given up: what was not said of it never was. Tools go on.
    pub(super) fn drop_answer(&mut self) {
        self.answer = None;
        self.wishes = None;
        self.ready.retain(|ready| matches!(ready.output, BrainOutput::CallTool { .. }));
    }

    /// For the model's next request.
    pub(super) fn note(&mut self, note: &str) {
        if self.state.notes.len() < MAX_NOTES {
            self.state.notes.push(note.to_owned());
        } else if let Some(last) = self.state.notes.last_mut() {
            *last = format!("{last}\n{note}");
        }
    }

    /// The caller spoke while tools were at work, or the program has something to say.
    pub(super) fn has_notes(&self) -> bool {
        !self.state.notes.is_empty()
    }

    fn not_understood(&mut self) {
        // A cough while the answer is thought of changes nothing.
        if self.busy() {
            return;
        }
        self.state.misses += 1;
        let texts = &self.persona.texts;
        let text = if self.state.misses == 1 { texts.not_understood.clone() } else { texts.still_not_understood.clone() };
        self.state.turn.clear();
        self.say(text);
        self.listen();
    }

    fn silence(&mut self, count: u32) {
        if self.busy() {
            return;
        }
        let texts = Arc::clone(&self.persona);
        if count >= self.persona.max_silences.max(1) {
            self.say_last(texts.texts.silence_end.clone());
            return self.end(Exit::Silence);
        }
        self.say(if count == 1 { texts.texts.silence.clone() } else { texts.texts.silence_again.clone() });
        self.listen();
    }

    fn key(&mut self, key: char) {
        // The end of an entry is told as well.
        if (key.is_ascii_digit() || key == '*') && self.state.keys.len() < usize::from(MAX_KEYS) {
            self.state.keys.push(key);
        }
    }

    fn keys_done(&mut self) {
        let keys = std::mem::take(&mut self.state.keys);
        if keys.is_empty() {
            return;
        }
        let spaced: Vec<String> = keys.chars().map(String::from).collect();
        let card = redact(&keys, Level::Cards) != keys;
        let said = if card {
            "[The caller keyed the number of a payment card. It was not kept.]".to_owned()
        } else {
            format!("[The caller pressed the keys {}.]", spaced.join(" "))
        };
        self.caller_turn(&said, false);
    }

    fn interrupted(&mut self, heard: &str) {
        let said: usize = self.state.turn.iter().map(|text| text.chars().count() + 1).sum();
        // Three quarters of a read-back say what it is about; people say yes into its last words.
        if heard.chars().count() * 4 < said.saturating_sub(1) * 3 {
            self.state.consents.not_heard();
        }
        self.drop_answer();
        self.state.history.cut(heard);
    }

    fn last_words(&mut self, text: String) {
        self.drop_answer();
        self.ready.clear();
        self.state.round.clear();
        self.say_last(text);
        self.end(Exit::Goodbye);
    }

    /// The reply was owed for too long: what holds it up is given up, unless it changes something.
    fn stalled(&mut self) {
        if !self.waits_for_effect() {
            self.give_up();
            self.say(self.persona.texts.stalled.clone());
            self.listen();
        }
    }

    /// A call with an effect is not forgotten: it comes out one way or the other, and the caller is to know which.
    pub(crate) fn waits_for_effect(&mut self) -> bool {
        let waits = self.state.round.iter().any(Slot::is_open_effect);
        if waits {
            self.say(self.persona.texts.sorry_to_wait.clone());
        }
        waits
    }

    /// Gives up the answer and the tools that are at work.
    pub(crate) fn give_up(&mut self) {
        self.drop_answer();
        self.ready.clear();
        self.state.round.clear();
        self.state.consents.clear();
    }

    /// The model does not help: the caller is told, and has the floor.
    pub(crate) fn way_out(&mut self) {
        self.drop_answer();
        self.state.consents.clear();
        self.say(self.persona.texts.failed.clone());
        self.listen();
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
