//! One call's recognition by an engine that is asked once an utterance.

use std::collections::VecDeque;
use std::future;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::listen::{Ask, LISTEN_NAME};
use crate::{Recognition, RecognitionEvent, SpeechError, Transcript};

/// Audio kept of one utterance, seconds; what comes after is not heard.
const MAX_UTTERANCE: usize = 30;
/// The service refuses less than 100 ms (`audio_too_short`), and no word is shorter.
const LEAST_MILLIS: usize = 100;

pub(super) struct UtteranceRecognition {
    ask: Ask,
    audio: Vec<i16>,
    /// Between `start` and `finish`.
    open: bool,
    pending: Option<Pending>,
    /// What was heard up to a pause, kept in case the utterance ends there.
    guess: Option<(usize, Transcript)>,
    events: VecDeque<RecognitionEvent>,
}

/// A request that is under way. Dropped, its connection is closed.
struct Pending {
    task: JoinHandle<Result<Transcript, SpeechError>>,
    samples: usize,
    last: bool,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl UtteranceRecognition {
    pub(super) fn new(ask: Ask) -> Self {
        Self { ask, audio: Vec::new(), open: false, pending: None, guess: None, events: VecDeque::new() }
    }

    fn submit(&self, last: bool) -> Pending {
        let (ask, pcm): (_, Arc<[i16]>) = (self.ask.clone(), self.audio.as_slice().into());
        Pending { samples: pcm.len(), task: tokio::spawn(async move { ask.transcribe(pcm).await }), last }
    }

    fn long_enough(&self) -> bool {
        self.audio.len() * 1000 >= LEAST_MILLIS * self.ask.rate() as usize
    }

    fn settle(&mut self, pending: &Pending, outcome: Result<Transcript, SpeechError>) {
        match outcome {
            Ok(transcript) if pending.last => self.events.push_back(RecognitionEvent::Final(transcript)),
            Ok(transcript) => {
                self.guess = Some((pending.samples, transcript.clone()));
                self.events.push_back(RecognitionEvent::Partial(transcript));
            }
            Err(error) if pending.last => self.events.push_back(RecognitionEvent::Failed(error)),
            // A guess that failed costs nothing: the end of the utterance asks again.
            Err(error) => tracing::debug!(%error, "a partial transcript was lost"),
        }
    }
}

#[async_trait]
impl Recognition for UtteranceRecognition {
    /// The hints are those of the whole domain: a prompt that changes with each question would be paid for anew.
    fn expect(&mut self, _: &str) {}

    fn start(&mut self) {
        self.cancel();
        self.open = true;
    }

    fn push(&mut self, pcm: &[i16]) {
        if self.open {
            let room = (self.ask.rate() as usize * MAX_UTTERANCE).saturating_sub(self.audio.len());
            self.audio.extend_from_slice(&pcm[..pcm.len().min(room)]);
        }
    }

    fn pause(&mut self) {
        let samples = self.audio.len();
        let asked = self.pending.as_ref().is_some_and(|pending| pending.samples == samples)
            || self.guess.as_ref().is_some_and(|(heard, _)| *heard == samples);
        if self.open && self.ask.at_pauses() && self.long_enough() && !asked {
            self.pending = Some(self.submit(false));
        }
    }

    fn finish(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let samples = self.audio.len();
        if let Some((_, transcript)) = self.guess.take_if(|(heard, _)| *heard == samples) {
            self.events.push_back(RecognitionEvent::Final(transcript));
        } else if let Some(pending) = self.pending.as_mut().filter(|pending| pending.samples == samples) {
            pending.last = true;
        } else if self.long_enough() {
            self.pending = Some(self.submit(true));
        } else {
            self.pending = None;
            let detail = format!("{samples} samples are less than {LEAST_MILLIS} ms");
            self.events.push_back(RecognitionEvent::Failed(SpeechError::BadAudio { detail }));
        }
    }

    fn cancel(&mut self) {
        self.open = false;
        self.audio.clear();
        self.pending = None;
        self.guess = None;
        self.events.clear();
    }

    async fn next(&mut self) -> RecognitionEvent {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let Some(pending) = self.pending.as_mut() else { return future::pending().await };
            // Waiting borrows the task: dropped here and asked again, nothing is lost.
            let outcome = (&mut pending.task).await.unwrap_or(Err(SpeechError::Stopped { engine: LISTEN_NAME }));
            if let Some(pending) = self.pending.take() {
                self.settle(&pending, outcome);
            }
        }
    }
}
