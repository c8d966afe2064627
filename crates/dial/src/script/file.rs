//! A script as a TOML file. Unknown keys and impossible steps are errors with their line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use call::{Carrier, EndReason, PhoneNumber, ToolOutcome};
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::{
    DEFAULT_QUIET, DEFAULT_TIMEOUT, Expect, ExpectTool, Garbage, LineFormat, MAX_STEPS, MAX_TIMEOUT, STEP_TIMEOUT, Script, Speech, Step,
};
use crate::DialError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptFile {
    carrier: Option<Carrier>,
    to: Option<String>,
    from: Option<String>,
    agent: Option<String>,
    voice: Option<String>,
    noise_dbfs: Option<f32>,
    format: Option<FormatName>,
    timeout_secs: Option<u64>,
    #[serde(default)]
    step: Vec<Spanned<StepFile>>,
    #[serde(default)]
    expect: ExpectFile,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatName {
    Pcmu,
    Pcma,
    L16,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum GarbageName {
    Binary,
    Json,
    Base64,
    Noise,
}

/// All keys of all steps: one of the first group says what the step does, the others refine it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct StepFile {
    wait_for_agent: Option<bool>,
    say: Option<String>,
    wav: Option<PathBuf>,
    interrupt: Option<String>,
    press: Option<String>,
    silence_ms: Option<u64>,
    garbage: Option<GarbageName>,
    hang_up: Option<bool>,
    wait_for_end: Option<bool>,

    voice: Option<String>,
    after_ms: Option<u64>,
    hang_up_after_ms: Option<u64>,
    in_band: Option<bool>,
    quiet_ms: Option<u64>,
    timeout_secs: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ExpectFile {
    end_reason: Option<EndReason>,
    agent_says: Vec<String>,
    caller_says: Vec<String>,
    caller_heard: Vec<String>,
    transferred_to: Option<String>,
    max_reply_ms: Option<u32>,
    tool: Vec<ToolFile>,
    no_tool: Vec<String>,
    interrupted: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolFile {
    name: String,
    outcome: Option<ToolOutcome>,
    #[serde(default)]
    arguments: toml::Table,
    #[serde(default)]
    result: toml::Table,
}

impl Script {
    /// Reads a script file. WAV files in it are looked for beside it.
    pub fn load(path: &Path) -> Result<Self, DialError> {
        let text = std::fs::read_to_string(path).map_err(|source| DialError::File { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).map_err(|message| DialError::Script { origin: path.display().to_string(), message })
    }

    /// Reads a script from text; relative WAV paths start at `folder`. The error says what is wrong in which line.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let file: ScriptFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut script = Self::new(file.carrier.unwrap_or(Carrier::Twilio));
        script.to = file.to.map_or(script.to, PhoneNumber::new);
        script.from = file.from.map_or(script.from, PhoneNumber::new);
        script.agent = file.agent;
        script.voice = file.voice.unwrap_or(script.voice);
        script.noise_dbfs = file.noise_dbfs;
        script.format = match file.format {
            None | Some(FormatName::Pcmu) => LineFormat::Pcmu,
            Some(FormatName::Pcma) => LineFormat::Pcma,
            Some(FormatName::L16) => LineFormat::L16,
        };
        script.timeout = file.timeout_secs.map_or(DEFAULT_TIMEOUT, Duration::from_secs);
        for step in file.step {
            let line = line_of(text, step.span().start);
            script.steps.push(step.into_inner().read(folder).map_err(|why| format!("line {line}: {why}"))?);
        }
        script.expect = file.expect.into();
        script.check()?;
        Ok(script)
    }

    /// What no single step can know. Also for scripts made by a program.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.format.fits(self.carrier) {
            return Err(format!("format: {} carries pcmu only; use carrier = \"telnyx\"", self.carrier));
        }
        if self.timeout > MAX_TIMEOUT || self.timeout.is_zero() {
            return Err(format!("timeout_secs: must be from 1 to {}", MAX_TIMEOUT.as_secs()));
        }
        if self.steps.len() > MAX_STEPS {
            return Err(format!("step: {} steps, at most {MAX_STEPS} are taken", self.steps.len()));
        }
        if self.noise_dbfs.is_some_and(|level| !(-90.0..=-6.0).contains(&level)) {
            return Err("noise_dbfs: must be from -90 to -6".to_owned());
        }
        self.steps.iter().try_for_each(|step| match step {
            Step::Press { digits, .. } => check_digits(digits),
            _ => Ok(()),
        })
    }
}

impl StepFile {
    fn read(mut self, folder: &Path) -> Result<Step, String> {
        let step = self.take_verb(folder)?;
        if let Some(second) = self.left_verb() {
            return Err(format!("{second}: a step does one thing; make it a step of its own"));
        }
        match self.left_option() {
            Some(option) => Err(format!("{option}: has no meaning in this step")),
            None => Ok(step),
        }
    }

    fn take_verb(&mut self, folder: &Path) -> Result<Step, String> {
        if self.wait_for_agent.take().unwrap_or(false) {
            let quiet = self.quiet_ms.take().map_or(DEFAULT_QUIET, Duration::from_millis);
            Ok(Step::WaitForAgent { timeout: self.take_timeout(), quiet })
        } else if let Some(text) = self.say.take() {
            let speech = Speech::Words { text, voice: self.voice.take() };
            Ok(Step::Say { speech, hang_up_after: self.hang_up_after_ms.take().map(Duration::from_millis) })
        } else if let Some(path) = self.wav.take() {
            let speech = Speech::Wav(folder.join(path));
            Ok(Step::Say { speech, hang_up_after: self.hang_up_after_ms.take().map(Duration::from_millis) })
        } else if let Some(text) = self.interrupt.take() {
            let speech = Speech::Words { text, voice: self.voice.take() };
            let after = self.after_ms.take().ok_or("after_ms: say how long the agent speaks before it is interrupted")?;
            Ok(Step::Interrupt { speech, after: Duration::from_millis(after), timeout: self.take_timeout() })
        } else if let Some(digits) = self.press.take() {
            check_digits(&digits)?;
            Ok(Step::Press { digits, in_band: self.in_band.take().unwrap_or(false) })
        } else if let Some(ms) = self.silence_ms.take() {
            Ok(Step::Silence(Duration::from_millis(ms)))
        } else if let Some(kind) = self.garbage.take() {
            Ok(Step::Garbage(kind.into()))
        } else if self.hang_up.take().unwrap_or(false) {
            Ok(Step::HangUp)
        } else if self.wait_for_end.take().unwrap_or(false) {
            Ok(Step::WaitForEnd { timeout: self.take_timeout() })
        } else {
            Err("a step needs one of: wait_for_agent, say, wav, interrupt, press, silence_ms, garbage, hang_up, wait_for_end".to_owned())
        }
    }

    fn take_timeout(&mut self) -> Duration {
        self.timeout_secs.take().map_or(STEP_TIMEOUT, Duration::from_secs)
    }

    fn left_verb(&self) -> Option<&'static str> {
        let left = [
            (self.wait_for_agent.is_some(), "wait_for_agent"),
            (self.say.is_some(), "say"),
            (self.wav.is_some(), "wav"),
            (self.interrupt.is_some(), "interrupt"),
            (self.press.is_some(), "press"),
            (self.silence_ms.is_some(), "silence_ms"),
            (self.garbage.is_some(), "garbage"),
            (self.hang_up.is_some(), "hang_up"),
            (self.wait_for_end.is_some(), "wait_for_end"),
        ];
        left.into_iter().find_map(|(is_there, name)| is_there.then_some(name))
    }

    fn left_option(&self) -> Option<&'static str> {
        let left = [
            (self.voice.is_some(), "voice"),
            (self.after_ms.is_some(), "after_ms"),
            (self.hang_up_after_ms.is_some(), "hang_up_after_ms"),
            (self.in_band.is_some(), "in_band"),
            (self.quiet_ms.is_some(), "quiet_ms"),
            (self.timeout_secs.is_some(), "timeout_secs"),
        ];
        left.into_iter().find_map(|(is_there, name)| is_there.then_some(name))
    }
}

fn check_digits(digits: &str) -> Result<(), String> {
    match digits.chars().find(|key| !"0123456789*#ABCD".contains(*key)) {
        Some(other) => Err(format!("press: {other:?} is not a key; keys are 0-9 * # A-D")),
        None if digits.is_empty() => Err("press: no key is named".to_owned()),
        None => Ok(()),
    }
}

impl From<GarbageName> for Garbage {
    fn from(name: GarbageName) -> Self {
        match name {
            GarbageName::Binary => Self::Binary,
            GarbageName::Json => Self::Json,
            GarbageName::Base64 => Self::Base64,
            GarbageName::Noise => Self::Noise,
        }
    }
}

impl From<ExpectFile> for Expect {
    fn from(file: ExpectFile) -> Self {
        let tool = |tool: ToolFile| ExpectTool {
            name: tool.name,
            outcome: tool.outcome,
            arguments: json_members(tool.arguments),
            result: json_members(tool.result),
        };
        Self {
            end_reason: file.end_reason,
            agent_says: file.agent_says,
            caller_says: file.caller_says,
            caller_heard: file.caller_heard,
            transferred_to: file.transferred_to,
            max_reply_ms: file.max_reply_ms,
            tools: file.tool.into_iter().map(tool).collect(),
            no_tool: file.no_tool,
            interrupted: file.interrupted,
        }
    }
}

fn json_members(table: toml::Table) -> Map<String, Value> {
    table.into_iter().map(|(name, value)| (name, json(value))).collect()
}

/// TOML has dates of its own; in JSON they are text.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => Value::Object(json_members(table)),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
