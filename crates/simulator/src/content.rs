//! What simulated vendors say, hear and think.
//!
//! Voices and ears are real where the machine has engines (flite, pocketsphinx); without, or for load tests, voices hum and ears follow a script.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use serde_json::Value;
use speech::{Domain, Listening, RecognitionEvent, SpeakRequest, SpeechToText, TextToSpeech};

use crate::SimulatorError;

/// Longest text that is spoken, characters.
const MAX_TEXT: usize = 5000;

/// Voices.
#[derive(Clone)]
pub enum Mouth {
    /// Those of the machine.
    Engine(Arc<dyn TextToSpeech>),
    /// A hum, 60 ms a letter: costs nothing.
    Hum,
}

impl Mouth {
    /// The sound of a text, mono, at this rate (8000, 16000 or 24000 samples a second).
    pub async fn say(&self, text: &str, rate: u32) -> Result<Vec<i16>, SimulatorError> {
        let text: String = text.chars().take(MAX_TEXT).collect();
        match self {
            Self::Hum => Ok(hum(text.trim().chars().count(), rate)),
            Self::Engine(engine) => {
                let made = if rate == 24_000 { 16_000 } else { rate };
                let voice = engine.voice_for("slt", "en-US").unwrap_or_default();
                let request = SpeakRequest { text, voice, language: "en-US".into(), rate: made };
                let mut stream = engine.speak(request, &Default::default()).await?;
                let mut sound = Vec::new();
                while let Some(piece) = stream.recv().await {
                    sound.extend_from_slice(&piece?);
                }
                if made == rate {
                    return Ok(sound);
                }
                audio::resample::resample(&sound, made, rate)
                    .map_err(|error| speech::SpeechError::BadAudio { detail: error.to_string() }.into())
            }
        }
    }
}

/// A tone of 200 Hz, swelling with each letter, so that it is heard as voice.
fn hum(letters: usize, rate: u32) -> Vec<i16> {
    let samples = letters.max(1) * rate as usize * 60 / 1000;
    let step = std::f32::consts::TAU * 200.0 / rate as f32;
    let swell = std::f32::consts::TAU * 4.0 / rate as f32;
    (0..samples).map(|at| ((at as f32 * step).sin() * (0.6 + 0.4 * (at as f32 * swell).sin()) * 9000.0) as i16).collect()
}

/// Ears.
#[derive(Clone)]
pub enum Ears {
    /// Those of the machine, for what may be said in a domain.
    Engine(Arc<dyn SpeechToText>, Arc<Domain>),
    /// The script's lines, one after the other.
    Script(Arc<Vec<String>>, Arc<AtomicUsize>),
}

/// What was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Lower-case words; empty when none were made out.
    pub text: String,
    /// From 0 to 1.
    pub confidence: f32,
}

impl Ears {
    /// Ears that hear these lines, again from the first after the last.
    pub fn script(lines: Vec<String>) -> Self {
        Self::Script(Arc::new(lines), Arc::default())
    }

    /// What is said in this sound (mono, 8000 or 16000 samples a second).
    pub async fn hear(&self, pcm: &[i16], rate: u32) -> Result<Heard, SimulatorError> {
        let (engine, domain) = match self {
            Self::Script(lines, next) => {
                let line = lines.get(next.fetch_add(1, Ordering::SeqCst) % lines.len().max(1)).cloned().unwrap_or_default();
                return Ok(Heard { text: line, confidence: 0.97 });
            }
            Self::Engine(engine, domain) => (engine, domain),
        };
        let mut recognition = engine.open(Listening::plain(Arc::clone(domain), rate)).await?;
        recognition.start();
        recognition.push(pcm);
        recognition.finish();
        loop {
            match recognition.next().await {
                RecognitionEvent::Final(heard) => return Ok(Heard { text: heard.text, confidence: heard.confidence }),
                RecognitionEvent::Failed(fault) => return Err(fault.into()),
                _ => {}
            }
        }
    }
}

/// What a simulated model answers: rules, the first that fits. See `script.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What scripted ears hear, one line an utterance.
    #[serde(default)]
    pub callers: Vec<String>,
    /// The rules.
    #[serde(default)]
    pub line: Vec<Line>,
}

/// One rule.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Line {
    /// Fits when the caller's last words hold one of these (lower case); empty: always.
    pub when: Vec<String>,
    /// Fits only when this tool has answered since the caller's last words; without it, only when none has.
    pub after: Option<String>,
    /// What is said. `{heard}` stands for the caller's words, `{result}` for the tool's answer.
    pub say: String,
    /// The tool that is called; ignored when the model was not offered it.
    pub tool: Option<String>,
    /// Its arguments. `{in 14 days}` stands for that day's date.
    pub arguments: Value,
    /// Its arguments as this text instead, malformed if so written: models do that.
    pub raw_arguments: Option<String>,
}

/// What a simulated model decides to do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// Words; may be empty with a tool.
    pub say: String,
    /// A tool and its arguments.
    pub tool: Option<(String, Value)>,
    /// What is sent as the tool's arguments where that is not JSON as it should be.
    pub raw_arguments: Option<String>,
}

impl Reply {
    /// The tool's arguments as a model writes them.
    pub fn arguments(&self) -> String {
        let written = || self.tool.as_ref().map_or_else(String::new, |(_, arguments)| object(arguments).to_string());
        self.raw_arguments.clone().unwrap_or_else(written)
    }
}

/// A line of the script that says nothing of arguments means none.
fn object(arguments: &Value) -> Value {
    if arguments.is_null() { Value::Object(Default::default()) } else { arguments.clone() }
}

/// A simulated model's mind. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mind(Arc<Script>);

impl Mind {
    /// By these rules.
    pub fn new(script: Script) -> Self {
        Self(Arc::new(script))
    }

    /// The receptionist of few words that comes along (`script.toml`).
    pub fn built_in() -> Result<Self, SimulatorError> {
        Self::parse(include_str!("script.toml"))
    }

    /// By rules in TOML.
    pub fn parse(text: &str) -> Result<Self, SimulatorError> {
        Ok(Self::new(toml::from_str(text)?))
    }

    /// What scripted ears hear.
    pub fn callers(&self) -> Vec<String> {
        self.0.callers.clone()
    }

    /// The answer to the caller's last words, and to the tool that answered since (name, answer); `tools`: what was offered.
    pub fn answer(&self, heard: &str, answered: Option<(&str, &str)>, tools: &[String]) -> Reply {
        let heard = heard.to_lowercase();
        let fits = |line: &&Line| {
            line.after.as_deref() == answered.map(|(tool, _)| tool)
                && (line.when.is_empty() || line.when.iter().any(|word| heard.contains(word.as_str())))
                && line.tool.as_ref().is_none_or(|tool| tools.contains(tool))
        };
        let Some(line) = self.0.line.iter().find(fits) else {
            return Reply { say: unscripted(&heard, answered.is_some()), ..Reply::default() };
        };
        let say = line.say.replace("{heard}", &heard).replace("{result}", answered.map_or("", |(_, result)| result));
        Reply { say, tool: line.tool.clone().map(|tool| (tool, dated(&line.arguments))), raw_arguments: line.raw_arguments.clone() }
    }
}

/// Arguments in which `{in N days}` is a date: a script that named one would be out of date some day.
fn dated(arguments: &Value) -> Value {
    match arguments {
        Value::Object(fields) => Value::Object(fields.iter().map(|(name, value)| (name.clone(), dated(value))).collect()),
        Value::Array(all) => all.iter().map(dated).collect(),
        Value::String(text) => in_days(text).map_or_else(|| arguments.clone(), Value::String),
        other => other.clone(),
    }
}

fn in_days(text: &str) -> Option<String> {
    let days: i64 = text.strip_prefix("{in ")?.strip_suffix(" days}")?.parse().ok()?;
    let span = jiff::Span::new().try_days(days).ok()?;
    Some(jiff::Zoned::now().date().checked_add(span).ok()?.to_string())
}

/// What is said where no line fits. What stands in square brackets was written by the program, and nobody said it.
fn unscripted(heard: &str, answered: bool) -> String {
    if answered {
        "That is done.".to_owned()
    } else if heard.is_empty() || heard.starts_with('[') {
        "How can I help you?".to_owned()
    } else {
        format!("You said: {heard}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_script_decides_by_words_tools_and_what_was_offered() {
        let mind = Mind::parse(include_str!("script.toml")).unwrap();
        let tools = ["check_availability".to_owned()];
        let first = mind.answer("I would like a double ROOM", None, &tools);
        let (tool, arguments) = first.tool.unwrap();
        let arrival: jiff::civil::Date = arguments["arrival"].as_str().unwrap().parse().unwrap();
        assert!(tool == "check_availability" && arrival > jiff::Zoned::now().date(), "{arguments}");
        assert!(mind.answer("a room please", None, &[]).tool.is_none(), "it was not offered");
        assert!(mind.answer("a room please", Some(("check_availability", "{}")), &tools).tool.is_none());
        assert_eq!(mind.answer("zebra", None, &tools).say, "You said: zebra.");
        assert_eq!(mind.answer("[the call begins]", None, &tools).say, "How can I help you?");
        let ears = Ears::script(mind.callers());
        let (one, two) = (ears.hear(&[], 8000).await.unwrap(), ears.hear(&[], 8000).await.unwrap());
        assert_ne!(one, two);
        assert_eq!(Mouth::Hum.say("four", 8000).await.unwrap().len(), 4 * 480);
    }

    #[test]
    fn a_script_may_have_a_model_write_malformed_arguments() {
        let text = "[[line]]\ntool = \"look\"\nraw_arguments = '{\"a\":'\n[[line]]\nwhen = [\"x\"]\ntool = \"look\"\n";
        let mind = Mind::parse(text).unwrap();
        assert_eq!(mind.answer("hello", None, &["look".to_owned()]).arguments(), "{\"a\":");
        assert_eq!(Reply { tool: Some(("look".into(), Value::Null)), ..Reply::default() }.arguments(), "{}");
    }
}
