//! Hears one stream, and words what Deepgram says about it.

use std::collections::VecDeque;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing::warn;

use super::parameters::Parameters;
use super::slices::{Cut, Slice, Slices};
use crate::content::{Ears, Heard};

/// Words a second that scripted ears have understood so far.
const WORDS_A_SECOND: f64 = 3.0;
/// The highest rate that ears take.
const EARS_RATE: u32 = 16_000;
/// Of the one model that is simulated.
const MODEL_ID: &str = "1d9a3c6e-6f0b-4f53-9d5c-2f1a7b0c4e88";

/// One stream.
pub(super) struct Transcriber {
    parameters: Parameters,
    ears: Ears,
    slices: Slices,
    /// What is left of the script's line that is being said.
    line: Option<Line>,
    request: String,
    hash: Sha256,
}

/// A line of the script while it is said.
struct Line {
    words: VecDeque<String>,
    confidence: f32,
}

/// Why a slice is final.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Interim,
    Long,
    Endpoint,
    Finalize,
    Close,
}

impl Transcriber {
    pub(super) fn new(parameters: Parameters, ears: Ears, request: String) -> Self {
        let slices = Slices::new(&parameters);
        Self { parameters, ears, slices, line: None, request, hash: Sha256::new() }
    }

    /// Sound came; `false`: it cannot be decoded. What there is to say comes from [`Self::next`].
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        self.hash.update(bytes);
        let pcm = self.parameters.encoding.decode(bytes);
        pcm.map(|pcm| self.slices.push(&pcm)).is_some()
    }

    /// The next message about the sound so far, and whether it is a final result.
    pub(super) async fn next(&mut self) -> Option<(Value, bool)> {
        let cut = self.slices.advance()?;
        Some(match cut {
            Cut::Started(at) => (json!({"type": "SpeechStarted", "channel": [0, 1], "timestamp": at}), false),
            Cut::UtteranceEnd(at) => (json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": at}), false),
            Cut::Interim => (self.interim().await, false),
            Cut::Final { speech_final } => {
                let slice = self.slices.take();
                (self.results(&slice, if speech_final { Why::Endpoint } else { Why::Long }).await, true)
            }
        })
    }

    /// The answer to Finalize: none where nothing is buffered.
    pub(super) async fn finalize(&mut self) -> Option<Value> {
        let slice = self.slices.flush();
        if slice.pcm.is_empty() { None } else { Some(self.results(&slice, Why::Finalize).await) }
    }

    /// What is said at the end: what is buffered, if it is anything, and the stream's facts.
    pub(super) async fn close(&mut self) -> (Option<Value>, Value) {
        let slice = self.slices.flush();
        let results = if slice.pcm.is_empty() { None } else { Some(self.results(&slice, Why::Close).await) };
        let metadata = json!({
            "type": "Metadata", "transaction_key": "deprecated", "request_id": self.request,
            "sha256": hex::encode(self.hash.clone().finalize()), "created": jiff::Timestamp::now().to_string(),
            "duration": self.slices.seconds(), "channels": 1, "models": [MODEL_ID], "model_info": {MODEL_ID: self.model()},
        });
        (results, metadata)
    }

    async fn interim(&mut self) -> Value {
        let slice = self.slices.slice();
        let so_far = Slice { pcm: slice.pcm.clone(), start: slice.start, voice: slice.voice };
        self.results(&so_far, Why::Interim).await
    }

    async fn results(&mut self, slice: &Slice, why: Why) -> Value {
        let heard = self.hear(slice, why).await;
        let duration = slice.pcm.len() as f64 / f64::from(self.parameters.rate.max(1));
        json!({
            "type": "Results", "channel_index": [0, 1], "duration": duration, "start": slice.start,
            "is_final": why != Why::Interim, "speech_final": why == Why::Endpoint, "from_finalize": why == Why::Finalize,
            "channel": {"alternatives": [self.alternative(&heard, slice.start, duration, why != Why::Interim)]},
            "metadata": {"request_id": self.request, "model_info": self.model(), "model_uuid": MODEL_ID},
        })
    }

    fn model(&self) -> Value {
        json!({"name": format!("simulated-{}", self.parameters.model), "version": "2026-01-01.0", "arch": "simulator"})
    }

    fn alternative(&self, heard: &Heard, start: f64, duration: f64, complete: bool) -> Value {
        let words: Vec<&str> = heard.text.split_whitespace().collect();
        let each = duration / words.len().max(1) as f64;
        let written = |at: usize, word: &str| {
            let mut written = word.to_owned();
            if self.parameters.punctuate && at == 0 {
                written = capital(word);
            }
            if self.parameters.punctuate && complete && at + 1 == words.len() {
                written.push('.');
            }
            written
        };
        let listed = words.iter().enumerate().map(|(at, word)| {
            let from = start + each * at as f64;
            json!({"word": word, "start": from, "end": from + each, "confidence": heard.confidence, "punctuated_word": written(at, word)})
        });
        let listed: Vec<Value> = listed.collect();
        let transcript = words.iter().enumerate().map(|(at, word)| written(at, word)).collect::<Vec<_>>().join(" ");
        json!({"transcript": transcript, "confidence": heard.confidence, "words": listed})
    }

    async fn hear(&mut self, slice: &Slice, why: Why) -> Heard {
        let nothing = Heard { text: String::new(), confidence: 0.0 };
        if slice.voice == 0.0 && self.line.is_none() {
            return nothing;
        }
        let rate = self.parameters.rate.min(EARS_RATE);
        let Ok(pcm) = audio::resample::resample(&slice.pcm, self.parameters.rate, rate) else { return nothing };
        let goes_on = matches!(why, Why::Interim | Why::Long);
        if let Some(mut line) = self.line.take() {
            let heard = line.heard(slice, why);
            self.line = goes_on.then_some(line);
            return heard;
        }
        match self.ears.hear(&pcm, rate).await {
            // A script's line is for the whole utterance: it is understood word by word.
            Ok(heard) if matches!(self.ears, Ears::Script(..)) => {
                let words = heard.text.split_whitespace().map(str::to_owned).collect();
                let mut line = Line { words, confidence: heard.confidence };
                let so_far = line.heard(slice, why);
                self.line = goes_on.then_some(line);
                so_far
            }
            Ok(heard) => heard,
            Err(error) => {
                warn!(%error, "simulated ears do not hear");
                nothing
            }
        }
    }
}

impl Line {
    fn heard(&mut self, slice: &Slice, why: Why) -> Heard {
        let so_far = ((slice.voice * WORDS_A_SECOND).ceil() as usize).min(self.words.len());
        let words: Vec<String> = match why {
            Why::Interim => self.words.iter().take(so_far).cloned().collect(),
            Why::Long => self.words.drain(..so_far).collect(),
            Why::Endpoint | Why::Finalize | Why::Close => self.words.drain(..).collect(),
        };
        Heard { text: words.join(" "), confidence: self.confidence }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
