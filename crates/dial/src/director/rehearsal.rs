//! Makes everything a script needs before the call starts.

use std::time::Duration;

use audio::{dtmf, mix};

use super::{Act, Start};
use crate::DialError;
use crate::clip::{Clip, Voice};
use crate::ear::FRAME_MS;
use crate::script::{Garbage, Script, Speech, Step};

/// Length of a pressed key's tone and of the gap behind it: what telephones send (ETSI ES 201 235-2: at least 65 ms each).
const TONE_MS: u32 = 100;
/// Noise as garbage: as loud as a shouting voice, for two seconds.
const NOISE_DBFS: f32 = -15.0;
const NOISE_SECONDS: u32 = 2;

/// The script's steps as acts, every sound made.
pub(crate) async fn rehearse(script: &Script, voice: &Voice<'_>) -> Result<Vec<Act>, DialError> {
    let mut acts = Vec::with_capacity(script.steps.len());
    for step in &script.steps {
        acts.push(act(step, voice).await?);
    }
    Ok(acts)
}

async fn act(step: &Step, voice: &Voice<'_>) -> Result<Act, DialError> {
    Ok(match step {
        Step::WaitForAgent { timeout, quiet } => Act::Listen { quiet: frames(*quiet), timeout: frames(*timeout) },
        Step::Say { speech, hang_up_after } => speak(speech, Start::AtOnce, hang_up_after.map(frames), voice).await?,
        Step::Interrupt { speech, after, timeout } => {
            let start = Start::IntoReply { after: frames(*after), timeout: frames(*timeout) };
            speak(speech, start, None, voice).await?
        }
        Step::Press { digits, in_band: true } => sound(tones(digits, voice.rate)),
        Step::Press { digits, in_band: false } => Act::Press { digits: digits.clone() },
        Step::Silence(length) => Act::Pause { frames: frames(*length) },
        Step::Garbage(Garbage::Noise) => sound(noise(voice.rate)),
        Step::Garbage(garbage) => Act::Disturb(*garbage),
        Step::HangUp => Act::HangUp,
        Step::WaitForEnd { timeout } => Act::AwaitEnd { timeout: frames(*timeout) },
    })
}

async fn speak(speech: &Speech, start: Start, hang_up_at: Option<u64>, voice: &Voice<'_>) -> Result<Act, DialError> {
    Ok(Act::Speak { clip: voice.clip(speech).await?, start, hang_up_at })
}

fn sound(clip: Clip) -> Act {
    Act::Speak { clip, start: Start::AtOnce, hang_up_at: None }
}

fn tones(digits: &str, rate: u32) -> Clip {
    let mut samples = Vec::new();
    let gap = (rate * TONE_MS / 1000) as usize;
    // `Script::check` lets no other characters through than those that have a tone.
    for tone in digits.chars().filter_map(|key| dtmf::tone(key, rate, TONE_MS)) {
        samples.extend(tone);
        samples.resize(samples.len() + gap, 0);
    }
    Clip { label: format!("keys {digits}, as tones"), samples: samples.into() }
}

fn noise(rate: u32) -> Clip {
    let mut samples = vec![0; (rate * NOISE_SECONDS) as usize];
    mix::add_noise(&mut samples, NOISE_DBFS, 1);
    Clip { label: "noise".to_owned(), samples: samples.into() }
}

/// Whole frames, rounded up: a step never takes less than it says.
pub(crate) fn frames(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX).div_ceil(FRAME_MS)
}
