//! What was heard in a call, from its sound alone: when the caller spoke, when the agent did, and with which voice.

use std::time::Duration;

use audio::level::Level;
use dial::StereoAudio;

/// Everything is looked at in frames of this length.
const FRAME: Duration = Duration::from_millis(20);
/// Louder than this is no silence: above line noise, below every voice.
const SOUND_DBFS: f32 = -45.0;
/// A pause of the caller up to this is one within a sentence.
const BREATH_FRAMES: usize = 50;
/// The simulated voices' tone, Hz.
const HUM_HZ: f32 = 200.0;
/// With so much of its power in that tone, a stretch of sound is the hum.
const HUM_SHARE: f32 = 0.8;
/// Voices are told apart in stretches of so many frames.
const STRETCH_FRAMES: usize = 10;
/// Less of a voice than this is the edge of another one.
const LEAST_VOICE: Duration = Duration::from_millis(200);

/// Whose voice it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// A simulated vendor's: it hums.
    Vendor,
    /// This machine's.
    Own,
}

/// Something the caller asked, and what came after it.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedTurn {
    /// The end of the caller's words, from the start of the stream.
    pub asked: Duration,
    /// The caller speaks again, or the call is over.
    pub until: Duration,
    /// The end of the agent's last sound in between.
    pub last_sound: Option<Duration>,
    /// Longest silence before that; all of the time when nothing was heard.
    pub silence: Duration,
    /// Who spoke and how long, in the order in which they began.
    pub voices: Vec<(Voice, Duration)>,
}

/// Everything that was asked in a call.
pub fn asked_turns(sound: &StereoAudio) -> Vec<AskedTurn> {
    let samples = sound.rate as usize / 50;
    let side = |side: usize| sound.samples.iter().skip(side).step_by(2).copied().collect::<Vec<i16>>();
    let (caller, agent) = (side(0), side(1));
    let loud = |pcm: &[i16]| pcm.chunks(samples.max(1)).map(|frame| Level::of(frame).rms_dbfs > SOUND_DBFS).collect::<Vec<bool>>();
    let (speaks, sounds) = (utterances(&loud(&caller)), loud(&agent));
    let over = sounds.len();
    let begins = speaks.iter().map(|(begin, _)| *begin).skip(1).chain([over]);
    speaks.iter().zip(begins).map(|((_, end), until)| turn(&agent, &sounds, samples, (*end, until.max(*end)), sound.rate)).collect()
}

/// From the first to behind the last loud frame of each thing said.
fn utterances(loud: &[bool]) -> Vec<(usize, usize)> {
    let mut all: Vec<(usize, usize)> = Vec::new();
    for at in loud.iter().enumerate().filter(|(_, loud)| **loud).map(|(at, _)| at) {
        match all.last_mut() {
            Some((_, end)) if at - *end <= BREATH_FRAMES => *end = at + 1,
            _ => all.push((at, at + 1)),
        }
    }
    all
}

fn turn(agent: &[i16], sounds: &[bool], samples: usize, (asked, until): (usize, usize), rate: u32) -> AskedTurn {
    let heard: Vec<usize> = (asked..until).filter(|at| sounds.get(*at) == Some(&true)).collect();
    let (mut silence, mut before) = (0, asked);
    for at in &heard {
        silence = silence.max(at - before);
        before = at + 1;
    }
    if heard.is_empty() {
        silence = until - asked;
    }
    let voices = voices(agent, samples, &heard, rate);
    AskedTurn { asked: time(asked), until: time(until), last_sound: heard.last().map(|at| time(at + 1)), silence: time(silence), voices }
}

fn voices(agent: &[i16], samples: usize, heard: &[usize], rate: u32) -> Vec<(Voice, Duration)> {
    let mut voices: Vec<(Voice, Duration)> = Vec::new();
    for stretch in heard.chunks(STRETCH_FRAMES) {
        let shares = stretch.iter().map(|at| hum_share(&agent[at * samples..((at + 1) * samples).min(agent.len())], rate));
        let share = shares.sum::<f32>() / stretch.len() as f32;
        let voice = if share > HUM_SHARE { Voice::Vendor } else { Voice::Own };
        let length = time(stretch.len());
        match voices.iter_mut().find(|(known, _)| *known == voice) {
            Some((_, so_far)) => *so_far += length,
            None => voices.push((voice, length)),
        }
    }
    voices.retain(|(_, length)| *length > LEAST_VOICE);
    voices
}

/// The part of a frame's power that is in the hum's tone (Goertzel).
fn hum_share(frame: &[i16], rate: u32) -> f32 {
    let turn = std::f32::consts::TAU * HUM_HZ / rate as f32;
    let (mut sine, mut cosine, mut power) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (at, sample) in frame.iter().enumerate() {
        let (sample, angle) = (f32::from(*sample), turn * at as f32);
        sine += sample * angle.sin();
        cosine += sample * angle.cos();
        power += sample * sample;
    }
    if power == 0.0 { 0.0 } else { 2.0 * (sine * sine + cosine * cosine) / (power * frame.len() as f32) }
}

fn time(frames: usize) -> Duration {
    FRAME * u32::try_from(frames).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silences_are_measured_from_the_callers_last_word_and_voices_are_told_apart() {
        let hum = |at: usize| ((std::f32::consts::TAU * HUM_HZ * at as f32 / 8000.0).sin() * 9000.0) as i16;
        let mut random = fastrand::Rng::with_seed(1);
        let mut noise = |_: usize| random.i16(-6000..6000);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        // (ms, caller speaks, agent: 0 silent, 1 hums, 2 speaks)
        for (ms, caller, agent) in [
            (1000, true, 0),
            (600, false, 0),
            (2000, false, 1),
            (1200, false, 0),
            (1000, false, 2),
            (4000, false, 0),
            (500, true, 0),
            (3000, false, 0),
        ] {
            for at in 0..ms * 8 {
                left.push(if caller { noise(at) } else { 0 });
                right.push(match agent {
                    0 => 0,
                    1 => hum(at),
                    _ => noise(at),
                });
            }
        }
        let samples = left.into_iter().zip(right).flat_map(|(left, right)| [left, right]).collect();
        let turns = asked_turns(&StereoAudio { rate: 8000, samples });
        let ms = Duration::from_millis;
        assert_eq!(turns.len(), 2);
        assert_eq!((turns[0].asked, turns[0].until, turns[0].last_sound), (ms(1000), ms(9800), Some(ms(5800))));
        assert_eq!(turns[0].silence, ms(1200), "what comes after the last word is not owed");
        assert_eq!(turns[0].voices, [(Voice::Vendor, ms(2000)), (Voice::Own, ms(1000))]);
        assert_eq!((turns[1].silence, turns[1].voices.len()), (ms(3000), 0), "who hears nothing waits all the time");
    }
}
