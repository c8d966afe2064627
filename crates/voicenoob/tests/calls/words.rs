//! Which of our own sentences stand in what a caller heard: the sentence is spoken once more by the same voice and looked for in the sound.

use std::ops::Range;

use anyhow::{Context, Result};
use dial::CallReport;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::{SpeakRequest, TextToSpeech};

/// Rate of the sound.
const RATE: usize = 8000;
/// It is compared at an eighth of that: enough to tell sentences apart.
const STEP: usize = 8;
/// From this likeness on (1 is the same but for loudness) it is the same sentence. Another one reaches 0.3.
const SAME: f32 = 0.7;

/// What the caller heard, and a voice to compare it with.
pub(crate) struct Heard {
    pub(crate) samples: Vec<i16>,
    small: Vec<f32>,
    voice: LocalSynthesizer,
}

impl Heard {
    /// Takes the agent's side of a call.
    pub(crate) async fn of(report: &CallReport) -> Result<Self> {
        let audio = report.audio.as_ref().context("the sound was not kept")?;
        let samples: Vec<i16> = audio.samples.iter().skip(1).step_by(2).copied().collect();
        let voice = LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?;
        Ok(Self { small: smaller(&samples), samples, voice })
    }

    /// Where this sentence stands, samples; `None` when it was not said to its end.
    pub(crate) async fn find(&self, text: &str) -> Result<Option<Range<usize>>> {
        let mut speech = self
            .voice
            .speak(
                SpeakRequest { text: text.into(), voice: "slt".into(), language: "en-US".to_owned(), rate: RATE as u32 },
                &Default::default(),
            )
            .await?;
        let mut pcm = Vec::new();
        while let Some(piece) = speech.recv().await {
            pcm.extend_from_slice(&piece?);
        }
        let wanted = smaller(trimmed(&pcm));
        let likeness = self.small.windows(wanted.len()).map(|window| alike(window, &wanted));
        let best = likeness.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
        Ok(best.filter(|(_, likeness)| *likeness >= SAME).map(|(at, _)| at * STEP..(at + wanted.len()) * STEP))
    }

    /// The same for a sentence that must be there.
    pub(crate) async fn expect(&self, text: &str) -> Result<Range<usize>> {
        self.find(text).await?.with_context(|| format!("not heard: {text:?}"))
    }

    /// Loudness of a stretch, dBFS.
    pub(crate) fn level(&self, stretch: Range<usize>) -> f32 {
        audio::level::Level::of(self.samples.get(stretch).unwrap_or_default()).rms_dbfs
    }
}

/// Without the silence at both ends, which may be cut off elsewhere too.
fn trimmed(pcm: &[i16]) -> &[i16] {
    let loud = |sample: &i16| sample.unsigned_abs() > 300;
    let (Some(first), Some(last)) = (pcm.iter().position(loud), pcm.iter().rposition(loud)) else { return pcm };
    &pcm[first..=last]
}

fn smaller(pcm: &[i16]) -> Vec<f32> {
    pcm.chunks_exact(STEP).map(|part| part.iter().map(|sample| f32::from(*sample)).sum::<f32>() / STEP as f32).collect()
}

/// From -1 to 1, whatever the loudness.
fn alike(a: &[f32], b: &[f32]) -> f32 {
    let sums = a.iter().zip(b).fold((0.0, 0.0, 1.0), |(ab, aa, bb), (a, b)| (ab + a * b, aa + a * a, bb + b * b));
    sums.0 / (sums.1 * sums.2).sqrt().max(1.0)
}
