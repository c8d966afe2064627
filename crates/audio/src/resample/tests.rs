//! What conversion must keep (speech, duration, loudness) and what it must take away (mirror images).

use proptest::prelude::*;

use super::*;

fn sine(hz: f64, rate: u32, samples: usize) -> Vec<i16> {
    (0..samples).map(|n| (12_000.0 * (2.0 * PI * hz * n as f64 / f64::from(rate)).sin()).round() as i16).collect()
}

fn rms(pcm: &[i16]) -> f64 {
    (pcm.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt()
}

#[test]
fn a_tone_arrives_as_the_same_tone_between_all_rates() {
    for from in RATES {
        for to in RATES {
            let heard = resample(&sine(1000.0, from, from as usize), from, to).unwrap();
            assert_eq!(heard.len(), to as usize, "{from} to {to}");
            let wanted = sine(1000.0, to, heard.len());
            // The ends hear the start and stop of the tone; the middle must be the tone, in time.
            let middle = heard.len() / 10..heard.len() * 9 / 10;
            let error: Vec<i16> = heard[middle.clone()].iter().zip(&wanted[middle]).map(|(a, b)| a - b).collect();
            let ratio = 20.0 * (rms(&wanted) / rms(&error).max(1e-9)).log10();
            assert!(ratio > 60.0, "{from} to {to}: {ratio:.1} dB");
        }
    }
}

#[test]
fn what_telephone_cannot_carry_is_removed_not_folded() {
    for from in [16_000, 22_050, 24_000, 44_100, 48_000] {
        let heard = resample(&sine(5000.0, from, 8000), from, 8000).unwrap();
        let middle = &heard[heard.len() / 4..heard.len() * 3 / 4];
        assert!(rms(middle) < 12.0, "{from}: {} of 8485", rms(middle));
    }
}

#[test]
fn the_speech_band_passes_level() {
    for hz in [100.0, 300.0, 2000.0, 3000.0] {
        let heard = resample(&sine(hz, 8000, 8000), 8000, 16_000).unwrap();
        let loss = 20.0 * (rms(&heard[2000..14_000]) / (12_000.0 / 2_f64.sqrt())).log10();
        assert!(loss.abs() < 0.3, "{hz} Hz: {loss:.2} dB");
    }
}

#[test]
fn full_scale_clamps_and_never_wraps() {
    let square: Vec<i16> = (0..800).map(|n| if n / 20 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
    let heard = resample(&square, 8000, 16_000).unwrap();
    for (n, &sample) in heard.iter().enumerate() {
        // Away from the edges the sign must be that of the square wave.
        if (8..32).contains(&(n % 40)) {
            assert_eq!(sample > 0, n / 40 % 2 == 0, "at {n}: {sample}");
        }
    }
}

#[test]
fn other_rates_are_refused() {
    assert_eq!(Resampler::new(11_025, 8000).err(), Some(AudioError::UnsupportedRates { from: 11_025, to: 8000 }));
    assert_eq!(resample(&[], 8000, 0).err(), Some(AudioError::UnsupportedRates { from: 8000, to: 0 }));
}

#[test]
fn the_delay_between_telephone_and_wideband_is_one_and_a_half_milliseconds() {
    let resampler = Resampler::new(8000, 16_000).unwrap();
    assert_eq!(resampler.delay() as f64 / 8000.0, 0.0015);
    assert_eq!(Resampler::new(8000, 8000).unwrap().delay(), 0);
}

#[test]
fn a_resampler_stays_small_however_much_is_pushed() {
    let mut resampler = Resampler::new(48_000, 8000).unwrap();
    let mut out = Vec::new();
    resampler.process(&[5; 100_000], &mut out);
    let filter = resampler.filter.as_ref().unwrap();
    assert!(filter.window.capacity() <= filter.bank.taps + BLOCK);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_sound_like_the_whole(
        pcm in prop::collection::vec(any::<i16>(), 0..3000),
        cuts in prop::collection::vec(0_usize..700, 1..20),
        from in prop::sample::select(&RATES[..]),
        to in prop::sample::select(&RATES[..]),
    ) {
        let mut whole = Vec::new();
        let mut resampler = Resampler::new(from, to).unwrap();
        resampler.process(&pcm, &mut whole);
        prop_assert_eq!(whole.len() as u64, (pcm.len() as u64 * u64::from(to)).div_ceil(u64::from(from)));
        resampler.flush(&mut whole);

        // The same resampler again: flushing has made it new.
        let (mut pieces, mut rest) = (Vec::new(), &pcm[..]);
        for cut in cuts {
            let (piece, left) = rest.split_at(cut.min(rest.len()));
            resampler.process(piece, &mut pieces);
            rest = left;
        }
        resampler.process(rest, &mut pieces);
        resampler.flush(&mut pieces);
        prop_assert_eq!(pieces, whole);
    }
}
