//! Makes telephone audio fit for the recogniser: long silence off, up to its rate, the upper band back, and a floor of noise.

use audio::level::Level;
use audio::mix::add_noise;
use audio::resample::resample;

use super::widen::widen;
use crate::SpeechError;

/// The recogniser's rate, samples a second.
pub(crate) const RATE: u32 = pocketsphinx::SAMPLE_RATE;
/// Level of the noise that is added, dBFS: a line is never digitally silent, and the acoustic model has never heard it so.
const NOISE_DBFS: f32 = -65.0;
/// A piece is silence when it is this far below the loudest one, dB.
const SILENCE_BELOW: f32 = 38.0;
/// Silence kept before and after speech, ms: the engine needs some to find the first and last sound.
const KEEP_MS: usize = 200;
/// Length of the pieces that are measured, ms.
const PIECE_MS: usize = 20;

/// The audio as the recogniser wants it; `seed` makes the added noise repeatable.
pub(crate) fn clean(pcm: &[i16], rate: u32, seed: u64) -> Result<Vec<i16>, SpeechError> {
    let bad = |error: audio::AudioError| SpeechError::BadAudio { detail: error.to_string() };
    let mut out = resample(trim(pcm, rate), rate, RATE).map_err(bad)?;
    if rate < RATE {
        widen(&mut out, seed)?;
    }
    add_noise(&mut out, NOISE_DBFS, seed);
    Ok(out)
}

/// Cuts long silence off both ends.
fn trim(pcm: &[i16], rate: u32) -> &[i16] {
    let piece = rate as usize * PIECE_MS / 1000;
    let levels: Vec<f32> = pcm.chunks(piece).map(|piece| Level::of(piece).rms_dbfs).collect();
    let loudest = levels.iter().copied().fold(f32::MIN, f32::max);
    let speech = |level: &f32| *level > loudest - SILENCE_BELOW;
    let (Some(first), Some(last)) = (levels.iter().position(speech), levels.iter().rposition(speech)) else { return pcm };
    let keep = KEEP_MS / PIECE_MS;
    &pcm[first.saturating_sub(keep) * piece..((last + 1 + keep) * piece).min(pcm.len())]
}
