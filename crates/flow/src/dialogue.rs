//! One call's conversation: input goes in, outputs come out, nothing waits.

mod apply;
mod keys;
mod policy;
mod resume;
mod say;
mod state;
mod tools;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::civil::DateTime;

use crate::definition::{Command, Flow};
use crate::understand::{Context, Heard, understand};
use crate::vocabulary::{Exit, Input, Output};
pub use state::MOST_UNREACHED;
use state::{Asked, State, TimeLeft};

/// A conversation that follows a [`Flow`]. Give it every [`Input`], then take every [`Output`].
///
/// After an input of the caller it says something and listens, calls a tool, or ends. A tool whose call changes anything is called only after
/// the caller said yes to a read-back of exactly its arguments.
#[derive(Debug, Clone)]
pub struct Dialogue {
    flow: Arc<Flow>,
    state: State,
    rng: fastrand::Rng,
    out: VecDeque<Output>,
    now: DateTime,
}

/// A stored conversation that cannot be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is not a snapshot, or one of another version.
    #[error("the snapshot is not one of a dialogue: {0}; start the conversation anew")]
    Malformed(#[from] serde_json::Error),
    /// The file has changed since.
    #[error("the snapshot speaks of {0:?}, which the agent's file does not have; start the conversation anew")]
    UnknownName(String),
}

impl Dialogue {
    /// A conversation that has not begun. `seed` chooses among prompt variants; `caller` is the caller's number when it is known.
    pub fn new(flow: Arc<Flow>, seed: u64, caller: Option<String>) -> Self {
        // "anonymous" and the like are no numbers.
        let caller = caller.filter(|number| number.bytes().filter(u8::is_ascii_digit).count() >= 5);
        Self {
            flow,
            state: State { caller, ..State::default() },
            rng: fastrand::Rng::with_seed(seed),
            out: VecDeque::new(),
            now: DateTime::ZERO,
        }
    }

    /// Takes the conversation up where [`Self::snapshot`] left it. Tell it [`Input::Resumed`] when the caller heard a break. Whether this
    /// machine recognises speech is to be said anew ([`Self::keypad_only`]).
    pub fn restore(flow: Arc<Flow>, snapshot: serde_json::Value) -> Result<Self, SnapshotError> {
        let mut stored: state::Stored = serde_json::from_value(snapshot)?;
        stored.state.keypad_only = false;
        if let Some(name) = stored.state.unknown_name(&flow) {
            return Err(SnapshotError::UnknownName(name));
        }
        Ok(Self { flow, state: stored.state, rng: fastrand::Rng::with_seed(stored.seed), out: VecDeque::new(), now: DateTime::ZERO })
    }

    /// Everything but the outputs that were not yet taken, and what stands in secret slots: that is asked for again.
    pub fn snapshot(&self) -> serde_json::Value {
        let stored = state::Stored { state: self.state.without_secrets(&self.flow), seed: self.rng.get_seed() };
        serde_json::to_value(stored).unwrap_or_default()
    }

    /// Speech recognition is missing: the key menu is run instead of the conversation. Call it before [`Input::Started`] or [`Input::Resumed`].
    pub fn keypad_only(&mut self) {
        self.state.keypad_only = true;
    }

    /// The caller was to be put through by another brain of this call, and nobody was reached.
    pub fn nobody_reached(&mut self) {
        self.state.unreached += 1;
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Tells what happened. `now` is local time at the business.
    pub fn handle(&mut self, input: Input, now: DateTime) {
        self.now = now;
        let not_reached = matches!((&input, &self.state.ended), (Input::TransferFailed { .. }, Some(Exit::Transfer { .. })));
        if let Some(exit) = self.state.ended.as_ref().filter(|_| !not_reached) {
            // What had ended before it was cut off ends again, the same way.
            let again = matches!(input, Input::Resumed { .. } | Input::TransferFailed { .. }).then(|| Output::End(exit.clone()));
            self.out.extend(again);
            return;
        }
        match input {
            Input::Started => self.started(),
            Input::Resumed { missed } => self.resumed(missed),
            Input::TransferFailed { .. } => self.transfer_failed(),
            Input::ToolAnswered { id, outcome } => self.tool_answered(id, outcome),
            Input::TimeIsShort => {
                if self.state.time == TimeLeft::Enough {
                    self.state.time = TimeLeft::Short;
                }
            }
            Input::TimeIsUp => {
                self.state.time = TimeLeft::Told;
                self.begin_turn();
                self.say_own("time_up");
                self.end(Exit::Goodbye);
            }
            Input::Closing => {
                self.state.time = TimeLeft::Told;
                self.begin_turn();
                self.say_own(if self.state.caller.is_some() { "closing" } else { "closing_no_number" });
                self.end(Exit::Goodbye);
            }
            // What was heard of the agent's words is in the record; the caller's words follow as an input of their own.
            // Of a turn that was not heard at all, no question counts as asked, and what was done is told again.
            Input::Interrupted { heard, .. } if heard.trim().is_empty() && self.state.pending.is_none() => {
                self.state.unheard = true;
                self.state.missed = std::mem::take(&mut self.state.news);
            }
            Input::Interrupted { .. } => {}
            Input::Stalled => self.stalled(),
            Input::Silence { count } => self.silence(count),
            Input::Key(key) => self.key(key),
            Input::KeysDone => self.keys_done(),
            Input::Heard { text, confidence } => self.heard(&text, confidence),
            Input::NotUnderstood => {
                if self.state.pending.is_none() && !self.state.keypad_only {
                    self.begin_turn();
                    self.not_understood();
                }
            }
        }
    }

    fn started(&mut self) {
        if self.state.started {
            return;
        }
        self.state.started = true;
        self.begin_turn();
        self.say_own("greeting");
        if self.state.keypad_only {
            self.keypad_menu();
        } else {
            self.listen(Asked::Main { again: false });
        }
    }

    fn heard(&mut self, text: &str, confidence: f32) {
        if self.state.keypad_only {
            return;
        }
        let heard = self.understand(text);
        if heard.command == Some(Command::Emergency) {
            self.state.time = TimeLeft::Told;
        }
        if self.state.pending.is_some() {
            self.heard_while_waiting(heard, confidence);
            return;
        }
        self.begin_turn();
        self.state.keys.clear();
        self.state.starred = false;
        // Danger is not asked about twice, and not overheard.
        let urgent = heard.command == Some(Command::Emergency);
        if !urgent && (confidence < self.flow.confidence.floor || heard.is_empty()) {
            self.not_understood();
        } else if !urgent && confidence < self.flow.confidence.sure && self.verify(&heard) {
            // Asked whether that was said.
        } else {
            self.apply(heard);
        }
    }

    fn understand(&self, text: &str) -> Heard {
        let expected = self.expected();
        let none = Default::default();
        let context = Context {
            flow: &self.flow,
            today: self.now.date(),
            expected: &expected,
            known: self.state.tasks.front().map_or(&none, |task| &task.values),
            in_task: !self.state.tasks.is_empty(),
        };
        understand(text, &context)
    }

    /// While a tool works, only what makes sense without the question that comes next is kept: requests and values, no bare yes.
    fn heard_while_waiting(&mut self, mut heard: Heard, confidence: f32) {
        if heard.command == Some(Command::Emergency) {
            self.begin_turn();
            self.emergency();
            return;
        }
        if confidence < self.flow.confidence.sure {
            return;
        }
        heard.yes = None;
        heard.command = heard.command.filter(|command| !matches!(command, Command::Courtesy | Command::Repeat | Command::Help));
        if !heard.is_empty() {
            self.state.remembered = Some(heard);
        }
    }
}
