//! Change of sample rate for live sound: a polyphase filter with a delay of about 1.5 ms at telephone rates.
//!
//! The filter is a Kaiser-windowed sinc of [`TAPS`] taps at the lower of the two rates: flat to about 3.1 kHz and more
//! than 60 dB down from 4.3 kHz between 8 and 16 kHz. One table per pair of rates is computed at first use and shared
//! by all calls; a resampler of its own holds little more than one block of samples.

use std::f64::consts::PI;
use std::sync::{Arc, OnceLock};

use crate::AudioError;

/// The rates that can be converted into each other, Hz.
pub const RATES: [u32; 6] = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];

/// Filter length in samples of the lower rate. 24 gave 71 dB at 1 kHz for 1.5 ms of delay at 8 kHz.
pub const TAPS: usize = 24;

/// Input samples taken at a time; bounds the memory of a resampler, not what may be pushed.
const BLOCK: usize = 160;
/// Where the filter is 6 dB down, as a part of the lower Nyquist frequency: speech is kept, its mirror is not.
const CUTOFF: f64 = 0.93;
/// Kaiser window shape: 6.5 gives a stop band of about 68 dB.
const KAISER_BETA: f64 = 6.5;
/// The dot product works in lanes of this many; tap counts are multiples of it.
const LANES: usize = 8;

static BANKS: [OnceLock<Arc<Bank>>; RATES.len() * RATES.len()] = [const { OnceLock::new() }; RATES.len() * RATES.len()];

/// Converts one stream of mono sound from one rate to another, keeping its state between pieces.
#[derive(Debug, Clone)]
pub struct Resampler {
    /// `None` when the rates are equal: samples pass through.
    filter: Option<Filter>,
}

/// The filter at work: the last inputs, and where the next output lies among them.
#[derive(Debug, Clone)]
struct Filter {
    bank: Arc<Bank>,
    /// The `taps - 1` inputs before the block, then the block.
    window: Vec<f32>,
    /// Index in `window` of the newest input the next output needs.
    newest: usize,
    /// Which phase of the bank the next output uses.
    phase: usize,
}

/// One pair of rates, reduced to `up / down`, with the filter of each of its `up` phases.
#[derive(Debug)]
struct Bank {
    up: usize,
    down: usize,
    /// Inputs per output, even and a multiple of [`LANES`].
    taps: usize,
    /// `up` rows of `taps`, each row oldest input first and summing to one.
    rows: Box<[f32]>,
}

impl Resampler {
    /// A resampler between two rates of [`RATES`].
    ///
    /// # Errors
    /// [`AudioError::UnsupportedRates`] for any other rate.
    pub fn new(from: u32, to: u32) -> Result<Resampler, AudioError> {
        let index = |rate| RATES.iter().position(|&known| known == rate).ok_or(AudioError::UnsupportedRates { from, to });
        let slot = index(from)? * RATES.len() + index(to)?;
        if from == to {
            return Ok(Resampler { filter: None });
        }
        let bank = BANKS[slot].get_or_init(|| Arc::new(Bank::new(from, to)));
        Ok(Resampler { filter: Some(Filter::new(Arc::clone(bank))) })
    }

    /// Converts `pcm` and appends what is ready to `out`: after `n` inputs, `n * to / from` outputs (rounded up) have
    /// come out, each [`Resampler::delay`] inputs late. Clamps instead of wrapping.
    pub fn process(&mut self, pcm: &[i16], out: &mut Vec<i16>) {
        match &mut self.filter {
            None => out.extend_from_slice(pcm),
            Some(filter) => filter.process(pcm, out),
        }
    }

    /// Appends the end of the stream that the filter still holds, and makes the resampler new again.
    pub fn flush(&mut self, out: &mut Vec<i16>) {
        if let Some(filter) = &mut self.filter {
            let silence = [0; BLOCK];
            let mut left = filter.bank.taps / 2;
            while left > 0 {
                let piece = left.min(BLOCK);
                filter.process(&silence[..piece], out);
                left -= piece;
            }
            *filter = Filter::new(Arc::clone(&filter.bank));
        }
    }

    /// Heap bytes this resampler holds; the shared table is not counted.
    pub fn memory(&self) -> usize {
        self.filter.as_ref().map_or(0, |filter| filter.window.capacity() * size_of::<f32>())
    }

    /// How late the output is, in input samples. Nothing when the rates are equal.
    pub fn delay(&self) -> usize {
        self.filter.as_ref().map_or(0, |filter| filter.bank.taps / 2)
    }
}

/// Converts a whole clip: no delay, and the same duration to within one sample.
///
/// # Errors
/// [`AudioError::UnsupportedRates`] when a rate is not one of [`RATES`].
pub fn resample(pcm: &[i16], from: u32, to: u32) -> Result<Vec<i16>, AudioError> {
    let mut resampler = Resampler::new(from, to)?;
    let wanted = (pcm.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    let mut out = Vec::with_capacity(wanted);
    if let Some(filter) = &mut resampler.filter {
        // The first output that is wanted is centred on the first input.
        filter.newest += filter.bank.taps / 2;
    }
    resampler.process(pcm, &mut out);
    resampler.flush(&mut out);
    out.truncate(wanted);
    Ok(out)
}

impl Filter {
    fn new(bank: Arc<Bank>) -> Filter {
        let history = bank.taps - 1;
        let mut window = Vec::with_capacity(history + BLOCK);
        window.resize(history, 0.0);
        Filter { bank, window, newest: history, phase: 0 }
    }

    fn process(&mut self, pcm: &[i16], out: &mut Vec<i16>) {
        out.reserve(pcm.len() * self.bank.up / self.bank.down + 1);
        for block in pcm.chunks(BLOCK) {
            self.window.extend(block.iter().map(|&sample| f32::from(sample)));
            self.produce(out);
            let history = self.bank.taps - 1;
            let used = self.window.len() - history;
            self.window.copy_within(used.., 0);
            self.window.truncate(history);
            self.newest -= used;
        }
    }

    fn produce(&mut self, out: &mut Vec<i16>) {
        let Bank { up, down, taps, rows } = &*self.bank;
        let (whole, part) = (down / up, down % up);
        while self.newest < self.window.len() {
            let inputs = &self.window[self.newest + 1 - taps..=self.newest];
            let row = &rows[self.phase * taps..(self.phase + 1) * taps];
            out.push(to_sample(dot(inputs, row)));
            self.newest += whole;
            self.phase += part;
            if self.phase >= *up {
                self.phase -= up;
                self.newest += 1;
            }
        }
    }
}

/// Rounds to the nearest sample; the cast saturates, which is the clamp.
fn to_sample(value: f32) -> i16 {
    (value + 0.5_f32.copysign(value)) as i16
}

/// A dot product in independent lanes, which the compiler turns into vector code without reordering one sum.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for (left, right) in left.chunks_exact(LANES).zip(right.chunks_exact(LANES)) {
        for lane in 0..LANES {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    lanes.iter().sum()
}

impl Bank {
    fn new(from: u32, to: u32) -> Bank {
        let divisor = gcd(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        let ratio = (f64::from(from) / f64::from(to)).max(1.0);
        let taps = ((TAPS as f64 * ratio).ceil() as usize).next_multiple_of(LANES);
        let rows = (0..up).flat_map(|phase| row(phase as f64 / up as f64, taps, CUTOFF / ratio)).collect();
        Bank { up, down, taps, rows }
    }
}

/// The taps for an output that lies `fraction` of a sample after the centre, oldest input first, summing to one so
/// that the phases do not hum against each other.
fn row(fraction: f64, taps: usize, cutoff: f64) -> Vec<f32> {
    let half = taps as f64 / 2.0;
    let tap = |index: usize| {
        let age = (taps - 1 - index) as f64 + fraction;
        let distance = age - half;
        sinc(cutoff * distance) * kaiser(distance / half)
    };
    let values: Vec<f64> = (0..taps).map(tap).collect();
    let sum: f64 = values.iter().sum();
    values.into_iter().map(|value| (value / sum) as f32).collect()
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

fn kaiser(x: f64) -> f64 {
    bessel_i0(KAISER_BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
}

/// The modified Bessel function of order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..32 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
#[path = "resample/tests.rs"]
mod tests;
