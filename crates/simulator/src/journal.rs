//! When what happened at the vendors, for those who measure what lies between: on the clock of this process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Most moments that are kept until they are taken; more are counted and dropped.
const MAX_MOMENTS: usize = 1 << 20;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Ears have sent the last words of an utterance.
    Heard,
    /// A model was asked; the whole request is here.
    Asked,
    /// A model has sent the last token of its words.
    Answered,
    /// A voice was given a text; the whole request is here.
    Wanted,
    /// A voice has sent its first sound.
    Sounded,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Moment {
    /// When.
    pub at: Instant,
    /// What.
    pub event: Event,
    /// The words it was about.
    pub words: String,
}

/// Where moments are written down. Nothing is, until somebody asks for it. Cheap to clone.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<Option<Pages>>>);

#[derive(Default)]
struct Pages {
    moments: Vec<Moment>,
    dropped: u64,
}

impl Journal {
    /// From now on everything is written down.
    pub fn open(&self) {
        self.pages().get_or_insert_default();
    }

    /// What was written down since the last time, and how many moments found no place.
    pub fn take(&self) -> (Vec<Moment>, u64) {
        self.pages().as_mut().map(std::mem::take).map(|pages| (pages.moments, pages.dropped)).unwrap_or_default()
    }

    pub(crate) fn note(&self, event: Event, words: impl FnOnce() -> String) {
        let at = Instant::now();
        if let Some(pages) = self.pages().as_mut() {
            if pages.moments.len() < MAX_MOMENTS {
                pages.moments.push(Moment { at, event, words: words() });
            } else {
                pages.dropped += 1;
            }
        }
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, Option<Pages>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_down_before_somebody_asks() {
        let journal = Journal::default();
        journal.note(Event::Asked, || unreachable!("nobody reads it"));
        journal.open();
        journal.note(Event::Heard, || "hello".into());
        let (moments, dropped) = journal.take();
        assert_eq!((moments.len(), moments[0].event, moments[0].words.as_str(), dropped), (1, Event::Heard, "hello", 0));
        assert!(journal.take().0.is_empty());
    }
}
