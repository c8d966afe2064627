//! One utterance, between the session and the task that has it recognised.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::{RecognitionEvent, SpeechError, Transcript};

/// Sound that is kept of one utterance, seconds; what comes after is not heard.
const MAX_UTTERANCE: usize = 30;
/// Sound that is sent at once, bytes: a quarter of a second.
const MAX_PIECE: usize = 8000;

/// Sound in, events out. Neither end waits for the other.
pub(super) struct Utterance {
    state: Mutex<State>,
    /// There is more sound, or no more.
    heard: Notify,
    /// There is no more sound.
    ended: Notify,
    /// There is an event.
    said: Notify,
    limit: usize,
}

#[derive(Default)]
struct State {
    sound: Vec<u8>,
    over: Option<Instant>,
    partial: Option<Transcript>,
    /// At most a hint and the outcome.
    events: VecDeque<RecognitionEvent>,
    hinted: bool,
}

/// The next sound to send.
pub(super) enum Piece {
    Sound(Bytes),
    /// There is no more; since when.
    Over(Instant),
}

impl Utterance {
    pub(super) fn new(bytes_a_second: usize) -> Self {
        Self {
            state: Mutex::default(),
            heard: Notify::new(),
            ended: Notify::new(),
            said: Notify::new(),
            limit: bytes_a_second * MAX_UTTERANCE,
        }
    }

    /// Adds what `write` appends, up to the limit.
    pub(super) fn push(&self, write: impl FnOnce(&mut Vec<u8>)) {
        {
            let mut state = self.state();
            if state.over.is_some() || state.sound.len() >= self.limit {
                return;
            }
            write(&mut state.sound);
            state.sound.truncate(self.limit);
        }
        self.heard.notify_one();
    }

    pub(super) fn finish(&self) {
        self.state().over.get_or_insert_with(Instant::now);
        self.heard.notify_one();
        self.ended.notify_one();
    }

    /// Returns when it is over.
    pub(super) async fn ended(&self) {
        while self.over().is_none() {
            self.ended.notified().await;
        }
    }

    /// When it was over, if it is.
    pub(super) fn over(&self) -> Option<Instant> {
        self.state().over
    }

    /// What comes after the first `sent` bytes.
    pub(super) async fn piece(&self, sent: usize) -> Piece {
        loop {
            {
                let state = self.state();
                let end = state.sound.len().min(sent + MAX_PIECE);
                if let Some(piece) = state.sound.get(sent..end).filter(|piece| !piece.is_empty()) {
                    return Piece::Sound(Bytes::copy_from_slice(piece));
                }
                if let Some(since) = state.over {
                    return Piece::Over(since);
                }
            }
            self.heard.notified().await;
        }
    }

    /// Words that may change; they take the place of those nobody has asked for yet.
    pub(super) fn partial(&self, transcript: Transcript) {
        self.state().partial = Some(transcript);
        self.said.notify_one();
    }

    /// The engine takes it for complete. Said once for as long as nobody has asked, and not after the end, which is known then.
    pub(super) fn hint(&self) {
        {
            let mut state = self.state();
            if state.over.is_some() || std::mem::replace(&mut state.hinted, true) {
                return;
            }
            state.events.push_back(RecognitionEvent::EndOfSpeech);
        }
        self.said.notify_one();
    }

    pub(super) fn done(&self, outcome: Result<Transcript, SpeechError>) {
        let event = outcome.map_or_else(RecognitionEvent::Failed, RecognitionEvent::Final);
        {
            let mut state = self.state();
            state.partial = None;
            state.events.clear();
            state.events.push_back(event);
        }
        self.said.notify_one();
    }

    /// The next event; for ever when there is none. May be dropped and called again without loss.
    pub(super) async fn next(&self) -> RecognitionEvent {
        loop {
            {
                let mut state = self.state();
                if let Some(partial) = state.partial.take() {
                    return RecognitionEvent::Partial(partial);
                }
                if let Some(event) = state.events.pop_front() {
                    state.hinted = false;
                    return event;
                }
            }
            self.said.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An utterance under way; dropped, it is given up.
pub(super) struct Running {
    pub(super) utterance: Arc<Utterance>,
    work: JoinHandle<()>,
}

impl Running {
    pub(super) fn new(utterance: Arc<Utterance>, work: JoinHandle<()>) -> Self {
        Self { utterance, work }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.work.abort();
    }
}
