//! Who calls, and what they say, mutter and cough.

use std::sync::Arc;
use std::time::Duration;

use call::Carrier;
use dial::{Script, Speech, Step};

/// Not the agent's own voice.
const VOICES: [&str; 3] = ["rms", "awb", "kal"];
/// How long the agent has spoken by then.
const INTO: Duration = Duration::from_millis(900);
/// The agent has finished after so much silence.
const QUIET: Duration = Duration::from_millis(1_200);
const LIMIT: Duration = Duration::from_secs(25);
const RATE: u32 = 8000;

/// Said over the agent's words, by people who want to be heard.
const INTERRUPTIONS: [&str; 5] = [
    "I would like a double room for two nights",
    "no wait a moment please",
    "can I speak to a person",
    "what time is breakfast",
    "sorry I want to cancel my booking",
];
/// Said over the agent's words, by people who listen. "Um hum": a synthetic voice spells "mhm".
const MURMURS: [&str; 4] = ["um hum", "uh huh", "okay", "yeah"];
/// Said when it is the caller's turn.
const SENTENCES: [&str; 6] = [
    "I would like a double room for two nights from Friday",
    "what time is breakfast",
    "do you have a room for tomorrow",
    "I want to cancel my booking",
    "how much is a single room",
    "can I bring my dog",
];

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Words over the agent's words.
    Interruption,
    /// A murmur over them.
    Murmur,
    /// A noise over them.
    Noise,
    /// A sentence in the caller's own turn.
    Sentence,
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) about: About,
    /// For people.
    pub(super) what: String,
    pub(super) noise_dbfs: f32,
    pub(super) script: Script,
}

/// All calls over a line with this noise.
pub(super) fn plans(noise_dbfs: f32) -> Vec<Plan> {
    let mut plans = Vec::new();
    for voice in VOICES {
        plans.extend(INTERRUPTIONS.map(|text| over(About::Interruption, text.to_owned(), words(text), voice, noise_dbfs)));
        plans.extend(MURMURS.map(|text| over(About::Murmur, text.to_owned(), words(text), voice, noise_dbfs)));
        plans.extend(SENTENCES.map(|text| in_turn(text, voice, noise_dbfs)));
    }
    plans.extend(
        noises().into_iter().map(|(name, pcm)| over(About::Noise, name, Speech::Pcm { samples: pcm, rate: RATE }, VOICES[0], noise_dbfs)),
    );
    plans
}

fn words(text: &str) -> Speech {
    Speech::words(text)
}

fn over(about: About, what: String, speech: Speech, voice: &str, noise_dbfs: f32) -> Plan {
    let steps =
        [Step::Interrupt { speech, after: INTO, timeout: LIMIT }, Step::WaitForAgent { timeout: LIMIT, quiet: QUIET }, Step::HangUp];
    Plan { about, what, noise_dbfs, script: script(steps.into(), voice, noise_dbfs) }
}

fn in_turn(text: &str, voice: &str, noise_dbfs: f32) -> Plan {
    let wait = || Step::WaitForAgent { timeout: LIMIT, quiet: QUIET };
    let steps = vec![wait(), Step::Say { speech: words(text), hang_up_after: None }, wait(), Step::HangUp];
    Plan { about: About::Sentence, what: text.to_owned(), noise_dbfs, script: script(steps, voice, noise_dbfs) }
}

fn script(steps: Vec<Step>, voice: &str, noise_dbfs: f32) -> Script {
    let plain = Script::new(Carrier::Twilio);
    Script { steps, voice: voice.to_owned(), noise_dbfs: Some(noise_dbfs), agent: Some("hotel".to_owned()), ..plain }
}

/// Noises that are no voices, each louder and softer: a cough (two bursts of breath), a door, keys of a keyboard.
fn noises() -> Vec<(String, Arc<[i16]>)> {
    let mut all = Vec::new();
    for (level, peak) in [("-18 dBFS", 8_000.0), ("-30 dBFS", 2_000.0)] {
        all.push((format!("cough, {level}"), bursts(peak, &[(0, 180), (330, 220)], 0.6)));
        all.push((format!("door, {level}"), bursts(peak, &[(0, 90)], 0.9)));
        all.push((format!("keyboard, {level}"), bursts(peak, &[(0, 15), (140, 15), (260, 15), (420, 15), (530, 15)], 0.2)));
    }
    all
}

/// Bursts of noise (begin and length, ms) that die away; `dark`: how much of its height is taken from it.
fn bursts(peak: f32, bursts: &[(usize, usize)], dark: f32) -> Arc<[i16]> {
    let per_ms = RATE as usize / 1000;
    let length = bursts.iter().map(|(begin, length)| begin + length).max().unwrap_or_default();
    let mut pcm = vec![0_i16; length * per_ms];
    let mut random = fastrand::Rng::with_seed(1);
    for (begin, length) in bursts {
        let (samples, mut last) = (length * per_ms, 0.0);
        for at in 0..samples {
            last = dark * last + (1.0 - dark) * (random.f32() * 2.0 - 1.0);
            // Filtered noise is softer: what is taken is given back.
            let fade = 1.0 - at as f32 / samples as f32;
            pcm[begin * per_ms + at] = (last * fade * peak * ((1.0 + dark) / (1.0 - dark)).sqrt()).clamp(-32_000.0, 32_000.0) as i16;
        }
    }
    pcm.into()
}
