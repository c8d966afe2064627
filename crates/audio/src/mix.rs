//! Noise to put under speech, the same for the same seed: for measuring how well a noisy line is heard.

use crate::level::amplitude;

/// Adds white noise of `dbfs` (root mean square against 32768) to `pcm`, clamped. The same seed gives the same noise.
pub fn add_noise(pcm: &mut [i16], dbfs: f32, seed: u64) {
    // Even noise between -a and a has a root mean square of a/√3.
    let amplitude = amplitude(dbfs) * 3_f32.sqrt();
    let mut state = seed;
    for sample in pcm {
        let noise = amplitude * unit(&mut state);
        *sample = (f32::from(*sample) + noise).round() as i16;
    }
}

/// The next of an even sequence in -1..1: SplitMix64 (Steele, Lea, Flood 2014).
fn unit(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    // 24 bits are what an f32 holds exactly.
    (z >> 40) as f32 / 8_388_608.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    #[test]
    fn noise_has_the_level_asked_for_and_repeats() {
        let (mut one, mut two, mut other) = ([0; 16_000], [0; 16_000], [0; 16_000]);
        add_noise(&mut one, -40.0, 7);
        add_noise(&mut two, -40.0, 7);
        add_noise(&mut other, -40.0, 8);
        assert!((Level::of(&one).rms_dbfs + 40.0).abs() < 0.2);
        assert_eq!(one, two);
        assert_ne!(one, other);
        let mean = one.iter().map(|&s| i64::from(s)).sum::<i64>() / 16_000;
        assert!(mean.abs() < 10, "noise must not shift the line: {mean}");
    }

    #[test]
    fn loud_noise_on_loud_sound_clamps() {
        let mut pcm = [i16::MAX; 1000];
        add_noise(&mut pcm, 0.0, 1);
        assert!(pcm.contains(&i16::MAX) && pcm.iter().all(|&s| s > -32768));
    }
}
