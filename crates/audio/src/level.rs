//! Loudness of sound: root mean square, peak, clipped samples.

use crate::g711::ULAW_MAX;

/// The level given for silence: one step of 16-bit sound is -90 dBFS, so -96 is below anything that can be heard.
pub const SILENCE_DBFS: f32 = -96.0;

/// Samples at least this loud count as clipped: the ceiling of mu-law, which G.711 sound cannot exceed.
pub const CLIP_LEVEL: u16 = ULAW_MAX as u16;

/// How loud a stretch of sound is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Root mean square in dB against 32768; a full-scale sine is -3. Never below [`SILENCE_DBFS`].
    pub rms_dbfs: f32,
    /// The loudest sample in dB against 32768. Never below [`SILENCE_DBFS`].
    pub peak_dbfs: f32,
    /// Samples at or over [`CLIP_LEVEL`].
    pub clipped: u32,
}

impl Level {
    /// Measures `pcm`. No samples measure as silence.
    pub fn of(pcm: &[i16]) -> Level {
        let mut meter = LevelMeter::default();
        meter.push(pcm);
        meter.level()
    }
}

/// Measures a whole call as it comes in. Exact: sums are integers, good for 10^9 samples and more.
#[derive(Debug, Clone, Default)]
pub struct LevelMeter {
    squares: u64,
    samples: u64,
    peak: u16,
    clipped: u32,
}

impl LevelMeter {
    /// A meter that has heard nothing.
    pub fn new() -> LevelMeter {
        LevelMeter::default()
    }

    /// Adds sound.
    pub fn push(&mut self, pcm: &[i16]) {
        self.squares = self.squares.saturating_add(squares(pcm));
        self.samples += pcm.len() as u64;
        let peak = pcm.iter().fold(0, |peak: u16, sample| peak.max(sample.unsigned_abs()));
        self.peak = self.peak.max(peak);
        if peak >= CLIP_LEVEL {
            let clipped = pcm.iter().filter(|sample| sample.unsigned_abs() >= CLIP_LEVEL).count();
            self.clipped = self.clipped.saturating_add(u32::try_from(clipped).unwrap_or(u32::MAX));
        }
    }

    /// The level of everything heard so far.
    pub fn level(&self) -> Level {
        let mean = if self.samples == 0 { 0.0 } else { self.squares as f64 / self.samples as f64 };
        let peak = f64::from(self.peak);
        Level { rms_dbfs: power_dbfs(mean), peak_dbfs: power_dbfs(peak * peak), clipped: self.clipped }
    }

    /// How many samples were heard.
    pub fn samples(&self) -> u64 {
        self.samples
    }
}

/// The root mean square level of `pcm` in dBFS, nothing else: the cheap form for each frame.
pub(crate) fn rms_dbfs(pcm: &[i16]) -> f32 {
    if pcm.is_empty() {
        return SILENCE_DBFS;
    }
    power_dbfs(squares(pcm) as f64 / pcm.len() as f64)
}

/// The amplitude (of 32768) that `dbfs` stands for.
pub(crate) fn amplitude(dbfs: f32) -> f32 {
    32768.0 * 10_f32.powf(dbfs / 20.0)
}

fn squares(pcm: &[i16]) -> u64 {
    // 32768² fits into u32 twice over, so u64 lanes are needed only for the sum of many.
    pcm.chunks(2).map(|pair| pair.iter().map(|&s| (i32::from(s) * i32::from(s)) as u32).sum::<u32>()).map(u64::from).sum()
}

fn power_dbfs(mean_square: f64) -> f32 {
    if mean_square <= 0.0 {
        return SILENCE_DBFS;
    }
    ((10.0 * (mean_square / (32768.0 * 32768.0)).log10()) as f32).max(SILENCE_DBFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(amplitude: f64, samples: usize) -> Vec<i16> {
        (0..samples).map(|n| (amplitude * (n as f64 * 0.7).sin()) as i16).collect()
    }

    #[test]
    fn a_full_scale_sine_is_three_below_full_scale() {
        let level = Level::of(&sine(32767.0, 80_000));
        assert!((level.rms_dbfs + 3.01).abs() < 0.02, "{level:?}");
        assert!(level.peak_dbfs.abs() < 0.02);
        assert!(level.clipped > 5_000, "a sine spends a tenth of its time at the top");
    }

    #[test]
    fn silence_and_nothing_have_a_floor() {
        let silent = Level { rms_dbfs: SILENCE_DBFS, peak_dbfs: SILENCE_DBFS, clipped: 0 };
        assert_eq!(Level::of(&[]), silent);
        assert_eq!(Level::of(&[0; 160]), silent);
    }

    #[test]
    fn the_loudest_samples_do_not_overflow() {
        let level = Level::of(&[i16::MIN; 161]);
        assert_eq!((level.rms_dbfs, level.peak_dbfs, level.clipped), (0.0, 0.0, 161));
    }

    #[test]
    fn a_call_measured_in_frames_reads_like_the_whole() {
        let call = sine(9000.0, 8000);
        let mut meter = LevelMeter::new();
        call.chunks(160).for_each(|frame| meter.push(frame));
        assert_eq!(meter.level(), Level::of(&call));
        assert_eq!(meter.samples(), 8000);
    }
}
