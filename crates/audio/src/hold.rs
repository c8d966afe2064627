//! Hold music of our own: soft broken chords without end, made sample by sample and the same on every call.
//!
//! Each note is a damped oscillator for the tone and one for its third harmonic, which is what a plucked string leaves on a telephone line:
//! four multiplications a sample and note, nothing kept but their state. Notes ring over the bar lines, so there is no seam to hear.

use std::f32::consts::TAU;

/// Notes that ring at once; a new one takes the place of the oldest, which has faded out by then.
const VOICES: usize = 8;
/// Time between two notes, ms: 150 notes a minute, one bar of six in 2.4 s.
const STEP_MS: u32 = 400;
/// A note swells this long, ms: shorter sounds like a click on a narrow line.
const ATTACK_MS: u32 = 30;
/// A note loses half its height in this time, s.
const HALF_LIFE: f32 = 0.28;
/// Height of a note's tone at the start. With what rings along, the whole lies at about -26 dBFS.
const HEIGHT: f32 = 3260.0;
/// The third harmonic, as in a triangle: a ninth.
const THIRD: f32 = 1.0 / 9.0;

/// The telephone's upper edge: a harmonic above it is left out, also on lines that would carry it.
const TOP_HZ: f32 = 3400.0;

/// Eight chords as the notes of a broken chord, in semitones above the root. The lowest tone is at 311 Hz.
const CHORDS: [[i8; 6]; 8] = [
    [0, 7, 12, 16, 12, 7],
    [-3, 4, 12, 16, 12, 4],
    [-7, 5, 9, 12, 9, 5],
    [-5, 2, 7, 14, 11, 7],
    [0, 7, 16, 19, 16, 12],
    [-3, 4, 9, 16, 12, 9],
    [2, 9, 14, 17, 14, 9],
    [-5, 7, 11, 14, 11, 2],
];
/// B flat: seven semitones below it a telephone still carries the tone.
const ROOT_HZ: f32 = 466.16;

/// An endless tune of mono samples.
#[derive(Debug, Clone)]
pub struct HoldMusic {
    rate: u32,
    voices: [Voice; VOICES],
    /// The step that begins next, counted from the start.
    step: usize,
    /// Samples until it begins.
    until_step: u32,
}

/// One ringing note.
#[derive(Debug, Clone, Copy, Default)]
struct Voice {
    tone: Damped,
    third: Damped,
    /// Samples since it began.
    age: u32,
    attack: u32,
}

/// A sine that fades: y[n] = 2 r cos(w) y[n-1] - r² y[n-2].
#[derive(Debug, Clone, Copy, Default)]
struct Damped {
    near: f32,
    far: f32,
    last: f32,
    before: f32,
}

impl HoldMusic {
    /// The tune from its beginning, at `rate` samples a second.
    pub fn new(rate: u32) -> Self {
        Self { rate: rate.max(1), voices: [Voice::default(); VOICES], step: 0, until_step: 0 }
    }

    /// The next samples.
    pub fn fill(&mut self, pcm: &mut [i16]) {
        for sample in pcm {
            if self.until_step == 0 {
                self.pluck();
            }
            self.until_step -= 1;
            let sum: f32 = self.voices.iter_mut().map(Voice::next).sum();
            *sample = sum.round() as i16;
        }
    }

    /// Begins the next note.
    fn pluck(&mut self) {
        let semitones = CHORDS[(self.step / 6) % CHORDS.len()][self.step % 6];
        let hz = ROOT_HZ * (f32::from(semitones) / 12.0).exp2();
        // The first note of a bar carries it.
        let height = if self.step.is_multiple_of(6) { HEIGHT * 1.2 } else { HEIGHT };
        self.voices[self.step % VOICES] = Voice::new(hz, height, self.rate);
        self.step += 1;
        self.until_step = self.rate * STEP_MS / 1000;
        // A rate so low that a step has no sample would never move on.
        self.until_step = self.until_step.max(1);
    }
}

impl Voice {
    fn new(hz: f32, height: f32, rate: u32) -> Self {
        let third = if hz * 3.0 < TOP_HZ.min(rate as f32 / 2.0) { height * THIRD } else { 0.0 };
        Self { tone: Damped::new(hz, height, rate), third: Damped::new(hz * 3.0, third, rate), age: 0, attack: rate * ATTACK_MS / 1000 }
    }

    fn next(&mut self) -> f32 {
        let sample = self.tone.next() + self.third.next();
        if self.age >= self.attack {
            return sample;
        }
        let part = self.age as f32 / self.attack as f32;
        self.age += 1;
        // Smooth at both ends.
        sample * part * part * (3.0 - 2.0 * part)
    }
}

impl Damped {
    fn new(hz: f32, height: f32, rate: u32) -> Self {
        let (angle, fade) = (TAU * hz / rate as f32, 0.5_f32.powf(1.0 / (HALF_LIFE * rate as f32)));
        // As if it had come from zero one sample ago: the next sample is the sine's first step.
        Self { near: 2.0 * fade * angle.cos(), far: fade * fade, last: 0.0, before: -height * angle.sin() / fade }
    }

    fn next(&mut self) -> f32 {
        let next = self.near * self.last - self.far * self.before;
        self.before = self.last;
        self.last = next;
        next
    }
}

/// Lowers a piece of sound to silence, evenly over its length: what follows may be anything.
pub fn fade_out(pcm: &mut [i16]) {
    let length = pcm.len() as f32;
    for (at, sample) in pcm.iter_mut().enumerate() {
        *sample = (f32::from(*sample) * (1.0 - at as f32 / length)).round() as i16;
    }
}

/// Raises a piece of sound out of silence, evenly over its length.
pub fn fade_in(pcm: &mut [i16]) {
    let length = pcm.len() as f32;
    for (at, sample) in pcm.iter_mut().enumerate() {
        *sample = (f32::from(*sample) * (at as f32 / length)).round() as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    fn music(rate: u32, secs: usize) -> Vec<i16> {
        let mut pcm = vec![0; rate as usize * secs];
        HoldMusic::new(rate).fill(&mut pcm);
        pcm
    }

    /// Energy of a stretch in bands of 100 Hz, from a Hann window of 1024 samples.
    fn bands(pcm: &[i16], rate: u32) -> Vec<f64> {
        let window: Vec<f64> =
            (0..1024).map(|at| f64::from(pcm[at]) * (0.5 - 0.5 * (std::f64::consts::TAU * at as f64 / 1024.0).cos())).collect();
        let mut bands = vec![0.0; rate as usize / 200];
        for bin in 1..512 {
            let step = std::f64::consts::TAU * f64::from(bin) / 1024.0;
            let (re, im) = window.iter().enumerate().fold((0.0, 0.0), |(re, im), (at, sample)| {
                let angle = step * at as f64;
                (re + sample * angle.cos(), im + sample * angle.sin())
            });
            let band = (f64::from(bin) * f64::from(rate) / 1024.0 / 100.0) as usize;
            if let Some(band) = bands.get_mut(band) {
                *band += re * re + im * im;
            }
        }
        bands
    }

    #[test]
    fn it_is_soft_and_even_and_never_clips() {
        for rate in [8000, 16_000] {
            let pcm = music(rate, 60);
            let whole = Level::of(&pcm);
            assert!((whole.rms_dbfs + 26.0).abs() < 1.0, "{rate}: {whole:?}");
            assert!(whole.peak_dbfs < -12.0 && whole.clipped == 0, "{whole:?}");
            for second in pcm.chunks(rate as usize).skip(1) {
                let level = Level::of(second).rms_dbfs;
                assert!((-30.0..-22.0).contains(&level), "{rate}: a second at {level}");
            }
        }
    }

    #[test]
    fn it_lies_in_the_telephone_band_and_has_no_clicks() {
        // A click has its energy everywhere: above the highest harmonic there is nothing.
        let pcm = music(16_000, 40);
        for start in (0..pcm.len() - 1024).step_by(5000) {
            let bands = bands(&pcm[start..], 16_000);
            let all: f64 = bands.iter().sum();
            let (low, high): (f64, f64) = (bands[..2].iter().sum(), bands[34..].iter().sum());
            assert!(low < all * 1e-3, "below 200 Hz at {start}: {}", low / all);
            assert!(high < all * 1e-4, "above 3400 Hz at {start}: {}", high / all);
        }
        let steepest = pcm.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
        assert!(steepest < Some(3000), "{steepest:?}");
    }

    #[test]
    fn it_is_the_same_in_pieces_of_any_length_and_goes_on_without_end() {
        let whole = music(8000, 60);
        let mut pieces = HoldMusic::new(8000);
        let mut joined = vec![0; whole.len()];
        joined.chunks_mut(480).for_each(|piece| pieces.fill(piece));
        assert_eq!(whole, joined);
        // The tune is 19.2 s long; the second time round everything rings as the first time.
        let tune = 153_600;
        assert_eq!(whole[tune + 8000..2 * tune], whole[2 * tune + 8000..3 * tune][..tune - 8000]);
        assert!(whole[tune - 4..tune + 4].windows(2).all(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs() < 2000));
    }

    #[test]
    fn fades_reach_silence() {
        let mut pcm = [1000; 480];
        fade_out(&mut pcm);
        assert!(pcm[0] == 1000 && pcm[479] < 5);
        let mut pcm = [1000; 480];
        fade_in(&mut pcm);
        assert!(pcm[0] == 0 && pcm[479] > 990);
    }
}
