//! DTMF, the tones of telephone keys: hearing them in the sound of a call, and making them.
//!
//! Timing, twist and level follow ITU-T Q.24 (the AT&T column where administrations differ): a press of 40 ms is heard,
//! one of 23 ms is not, a break of 10 ms does not split a press, a pause of 30 ms does. Not followed: the rejection of
//! tones 3.5 % off frequency, which blocks this short cannot tell from 1.5 %.

use std::collections::VecDeque;
use std::f32::consts::PI;

use crate::AudioError;
use crate::level::amplitude;

/// Frequencies of the four rows of keys, then the four columns, Hz (ITU-T Q.23).
const FREQUENCIES: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];
/// The keys, row by row.
const KEYS: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Length of a block, ms: 102 samples at 8 kHz, long enough to tell 697 from 770 Hz. Blocks overlap by half.
const BLOCK_MS: f32 = 12.75;
/// Blocks that must agree before a press counts: a 40 ms tone fills four, one of 23 ms hardly does.
const HITS: u32 = 4;
/// Blocks without the digit before it is over: a pause of 30 ms makes five, a break of 10 ms three.
const MISSES: u32 = 4;
/// Each tone is at least this loud, dBFS. Q.24 asks for -25 dBm0, which is -31.
const QUIETEST_DBFS: f32 = -38.0;
/// How much louder the column may be than the row, and the row than the column, dB. Q.24 says 4 and 8; a tone 1.5 % off
/// frequency reads up to 1.5 dB low.
const TWIST_HIGH_DB: f32 = 5.5;
const TWIST_LOW_DB: f32 = 9.5;
/// The tone stands out of the others of its group by this much, dB.
const DOMINANCE_DB: f32 = 7.0;
/// The part of a block's power that lies in the two tones. Speech spreads over its harmonics.
const PURITY: f32 = 0.70;
/// Digits kept when more are heard than asked for.
const MAX_PENDING: usize = 32;

/// The longest tone that is made, ms.
pub const MAX_TONE_MS: u32 = 10_000;
/// Levels of made tones: the column 2 dB louder, as telephones send it, together well below full scale.
const ROW_DBFS: f32 = -13.0;
const COLUMN_DBFS: f32 = -11.0;

/// The most keys that are sent at once, pauses included: what carriers take for a `SendDigits` too.
pub const MAX_KEYS: usize = 32;
/// A sent key sounds this long, and then there is this much silence, ms: Q.24 asks receivers for 40 each, and some need more.
const KEY_MS: u32 = 100;
/// Length of a `w`, ms.
const PAUSE_MS: u32 = 500;

/// Hears key presses in the sound of one direction of a call.
#[derive(Debug, Clone)]
pub struct Detector {
    coefficients: [f32; 8],
    /// The current block; always shorter than `size` between pushes.
    block: Vec<i16>,
    size: usize,
    /// The digit that may be starting, how many blocks had it, and whether one was missed since.
    candidate: Option<char>,
    hits: u32,
    slipped: bool,
    /// The digit that is held, and how many blocks have been without it.
    held: Option<char>,
    misses: u32,
    pending: VecDeque<char>,
}

impl Detector {
    /// A detector for sound of `rate` Hz. Under 4000 Hz the highest tone cannot exist, and its keys are never heard.
    pub fn new(rate: u32) -> Detector {
        let rate = rate.max(1) as f32;
        let size = ((rate * BLOCK_MS / 1000.0) as usize).max(2);
        Detector {
            coefficients: FREQUENCIES.map(|hz| 2.0 * (2.0 * PI * hz / rate).cos()),
            block: Vec::with_capacity(size),
            size,
            candidate: None,
            hits: 0,
            slipped: false,
            held: None,
            misses: 0,
            pending: VecDeque::new(),
        }
    }

    /// Hears more sound; returns the digit whose press has become certain, once for each press. Up to 60 ms of sound
    /// hold one press at most; from more, the others come out with the next pushes (empty ones will do).
    pub fn push(&mut self, pcm: &[i16]) -> Option<char> {
        let mut rest = pcm;
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(rest.len().min(self.size - self.block.len()));
            self.block.extend_from_slice(piece);
            rest = left;
            if self.block.len() == self.size {
                let digit = self.digit();
                self.update(digit);
                let hop = self.size / 2;
                self.block.copy_within(hop.., 0);
                self.block.truncate(self.size - hop);
            }
        }
        self.pending.pop_front()
    }

    /// The digit whose two tones make up the block.
    fn digit(&self) -> Option<char> {
        let energy: i64 = self.block.iter().map(|&sample| i64::from(sample) * i64::from(sample)).sum();
        let power = energy as f32 / self.size as f32;
        let quietest = amplitude(QUIETEST_DBFS).powi(2);
        if power < quietest {
            return None;
        }
        let powers = self.powers();
        let (row, row_power) = dominant(&powers[..4])?;
        let (column, column_power) = dominant(&powers[4..])?;
        let twist = 10.0 * (column_power / row_power).log10();
        let clear = row_power.min(column_power) >= quietest
            && (-TWIST_LOW_DB..=TWIST_HIGH_DB).contains(&twist)
            && row_power + column_power >= PURITY * power;
        clear.then(|| KEYS[row][column])
    }

    /// The mean square of each tone in the block: eight Goertzel filters side by side.
    fn powers(&self) -> [f32; 8] {
        let (mut last, mut before) = ([0.0_f32; 8], [0.0_f32; 8]);
        for &sample in &self.block {
            let sample = f32::from(sample);
            for tone in 0..8 {
                let next = sample + self.coefficients[tone] * last[tone] - before[tone];
                before[tone] = last[tone];
                last[tone] = next;
            }
        }
        let scale = 2.0 / (self.size as f32 * self.size as f32);
        std::array::from_fn(|tone| {
            let (last, before) = (last[tone], before[tone]);
            scale * (last * last + before * before - self.coefficients[tone] * last * before)
        })
    }

    fn update(&mut self, digit: Option<char>) {
        if digit.is_some() && digit == self.held {
            self.misses = 0;
            return;
        }
        self.misses += 1;
        if self.held.is_some() && self.misses >= MISSES {
            self.held = None;
        }
        if digit.is_some() && digit == self.candidate {
            self.hits += 1;
            self.slipped = false;
        } else if digit.is_none() && self.candidate.is_some() && !self.slipped {
            // A click on the line may spoil one block of a press.
            self.slipped = true;
        } else {
            (self.candidate, self.hits, self.slipped) = (digit, u32::from(digit.is_some()), false);
        }
        if self.hits >= HITS {
            self.report();
        }
    }

    fn report(&mut self) {
        self.held = self.candidate.take();
        (self.hits, self.misses, self.slipped) = (0, 0, false);
        if let Some(digit) = self.held
            && self.pending.len() < MAX_PENDING
        {
            self.pending.push_back(digit);
        }
    }
}

/// The strongest of a group, when it stands out of the others.
fn dominant(powers: &[f32]) -> Option<(usize, f32)> {
    let (index, &strongest) = powers.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let limit = strongest / 10_f32.powf(DOMINANCE_DB / 10.0);
    let alone = powers.iter().enumerate().all(|(other, &power)| other == index || power <= limit);
    (alone && strongest > 0.0).then_some((index, strongest))
}

/// The sound of key `digit` (`0-9*#A-D`) for `ms` milliseconds. `None` for other characters, for more than
/// [`MAX_TONE_MS`], and for rates outside 8000 to 48000 Hz.
pub fn tone(digit: char, rate: u32, ms: u32) -> Option<Vec<i16>> {
    let row = KEYS.iter().position(|row| row.contains(&digit))?;
    let column = KEYS[row].iter().position(|&key| key == digit)?;
    if ms > MAX_TONE_MS || !(8000..=48_000).contains(&rate) {
        return None;
    }
    let samples = u64::from(rate) * u64::from(ms) / 1000;
    let wave = |hz: f32, dbfs: f32, n: u64| {
        // f64: after ten seconds an f32 phase would have gone rough.
        let phase = 2.0 * std::f64::consts::PI * f64::from(hz) * n as f64 / f64::from(rate);
        f64::from(amplitude(dbfs)) * std::f64::consts::SQRT_2 * phase.sin()
    };
    let sample = |n| (wave(FREQUENCIES[row], ROW_DBFS, n) + wave(FREQUENCIES[4 + column], COLUMN_DBFS, n)).round() as i16;
    Some((0..samples).map(sample).collect())
}

/// The sound of keys that are pressed one after the other: `0-9*#A-D`, in either case, and `w` for half a second of silence.
///
/// # Errors
/// [`AudioError::Keys`] for other characters, for none and for more than [`MAX_KEYS`], and for rates outside 8000 to 48000 Hz.
pub fn tones(keys: &str, rate: u32) -> Result<Vec<i16>, AudioError> {
    let count = keys.chars().count();
    let fault = || AudioError::Keys { count, limit: MAX_KEYS };
    if !(1..=MAX_KEYS).contains(&count) {
        return Err(fault());
    }
    let silence = |ms: u32| std::iter::repeat_n(0, usize::try_from(u64::from(rate) * u64::from(ms) / 1000).unwrap_or(0));
    let mut sound = Vec::new();
    for key in keys.chars().map(|key| key.to_ascii_uppercase()) {
        if key == 'W' {
            sound.extend(silence(PAUSE_MS));
        } else {
            sound.extend(tone(key, rate, KEY_MS).ok_or_else(fault)?);
            sound.extend(silence(KEY_MS));
        }
    }
    Ok(sound)
}
