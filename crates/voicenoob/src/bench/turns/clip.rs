//! What every caller says, and where the server's own detector finds its end.

use anyhow::ensure;
use audio::activity::Activity;
use audio::g711::{decode_ulaw, encode_ulaw};
use audio::mix::add_noise;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::{SpeakRequest, TextToSpeech};

/// What is said. What the simulated ears hear of it is another matter.
const WORDS: &str = "I would like a double room for two nights";
const VOICE: &str = "slt";
const RATE: u32 = 8000;
/// Samples of a frame.
const FRAME: usize = 160;
/// The noise of a quiet line, dBFS.
const NOISE_DBFS: f32 = -65.0;
/// Quiet frames that belong to the clip: the detector's verdict comes some frames after the last word.
const TAIL_FRAMES: usize = 10;
/// Quiet frames before it, from which the detector knows the line.
const BEFORE_FRAMES: usize = 100;

/// A question as it comes out of the telephone's coding.
pub(super) struct Clip {
    frames: Vec<Vec<i16>>,
    quiet: Vec<Vec<i16>>,
    /// The last frame that the server's detector takes for voice.
    pub(super) last_voiced: usize,
}

impl Clip {
    /// Speaks it.
    pub(super) async fn record() -> anyhow::Result<Self> {
        let engine = LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?;
        let request = SpeakRequest { text: WORDS.into(), voice: VOICE.into(), language: "en-US".into(), rate: RATE };
        let mut stream = engine.speak(request, &Default::default()).await?;
        let mut pcm = Vec::new();
        while let Some(piece) = stream.recv().await {
            pcm.extend_from_slice(&piece?);
        }
        Self::of(pcm)
    }

    fn of(mut pcm: Vec<i16>) -> anyhow::Result<Self> {
        let loud = pcm.iter().rposition(|sample| sample.unsigned_abs() > 256).unwrap_or_default();
        pcm.truncate(loud + 1);
        pcm.resize((pcm.len() / FRAME + 1 + TAIL_FRAMES) * FRAME, 0);
        let frames = on_the_line(pcm, 1);
        let quiet = on_the_line(vec![0; BEFORE_FRAMES * FRAME], 2);
        let mut activity = Activity::new(RATE)?;
        for frame in &quiet {
            activity.push(frame);
        }
        let voiced: Vec<bool> = frames.iter().map(|frame| activity.push(frame)).collect();
        let last_voiced = voiced.iter().rposition(|voice| *voice).unwrap_or_default();
        ensure!(last_voiced > 0 && last_voiced + 1 < frames.len(), "the detector does not find the end of what callers say");
        Ok(Self { frames, quiet, last_voiced })
    }

    /// A frame of it; `None` behind its end.
    pub(super) fn frame(&self, at: usize) -> Option<&[i16]> {
        self.frames.get(at).map(Vec::as_slice)
    }

    /// A frame without words.
    pub(super) fn silence(&self, at: usize) -> &[i16] {
        &self.quiet[at % self.quiet.len()]
    }

    /// Length of the words, frames.
    pub(super) fn words(&self) -> usize {
        self.frames.len() - TAIL_FRAMES
    }
}

fn on_the_line(mut pcm: Vec<i16>, seed: u64) -> Vec<Vec<i16>> {
    add_noise(&mut pcm, NOISE_DBFS, seed);
    let (mut bytes, mut heard) = (Vec::new(), Vec::new());
    encode_ulaw(&pcm, &mut bytes);
    decode_ulaw(&bytes, &mut heard);
    heard.chunks_exact(FRAME).map(<[i16]>::to_vec).collect()
}
