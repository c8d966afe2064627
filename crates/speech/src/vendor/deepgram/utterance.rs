//! What a call's recognition and the task at its socket share: the utterance under way, and what is known of it.
//!
//! The sound of the utterance is kept here until it is over: it is what is sent, and what is sent again when a socket breaks. Nothing here grows:
//! the sound has a limit, and of partial words only the newest are kept.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::line::Coding;
use crate::{RecognitionEvent, SpeechError, Transcript};

/// Sound kept of one utterance, seconds; what comes after is not heard.
const MAX_SECONDS: usize = 30;

/// Where an utterance stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is none.
    #[default]
    Idle,
    /// The caller speaks.
    Open,
    /// The caller has ended; its words are waited for.
    Over {
        /// Since when.
        since: Instant,
    },
}

/// Shared between the two.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something is to be done.
    pub(super) work: Notify,
    /// Something is to be told.
    news: Notify,
}

#[derive(Default)]
pub(super) struct State {
    /// Counts utterances, those that were given up too.
    pub(super) number: u64,
    pub(super) phase: Phase,
    /// In the vendor's coding.
    pub(super) sound: Vec<u8>,
    /// Why the utterance cannot be heard any more.
    pub(super) lost: Option<SpeechError>,
    /// The call is over.
    pub(super) gone: bool,
    partial: Option<Transcript>,
    end: bool,
    outcome: Option<Result<Transcript, SpeechError>>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The utterance under way, if any, is given up; another begins, or none.
    pub(super) fn renew(&self, phase: Phase) {
        let mut state = self.lock();
        let (number, mut sound) = (state.number + 1, std::mem::take(&mut state.sound));
        sound.clear();
        *state = State { number, phase, sound, ..State::default() };
        self.work.notify_one();
    }

    pub(super) fn push(&self, coding: Coding, pcm: &[i16]) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            coding.encode(pcm, &mut state.sound);
            state.sound.truncate(coding.bytes(std::time::Duration::from_secs(MAX_SECONDS as u64)));
            self.work.notify_one();
        }
    }

    pub(super) fn finish(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Over { since: Instant::now() };
            if let Some(error) = state.lost.take() {
                state.settle(Err(error));
                self.news.notify_one();
            }
            self.work.notify_one();
        }
    }

    pub(super) fn leave(&self) {
        self.lock().gone = true;
        self.work.notify_one();
    }

    /// The newest words of an utterance.
    pub(super) fn partial(&self, number: u64, transcript: Transcript) {
        self.tell(number, |state| state.partial = Some(transcript));
    }

    /// The speaker of an utterance has come to an end, as far as the engine can tell.
    pub(super) fn end(&self, number: u64) {
        self.tell(number, |state| state.end = state.phase == Phase::Open);
    }

    /// All words of an utterance.
    pub(super) fn complete(&self, number: u64, mut transcript: Transcript) {
        self.tell(number, |state| {
            if let Phase::Over { since } = state.phase {
                transcript.took = since.elapsed();
            }
            state.settle(Ok(transcript));
        });
    }

    /// An utterance will not be heard. That is told at its end: until then, more of it may be pushed.
    pub(super) fn lose(&self, number: u64, error: SpeechError) {
        self.tell(number, |state| match state.phase {
            Phase::Over { .. } => state.settle(Err(error)),
            _ => state.lost = Some(error),
        });
    }

    /// The next thing to tell; waits for it.
    pub(super) async fn next(&self) -> RecognitionEvent {
        loop {
            if let Some(event) = self.lock().event() {
                return event;
            }
            self.news.notified().await;
        }
    }

    fn tell(&self, number: u64, what: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        if state.number == number && state.phase != Phase::Idle {
            what(&mut state);
            self.news.notify_one();
        }
    }
}

impl State {
    fn settle(&mut self, outcome: Result<Transcript, SpeechError>) {
        (self.phase, self.partial, self.end) = (Phase::Idle, None, false);
        self.sound.clear();
        self.outcome = Some(outcome);
    }

    fn event(&mut self) -> Option<RecognitionEvent> {
        if let Some(outcome) = self.outcome.take() {
            return Some(outcome.map_or_else(RecognitionEvent::Failed, RecognitionEvent::Final));
        }
        if let Some(partial) = self.partial.take() {
            return Some(RecognitionEvent::Partial(partial));
        }
        std::mem::take(&mut self.end).then_some(RecognitionEvent::EndOfSpeech)
    }
}
