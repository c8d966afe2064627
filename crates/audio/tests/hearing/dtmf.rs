//! Keys are heard as ITU-T Q.24 asks, once each, and never in speech.

use audio::AudioError;
use audio::dtmf::{Detector, MAX_KEYS, MAX_TONE_MS, tone, tones};

use crate::{noise, over_the_line, sentences, silence, sines};

const KEYS: &str = "0123456789*#ABCD";

fn heard(pcm: &[i16], rate: u32) -> String {
    let mut detector = Detector::new(rate);
    over_the_line(pcm).chunks(rate as usize / 50).filter_map(|frame| detector.push(frame)).collect()
}

fn pressed(keys: &str, rate: u32, on: u32, off: u32) -> Vec<i16> {
    let mut call = silence(rate, 33);
    for key in keys.chars() {
        call.extend(tone(key, rate, on).unwrap());
        call.extend(silence(rate, off));
    }
    call
}

#[test]
fn every_key_is_heard_once_however_long_it_is_pressed() {
    for rate in [8000, 16_000, 24_000, 48_000] {
        for (on, off) in [(40, 40), (50, 30), (100, 100), (700, 60)] {
            assert_eq!(heard(&pressed(KEYS, rate, on, off), rate), KEYS, "{on} ms on, {off} ms off at {rate} Hz");
        }
    }
}

#[test]
fn the_same_key_twice_is_two_presses_wherever_the_blocks_fall() {
    for shift in 0..102 {
        let mut call = vec![0; shift];
        call.extend(pressed("55", 8000, 40, 30));
        call.extend(silence(8000, 40));
        assert_eq!(heard(&call, 8000), "55", "shifted by {shift}");
    }
}

#[test]
fn a_break_of_ten_milliseconds_is_one_press_and_a_blip_is_none() {
    for shift in 0..102 {
        let mut broken = vec![0; shift];
        broken.extend(pressed("9", 8000, 60, 10));
        broken.extend(tone('9', 8000, 60).unwrap());
        broken.extend(silence(8000, 60));
        assert_eq!(heard(&broken, 8000), "9", "shifted by {shift}");
        let mut blip = vec![0; shift];
        blip.extend(pressed("9", 8000, 20, 60));
        assert_eq!(heard(&blip, 8000), "", "shifted by {shift}");
    }
}

#[test]
fn off_frequency_twisted_and_noisy_presses_are_heard() {
    let (row, column) = (852.0, 1477.0);
    for drift in [0.985, 1.0, 1.015] {
        for (row_dbfs, column_dbfs) in [(-14.0, -10.0), (-10.0, -18.0), (-30.0, -30.0)] {
            let low = sines(&[row * drift], row_dbfs, 8000, 45);
            let high = sines(&[column * drift], column_dbfs, 8000, 45);
            let mut call = silence(8000, 30);
            call.extend(low.iter().zip(&high).map(|(a, b)| a + b));
            call.extend(silence(8000, 60));
            assert_eq!(heard(&call, 8000), "9", "drift {drift}, {row_dbfs} and {column_dbfs} dBFS");
        }
    }
    let mut noisy = pressed(KEYS, 8000, 60, 60);
    audio::mix::add_noise(&mut noisy, -27.0, 8);
    assert_eq!(heard(&noisy, 8000), KEYS);
}

#[test]
fn what_is_no_key_is_not_heard() {
    assert_eq!(heard(&sines(&[770.0], -10.0, 8000, 500), 8000), "", "one tone");
    assert_eq!(heard(&sines(&[440.0, 480.0], -10.0, 8000, 500), 8000), "", "ringing");
    assert_eq!(heard(&sines(&[770.0, 852.0, 1336.0], -14.0, 8000, 500), 8000), "", "two rows at once");
    assert_eq!(heard(&sines(&[770.0, 1336.0], -45.0, 8000, 500), 8000), "", "too quiet");
    assert_eq!(heard(&noise(-15.0, 80_000, 2), 8000), "", "noise");
    let (low, high) = (sines(&[770.0], -24.0, 8000, 300), sines(&[1336.0], -10.0, 8000, 300));
    let twisted: Vec<i16> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
    assert_eq!(heard(&twisted, 8000), "", "14 dB of twist");
}

#[test]
fn nobody_presses_keys_by_speaking() {
    for (name, speech) in sentences() {
        // Slower and faster playing moves every voice over all the frequencies.
        for step in 12..=28 {
            let moved: Vec<i16> = (0..speech.len() * 16 / step).filter_map(|n| speech.get(n * step / 16).copied()).collect();
            assert_eq!(heard(&moved, 8000), "", "{name} at speed {step}/16");
        }
    }
}

#[test]
fn a_key_pressed_while_speaking_softly_is_heard() {
    let (_, speech) = sentences().remove(0);
    let mut call: Vec<i16> = speech.iter().map(|s| s / 16).collect();
    for (n, sample) in tone('5', 8000, 120).unwrap().into_iter().enumerate() {
        call[8000 + n] += sample;
    }
    assert_eq!(heard(&call, 8000), "5");
}

#[test]
fn a_whole_clip_at_once_gives_its_keys_one_by_one() {
    let mut detector = Detector::new(8000);
    let first = detector.push(&pressed("1#7", 8000, 60, 60));
    let rest: String = std::iter::from_fn(|| detector.push(&[])).collect();
    assert_eq!((first, rest.as_str()), (Some('1'), "#7"));
    let first = detector.push(&pressed(&"12".repeat(40), 8000, 45, 40));
    assert_eq!(first.into_iter().chain(std::iter::from_fn(|| detector.push(&[]))).count(), 32, "and no more than 32 wait");
}

#[test]
fn only_keys_of_reasonable_length_are_made() {
    assert_eq!(tone('1', 8000, 50).unwrap().len(), 400);
    assert!(tone('E', 8000, 50).is_none() && tone('a', 8000, 50).is_none());
    assert!(tone('1', 8000, MAX_TONE_MS + 1).is_none() && tone('1', 0, 50).is_none());
    assert!(Detector::new(0).push(&[1, 2, 3]).is_none(), "a rate without room for tones hears none");
}

#[test]
fn keys_that_are_sent_are_heard_at_the_far_end() {
    for rate in [8000, 16_000] {
        let sent = tones("12w3#*0ABcd55", rate).unwrap();
        assert_eq!(heard(&sent, rate), "123#*0ABCD55");
        assert_eq!(sent.len() as u32, rate * (12 * 200 + 500) / 1000);
    }
    // Over a noisy line too.
    let mut noisy = tones(KEYS, 8000).unwrap();
    audio::mix::add_noise(&mut noisy, -30.0, 5);
    assert_eq!(heard(&noisy, 8000), KEYS);
}

/// Power of one frequency in dBm0, by plain correlation: an ear that has nothing in common with the detector's.
fn dbm0(pcm: &[i16], hz: f64) -> f64 {
    let turn = |n: usize| 2.0 * std::f64::consts::PI * hz * n as f64 / 8000.0;
    let (cosine, sine) = pcm
        .iter()
        .enumerate()
        .fold((0.0, 0.0), |(c, s), (n, sample)| (c + f64::from(*sample) * turn(n).cos(), s + f64::from(*sample) * turn(n).sin()));
    let amplitude = 2.0 * (cosine * cosine + sine * sine).sqrt() / pcm.len() as f64;
    // G.711: a sine at full scale has 3.17 dBm0.
    20.0 * (amplitude / 32124.0).log10() + 3.17
}

#[test]
fn sent_keys_have_the_levels_and_times_that_receivers_ask_for() {
    let rows = [697.0, 770.0, 852.0, 941.0];
    let columns = [1209.0, 1336.0, 1477.0, 1633.0];
    for (at, key) in "123A456B789C*0#D".chars().enumerate() {
        let sound = over_the_line(&tones(&key.to_string(), 8000).unwrap());
        let loud: Vec<usize> = sound.iter().enumerate().filter(|(_, sample)| sample.unsigned_abs() > 100).map(|(n, _)| n).collect();
        let (first, last) = (loud[0], loud[loud.len() - 1]);
        assert!((790..=800).contains(&(last - first + 1)), "{key}: 40 ms at least, without a hole at its ends");
        assert!(sound.len() - last >= 8000 * 40 / 1000, "{key}: and 40 ms of silence");
        let (row, column) = (dbm0(&sound[..800], rows[at / 4]), dbm0(&sound[..800], columns[at % 4]));
        // ITU-T Q.24, the AT&T column: 0 to -25 dBm0 for each tone, the high one up to 4 dB louder and up to 8 softer.
        assert!((-25.0..=0.0).contains(&row) && (-25.0..=0.0).contains(&column), "{key}: {row:.1} and {column:.1} dBm0");
        assert!((-8.0..=4.0).contains(&(column - row)), "{key}: twist {:.1} dB", column - row);
        let others = rows.iter().chain(&columns).filter(|hz| **hz != rows[at / 4] && **hz != columns[at % 4]);
        for hz in others {
            assert!(dbm0(&sound[..800], *hz) < row - 20.0, "{key}: {hz} Hz");
        }
    }
}

#[test]
fn what_are_no_keys_is_not_sent() {
    for keys in ["", "12x", "1 2", &"1".repeat(MAX_KEYS + 1)] {
        assert_eq!(tones(keys, 8000), Err(AudioError::Keys { count: keys.len(), limit: MAX_KEYS }), "{keys:?}");
    }
    assert!(tones("1", 4000).is_err());
    assert!(!AudioError::Keys { count: 4, limit: 32 }.to_string().contains("1234"), "keys may be a secret");
}
