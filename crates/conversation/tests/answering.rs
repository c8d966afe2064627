//! Who answered, told from the sound of real answers: speech, beeps and noise, as the line carries them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::time::{Duration, Instant};

use audio::activity::Activity;
use audio::beep::BeepDetector;
use conversation::amd::{Answered, AnsweringMachine, AnsweringRules};

const FRAME: usize = 160;

fn decoded(bytes: &[u8]) -> Vec<i16> {
    let mut pcm = Vec::new();
    audio::g711::decode_ulaw(bytes, &mut pcm);
    pcm
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}

/// A machine's tone of 1000 Hz at -15 dBFS.
fn beep(ms: usize) -> Vec<i16> {
    (0..ms * 8).map(|n| (8200.0 * (n as f64 * std::f64::consts::TAU / 8.0).sin()) as i16).collect()
}

fn hello() -> Vec<i16> {
    [silence(600), decoded(include_bytes!("fixtures/flite-hello.ulaw")), silence(3000)].concat()
}

fn wilson() -> Vec<i16> {
    [silence(300), decoded(include_bytes!("fixtures/flite-wilson.ulaw")), silence(3000)].concat()
}

fn machine() -> Vec<i16> {
    [silence(400), decoded(include_bytes!("fixtures/flite-machine.ulaw")), silence(700)].concat()
}

/// The verdicts, each with the ms at which it was given.
fn verdicts(mut pcm: Vec<i16>, noise_dbfs: f32) -> Vec<(u128, Answered)> {
    audio::mix::add_noise(&mut pcm, noise_dbfs, 7);
    let mut bytes = Vec::new();
    audio::g711::encode_ulaw(&pcm, &mut bytes);
    let pcm = decoded(&bytes);
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from; only differences matter")]
    let start = Instant::now();
    let (mut activity, mut beeps) = (Activity::new(8000).unwrap(), BeepDetector::new(8000).unwrap());
    let mut machine = AnsweringMachine::new(AnsweringRules::default(), start);
    let frames = pcm.chunks(FRAME).enumerate();
    let told = frames.filter_map(|(at, frame)| {
        let now = start + Duration::from_millis(20 * (at as u64 + 1));
        Some(((now - start).as_millis(), machine.frame(activity.push(frame), beeps.push(frame), now)?))
    });
    told.collect()
}

/// Quiet lines and noisy ones, dBFS.
const LINES: [f32; 3] = [-96.0, -50.0, -42.0];

#[test]
fn a_person_who_says_hello_is_one_within_a_second_of_silence() {
    for line in LINES {
        let told = verdicts(hello(), line);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].1 == Answered::Human && told[0].0 < 600 + 1015 + 1000, "{told:?} at {line}");
        assert_eq!(verdicts(wilson(), line).iter().map(|told| told.1).collect::<Vec<_>>(), [Answered::Human], "at {line}");
    }
}

#[test]
fn a_machine_is_one_long_before_its_beep_and_the_beep_is_the_moment_to_speak() {
    for line in LINES {
        let greeting = machine();
        let over = greeting.len() as u128 / 8;
        let told = verdicts([greeting, beep(400), silence(1000)].concat(), line);
        assert_eq!(told.iter().map(|told| told.1).collect::<Vec<_>>(), [Answered::Machine, Answered::MachineBeep], "at {line}");
        assert!(told[0].0 < 400 + 3500, "{told:?}");
        assert!((over + 150..over + 300).contains(&told[1].0), "{told:?}: the beep began at {over}");
    }
}

#[test]
fn a_machine_that_only_beeps_is_known_by_it() {
    let told = verdicts([silence(1000), beep(300), silence(1000)].concat(), -50.0);
    assert_eq!(told.iter().map(|told| told.1).collect::<Vec<_>>(), [Answered::MachineBeep]);
}

#[test]
fn nobody_is_found_in_silence_and_noise() {
    for line in LINES {
        assert_eq!(verdicts(silence(8000), line).iter().map(|told| told.1).collect::<Vec<_>>(), [Answered::Unknown], "at {line}");
    }
}
