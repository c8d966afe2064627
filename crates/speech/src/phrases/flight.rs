//! One phrase being made, and everyone who listens to it meanwhile.

use std::sync::Arc;

use call::Meter;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::entry::MAX_SECONDS;
use crate::ladder::Rung;
use crate::{SpeakRequest, SpeechError, TextToSpeech};

/// Silence at the beginning of a phrase from which on it is no phrase, seconds.
const MAX_LEADING_SILENCE: usize = 3;
/// Samples that are not louder are silence: -60 dB of full scale, below the noise of a telephone line.
const SILENT: u16 = 32;

/// A phrase in the making.
pub(super) struct Flight {
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct Progress {
    pieces: Vec<Arc<[i16]>>,
    end: Option<Result<(), SpeechError>>,
}

impl Flight {
    pub(super) fn new() -> Self {
        Self { progress: watch::Sender::new(Progress::default()) }
    }

    /// Lets an engine speak, within its limits; the whole phrase. Listeners hear it from its first sound on: silence before is held back until it is
    /// clear that sound follows, so that another engine can still be asked. They are told the end by [`Self::land`].
    pub(super) async fn fly(&self, rung: &Rung<dyn TextToSpeech>, request: SpeakRequest, meter: &Meter) -> Result<Arc<[i16]>, SpeechError> {
        let (engine, patience) = (rung.engine.name(), rung.patience);
        let (text, rate) = (request.text.clone(), request.rate as usize);
        let late = |after| move |_| SpeechError::Timeout { engine, after };
        let silent = || SpeechError::SilentAudio { engine, text: text.clone() };
        let begin = Instant::now() + patience.begin;
        let mut stream = timeout_at(begin, rung.engine.speak(request, meter)).await.map_err(late(patience.begin))??;
        let (mut held, mut samples, mut sounds) = (Vec::new(), 0, false);
        loop {
            let (limit, after) = if sounds { (Instant::now() + patience.go_on, patience.go_on) } else { (begin, patience.begin) };
            let Some(piece) = timeout_at(limit, stream.recv()).await.map_err(late(after))? else { break };
            let piece = piece?;
            let quiet = if sounds { 0 } else { samples + leading_silence(&piece) };
            samples += piece.len();
            sounds = sounds || quiet < samples;
            if quiet > MAX_LEADING_SILENCE * rate {
                return Err(silent());
            }
            if samples > MAX_SECONDS * rate {
                return Err(SpeechError::BadAudio {
                    detail: format!("{engine} does not stop speaking: more than {MAX_SECONDS} s of sound"),
                });
            }
            held.push(piece);
            if sounds {
                self.progress.send_modify(|progress| progress.pieces.append(&mut held));
            }
        }
        if sounds { Ok(self.whole()) } else { Err(silent()) }
    }

    fn whole(&self) -> Arc<[i16]> {
        self.progress.borrow().pieces.iter().flat_map(|piece| piece.iter().copied()).collect()
    }

    /// The phrase was found after all.
    pub(super) fn found(&self, sound: Arc<[i16]>) {
        self.progress.send_modify(|progress| progress.pieces.push(sound));
    }

    /// Tells everyone how it ended.
    pub(super) fn land(&self, end: Result<(), SpeechError>) {
        self.progress.send_modify(|progress| progress.end = Some(end));
    }

    /// Listens from the beginning of the phrase, at one's own pace.
    pub(super) fn follow(&self) -> Follower {
        Follower { progress: self.progress.subscribe(), heard: 0 }
    }
}

/// One who listens to a phrase that is being made.
pub(crate) struct Follower {
    progress: watch::Receiver<Progress>,
    heard: usize,
}

impl Follower {
    /// The next piece; `None` at the end. May be dropped and called again without loss.
    pub(crate) async fn next(&mut self) -> Option<Result<Arc<[i16]>, SpeechError>> {
        loop {
            let (piece, end) = {
                let now = self.progress.borrow_and_update();
                (now.pieces.get(self.heard).cloned(), now.end.clone())
            };
            match (piece, end) {
                (Some(piece), _) => {
                    self.heard += 1;
                    return Some(Ok(piece));
                }
                (None, Some(end)) => return end.err().map(Err),
                (None, None) if self.progress.changed().await.is_err() => {
                    return Some(Err(SpeechError::Stopped { engine: "the speech engine" }));
                }
                (None, None) => {}
            }
        }
    }
}

fn leading_silence(pcm: &[i16]) -> usize {
    pcm.iter().position(|sample| sample.unsigned_abs() > SILENT).unwrap_or(pcm.len())
}
