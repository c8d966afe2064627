//! The rungs above the models of words: models that hear the caller and speak by themselves. A session is opened beside the call and taken at the
//! beginning of an utterance: nobody waits for one.

use std::sync::Arc;

use futures_util::FutureExt;
use models::{Message, ModelError, SpeechToSpeech, VoiceSession};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{RungName, UP_AFTER};
use crate::model_brain::Talk;

/// A model that hears and speaks.
#[derive(Clone)]
pub struct VoiceRung {
    /// The model.
    pub model: Arc<dyn SpeechToSpeech>,
    /// The name of its voice; `None`: its own choice.
    pub voice: Option<String>,
    /// Whether its guard would let a session through now.
    pub open: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// The models that hear and speak, and the session that is in use or on its way.
pub(super) struct Voices {
    rungs: Vec<(VoiceRung, Option<Instant>)>,
    /// Samples a second.
    rate: u32,
    /// Which one is in use, or is being opened.
    at: usize,
    opening: Option<Opening>,
}

struct Opening {
    session: JoinHandle<Result<Box<dyn VoiceSession>, ModelError>>,
    /// What it was told.
    told: Vec<Message>,
}

/// Whether a session can be had for the utterance that begins.
pub(super) enum Offer {
    /// This one, and what was said since it was opened.
    Taken(Box<dyn VoiceSession>, Vec<String>),
    /// None yet.
    NotYet,
    /// It did not open; another may.
    Failed(ModelError),
}

impl Voices {
    /// `rungs`: best first.
    pub(super) fn new(rungs: Vec<VoiceRung>, rate: u32) -> Self {
        Self { rungs: rungs.into_iter().map(|rung| (rung, None)).collect(), rate, at: 0, opening: None }
    }

    /// The one in use, or that was tried last.
    pub(super) fn name(&self) -> RungName {
        self.rungs
            .get(self.at)
            .map_or(RungName::Dialogue, |(rung, _)| RungName::Model { service: rung.model.service(), model: rung.model.model().to_owned() })
    }

    /// The one in use is no good for a while.
    pub(super) fn shun(&mut self) {
        if let Some((_, not_before)) = self.rungs.get_mut(self.at) {
            *not_before = Some(Instant::now() + UP_AFTER);
        }
    }

    /// Begins to open a session with the best that may be asked now, unless one is on its way.
    pub(super) fn open(&mut self, talk: &Talk) {
        let free = |(rung, not_before): &(VoiceRung, Option<Instant>)| not_before.is_none_or(|at| Instant::now() >= at) && (rung.open)();
        let Some(at) = self.rungs.iter().position(free).filter(|_| self.opening.is_none()) else { return };
        let Some((rung, _)) = self.rungs.get(at) else { return };
        let config = talk.voice_config(rung.voice.clone(), self.rate);
        let (model, told) = (Arc::clone(&rung.model), config.history.clone());
        self.at = at;
        self.opening = Some(Opening { session: tokio::spawn(async move { model.open(config).await }), told });
    }

    /// The session that was opened.
    pub(super) fn take(&mut self, talk: &Talk) -> Offer {
        let Some(Opening { session, told }) = self.opening.take_if(|opening| opening.session.is_finished()) else { return Offer::NotYet };
        match session.now_or_never() {
            Some(Ok(Ok(session))) => Offer::Taken(session, talk.said_since(&told)),
            Some(Ok(Err(error))) => Offer::Failed(error),
            // Its task broke down: another session is opened.
            Some(Err(_)) | None => Offer::NotYet,
        }
    }
}

impl Drop for Voices {
    fn drop(&mut self) {
        if let Some(opening) = &self.opening {
            opening.session.abort();
        }
    }
}
