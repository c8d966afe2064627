//! Makes an engine's sound fit for a call: the asked rate, no long silence around it, an even loudness.

use audio::level::Level;
use audio::resample::resample;
use audio::wav;

use crate::SpeechError;

/// Loudness after shaping, dBFS of the whole piece.
const TARGET_DBFS: f32 = -20.0;
/// The highest peak after shaping, dBFS: a piece with strong peaks is left softer rather than clipped.
const PEAK_DBFS: f32 = -1.0;
/// A piece whose loudness is below this has nothing in it, dBFS.
const SILENT_DBFS: f32 = -60.0;
/// Silence left before speech, ms.
const LEAD_MS: usize = 50;
/// Silence left after speech, ms.
const TAIL_MS: usize = 120;
/// Length of the pieces that are measured, ms.
const PIECE_MS: usize = 10;
/// A piece this far below the loudest one is silence, dB.
const SILENCE_BELOW: f32 = 45.0;

/// From an engine's WAV to mono samples at `rate`. `None` when there is no sound in it.
pub(super) fn shape(wav: &[u8], rate: u32) -> Result<Option<Vec<i16>>, SpeechError> {
    let bad = |error: audio::AudioError| SpeechError::BadAudio { detail: error.to_string() };
    let clip = wav::read(wav).map_err(bad)?;
    let mono: Vec<i16> = match clip.channels {
        1 => clip.pcm,
        channels => clip.pcm.iter().step_by(usize::from(channels)).copied().collect(),
    };
    if mono.is_empty() || Level::of(&mono).rms_dbfs < SILENT_DBFS {
        return Ok(None);
    }
    let pcm = resample(&mono, clip.rate, rate).map_err(bad)?;
    Ok(Some(level(trim(&pcm, rate as usize))))
}

fn trim(pcm: &[i16], rate: usize) -> &[i16] {
    let piece = rate * PIECE_MS / 1000;
    let levels: Vec<f32> = pcm.chunks(piece).map(|piece| Level::of(piece).rms_dbfs).collect();
    let loudest = levels.iter().copied().fold(f32::MIN, f32::max);
    let sound = |level: &f32| *level > loudest - SILENCE_BELOW;
    let (Some(first), Some(last)) = (levels.iter().position(sound), levels.iter().rposition(sound)) else { return pcm };
    let start = first.saturating_sub(LEAD_MS / PIECE_MS) * piece;
    let end = (last + 1 + TAIL_MS / PIECE_MS) * piece;
    &pcm[start..end.min(pcm.len())]
}

fn level(pcm: &[i16]) -> Vec<i16> {
    let level = Level::of(pcm);
    let gain_db = (TARGET_DBFS - level.rms_dbfs).min(PEAK_DBFS - level.peak_dbfs);
    let gain = 10f32.powf(gain_db / 20.0);
    // A float cast saturates, so nothing wraps around.
    pcm.iter().map(|sample| (f32::from(*sample) * gain).round() as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(pcm: &[i16]) -> Vec<u8> {
        let mut bytes = wav::header(1, 16_000, (pcm.len() * 2) as u32).to_vec();
        bytes.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
        bytes
    }

    fn tone(samples: usize, amplitude: f32) -> impl Iterator<Item = i16> {
        (0..samples).map(move |at| ((at as f32 * 0.2).sin() * amplitude) as i16)
    }

    #[test]
    fn a_soft_piece_between_long_silences_is_cut_and_raised() {
        let pcm: Vec<i16> = std::iter::repeat_n(0, 16_000).chain(tone(8_000, 300.0)).chain(std::iter::repeat_n(0, 16_000)).collect();
        let shaped = shape(&clip(&pcm), 8_000).unwrap().unwrap();
        assert!((5_200..=5_600).contains(&shaped.len()), "{}", shaped.len());
        let level = Level::of(&shaped);
        assert!((level.rms_dbfs + 20.0).abs() < 0.5 && level.clipped == 0, "{level:?}");
    }

    #[test]
    fn a_click_is_not_clipped_to_make_the_rest_loud() {
        let mut pcm: Vec<i16> = tone(16_000, 300.0).collect();
        pcm[8_000] = 20_000;
        let shaped = shape(&clip(&pcm), 16_000).unwrap().unwrap();
        assert!(Level::of(&shaped).peak_dbfs <= -0.9);
    }

    #[test]
    fn silence_is_nothing_and_noise_instead_of_wav_is_an_error() {
        assert!(shape(&clip(&[0; 1_000]), 8_000).unwrap().is_none());
        assert!(shape(&clip(&[]), 8_000).unwrap().is_none());
        assert!(matches!(shape(b"not a wav", 8_000), Err(SpeechError::BadAudio { .. })));
    }
}
