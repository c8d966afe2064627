//! What was heard, as Riva writes it.

use riva::asr::{SpeechRecognitionAlternative, StreamingRecognitionResult, WordInfo};
use tonic::Status;

use super::rules::Listener;
use crate::{Ears, Heard};

/// A sample as loud as this (-40 dBFS) is speech.
const LOUD: u16 = 300;
/// So much silence ends a part, milliseconds: Riva's default (`stop_history`).
const STOP_MS: usize = 800;
/// Results that may change come this often, milliseconds of sound: Riva's chunks for low latency are 160 ms.
const INTERIM_MS: usize = 320;
/// A part is never longer, seconds.
const MAX_PART: usize = 60;
/// A result that may change is this likely to stay.
const STABILITY: f32 = 0.1;

/// Listens to one stream, part by part.
pub(super) struct Part {
    listener: Listener,
    ears: Ears,
    interim: bool,
    pcm: Vec<i16>,
    /// Samples of the parts before.
    before: usize,
    /// Where the last loud sample of the part is.
    loud: Option<usize>,
    /// Samples at the last interim result.
    told: usize,
    /// What scripted ears heard in this part: a script's line is one part.
    line: Option<Heard>,
}

impl Part {
    pub(super) fn new(listener: Listener, ears: Ears, interim: bool) -> Self {
        Self { listener, ears, interim, pcm: Vec::new(), before: 0, loud: None, told: 0, line: None }
    }

    /// More sound, and what Riva says to it.
    pub(super) async fn hear(&mut self, audio: &[u8]) -> Result<Option<StreamingRecognitionResult>, Status> {
        let pcm = self.listener.decode(audio);
        let last = pcm.iter().rposition(|sample| sample.unsigned_abs() >= LOUD);
        self.loud = last.map(|last| self.pcm.len() + last).or(self.loud);
        self.pcm.extend(pcm);
        let Some(loud) = self.loud else { return Ok(None) };
        if self.pcm.len() - loud >= self.samples(STOP_MS) || self.pcm.len() >= self.samples(MAX_PART * 1000) {
            return self.end().await;
        }
        // Real ears hear the part from its beginning each time: ever more rarely, or that would be most of their work.
        let scripted = matches!(self.ears, Ears::Script(..));
        let rest = self.samples(INTERIM_MS) + if scripted { 0 } else { self.told };
        if !self.interim || self.pcm.len() - self.told < rest {
            return Ok(None);
        }
        self.told = self.pcm.len();
        let heard = self.heard().await?;
        let so_far = if scripted { self.begun(&heard) } else { heard };
        Ok(Some(self.result(&so_far, false)))
    }

    /// The end of the part, if there was speech in it.
    pub(super) async fn end(&mut self) -> Result<Option<StreamingRecognitionResult>, Status> {
        if self.loud.take().is_none() {
            return Ok(None);
        }
        let heard = self.heard().await?;
        let result = self.result(&heard, true);
        self.before += self.pcm.len();
        (self.told, self.line) = (0, None);
        self.pcm.clear();
        Ok(Some(result))
    }

    async fn heard(&mut self) -> Result<Heard, Status> {
        if let Some(line) = &self.line {
            return Ok(line.clone());
        }
        let heard = hear(&self.ears, &self.pcm, self.listener.rate).await?;
        if matches!(self.ears, Ears::Script(..)) {
            self.line = Some(heard.clone());
        }
        Ok(heard)
    }

    /// As much of a script's line as can have been said: a word for each interim result.
    fn begun(&self, heard: &Heard) -> Heard {
        let words = self.pcm.len() / self.samples(INTERIM_MS);
        let text: Vec<&str> = heard.text.split(' ').take(words.max(1)).collect();
        Heard { text: text.join(" "), confidence: heard.confidence }
    }

    fn result(&self, heard: &Heard, is_final: bool) -> StreamingRecognitionResult {
        StreamingRecognitionResult {
            alternatives: vec![alternative(&self.listener, heard, self.before, self.pcm.len(), is_final)],
            is_final,
            stability: if is_final { 1.0 } else { STABILITY },
            channel_tag: 1,
            audio_processed: (self.before + self.pcm.len()) as f32 / self.listener.rate as f32,
        }
    }

    fn samples(&self, ms: usize) -> usize {
        ms * self.listener.rate as usize / 1000
    }
}

pub(super) async fn hear(ears: &Ears, pcm: &[i16], rate: u32) -> Result<Heard, Status> {
    ears.hear(pcm, rate).await.map_err(|error| Status::internal(error.to_string()))
}

/// One reading: words with their times evenly in the sound, and a space at the end, as Riva has it. What may change has no confidence.
pub(super) fn alternative(listener: &Listener, heard: &Heard, from: usize, samples: usize, is_final: bool) -> SpeechRecognitionAlternative {
    let confidence = if is_final { heard.confidence } else { 0.0 };
    let words: Vec<&str> = heard.text.split_whitespace().collect();
    let ms = |at: usize| {
        let share = samples * at / words.len().max(1);
        i32::try_from((from + share) * 1000 / listener.rate as usize).unwrap_or(i32::MAX)
    };
    let info = |(at, word): (usize, &&str)| WordInfo {
        start_time: ms(at),
        end_time: ms(at + 1),
        word: (*word).to_owned(),
        confidence,
        ..WordInfo::default()
    };
    let written = if listener.punctuation && is_final { sentence(&words) } else { words.join(" ") };
    SpeechRecognitionAlternative {
        transcript: if written.is_empty() { written } else { format!("{written} ") },
        confidence,
        words: if listener.word_times { words.iter().enumerate().map(info).collect() } else { Vec::new() },
        language_code: Vec::new(),
    }
}

fn sentence(words: &[&str]) -> String {
    let joined = words.join(" ");
    let mut letters = joined.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
