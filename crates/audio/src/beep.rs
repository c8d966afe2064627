//! The beep of an answering machine: one steady tone, after which it records.
//!
//! A sinusoid is known by its two neighbours: `x[n-1] + x[n+1] = 2 cos(w) x[n]`. The least-squares cosine gives a frequency, and the power that
//! lies at it says whether the sound is that one tone: of two tones (ringing, keys), of speech and of noise little does.

use crate::AudioError;
use crate::level;

/// Length of a frame, ms.
const FRAME_MS: u32 = 20;
/// A beep lies between these, Hz.
const LOWEST_HZ: f64 = 800.0;
const HIGHEST_HZ: f64 = 1200.0;
/// Frames of a tone that are a beep: 160 ms.
const FRAMES: u32 = 8;
/// From frame to frame a steady tone moves no more than this, Hz.
const DRIFT_HZ: f64 = 25.0;
/// The quietest beep, dBFS.
const QUIETEST_DBFS: f32 = -38.0;
/// The part of a frame's power that lies in the tone; noise under it moves the frequency a little, and costs some.
const PURITY: f64 = 0.70;

/// Listens for beeps.
#[derive(Debug, Clone)]
pub struct BeepDetector {
    rate: u32,
    size: usize,
    frame: Vec<i16>,
    /// Frequency of the tone under way, and its frames.
    tone: Option<(f64, u32)>,
    beep: bool,
}

impl BeepDetector {
    /// For sound of 8000 to 48000 Hz.
    ///
    /// # Errors
    /// [`AudioError::UnsupportedActivityRate`] for other rates.
    pub fn new(rate: u32) -> Result<Self, AudioError> {
        if !(8000..=48_000).contains(&rate) {
            return Err(AudioError::UnsupportedActivityRate { rate });
        }
        let size = usize::try_from(rate * FRAME_MS / 1000).unwrap_or(160);
        Ok(Self { rate, size, frame: Vec::with_capacity(size), tone: None, beep: false })
    }

    /// Hears more sound; whether the newest of it is a beep that has lasted for 160 ms at least.
    pub fn push(&mut self, pcm: &[i16]) -> bool {
        let mut rest = pcm;
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(rest.len().min(self.size - self.frame.len()));
            self.frame.extend_from_slice(piece);
            rest = left;
            if self.frame.len() == self.size {
                self.judge();
                self.frame.clear();
            }
        }
        self.beep
    }

    fn judge(&mut self) {
        let heard = frequency(&self.frame, self.rate).filter(|hz| (LOWEST_HZ..=HIGHEST_HZ).contains(hz));
        self.tone = heard.map(|hz| match self.tone {
            Some((before, frames)) if (hz - before).abs() <= DRIFT_HZ => (hz, frames + 1),
            _ => (hz, 1),
        });
        self.beep = self.tone.is_some_and(|(_, frames)| frames >= FRAMES);
    }
}

/// The frequency of the one tone that the frame is; `None` when it is something else.
fn frequency(frame: &[i16], rate: u32) -> Option<f64> {
    if level::rms_dbfs(frame) < QUIETEST_DBFS {
        return None;
    }
    let triples = frame.windows(3).map(|window| (f64::from(window[0]) + f64::from(window[2]), f64::from(window[1])));
    let (cross, middle) = triples.fold((0.0, 0.0), |(cross, middle), (side, here)| (cross + side * here, middle + here * here));
    let turn = (cross / (2.0 * middle.max(1.0))).clamp(-1.0, 1.0).acos();
    (purity(frame, turn) >= PURITY).then(|| turn * f64::from(rate) / (2.0 * std::f64::consts::PI))
}

/// The part of the frame's power that lies at this frequency (radians a sample).
fn purity(frame: &[i16], turn: f64) -> f64 {
    let (mut cosine, mut sine, mut energy) = (0.0, 0.0, 0.0);
    for (n, sample) in frame.iter().enumerate() {
        let (sample, angle) = (f64::from(*sample), turn * n as f64);
        (cosine, sine, energy) = (cosine + sample * angle.cos(), sine + sample * angle.sin(), energy + sample * sample);
    }
    2.0 * (cosine * cosine + sine * sine) / (frame.len() as f64 * energy.max(1.0))
}
