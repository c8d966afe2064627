//! Text to speech with several engines: what one cannot say, or breaks off, is said by the next; in the middle of a sentence too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use call::Meter;
use tokio::sync::mpsc;
use tracing::Instrument;

use super::rest::rest;
use super::{Change, OnChange, Side, Why};
use crate::phrases::{Follower, Found, Keep, Phrases, spoken_by};
use crate::{SpeakRequest, SpeechError, SpeechStream};

/// Pieces on their way to the listener.
const AHEAD: usize = 2;
/// What speaks when no engine does, in reports of changes.
const LAST_RESORT: &str = "kept phrases";

/// The voice of one call. A caller notices when a voice changes, so within a call it goes down only; the next call begins at the top. Cheap to clone:
/// clones are the same call's.
#[derive(Clone)]
pub struct CallVoice {
    phrases: Phrases,
    meter: Meter,
    /// The lowest rung that spoke in this call.
    lowest: Arc<AtomicUsize>,
    on_change: OnChange,
}

impl CallVoice {
    pub(crate) fn new(phrases: Phrases, meter: Meter, on_change: OnChange) -> Self {
        Self { phrases, meter, lowest: Arc::default(), on_change }
    }

    /// The same call, which tells its changes to somebody else.
    #[must_use]
    pub fn reporting(&self, on_change: OnChange) -> Self {
        Self { on_change, ..self.clone() }
    }

    /// Whether a phrase can be said now; see [`Phrases::can_say`].
    #[must_use]
    pub fn can_say(&self, text: &str, voice: &str) -> bool {
        self.phrases.can_say(text, voice)
    }

    /// Says a phrase, from wherever it comes soonest. An error comes out of the stream when the last engine has failed too.
    ///
    /// # Errors
    /// [`SpeechError::Unsayable`] without an engine and without the phrase; [`SpeechError::NoEngine`] when none is let through and the phrase is not
    /// kept; [`SpeechError::Rate`]; [`SpeechError::Overloaded`] when too many different phrases are being made.
    pub async fn speak(&self, request: SpeakRequest) -> Result<SpeechStream, SpeechError> {
        self.say(request, Keep::InCall).await
    }

    pub(crate) async fn say(&self, request: SpeakRequest, keep: Keep) -> Result<SpeechStream, SpeechError> {
        if request.rate != 8_000 && request.rate != 16_000 {
            return Err(SpeechError::Rate { rate: request.rate });
        }
        let mut descent = Descent { call: self.clone(), next: self.lowest.load(Ordering::Relaxed), using: 0, why: None, fault: None, keep };
        let (pieces, stream) = mpsc::channel(AHEAD);
        match descent.next(&request) {
            Some(Found::Making(follower)) => {
                tokio::spawn(descent.relay(follower, request, pieces).in_current_span());
            }
            Some(Found::Whole(sound)) => {
                descent.settle();
                // The channel is new and has room.
                let _ = pieces.try_send(Ok(sound));
            }
            None => drop(pieces.try_send(Ok(descent.last_resort(&request).await?))),
        }
        Ok(stream)
    }
}

/// The way of one phrase down the ladder.
struct Descent {
    call: CallVoice,
    /// The rung that is asked next.
    next: usize,
    /// The rung that was asked last.
    using: usize,
    /// Why the first that was asked does not speak.
    why: Option<Why>,
    /// What the last that was asked said.
    fault: Option<SpeechError>,
    keep: Keep,
}

impl Descent {
    /// The phrase by the next engine that may speak, and can.
    fn next(&mut self, request: &SpeakRequest) -> Option<Found> {
        let voices = self.call.phrases.voices();
        // Where nobody knows the language, the voice that was asked for says it as well as it can.
        let strange = voices.iter().all(|rung| spoken_by(rung, request).is_none());
        while let Some(rung) = self.call.phrases.voices().get(self.next) {
            self.using = self.next;
            self.next += 1;
            if !rung.lets_through() {
                self.why.get_or_insert(Why::NotLetThrough);
                continue;
            }
            let Some(request) = spoken_by(rung, request).or_else(|| strange.then(|| request.clone())) else {
                self.why.get_or_insert(Why::NoVoice);
                continue;
            };
            match self.call.phrases.cache().find(rung, request, self.keep, &self.call.meter) {
                Ok(found) => return Some(found),
                Err(fault) => self.failed(fault),
            }
        }
        None
    }

    fn failed(&mut self, fault: SpeechError) {
        self.why.get_or_insert(Why::of(&fault));
        self.fault = Some(fault);
    }

    /// The engine that was asked last does speak: from now on the call stays with it.
    fn settle(&mut self) {
        let before = self.call.lowest.fetch_max(self.using, Ordering::Relaxed);
        let voices = self.call.phrases.voices();
        if before < self.using
            && let (Some(from), Some(to)) = (voices.get(before), voices.get(self.using))
        {
            self.report(from.engine.name(), to.engine.name());
        }
        self.why = None;
    }

    fn report(&self, from: &'static str, to: &'static str) {
        (self.call.on_change)(Change { side: Side::Speaking, from, to, why: self.why.unwrap_or(Why::Failed) });
    }

    /// When no engine can: what was said before, or the pack.
    async fn last_resort(&mut self, request: &SpeakRequest) -> Result<Arc<[i16]>, SpeechError> {
        let Some(sound) = self.call.phrases.last_resort(request).await else {
            return Err(match self.fault.take() {
                Some(fault) => fault,
                None if self.call.phrases.has_engine() => SpeechError::NoEngine { to: "speak" },
                None => SpeechError::Unsayable { text: request.text.clone() },
            });
        };
        if let Some(from) = self.call.phrases.voices().get(self.call.lowest.load(Ordering::Relaxed)) {
            self.report(from.engine.name(), LAST_RESORT);
        }
        Ok(sound)
    }

    /// Hands the phrase on as it is made, and goes down when the engine fails.
    async fn relay(mut self, mut follower: Follower, mut request: SpeakRequest, pieces: mpsc::Sender<Result<Arc<[i16]>, SpeechError>>) {
        let mut samples = 0;
        loop {
            let piece = tokio::select! {
                piece = follower.next() => piece,
                () = pieces.closed() => return,
            };
            let last = match piece {
                None => return,
                Some(Ok(piece)) => {
                    if samples == 0 {
                        self.settle();
                    }
                    samples += piece.len();
                    if pieces.send(Ok(piece)).await.is_err() {
                        return;
                    }
                    continue;
                }
                Some(Err(fault)) => {
                    self.failed(fault);
                    if !self.shorten(&mut request, std::mem::take(&mut samples)) {
                        return;
                    }
                    match self.next(&request) {
                        Some(Found::Making(next)) => {
                            follower = next;
                            continue;
                        }
                        Some(Found::Whole(sound)) => {
                            self.settle();
                            Ok(sound)
                        }
                        None => self.last_resort(&request).await,
                    }
                }
            };
            // Nobody listens any more, or this was all.
            return drop(pieces.send(last).await);
        }
    }

    /// Leaves of the request what was not heard yet; false when all of it was.
    fn shorten(&mut self, request: &mut SpeakRequest, samples: usize) -> bool {
        if samples > 0 {
            request.text = rest(&request.text, Duration::from_secs(samples as u64) / request.rate);
            // Half a phrase is nobody's fixed phrase.
            self.keep = Keep::InCall;
        }
        !request.text.is_empty()
    }
}
