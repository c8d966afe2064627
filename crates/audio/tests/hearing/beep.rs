//! An answering machine's beep is heard in time, and nothing else is taken for one.

use audio::beep::BeepDetector;

use crate::{noise, over_the_line, pink, sentences, silence, sines};

/// When a beep was heard first, in ms from the beginning.
fn beep(pcm: &[i16], rate: u32) -> Option<usize> {
    let mut detector = BeepDetector::new(rate).unwrap();
    let frame = rate as usize / 50;
    over_the_line(pcm).chunks(frame).position(|frame| detector.push(frame)).map(|at| (at + 1) * 20)
}

#[test]
fn a_beep_is_heard_before_it_is_over() {
    for rate in [8000, 16_000] {
        for hz in [810.0, 850.0, 1000.0, 1100.0, 1190.0] {
            for dbfs in [-6.0, -20.0, -33.0] {
                let mut call = silence(rate, 500);
                call.extend(sines(&[hz], dbfs, rate, 250));
                call.extend(silence(rate, 500));
                let heard = beep(&call, rate).unwrap_or_else(|| panic!("{hz} Hz, {dbfs} dBFS at {rate}"));
                assert!((640..=700).contains(&heard), "{hz} Hz: after {heard} ms");
            }
        }
    }
}

#[test]
fn a_beep_on_a_noisy_line_is_heard() {
    for seed in 0..5 {
        let mut call = silence(8000, 500);
        call.extend(sines(&[1000.0], -15.0, 8000, 400));
        audio::mix::add_noise(&mut call, -36.0, seed);
        assert!(beep(&call, 8000).is_some(), "seed {seed}");
    }
}

#[test]
fn what_is_no_beep_is_not_heard() {
    assert_eq!(beep(&sines(&[1000.0], -10.0, 8000, 130), 8000), None, "too short");
    assert_eq!(beep(&sines(&[1000.0], -45.0, 8000, 500), 8000), None, "too quiet");
    for (name, hz) in
        [("dial tone", vec![350.0, 440.0]), ("ringing", vec![440.0, 480.0]), ("busy", vec![480.0, 620.0]), ("key 5", vec![770.0, 1336.0])]
    {
        assert_eq!(beep(&sines(&hz, -10.0, 8000, 2000), 8000), None, "{name}");
    }
    for hz in [400.0, 700.0, 1300.0, 2100.0] {
        assert_eq!(beep(&sines(&[hz], -10.0, 8000, 2000), 8000), None, "{hz} Hz is another tone");
    }
    assert_eq!(beep(&noise(-20.0, 80_000, 1), 8000), None);
    assert_eq!(beep(&pink(-20.0, 80_000), 8000), None);
    for (name, speech) in sentences() {
        for step in 12..=28 {
            let moved: Vec<i16> = (0..speech.len() * 16 / step).filter_map(|n| speech.get(n * step / 16).copied()).collect();
            assert_eq!(beep(&moved, 8000), None, "{name} at speed {step}/16");
        }
    }
}
