//! Fillers: said while the words that are owed are not there, before all of them, and no part of the agent's turn.

use std::time::Instant;

use tracing::error;

use super::{Current, Piece, SpeakEvent, Speaker, receive};

/// The filler under way.
#[derive(Default)]
pub(super) struct Aside {
    making: Option<Current>,
    /// Some of it is on its way to the caller: the rest follows, and words wait for it.
    begun: bool,
    /// Samples of it that are not sent.
    unsent: usize,
}

impl Aside {
    pub(super) fn is_making(&self) -> bool {
        self.making.is_some()
    }

    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }

    pub(super) async fn receive(&mut self) -> Option<Piece> {
        receive(&mut self.making).await
    }
}

impl Speaker {
    /// Says a filler. False when it cannot be said.
    pub(crate) fn say_aside(&mut self, text: &str) -> bool {
        if self.aside.is_making() || !self.can_say(text) {
            return false;
        }
        let Some(mark) = self.ledger.enter_aside() else { return false };
        self.aside.making = Some(self.open(text.to_owned(), mark));
        true
    }

    /// Drops the filler, as far as it was not heard. Only for when nothing else is played.
    pub(crate) fn hush(&mut self, now: Instant) {
        for mark in self.playout.clear(now).marks {
            self.ledger.strike(&mark);
        }
        self.aside.begun = false;
        self.drop_aside();
        self.aside.unsent = 0;
    }

    /// True while a filler is on its way to become audio.
    pub(crate) fn is_making_aside(&self) -> bool {
        self.aside.is_making()
    }

    /// So much sound was sent. True when words are in it.
    pub(crate) fn sent(&mut self, samples: usize) -> bool {
        let filler = self.aside.unsent.min(samples);
        self.aside.unsent -= filler;
        filler < samples
    }

    /// Drops a filler of which nothing was heard yet.
    pub(super) fn drop_aside(&mut self) {
        if !self.aside.begun
            && let Some(dropped) = self.aside.making.take()
        {
            self.ledger.strike(&dropped.mark);
        }
    }

    pub(super) fn take_aside(&mut self, piece: Option<Piece>) -> SpeakEvent {
        match (piece, self.aside.making.as_ref().map(|making| making.mark.clone())) {
            (Some(Ok(pcm)), Some(mark)) => {
                self.aside.begun = true;
                self.aside.unsent += pcm.len();
                self.play(&pcm, &mark);
                return SpeakEvent::Audio;
            }
            (Some(Err(fault)), _) => error!(error = %fault, "a filler could not be spoken"),
            (_, _) => {}
        }
        let begun = std::mem::take(&mut self.aside.begun);
        match self.aside.making.take() {
            Some(ended) if begun => self.mark(ended.mark),
            Some(ended) => self.ledger.strike(&ended.mark),
            None => {}
        }
        self.begin_next();
        SpeakEvent::PieceReady
    }
}
