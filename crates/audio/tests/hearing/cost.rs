//! What it all costs; run by hand: `cargo test --release -p audio -- --ignored --nocapture cost`.

use std::hint::black_box;
use std::time::Instant;

use audio::activity::Activity;
use audio::resample::Resampler;

use crate::{noise, sentences, silence};

#[expect(clippy::disallowed_methods, reason = "measures time, by hand")]
fn microseconds_per_frame(name: &str, frames: &[&[i16]], mut work: impl FnMut(&[i16])) {
    let rounds = 20_000 / frames.len() + 1;
    let start = Instant::now();
    for _ in 0..rounds {
        frames.iter().for_each(|frame| work(frame));
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / (rounds * frames.len()) as f64;
    println!("{name}: {each:.2} µs per 20 ms");
}

#[test]
#[ignore = "a measurement, not a test"]
fn cost_per_frame() {
    let speech: Vec<i16> = sentences().into_iter().flat_map(|(_, pcm)| pcm).collect();
    let speech: Vec<&[i16]> = speech.chunks_exact(160).collect();
    let (quiet, hiss) = (silence(8000, 1000), noise(-45.0, 80_000, 1));
    let keys: Vec<i16> = "123456".chars().flat_map(|key| audio::dtmf::tone(key, 8000, 100).unwrap()).collect();
    let (quiet, hiss, keys): (Vec<_>, Vec<_>, Vec<_>) =
        (quiet.chunks_exact(160).collect(), hiss.chunks_exact(160).collect(), keys.chunks_exact(160).collect());

    for (name, frames) in [("speech", &speech), ("silence", &quiet), ("noise -45", &hiss), ("keys", &keys)] {
        let mut activity = Activity::new(8000).unwrap();
        microseconds_per_frame(&format!("activity, {name}"), frames, |frame| _ = black_box(activity.push(frame)));
        let mut dtmf = audio::dtmf::Detector::new(8000);
        microseconds_per_frame(&format!("dtmf, {name}"), frames, |frame| _ = black_box(dtmf.push(frame)));
    }
    let (mut bytes, mut pcm) = (Vec::new(), Vec::new());
    let coded = {
        audio::g711::encode_ulaw(speech[100], &mut bytes);
        bytes.clone()
    };
    microseconds_per_frame("mu-law encode", &speech, |frame| {
        bytes.clear();
        audio::g711::encode_ulaw(black_box(frame), &mut bytes);
    });
    microseconds_per_frame("mu-law decode", &speech, |_| {
        pcm.clear();
        audio::g711::decode_ulaw(black_box(&coded), &mut pcm);
    });
    microseconds_per_frame("level", &speech, |frame| _ = black_box(audio::level::Level::of(frame)));
    let (mut music, mut piece) = (audio::hold::HoldMusic::new(8000), [0; 160]);
    microseconds_per_frame("hold music", &speech, |_| music.fill(black_box(&mut piece)));
    for (from, to) in [(8000, 16_000), (16_000, 8000), (22_050, 8000), (24_000, 8000), (48_000, 8000)] {
        let mut resampler = Resampler::new(from, to).unwrap();
        let input = noise(-20.0, from as usize / 50, 1);
        microseconds_per_frame(&format!("resample {from} to {to}"), &speech, |_| {
            pcm.clear();
            resampler.process(black_box(&input), &mut pcm);
        });
    }
}
