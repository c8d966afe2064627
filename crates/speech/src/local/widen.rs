//! Gives telephone audio the upper band back that the line cut off, as far as it can be guessed.
//!
//! The acoustic model was trained on 16 kHz speech; it takes an empty band above 4 kHz for other sounds. In each frame the energy of four bands
//! above 3.6 kHz is predicted from thirteen bands below it (a table fitted by `scripts/fit-band-extension.py`), and noise of that energy is
//! added. Measured with a prototype of the same method on 21 short answers per voice, exactly right: slt 12 -> 16, rms 13 -> 17, awb 12 -> 15, espeak 7 -> 11 (full band: 17, 17, 15, 7).

use std::sync::{Arc, OnceLock};

use audio::mix::add_noise;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::clean::RATE;
use crate::SpeechError;

/// Samples in a frame, and from one frame to the next, at 16 kHz: 32 ms every 10 ms.
const FRAME: usize = 512;
const HOP: usize = 160;
/// The bands that are given: thirteen of 260 Hz from 200 Hz on.
const LOW_BANDS: usize = 13;
const LOW_FROM: f32 = 200.0;
const LOW_WIDTH: f32 = 260.0;
/// The bands that are predicted, Hz.
const HIGH_BANDS: [(f32, f32); 4] = [(3600.0, 4200.0), (4200.0, 4900.0), (4900.0, 5700.0), (5700.0, 6800.0)];
/// Inputs of the prediction: the bands, one, and the bands' squares.
const INPUTS: usize = LOW_BANDS * 2 + 1;
/// The table was fitted on speech with its peak at half of full scale.
const PEAK: f32 = 16_384.0;
/// Quiet speech is not raised by more than this: it would be noise.
const MAX_GAIN: f32 = 30.0;
/// Keeps the logarithm of silence finite; the same in the fitting script.
const FLOOR: f32 = 1e3;

static TABLE: &str = include_str!("../../data/band-extension.txt");

/// The fitted table, input by input.
fn table() -> Result<&'static [[f32; HIGH_BANDS.len()]], SpeechError> {
    static READ: OnceLock<Option<Vec<[f32; HIGH_BANDS.len()]>>> = OnceLock::new();
    let table = READ.get_or_init(|| {
        let rows = TABLE.lines().map(|line| {
            let values: Vec<f32> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
            <[f32; HIGH_BANDS.len()]>::try_from(values).ok()
        });
        rows.collect::<Option<Vec<_>>>().filter(|rows| rows.len() == INPUTS)
    });
    table.as_deref().ok_or_else(|| SpeechError::BadAudio { detail: "the table of band extension is damaged".to_owned() })
}

/// Raises the audio to its working level and adds the upper band. `pcm` is telephone audio at 16 kHz; `seed` makes the noise repeatable.
pub(super) fn widen(pcm: &mut [i16], seed: u64) -> Result<(), SpeechError> {
    let table = table()?;
    raise(pcm);
    let mut noise = vec![0i16; pcm.len()];
    add_noise(&mut noise, -30.0, seed);
    let mut plans = Plans::new();
    let mut added = vec![0.0f32; pcm.len()];
    for start in (0..pcm.len().saturating_sub(FRAME)).step_by(HOP) {
        let range = start..start + FRAME;
        let speech = plans.spectrum(&pcm[range.clone()])?;
        let levels = predicted(&speech, table);
        let mut spectrum = plans.spectrum(&noise[range.clone()])?;
        shape(&mut spectrum, &levels);
        plans.add(&mut spectrum, &mut added[range])?;
    }
    for (sample, extra) in pcm.iter_mut().zip(&added) {
        *sample = (f32::from(*sample) + extra).clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16;
    }
    Ok(())
}

fn raise(pcm: &mut [i16]) {
    let peak = pcm.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    if peak == 0 {
        return;
    }
    let gain = (PEAK / f32::from(peak)).min(MAX_GAIN);
    for sample in pcm {
        *sample = (f32::from(*sample) * gain) as i16;
    }
}

/// The levels of the upper bands, dB.
fn predicted(speech: &[Complex<f32>], table: &[[f32; HIGH_BANDS.len()]]) -> [f32; HIGH_BANDS.len()] {
    let mut levels = [0.0; HIGH_BANDS.len()];
    let mut add = |input: usize, value: f32| levels.iter_mut().zip(&table[input]).for_each(|(level, weight)| *level += value * weight);
    for band in 0..LOW_BANDS {
        let from = LOW_FROM + band as f32 * LOW_WIDTH;
        let level = energy(speech, from, from + LOW_WIDTH, FLOOR);
        add(band, level);
        add(LOW_BANDS + 1 + band, (level - 40.0).max(0.0).powi(2) / 50.0);
    }
    add(LOW_BANDS, 1.0);
    levels
}

/// Gives each upper band of a noise spectrum its level, and empties the rest.
fn shape(noise: &mut [Complex<f32>], levels: &[f32; HIGH_BANDS.len()]) {
    let gains: Vec<f32> =
        HIGH_BANDS.iter().zip(levels).map(|((from, to), level)| 10f32.powf((level - energy(noise, *from, *to, 1e-9)) / 20.0)).collect();
    for (index, bin) in noise.iter_mut().enumerate() {
        let hertz = index as f32 * RATE as f32 / FRAME as f32;
        let band = HIGH_BANDS.iter().position(|(from, to)| hertz >= *from && hertz < *to);
        *bin = band.and_then(|band| gains.get(band)).map_or(Complex::ZERO, |gain| *bin * gain);
    }
}

/// Mean energy between two frequencies, dB.
fn energy(spectrum: &[Complex<f32>], from: f32, to: f32, floor: f32) -> f32 {
    let bin = |hertz: f32| (hertz * FRAME as f32 / RATE as f32).ceil() as usize;
    let bins = spectrum.get(bin(from)..bin(to)).unwrap_or_default();
    let mean = bins.iter().map(Complex::norm_sqr).sum::<f32>() / bins.len().max(1) as f32;
    10.0 * (mean + floor).log10()
}

/// The transforms, with their buffers.
struct Plans {
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    window: Vec<f32>,
    /// What overlapping windows add up to, and the transforms' own factor.
    scale: f32,
}

impl Plans {
    fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let window: Vec<f32> = (0..FRAME).map(|at| 0.5 - 0.5 * (std::f32::consts::TAU * at as f32 / FRAME as f32).cos()).collect();
        let overlap: f32 = window.iter().map(|value| value * value).sum::<f32>() / HOP as f32;
        let scale = 1.0 / (overlap * FRAME as f32);
        Self { forward: planner.plan_fft_forward(FRAME), backward: planner.plan_fft_inverse(FRAME), window, scale }
    }

    fn spectrum(&mut self, pcm: &[i16]) -> Result<Vec<Complex<f32>>, SpeechError> {
        let mut frame: Vec<f32> = pcm.iter().zip(&self.window).map(|(sample, window)| f32::from(*sample) * window).collect();
        let mut spectrum = self.forward.make_output_vec();
        self.forward.process(&mut frame, &mut spectrum).map_err(|error| bad(&error))?;
        Ok(spectrum)
    }

    fn add(&mut self, spectrum: &mut [Complex<f32>], out: &mut [f32]) -> Result<(), SpeechError> {
        let mut frame = self.backward.make_output_vec();
        self.backward.process(spectrum, &mut frame).map_err(|error| bad(&error))?;
        for ((sample, value), window) in out.iter_mut().zip(&frame).zip(&self.window) {
            *sample += value * window * self.scale;
        }
        Ok(())
    }
}

fn bad(error: &realfft::FftError) -> SpeechError {
    SpeechError::BadAudio { detail: format!("the band extension failed: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(pcm: &[i16], from: f32, to: f32) -> f32 {
        let mut plans = Plans::new();
        let spectra: Vec<_> = pcm.windows(FRAME).step_by(HOP).map(|frame| plans.spectrum(frame).unwrap()).collect();
        spectra.iter().map(|spectrum| energy(spectrum, from, to, FLOOR)).sum::<f32>() / spectra.len() as f32
    }

    #[test]
    fn a_hiss_gets_its_upper_band_back_and_a_hum_does_not() {
        let mut hiss: Vec<i16> = vec![0; 16_000];
        add_noise(&mut hiss, -20.0, 1);
        let hiss = audio::resample::resample(&audio::resample::resample(&hiss, 16_000, 8_000).unwrap(), 8_000, 16_000).unwrap();
        let hum: Vec<i16> =
            (0..16_000).map(|at| ((at as f32 * 300.0 * std::f32::consts::TAU / 16_000.0).sin() * 12_000.0) as i16).collect();
        let (mut wide_hiss, mut wide_hum) = (hiss.clone(), hum);
        widen(&mut wide_hiss, 1).unwrap();
        widen(&mut wide_hum, 1).unwrap();
        assert!(level(&wide_hiss, 4900.0, 5700.0) > level(&hiss, 4900.0, 5700.0) + 15.0);
        assert!(level(&wide_hiss, 4900.0, 5700.0) > level(&wide_hum, 4900.0, 5700.0) + 10.0);
    }

    #[test]
    fn silence_and_very_short_audio_are_left_alone() {
        let mut silence = vec![0i16; 16_000];
        widen(&mut silence, 1).unwrap();
        let loudest = silence.iter().map(|sample| sample.unsigned_abs()).max();
        assert!(loudest.is_some_and(|loudest| loudest < 300), "{loudest:?}");
        let mut short = vec![100i16; 100];
        widen(&mut short, 1).unwrap();
    }
}
