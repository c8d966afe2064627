//! A row of the database becomes an agent: its dialogue, and on top of it what the workspace set. Everything that cannot work is said.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::{AgentDefinition, AgentError, AgentKind, Agents, BUILT_IN_TOOLS, Hearing, Keeps, Mind, Toolbox};
use call::Tier;
use flow::{ChangeProblem, Changes, Flow, TurnTaking};
use sha2::{Digest as _, Sha256};
use store::agents::{AgentSettings, StoredAgent, TurnDetection};

use super::make::{Digest, Maker, joined};

/// Longest text of a dialogue, bytes; the demo hotel's is a tenth of it.
const MAX_FLOW: usize = 256 * 1024;
/// Problems of a dialogue that are listed.
const MAX_PROBLEMS: usize = 10;
/// Silence that ends a caller's turn, ms: as in agent files, and at most what the interface of the program this one replaces allows.
const SILENCE_MS: std::ops::RangeInclusive<u32> = 100..=2000;
/// Limit between noise and voice. Beyond these the agent is deaf, or hears the line's hiss as words.
const THRESHOLD: std::ops::RangeInclusive<f32> = 0.1..=0.9;
/// Audio from before a voice that belongs to it, ms.
const PADDING_MS: std::ops::RangeInclusive<u32> = 0..=1000;
/// Longest call, seconds: as in agent files.
const CALL_SECONDS: std::ops::RangeInclusive<u32> = 10..=14_400;
/// Characters of a model's instructions; a fit for every model's context.
const PROMPT: std::ops::RangeInclusive<usize> = 10..=20_000;
/// How free a model's words are.
const TEMPERATURE: std::ops::RangeInclusive<f32> = 0.0..=2.0;
/// Tokens of one answer of a model.
const MAX_TOKENS: std::ops::RangeInclusive<u32> = 100..=16_000;
/// English as it is spoken; the recogniser's models and all voices are English.
pub(super) const LANGUAGES: [&str; 8] = ["en-US", "en-GB", "en-AU", "en-CA", "en-IE", "en-IN", "en-NZ", "en-ZA"];

/// An agent of a file, which agents of the database may be built on.
pub(crate) struct BaseFile {
    pub(crate) agent: Arc<AgentDefinition>,
    digest: Digest,
}

impl BaseFile {
    /// An agent of the program or of a file: its text names what is learned from it.
    pub(crate) fn new(agent: &Arc<AgentDefinition>, text: &str) -> Self {
        Self { agent: Arc::clone(agent), digest: Sha256::digest(text).into() }
    }
}

/// What the installation itself has: the agents of the program and of its files, and tools.
pub(crate) struct House {
    pub(super) files: Agents,
    /// In the order in which they are offered.
    pub(super) bases: Vec<BaseFile>,
    tools: Toolbox,
}

impl House {
    /// Agents by their texts: (definition, text). Checks that they do not clash. `default` answers numbers that nobody else answers.
    pub(crate) fn new(agents: Vec<(AgentDefinition, String)>, default: Option<call::AgentId>, tools: Toolbox) -> Result<Self, AgentError> {
        let (definitions, texts): (Vec<_>, Vec<_>) = agents.into_iter().unzip();
        let files = Agents::new(definitions, default)?;
        let mut bases: Vec<_> = files.iter().zip(&texts).map(|(agent, text)| BaseFile::new(agent, text)).collect();
        bases.sort_by_key(|base| Some(base.agent.id) != default);
        Ok(Self { files, bases, tools })
    }

    #[cfg(test)]
    pub(super) fn without_bases(files: Agents) -> Self {
        let bases = files.iter().map(|agent| BaseFile::new(agent, "")).collect();
        Self { files, bases, tools: Toolbox::new() }
    }

    /// Every agent of the house, with what names its dialogue.
    pub(super) fn agents(&self) -> impl Iterator<Item = (&Arc<AgentDefinition>, Digest)> {
        self.bases.iter().map(|base| (&base.agent, base.digest))
    }

    fn base(&self, id: &str) -> Option<&BaseFile> {
        self.bases.iter().find(|base| base.agent.name.eq_ignore_ascii_case(id))
    }
}

/// What is wrong with a field of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SettingProblem {
    /// Its name in the database and the API.
    pub(super) field: &'static str,
    pub(super) message: String,
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// The agent that a row describes, and what names its dialogue; or everything that is wrong with it. `declared` names its workspace's tools,
/// `keys` the providers it has keys of its own for.
pub(super) fn definition(
    row: &StoredAgent,
    declared: &[String],
    keys: &[String],
    house: &House,
    maker: &Maker,
) -> Result<(AgentDefinition, Digest), Vec<SettingProblem>> {
    let (mut agent, digest) = dialogue(row, house, maker.voices(keys).is_some())?;
    let mut problems = Problems::default();
    let settings = &row.settings;
    let by_model = settings.tier.map(|tier| maker.model_voices(tier, keys)).unwrap_or_default();
    problems.check_voice(&agent, settings, maker.voices(keys).as_deref(), &by_model, row.flow.is_some());
    problems.check_ranges(settings);
    problems.check_mind(settings, |tier| maker.can_think(tier, keys));
    match &agent.kind {
        AgentKind::Echo => problems.nothing_but_a_line(settings),
        AgentKind::Flow(flow) => {
            if let Some(flow) = problems.changed(flow, declared, settings) {
                agent.kind = AgentKind::Flow(Arc::new(flow));
            }
        }
    }
    problems.into_result()?;
    let agent = AgentDefinition {
        id: row.id,
        tenant: row.tenant,
        name: row.name.clone(),
        active: row.active,
        // Numbers are rows of their own: what a text says of them counts for nothing.
        numbers: Vec::new(),
        language: settings.language.clone().unwrap_or(agent.language),
        voice: settings.voice.clone().unwrap_or(agent.voice),
        time_zone: agent.time_zone,
        hearing: Hearing {
            threshold: settings.turn_detection_threshold,
            preroll: settings.prefix_padding_ms.map(|ms| Duration::from_millis(ms.into())),
            semantic: settings.turn_detection_mode != Some(TurnDetection::Normal),
        },
        keeps: Keeps { recording: settings.recording.unwrap_or(true), transcript: settings.transcript.unwrap_or(true) },
        kind: agent.kind,
        mind: mind(settings),
    };
    Ok((agent, digest))
}

/// The model that the workspace chose.
fn mind(settings: &AgentSettings) -> Option<Mind> {
    let (prompt, temperature, max_tokens) = (settings.system_prompt.clone(), settings.temperature, settings.max_tokens);
    let tools = settings.tools.clone();
    settings.tier.map(|tier| Mind { tier, prompt, temperature, max_tokens, tools })
}

/// The row's own dialogue, or that of the house it is built on.
fn dialogue(row: &StoredAgent, house: &House, can_speak: bool) -> Result<(AgentDefinition, Digest), Vec<SettingProblem>> {
    let one = |field, message| Err(vec![SettingProblem { field, message }]);
    let Some(text) = &row.flow else {
        let known = || house.bases.iter().map(|base| base.agent.name.as_str()).collect::<Vec<_>>().join(", ");
        return match house.base(&row.base) {
            Some(base) => Ok(((*base.agent).clone(), base.digest)),
            None => one("base", format!("there is no dialogue {:?} here; there are: {}", row.base, known())),
        };
    };
    if text.len() > MAX_FLOW {
        return one("flow", format!("the dialogue is longer than {MAX_FLOW} bytes; make it shorter"));
    }
    if !can_speak {
        return one("flow", "no voice is installed here, so a dialogue of one's own could not be said; install flite".into());
    }
    let agent = match AgentDefinition::from_flow(text, PathBuf::from("flow")) {
        Ok(agent) => agent,
        Err(AgentError::Invalid { problems, .. }) => {
            let listed: Vec<_> = problems.iter().take(MAX_PROBLEMS).map(ToString::to_string).collect();
            return one("flow", listed.join("; "));
        }
        Err(fault) => return one("flow", fault.to_string()),
    };
    if let Some(missing) = missing_tools(&agent, &house.tools) {
        let known = house.tools.names().collect::<Vec<_>>().join(", ");
        return one("flow", format!("the dialogue uses tools that do not exist here: {missing}; the ones that do: {known}"));
    }
    if !LANGUAGES.contains(&agent.language.as_str()) {
        return one("flow", format!("nothing here understands {:?}; the languages are {}", agent.language, LANGUAGES.join(", ")));
    }
    Ok((agent, Sha256::digest(text).into()))
}

/// The tools that an agent uses and that are not installed.
pub(crate) fn missing_tools(agent: &AgentDefinition, tools: &Toolbox) -> Option<String> {
    let AgentKind::Flow(flow) = &agent.kind else { return None };
    let missing: Vec<_> = flow.tools().filter(|tool| !tools.has(tool)).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

#[derive(Default)]
struct Problems(Vec<SettingProblem>);

impl Problems {
    fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(SettingProblem { field, message: message.into() });
    }

    fn into_result(self) -> Result<(), Vec<SettingProblem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    /// `voices`: those that can be chosen; none where nothing is said but what was said before. A built-in dialogue's own voice may be another
    /// engine's: each says it with the voice that is next to it, and so it does with a voice of the agent's own model (`by_model`).
    fn check_voice(
        &mut self,
        agent: &AgentDefinition,
        settings: &AgentSettings,
        voices: Option<&[String]>,
        by_model: &[String],
        own_flow: bool,
    ) {
        let voice = settings.voice.as_ref().unwrap_or(&agent.voice);
        match voices {
            _ if by_model.contains(voice) => {}
            None if settings.voice.is_some() => self.add("voice", "no voice is installed here; install flite, or leave the setting out"),
            Some(voices) if !voices.contains(voice) && (settings.voice.is_some() || own_flow) => {
                let field = if settings.voice.is_some() { "voice" } else { "flow" };
                let all = joined(voices.to_vec(), by_model.iter().cloned());
                self.add(field, format!("there is no voice {voice:?} here; there are: {}", all.join(", ")));
            }
            _ => {}
        }
        if voices.is_none() && settings.greeting.is_some() {
            self.add("greeting", "no voice is installed here, so another greeting could not be said; install flite");
        }
    }

    fn check_ranges(&mut self, settings: &AgentSettings) {
        if let Some(language) = settings.language.as_deref().filter(|language| !LANGUAGES.contains(language)) {
            self.add("language", format!("nothing here understands {language:?}; the languages are {}", LANGUAGES.join(", ")));
        }
        self.within("silence_duration_ms", settings.silence_duration_ms, &SILENCE_MS);
        self.within("turn_detection_threshold", settings.turn_detection_threshold, &THRESHOLD);
        self.within("prefix_padding_ms", settings.prefix_padding_ms, &PADDING_MS);
        self.within("max_call_seconds", settings.max_call_seconds, &CALL_SECONDS);
        self.within("system_prompt", settings.system_prompt.as_ref().map(|prompt| prompt.chars().count()), &PROMPT);
        self.within("temperature", settings.temperature, &TEMPERATURE);
        self.within("max_tokens", settings.max_tokens, &MAX_TOKENS);
    }

    /// What only a model could follow, with no model chosen.
    fn check_mind(&mut self, settings: &AgentSettings, can_think: impl Fn(Tier) -> bool) {
        if let Some(tier) = settings.tier.filter(|tier| !can_think(*tier)) {
            let tier = tier.as_str();
            self.add(
                "tier",
                format!("no language model is configured for {tier:?}; set the key of one, such as OPENAI_API_KEY or the workspace's own, or leave tier out"),
            );
        }
        let set = [
            ("system_prompt", settings.system_prompt.is_some()),
            ("temperature", settings.temperature.is_some()),
            ("max_tokens", settings.max_tokens.is_some()),
        ];
        for (field, _) in set.into_iter().filter(|(_, set)| *set && settings.tier.is_none()) {
            self.add(field, "no model is chosen that could follow it; set tier, or leave it out");
        }
    }

    fn within<T: PartialOrd + fmt::Display + Copy>(&mut self, field: &'static str, value: Option<T>, range: &std::ops::RangeInclusive<T>) {
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            self.add(field, format!("{value} is not within {} and {}", range.start(), range.end()));
        }
    }

    /// The echo agent only sends back what it hears.
    fn nothing_but_a_line(&mut self, settings: &AgentSettings) {
        let set = [
            ("greeting", settings.greeting.is_some()),
            ("tools", settings.tools.is_some()),
            ("silence_duration_ms", settings.silence_duration_ms.is_some()),
            ("turn_detection_threshold", settings.turn_detection_threshold.is_some()),
            ("prefix_padding_ms", settings.prefix_padding_ms.is_some()),
            ("interruptions", settings.interruptions.is_some()),
            ("recording", settings.recording == Some(true)),
            ("transcript", settings.transcript == Some(true)),
            ("max_call_seconds", settings.max_call_seconds.is_some()),
            ("tier", settings.tier.is_some()),
            ("turn_detection_mode", settings.turn_detection_mode.is_some()),
        ];
        for (field, _) in set.into_iter().filter(|(_, set)| *set) {
            self.add(field, "the echo agent has no dialogue that this could change; leave it out");
        }
    }

    /// Of these tools, those the dialogue itself uses, and those nobody has: they are told with it. The others are a model's.
    fn of_dialogue(&mut self, flow: &Flow, named: &[String], declared: &[String], has_model: bool) -> BTreeSet<String> {
        let is_models = |tool: &&String| {
            let own = flow.tools().any(|used| used == tool.as_str());
            !own && (declared.contains(tool) || BUILT_IN_TOOLS.contains(&tool.as_str()))
        };
        let (of_model, of_dialogue): (Vec<&String>, Vec<&String>) = named.iter().partition(is_models);
        for tool in of_model.into_iter().filter(|_| !has_model) {
            self.add("tools", format!("no model is chosen that could use {tool:?}; set tier, or take it out"));
        }
        of_dialogue.into_iter().cloned().collect()
    }

    /// The dialogue with what the workspace set.
    fn changed(&mut self, flow: &Flow, declared: &[String], settings: &AgentSettings) -> Option<Flow> {
        let own = flow.turn_taking();
        let turn_taking = TurnTaking {
            end_silence_ms: settings.silence_duration_ms.map_or(own.end_silence_ms, u64::from),
            barge_in: settings.interruptions.unwrap_or(own.barge_in),
            max_duration_secs: settings.max_call_seconds.map_or(own.max_duration_secs, u64::from),
            ..own
        };
        let tools = settings.tools.as_ref().map(|named| self.of_dialogue(flow, named, declared, settings.tier.is_some()));
        match flow.changed(Changes { greeting: settings.greeting.clone(), tools, turn_taking: Some(turn_taking) }) {
            Ok(flow) => Some(flow),
            Err(problems) => {
                for problem in problems {
                    let field = match problem {
                        ChangeProblem::EmptyGreeting | ChangeProblem::Placeholder => "greeting",
                        ChangeProblem::UnknownTool { .. } | ChangeProblem::NothingLeft { .. } => "tools",
                    };
                    self.add(field, problem.to_string());
                }
                None
            }
        }
    }
}
