//! The caller's side of the audio: is there a voice, is there a key, and what goes to the recogniser.

use std::time::Duration;

use agent::Hearing;
use audio::activity::{Activity, SPEECH_PROBABILITY};
use audio::level::{Level, LevelMeter};
use audio::{AudioError, dtmf};
use speech::{Recognition, RecognitionEvent, SpeechToText};
use tracing::warn;

/// Audio from before the first voiced frame that belongs to an utterance, unless the agent says otherwise: soft beginnings are found late.
const PREROLL: Duration = Duration::from_millis(300);
/// Longest onset the endpointing may take, beside the preroll.
const ONSET: Duration = Duration::from_millis(500);

/// Ears.
pub(crate) struct Listener {
    rate: u32,
    preroll: Duration,
    activity: Activity,
    tones: dtmf::Detector,
    level: LevelMeter,
    recognition: Option<Box<dyn Recognition>>,
    /// The last moments, as a ring that never grows.
    recent: std::collections::VecDeque<i16>,
    open: bool,
    /// An utterance was begun whose last words have not come.
    awaited: bool,
}

/// What one frame brought.
pub(crate) struct FrameVerdict {
    pub(crate) voice: bool,
    pub(crate) tone: Option<char>,
}

impl Listener {
    pub(crate) fn new(rate: u32, recognition: Option<Box<dyn Recognition>>, hearing: Hearing) -> Result<Self, AudioError> {
        let preroll = hearing.preroll.unwrap_or(PREROLL);
        let recent = std::collections::VecDeque::with_capacity(samples(rate, preroll + ONSET));
        Ok(Self {
            rate,
            preroll,
            activity: Activity::with_threshold(rate, hearing.threshold.unwrap_or(SPEECH_PROBABILITY))?,
            tones: dtmf::Detector::new(rate),
            level: LevelMeter::new(),
            recognition,
            recent,
            open: false,
            awaited: false,
        })
    }

    /// Takes one frame of the caller's audio.
    pub(crate) fn frame(&mut self, pcm: &[i16]) -> FrameVerdict {
        let voice = self.activity.push(pcm);
        let tone = self.tones.push(pcm);
        self.level.push(pcm);
        if let (Some(recognition), true) = (&mut self.recognition, self.open) {
            recognition.push(pcm);
        }
        // Within an utterance too: it may be given up for the next one, whose soft beginning is in it.
        self.remember(pcm);
        FrameVerdict { voice: voice && self.recognition.is_some(), tone }
    }

    /// An utterance is under way.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// How loud the caller's line was, over the whole call.
    pub(crate) fn level(&self) -> Level {
        self.level.level()
    }

    /// What the next utterances are likely to be.
    pub(crate) fn expect(&mut self, state: &str) {
        if let Some(recognition) = &mut self.recognition {
            recognition.expect(state);
        }
    }

    /// What belongs to an utterance that began this long ago, in two pieces.
    pub(crate) fn opening(&self, ago: Duration) -> [&[i16]; 2] {
        let wanted = samples(self.rate, ago + self.preroll).min(self.recent.len());
        let (front, back) = self.recent.as_slices();
        let skip = self.recent.len() - wanted;
        [front.get(skip..).unwrap_or_default(), back.get(skip.saturating_sub(front.len())..).unwrap_or_default()]
    }

    /// An utterance began, this long ago.
    pub(crate) fn start(&mut self, ago: Duration) {
        let opening = self.opening(ago).map(<[i16]>::to_vec);
        let Some(recognition) = &mut self.recognition else { return };
        recognition.start();
        opening.iter().for_each(|pcm| recognition.push(pcm));
        self.recent.clear();
        (self.open, self.awaited) = (true, true);
    }

    pub(crate) fn pause(&mut self) {
        if let Some(recognition) = &mut self.recognition {
            recognition.pause();
        }
    }

    pub(crate) fn finish(&mut self) {
        self.open = false;
        // What belongs to this utterance belongs to no other.
        self.recent.clear();
        if let Some(recognition) = &mut self.recognition {
            recognition.finish();
        }
    }

    /// Gives up the utterance under way, or the one whose words are awaited.
    pub(crate) fn cancel(&mut self) {
        self.open = false;
        if std::mem::take(&mut self.awaited)
            && let Some(recognition) = &mut self.recognition
        {
            recognition.cancel();
        }
    }

    /// The next word from the recogniser; never, when there is none.
    pub(crate) async fn next(&mut self) -> RecognitionEvent {
        match &mut self.recognition {
            Some(recognition) => {
                let event = recognition.next().await;
                self.awaited &= !matches!(event, RecognitionEvent::Final(_) | RecognitionEvent::Failed(_)) || self.open;
                event
            }
            None => std::future::pending().await,
        }
    }

    fn remember(&mut self, pcm: &[i16]) {
        let room = samples(self.rate, self.preroll + ONSET);
        let pcm = pcm.get(pcm.len().saturating_sub(room)..).unwrap_or_default();
        let over = (self.recent.len() + pcm.len()).saturating_sub(room);
        self.recent.drain(..over.min(self.recent.len()));
        self.recent.extend(pcm);
    }
}

/// Opens recognition; without an engine, or when it fails, the call goes on by keys.
pub(crate) async fn open_recognition(
    engine: Option<&speech::ladder::ears::Ears>,
    domain: Option<&std::sync::Arc<speech::Domain>>,
    rate: u32,
    language: &str,
    meter: &call::Meter,
) -> Option<Box<dyn Recognition>> {
    let (engine, domain) = (engine?, domain?);
    let listening = speech::Listening { domain: std::sync::Arc::clone(domain), rate, language: language.to_owned(), meter: meter.clone() };
    match engine.open(listening).await {
        Ok(recognition) => Some(recognition),
        Err(fault) => {
            warn!(engine = engine.name(), error = %fault, "recognition did not open: this call goes on by keys");
            None
        }
    }
}

fn samples(rate: u32, length: Duration) -> usize {
    usize::try_from(u128::from(rate) * length.as_millis() / 1000).unwrap_or(0)
}

#[cfg(test)]
#[path = "listen_tests.rs"]
mod tests;
