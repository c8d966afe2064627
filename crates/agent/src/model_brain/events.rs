//! What happens in the call, and what the brain does about it.

use std::sync::Arc;

use flow::{Exit, TransferWhy, yes_or_no};
use jiff::civil::DateTime;
use models::Message;
use privacy::{Level, redact};

use super::hands::Slot;
use super::talk::{MAX_KEYS, Ready, Talk};
use crate::{BrainInput, BrainOutput};

/// A yes that was recognised with less certainty is none. As for dialogues ([confidence] sure).
pub(super) const SURE: f32 = 0.45;
/// What the program tells the model that the caller is not asked to hear, between two requests.
const MAX_NOTES: usize = 8;

impl Talk {
    /// Tells what happened.
    pub(crate) fn handle(&mut self, input: BrainInput, now: DateTime) {
        self.now = now;
        if matches!(input, BrainInput::TransferFailed { .. }) {
            self.not_put_through();
        }
        if let Some(exit) = &self.state.ended {
            // What had ended before it was cut off ends again, the same way.
            if matches!(input, BrainInput::Resumed { .. } | BrainInput::TransferFailed { .. }) {
                self.ready.push_back(Ready { output: BrainOutput::End(exit.clone()), own: false });
            }
            return;
        }
        match input {
            BrainInput::Started => self.started(),
            BrainInput::Resumed { missed } => self.resumed(missed),
            BrainInput::TransferFailed { why } => self.transfer_failed(why),
            BrainInput::Heard { text, confidence } => self.heard(&text, confidence),
            BrainInput::NotUnderstood => self.not_understood(),
            BrainInput::Silence { count } => self.silence(count),
            BrainInput::Key(key) => self.key(key),
            BrainInput::KeysDone => self.keys_done(),
            BrainInput::Interrupted { heard, sound_ms } => self.interrupted(&heard, sound_ms),
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

    /// Nobody was reached: the caller is told at once, and the model goes on from there.
    fn transfer_failed(&mut self, why: TransferWhy) {
        self.give_up();
        self.state.started = true;
        self.state.turn.clear();
        self.state.keys.clear();
        self.say(self.persona.texts.transfer_failed.clone());
        let why = match why {
            TransferWhy::Busy => "the line was busy",
            TransferWhy::NoAnswer => "nobody answered",
            TransferWhy::Failed => "the call could not be placed",
        };
        self.note(&format!(
            "[The caller was not put through: {why}. The caller was told that nobody could be reached. Offer what you can do instead: to take a \
             message, or to note that the caller wants to be called back.]"
        ));
        self.ask();
    }

    fn heard(&mut self, text: &str, confidence: f32) {
        // Square brackets are the program's, and a card is nobody's.
        let text = redact(text, Level::Cards).replace(['[', ']'], " ");
        let yes = confidence >= SURE && yes_or_no(&text, &self.persona.language) == Some(true);
        self.caller_turn(&text, yes);
    }

    fn caller_turn(&mut self, words: &str, yes: bool) {
        self.state.consents.heard(yes);
        self.new_turn();
        self.note(words);
        if self.state.round.is_empty() {
            self.drop_answer();
            self.state.turn.clear();
            self.ask();
        }
    }

    /// What was counted for the caller's last turn is counted anew.
    pub(super) fn new_turn(&mut self) {
        (self.state.rounds, self.state.mistakes, self.state.misses) = (0, 0, 0);
        self.state.keys.clear();
    }

    /// The answer under way is given up: what was not said of it never was. Tools go on.
    pub(super) fn drop_answer(&mut self) {
        self.drop_answer_at(0, false);
    }

    /// The same, when the caller heard so much of the model's own sound.
    fn drop_answer_at(&mut self, sound_ms: u32, unheard: bool) {
        self.live_cut(sound_ms, unheard);
        (self.answer, self.wishes) = (None, None);
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

    pub(super) fn interrupted(&mut self, heard: &str, sound_ms: u32) {
        let (said, heard) = (self.state.turn.join(" ").chars().count(), heard.trim().chars().count());
        self.drop_answer_at(sound_ms, heard < said);
        // Three quarters of a read-back say what it is about; people say yes into its last words.
        if heard * 4 < said * 3 {
            self.state.consents.not_heard();
        }
        self.state.history.cut(said.saturating_sub(heard));
        self.state.turn_over = true;
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
}
