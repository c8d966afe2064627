//! The ears of the program on sound as a telephone line carries it: speech, noise, tones and keys, all through mu-law.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers beside the test functions, which may do both")]

mod activity;
mod beep;
mod cost;
mod dtmf;

/// The spoken sentences under `tests/fixtures`, by name.
fn sentences() -> Vec<(&'static str, Vec<i16>)> {
    let files: [(&str, &[u8]); 4] = [
        ("flite slt", include_bytes!("../fixtures/flite-slt.ulaw")),
        ("flite rms", include_bytes!("../fixtures/flite-rms.ulaw")),
        ("espeak en-us", include_bytes!("../fixtures/espeak-en-us.ulaw")),
        ("espeak en-gb+f3", include_bytes!("../fixtures/espeak-en-gb-f3.ulaw")),
    ];
    files.map(|(name, bytes)| (name, decoded(bytes))).into()
}

fn decoded(bytes: &[u8]) -> Vec<i16> {
    let mut pcm = Vec::new();
    audio::g711::decode_ulaw(bytes, &mut pcm);
    pcm
}

/// What arrives after a trip over the line.
fn over_the_line(pcm: &[i16]) -> Vec<i16> {
    let mut bytes = Vec::new();
    audio::g711::encode_ulaw(pcm, &mut bytes);
    decoded(&bytes)
}

/// A sum of sines, each of `dbfs` (root mean square).
fn sines(hz: &[f64], dbfs: f64, rate: u32, ms: u32) -> Vec<i16> {
    let amplitude = 32768.0 * 10_f64.powf(dbfs / 20.0) * std::f64::consts::SQRT_2;
    let sample =
        |n: u32| hz.iter().map(|hz| amplitude * (2.0 * std::f64::consts::PI * hz * f64::from(n) / f64::from(rate)).sin()).sum::<f64>();
    (0..rate * ms / 1000).map(|n| sample(n) as i16).collect()
}

fn silence(rate: u32, ms: u32) -> Vec<i16> {
    vec![0; (rate * ms / 1000) as usize]
}

fn noise(dbfs: f32, samples: usize, seed: u64) -> Vec<i16> {
    let mut pcm = vec![0; samples];
    audio::mix::add_noise(&mut pcm, dbfs, seed);
    pcm
}

/// Pink noise (Kellet's filter over white), brought to `dbfs`.
fn pink(dbfs: f32, samples: usize) -> Vec<i16> {
    let (mut b0, mut b1, mut b2) = (0.0_f32, 0.0_f32, 0.0_f32);
    let filtered: Vec<f32> = noise(-20.0, samples, 11)
        .iter()
        .map(|&white| {
            let white = f32::from(white);
            b0 = 0.99765 * b0 + white * 0.0990460;
            b1 = 0.96300 * b1 + white * 0.2965164;
            b2 = 0.57000 * b2 + white * 1.0526913;
            b0 + b1 + b2 + white * 0.1848
        })
        .collect();
    let rms = (filtered.iter().map(|value| value * value).sum::<f32>() / samples as f32).sqrt();
    let scale = 32768.0 * 10_f32.powf(dbfs / 20.0) / rms;
    filtered.iter().map(|value| (value * scale) as i16).collect()
}
