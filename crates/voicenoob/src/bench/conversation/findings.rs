//! What one call shows: when the agent stopped, whether it went on, when it took the turn. From the sound and the record.

use audio::level::Level;
use call::{Speaker, TurnRecord};
use dial::{CallReport, StereoAudio};

use super::people::{About, Plan};

const FRAME_MS: f64 = 20.0;
/// The agent is heard from here on, dBFS: its side of the line has no noise.
const AGENT_DBFS: f32 = -50.0;
/// A caller's voice is so much over the line's noise, and at least this loud.
const OVER_NOISE_DB: f32 = 9.0;
const CALLER_DBFS: f32 = -40.0;
/// The agent has stopped when nothing is heard for so many frames.
const STOPPED_FRAMES: usize = 10;

/// What became of something said over the agent's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Became {
    /// The agent stopped, and it was the caller's turn.
    Stopped,
    /// It paused, and went on.
    Resumed,
    /// It did not even pause.
    Unnoticed,
}

/// One call's figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Finding {
    pub(super) about: About,
    pub(super) noise_dbfs: f32,
    pub(super) became: Option<Became>,
    /// From the caller's first sound over the agent's words to the agent's last, ms.
    pub(super) stop_ms: Option<f64>,
    /// From the caller's last sound to the turn being taken, words and all, ms; less than nothing when it was taken in the middle.
    pub(super) turn_ms: Option<f64>,
}

impl Finding {
    pub(super) fn of(plan: &Plan, report: &CallReport) -> Self {
        let (about, noise_dbfs) = (plan.about, plan.noise_dbfs);
        let none = Self { about, noise_dbfs, became: None, stop_ms: None, turn_ms: None };
        let Some(sound) = &report.audio else { return none };
        let caller = loud(sound, 0, (noise_dbfs + OVER_NOISE_DB).max(CALLER_DBFS));
        if about == About::Sentence {
            return Self { turn_ms: taken(&caller, &report.turns), ..none };
        }
        let interrupted = report.turns.iter().find(|turn| turn.speaker == Speaker::Agent).is_some_and(|turn| turn.interrupted);
        let became = match (interrupted, report.clears) {
            (true, _) => Became::Stopped,
            (false, 0) => Became::Unnoticed,
            (false, _) => Became::Resumed,
        };
        let stopped =
            (about == About::Interruption && became == Became::Stopped).then(|| stop(&caller, &loud(sound, 1, AGENT_DBFS))).flatten();
        Self { became: Some(became), stop_ms: stopped, ..none }
    }
}

fn loud(sound: &StereoAudio, side: usize, over_dbfs: f32) -> Vec<bool> {
    let samples: Vec<i16> = sound.samples.iter().skip(side).step_by(2).copied().collect();
    samples.chunks((sound.rate / 50).max(1) as usize).map(|frame| Level::of(frame).rms_dbfs > over_dbfs).collect()
}

/// From the caller's first sound to the agent's last before it is silent.
fn stop(caller: &[bool], agent: &[bool]) -> Option<f64> {
    let begun = caller.iter().position(|loud| *loud)?;
    let silent = agent.get(begun..)?.windows(STOPPED_FRAMES).position(|frames| frames.iter().all(|loud| !loud))?;
    Some(silent as f64 * FRAME_MS)
}

/// The record counts from the stream's first message, as the sound does from its first frame.
fn taken(caller: &[bool], turns: &[TurnRecord]) -> Option<f64> {
    let over = (caller.iter().rposition(|loud| *loud)? + 1) as f64 * FRAME_MS;
    let said = turns.iter().position(|turn| turn.speaker == Speaker::Caller)?;
    let answer = turns.get(said + 1..)?.iter().find(|turn| turn.speaker == Speaker::Agent)?.latency?;
    let known = turns.get(said)?.end_ms + u64::from(answer.endpoint_ms) + u64::from(answer.recognition_ms);
    Some(known as f64 - over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_is_measured_from_the_callers_first_sound_to_a_silence_that_lasts() {
        let frames = |pattern: &str| pattern.chars().map(|sign| sign == 'x').collect::<Vec<bool>>();
        let caller = frames(".....xxxxxxxxxxxxxxxxxxxxxxxx");
        assert_eq!(stop(&caller, &frames("xxxxxxxxxx..xx...............")), Some(180.0));
        assert_eq!(stop(&caller, &frames("xxxxxxxxxxxxxxxxxxxxxxxxxxxxx")), None, "it never stopped");
    }
}
