//! Makes telephone audio fit for the recogniser: long silence off, up to its rate, the upper band back, and a floor of noise.

use audio::level::Level;
use audio::mix::add_noise;
use audio::resample::resample;

use super::widen::widen;
use crate::SpeechError;

/// The recogniser's rate, samples a second.
pub(crate) const RATE: u32 = pocketsphinx::SAMPLE_RATE;
/// Level of the noise that is added on a quiet line, dBFS: a line is never digitally silent, and the acoustic model has never heard it so.
const QUIET_NOISE_DBFS: f32 = -65.0;
/// The same on a noisy line, where the upper band is not guessed: it would be guessed from the noise. Some noise must stand there all the same.
const NOISY_NOISE_DBFS: f32 = -54.0;
/// A line is noisy when its quiet moments are less than this below the loud ones, dB. Measured with noise 30 dB below speech (voice rms): the
/// guessed band and the model's mean give 35 % word errors, without them it is 12 %. The limit itself was chosen between that and a quiet line.
const NOISY_BELOW: f32 = 40.0;
/// A piece is silence when it is this far below the loudest one, dB.
const SILENCE_BELOW: f32 = 38.0;
/// Silence kept before and after speech, ms: the engine needs some to find the first and last sound.
const KEEP_MS: usize = 200;
/// Length of the pieces that are measured, ms.
const PIECE_MS: usize = 20;

/// Audio as the recogniser wants it.
pub(crate) struct Cleaned {
    /// Mono, at [`RATE`].
    pub(crate) pcm: Vec<i16>,
    /// The line was noisy: its own mean is the better one.
    pub(crate) noisy: bool,
}

/// Makes audio as the recogniser wants it; `seed` makes the added noise repeatable.
pub(crate) fn clean(pcm: &[i16], rate: u32, seed: u64) -> Result<Cleaned, SpeechError> {
    let bad = |error: audio::AudioError| SpeechError::BadAudio { detail: error.to_string() };
    let noisy = is_noisy(pcm, rate);
    let mut out = resample(trim(pcm, rate), rate, RATE).map_err(bad)?;
    if rate < RATE && !noisy {
        widen(&mut out, seed)?;
    }
    add_noise(&mut out, if noisy { NOISY_NOISE_DBFS } else { QUIET_NOISE_DBFS }, seed);
    Ok(Cleaned { pcm: out, noisy })
}

/// Compares the quiet moments (the quietest eighth) with the loud ones (the loudest eighth).
fn is_noisy(pcm: &[i16], rate: u32) -> bool {
    let mut levels: Vec<f32> = pcm.chunks_exact(rate as usize * PIECE_MS / 1000).map(|piece| Level::of(piece).rms_dbfs).collect();
    levels.sort_by(f32::total_cmp);
    let eighth = levels.len() / 8;
    match (levels.get(eighth), levels.get((levels.len().saturating_sub(1)).saturating_sub(eighth))) {
        (Some(quiet), Some(loud)) => loud - quiet < NOISY_BELOW,
        _ => false,
    }
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
