//! Speech is heard soon and to its end; noise, silence and tones are not taken for it.

use audio::AudioError;
use audio::activity::Activity;
use audio::level::Level;
use audio::resample::resample;

use crate::{noise, over_the_line, pink, sentences, silence, sines};

const FRAME: usize = 160;

/// The answer after each 20 ms of telephone sound.
fn answers(pcm: &[i16]) -> Vec<bool> {
    let mut activity = Activity::new(8000).unwrap();
    over_the_line(pcm).chunks(FRAME).map(|frame| activity.push(frame)).collect()
}

fn first_speech(answers: &[bool]) -> Option<usize> {
    answers.iter().position(|&speech| speech)
}

/// The 20 ms frame in which a voice first stands out, by level.
fn true_onset(pcm: &[i16]) -> usize {
    pcm.chunks(FRAME).position(|frame| Level::of(frame).rms_dbfs > -35.0).unwrap()
}

#[test]
fn the_caller_speaks_and_is_heard_at_once() {
    for (name, speech) in sentences() {
        // Frames after the one in which the voice began: 80 ms, and 100 under noise that hides its first sound.
        for (line, frames) in [(-96.0, 4), (-55.0, 5), (-45.0, 5)] {
            let mut call = silence(8000, 1000);
            call.extend(&speech);
            call.extend(silence(8000, 1000));
            audio::mix::add_noise(&mut call, line, 3);
            let answers = answers(&call);
            let onset = 50 + true_onset(&speech);
            let heard = first_speech(&answers).unwrap_or_else(|| panic!("{name}, noise {line}: never heard"));
            assert!((onset - 3..=onset + frames).contains(&heard), "{name}, noise {line}: onset {onset}, heard {heard}");
            let end = answers.len() - 50 + 10;
            assert!(answers[end..].iter().all(|&speech| !speech), "{name}, noise {line}: over after 200 ms");
        }
    }
}

#[test]
fn most_of_a_sentence_counts_as_speech() {
    for (name, speech) in sentences() {
        let answers = answers(&speech);
        let loud: Vec<usize> = speech.chunks(FRAME).enumerate().filter(|(_, f)| Level::of(f).rms_dbfs > -30.0).map(|(n, _)| n).collect();
        let heard = loud.iter().filter(|&&n| answers[n]).count();
        assert!(heard * 100 >= loud.len() * 85, "{name}: {heard} of {} loud frames", loud.len());
        let changes = answers.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changes <= 12, "{name}: flutters, {changes} changes");
    }
}

#[test]
fn a_quiet_caller_is_heard() {
    for (name, speech) in sentences() {
        let mut quiet = silence(8000, 300);
        quiet.extend(speech.iter().map(|s| s / 10));
        assert!(first_speech(&answers(&quiet)).is_some(), "{name}, 20 dB down");
    }
}

#[test]
fn noise_and_silence_are_not_speech() {
    let seconds = 20 * 8000;
    for (name, sound) in [
        ("silence", silence(8000, 20_000)),
        ("white -45", noise(-45.0, seconds, 1)),
        ("white -30", noise(-30.0, seconds, 2)),
        ("pink -45", pink(-45.0, seconds)),
        ("pink -35", pink(-35.0, seconds)),
    ] {
        assert_eq!(first_speech(&answers(&sound)), None, "{name}");
    }
}

#[test]
fn hiss_that_begins_at_any_level_is_not_speech() {
    for dbfs in [-50.0, -45.0, -40.0, -35.0, -30.0, -25.0] {
        for seed in 0..10 {
            let mut call = silence(8000, 500);
            call.extend(noise(dbfs, 24_000, 200 + seed));
            assert_eq!(first_speech(&answers(&call)), None, "{dbfs} dBFS, seed {seed}");
        }
    }
}

#[test]
fn tones_of_the_line_are_not_speech() {
    let tones: [(&str, &[f64]); 8] = [
        ("ring, Europe", &[425.0]),
        ("ring, America", &[440.0, 480.0]),
        ("a 440 Hz", &[440.0]),
        ("dial tone", &[350.0, 440.0]),
        ("busy", &[480.0, 620.0]),
        ("fax", &[1100.0]),
        ("modem", &[2100.0]),
        ("beep", &[1000.0]),
    ];
    for (name, hz) in tones {
        for (dbfs, line) in [(-10.0, -96.0), (-20.0, -50.0), (-28.0, -60.0)] {
            let mut call = silence(8000, 200);
            for (on, off) in [(1000, 500), (400, 400), (60, 60), (100, 2000), (3000, 100)] {
                call.extend(sines(hz, dbfs, 8000, on));
                call.extend(silence(8000, off));
            }
            audio::mix::add_noise(&mut call, line, 9);
            assert_eq!(first_speech(&answers(&call)), None, "{name} at {dbfs}, noise {line}");
        }
    }
}

#[test]
fn pressed_keys_are_not_speech() {
    for (on, off, line) in [(50, 50, -96.0), (100, 80, -50.0), (400, 300, -60.0), (70, 400, -45.0)] {
        let mut call = silence(8000, 200);
        for digit in "0123456789*#ABCD".chars() {
            call.extend(audio::dtmf::tone(digit, 8000, on).unwrap());
            call.extend(silence(8000, off));
        }
        audio::mix::add_noise(&mut call, line, 4);
        assert_eq!(first_speech(&answers(&call)), None, "{on} ms on, {off} ms off, noise {line}");
    }
}

#[test]
fn a_click_is_not_speech() {
    let (_, speech) = sentences().remove(0);
    let vowel = &speech[8000..8000 + 160];
    let mut call = silence(8000, 500);
    call.extend(vowel);
    call.extend(silence(8000, 500));
    assert_eq!(first_speech(&answers(&call)), None, "20 ms of a voice");
}

#[test]
fn speech_after_ringing_is_heard_at_once() {
    let (_, speech) = sentences().remove(0);
    let mut call = sines(&[440.0, 480.0], -18.0, 8000, 2000);
    call.extend(silence(8000, 100));
    let start = call.len() / FRAME + true_onset(&speech);
    call.extend(&speech);
    let heard = first_speech(&answers(&call)).unwrap();
    assert!((start - 3..=start + 4).contains(&heard), "starts {start}, heard {heard}");
}

#[test]
fn wideband_sound_is_heard_alike_and_pieces_do_not_matter() {
    let (_, speech) = sentences().remove(1);
    let wide = resample(&speech, 8000, 16_000).unwrap();
    let mut activity = Activity::new(16_000).unwrap();
    let answers: Vec<bool> = wide.chunks(320).map(|frame| activity.push(frame)).collect();
    let mut other = Activity::new(16_000).unwrap();
    let pieces: Vec<bool> = wide.chunks(320).map(|frame| frame.chunks(7).fold(false, |_, piece| other.push(piece))).collect();
    assert_eq!(answers, pieces);
    let narrow = self::answers(&speech);
    let same = answers.iter().zip(&narrow).filter(|(a, b)| a == b).count();
    assert!(same * 100 > narrow.len() * 90, "{same} of {}", narrow.len());
}

#[test]
fn the_noise_floor_finds_the_line() {
    let mut activity = Activity::new(8000).unwrap();
    activity.push(&noise(-45.0, 16_000, 5));
    assert!((-48.0..-42.0).contains(&activity.noise_floor_dbfs()), "{}", activity.noise_floor_dbfs());
    assert_eq!(activity.speech_probability(), 0.0, "the gate is closed");
    activity.push(&silence(8000, 1000));
    assert!(activity.noise_floor_dbfs() < -75.0);
}

#[test]
fn other_rates_are_refused() {
    assert_eq!(Activity::new(24_000).err(), Some(AudioError::UnsupportedActivityRate { rate: 24_000 }));
}

#[test]
fn a_higher_threshold_lets_less_through_and_the_highest_nothing() {
    let heard = |pcm: &[i16], threshold: f32| {
        let mut activity = Activity::with_threshold(8000, threshold).unwrap();
        over_the_line(pcm).chunks(FRAME).filter(|frame| activity.push(frame)).count()
    };
    for (name, speech) in sentences() {
        let mut call = silence(8000, 1000);
        call.extend(&speech);
        audio::mix::add_noise(&mut call, -30.0, 3);
        let counts = [0.1, 0.5, 0.9, 1.1].map(|threshold| heard(&call, threshold));
        assert!(counts.is_sorted_by(|more, less| more >= less) && counts[0] > counts[2] && counts[3] == 0, "{name}: {counts:?}");
        assert_eq!(counts[1], answers(&call).iter().filter(|heard| **heard).count(), "{name}: the usual one");
    }
}
