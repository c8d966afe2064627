//! What a call's stream and its caller share: the journal, and what the caller is about to say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::journal::Journal;
use super::plan::{CallPlan, HangUp, Person};

/// Most things a caller has on the tip of the tongue.
const MAX_MOUTHFUL: usize = 64;

/// One line.
pub(super) struct Line {
    journal: Mutex<Journal>,
    mouth: Mutex<VecDeque<Utterance>>,
    /// Cancelled when the caller hangs up.
    pub(super) leave: CancellationToken,
    pub(super) hang_up: HangUp,
    people: Mutex<VecDeque<Person>>,
}

/// What comes out of a caller.
#[derive(Debug, Clone)]
pub(super) enum Utterance {
    Key(char),
    Words { samples: Arc<[i16]>, at: usize },
}

/// What goes into the next frame.
pub(super) enum Next {
    Nothing,
    Key(char),
    /// The frame was filled.
    Words,
}

impl Line {
    pub(super) fn new(call_id: &str, plan: &CallPlan) -> Self {
        let journal = Journal::new(call_id.to_owned(), plan.from.expose().to_owned(), Instant::now());
        Self {
            journal: Mutex::new(journal),
            mouth: Mutex::default(),
            leave: CancellationToken::new(),
            hang_up: plan.hang_up,
            people: Mutex::new(plan.people.iter().copied().collect()),
        }
    }

    /// Whoever is called now.
    pub(super) fn person(&self) -> Person {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let last = people.len() <= 1;
        let person = if last { people.front().copied() } else { people.pop_front() };
        person.unwrap_or(Person::Answers)
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says it as soon as the line is there. What does not fit is swallowed.
    pub(super) fn utter(&self, what: Utterance) {
        let mut mouth = self.mouth();
        if mouth.len() < MAX_MOUTHFUL {
            mouth.push_back(what);
        }
    }

    pub(super) fn has_spoken(&self) -> bool {
        self.mouth().is_empty()
    }

    /// Nobody hears what is said into a dead line.
    pub(super) fn swallow(&self) {
        self.mouth().clear();
    }

    /// Fills the next frame.
    pub(super) fn next(&self, frame: &mut [i16]) -> Next {
        let mut mouth = self.mouth();
        match mouth.front_mut() {
            None => Next::Nothing,
            Some(Utterance::Key(key)) => {
                let key = *key;
                mouth.pop_front();
                Next::Key(key)
            }
            Some(Utterance::Words { samples, at }) => {
                let rest = samples.get(*at..).unwrap_or_default();
                let length = rest.len().min(frame.len());
                frame[..length].copy_from_slice(&rest[..length]);
                frame[length..].fill(0);
                *at += length;
                if length < frame.len() || *at >= samples.len() {
                    mouth.pop_front();
                }
                Next::Words
            }
        }
    }

    fn mouth(&self) -> MutexGuard<'_, VecDeque<Utterance>> {
        self.mouth.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
