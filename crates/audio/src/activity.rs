//! Is somebody speaking? A small neural network behind a level gate, with tones told apart and blips smoothed away.
//!
//! The network (earshot) listens only to frames that stand out of the line noise: silence costs a sum of squares. It
//! takes ringing and key tones for voice, so what it calls speech is checked to be no steady tone. A frame is 16 ms.

use earshot::Detector;

use crate::resample::Resampler;
use crate::tone::{self, HISTORY, TONE_GAIN_DB};
use crate::{AudioError, level};

/// Bytes one detector needs, at most, itself included: the network's state is 8 KiB of it.
pub const MEMORY: usize = 11 * 1024;

/// Samples of a frame at 16 kHz, the size and rate of the network.
const WIDE_FRAME: usize = 256;
/// The network's own limit between noise and voice, from 0 to 1: what is at least so likely to be speech is taken for it.
pub const SPEECH_PROBABILITY: f32 = 0.5;
/// Below this the network is sure of noise, and the noise floor may follow.
const NOISE_PROBABILITY: f32 = 0.35;
/// Nothing below this level is speech on a telephone line.
const QUIETEST_SPEECH_DBFS: f32 = -52.0;
/// Speech stands out of the noise by this much.
const ABOVE_NOISE_DB: f32 = 6.0;
/// The floor of a line before anything is known about it, and the range it may take. It stays under usual speech, so
/// that no noise can make the detector deaf.
const FIRST_FLOOR_DBFS: f32 = -60.0;
const LOWEST_FLOOR_DBFS: f32 = -80.0;
const HIGHEST_FLOOR_DBFS: f32 = -42.0;
/// How fast the floor follows the level each frame: down at once, up within half a second.
const FLOOR_DOWN: f32 = 0.25;
const FLOOR_UP: f32 = 0.1;
/// Frames the network goes on listening after the last loud one: a pause inside a word must not restart it.
const HANGOVER: u32 = 12;
/// Frames of speech in a row before it counts (48 ms): a click is shorter.
const ONSET_FRAMES: u32 = 3;
/// Frames without speech before it is over (64 ms): the closure of a "p" or "t" is shorter.
const OFFSET_FRAMES: u32 = 4;
/// Frames of tone in a row that end speech. A long steady vowel looks like a tone for two or three; before speech has
/// begun, one frame is enough to wait.
const TONES_IN_SPEECH: u32 = 4;
/// A hiss of 32 units at most (-65 dBFS) goes under what the network hears. From digital silence, whose logarithm is
/// bottomless, it would take any noise that follows for voice.
const HISS: i16 = 32;

/// Speech detector of one direction of one call. Frames of any length go in; the answer is the newest state.
pub struct Activity {
    network: Box<Detector>,
    /// Brings 8 kHz to the network's rate; passes 16 kHz through.
    upsampler: Resampler,
    /// Input samples per frame, and per sample of the tone check (which works at 8 kHz).
    frame: usize,
    stride: usize,
    /// Input not yet making a frame.
    pending: Vec<i16>,
    wide: Vec<i16>,
    history: Box<[i16; HISTORY]>,
    gate: Gate,
    smoother: Smoother,
    probability: f32,
    /// From this probability on it is speech.
    threshold: f32,
    /// Frames of a tone in a row.
    tones: u32,
    /// State of the hiss.
    hiss: u32,
}

/// Decides by level alone whether a frame is worth listening to.
struct Gate {
    floor: f32,
    /// Frames until the gate closes; closed at zero.
    open: u32,
}

#[derive(Default)]
struct Smoother {
    speaking: bool,
    /// Frames in a row that contradict `speaking`, and whether one of them was more than a hiss.
    against: u32,
    voiced: bool,
}

impl Activity {
    /// A detector for sound of 8000 or 16000 Hz. It allocates about [`MEMORY`] bytes, and nothing later.
    ///
    /// # Errors
    /// [`AudioError::UnsupportedActivityRate`] for any other rate.
    pub fn new(rate: u32) -> Result<Activity, AudioError> {
        Activity::with_threshold(rate, SPEECH_PROBABILITY)
    }

    /// As [`Self::new`] with another limit between noise and voice than [`SPEECH_PROBABILITY`]: a higher one lets fewer noises through and
    /// misses soft voices. At 0 every loud frame is speech, at 1 none is.
    ///
    /// # Errors
    /// As those of [`Self::new`].
    pub fn with_threshold(rate: u32, threshold: f32) -> Result<Activity, AudioError> {
        let stride = match rate {
            8000 => 1,
            16_000 => 2,
            _ => return Err(AudioError::UnsupportedActivityRate { rate }),
        };
        let frame = tone::FRAME * stride;
        Ok(Activity {
            network: Detector::default_boxed(),
            upsampler: Resampler::new(rate, 16_000)?,
            frame,
            stride,
            pending: Vec::with_capacity(frame),
            wide: Vec::with_capacity(WIDE_FRAME + 1),
            history: Box::new([0; HISTORY]),
            gate: Gate { floor: FIRST_FLOOR_DBFS, open: 0 },
            smoother: Smoother::default(),
            probability: 0.0,
            threshold,
            tones: 0,
            hiss: 1,
        })
    }

    /// Hears more sound; returns whether the newest of it is speech. Less than a frame changes nothing yet.
    pub fn push(&mut self, pcm: &[i16]) -> bool {
        let mut rest = pcm;
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(rest.len().min(self.frame - self.pending.len()));
            self.pending.extend_from_slice(piece);
            rest = left;
            if self.pending.len() == self.frame {
                let speech = self.judge();
                self.smoother.update(speech, speech && tone::is_coloured(&self.history));
                self.pending.clear();
            }
        }
        self.smoother.speaking
    }

    /// What the network says of the newest frame, 0 to 1; zero while the gate is closed and for tones.
    pub fn speech_probability(&self) -> f32 {
        self.probability
    }

    /// The level of the line when nobody speaks, in dBFS.
    pub fn noise_floor_dbfs(&self) -> f32 {
        self.gate.floor
    }

    /// Whether the frame in `pending` is speech.
    fn judge(&mut self) -> bool {
        self.remember();
        let level = level::rms_dbfs(&self.pending);
        let (was_open, loud) = (self.gate.is_open(), self.gate.hear(level));
        self.probability = 0.0;
        if !self.gate.is_open() {
            self.gate.follow(level);
            return false;
        }
        if !was_open {
            // What it heard before the gate closed has no bearing on this.
            self.network.reset();
        }
        let probability = self.ask();
        if probability < NOISE_PROBABILITY.min(self.threshold) {
            self.gate.follow(level);
        } else if self.is_tone() {
            return false;
        }
        self.probability = probability;
        loud && probability >= self.threshold
    }

    /// What the network says of the frame in `pending`.
    fn ask(&mut self) -> f32 {
        self.wide.clear();
        self.upsampler.process(&self.pending, &mut self.wide);
        for sample in &mut self.wide {
            // Numerical Recipes' generator; its upper half is even enough for a hiss.
            self.hiss = self.hiss.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = sample.saturating_add((self.hiss >> 16) as i16 % HISS);
        }
        self.network.predict_i16(&self.wide)
    }

    /// Keeps the frame for the tone check. Leaving out every second sample folds high tones down, but a folded tone is
    /// still a tone.
    fn remember(&mut self) {
        self.history.copy_within(tone::FRAME.., 0);
        let kept = &mut self.history[HISTORY - tone::FRAME..];
        for (kept, &sample) in kept.iter_mut().zip(self.pending.iter().step_by(self.stride)) {
            *kept = sample;
        }
    }

    /// Whether the newest frame belongs to a steady tone. The network would go on calling noise voice for a quarter of
    /// a second after one, so it is made to forget.
    fn is_tone(&mut self) -> bool {
        let tone = tone::gain_db(&self.history) >= TONE_GAIN_DB;
        self.tones = if tone { self.tones + 1 } else { 0 };
        let needed = if self.smoother.speaking { TONES_IN_SPEECH } else { 1 };
        if self.tones > needed {
            self.network.reset();
        }
        self.tones >= needed
    }
}

impl Gate {
    /// Takes in the level of a frame; says whether it stands out of the noise, and opens for the hangover if so.
    fn hear(&mut self, level: f32) -> bool {
        let loud = level >= (self.floor + ABOVE_NOISE_DB).max(QUIETEST_SPEECH_DBFS);
        self.open = if loud { HANGOVER } else { self.open.saturating_sub(1) };
        loud
    }

    fn is_open(&self) -> bool {
        self.open > 0
    }

    /// Lets the floor follow the level of a frame that is noise.
    fn follow(&mut self, level: f32) {
        let speed = if level < self.floor { FLOOR_DOWN } else { FLOOR_UP };
        self.floor = (self.floor + speed * (level - self.floor)).clamp(LOWEST_FLOOR_DBFS, HIGHEST_FLOOR_DBFS);
    }
}

impl Smoother {
    /// Takes in what one frame is. Speech may be a hiss in places ("s"), but does not begin with hiss alone.
    fn update(&mut self, speech: bool, voiced: bool) {
        if speech == self.speaking {
            (self.against, self.voiced) = (0, false);
            return;
        }
        self.against += 1;
        self.voiced |= voiced;
        let turned = if speech { self.against >= ONSET_FRAMES && self.voiced } else { self.against >= OFFSET_FRAMES };
        if turned {
            *self = Smoother { speaking: speech, against: 0, voiced: false };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detector_takes_the_memory_it_says_and_no_more_in_use() {
        for rate in [8000, 16_000] {
            let mut activity = Activity::new(rate).unwrap();
            let mut noise = vec![0; 50_000];
            crate::mix::add_noise(&mut noise, -20.0, 1);
            activity.push(&noise);
            let heap = size_of::<Detector>() + size_of::<[i16; HISTORY]>() + 2 * (activity.pending.capacity() + activity.wide.capacity());
            let all = size_of::<Activity>() + heap + activity.upsampler.memory();
            assert!(all <= MEMORY, "{all} bytes at {rate} Hz");
            assert!(size_of::<Activity>() <= 256, "the large parts are boxed");
        }
    }
}
