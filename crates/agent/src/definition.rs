//! Which agents there are, and which one answers a number.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use call::{AgentId, PhoneNumber, TenantId};
use flow::{Flow, HoldTexts, Problem, WaitTexts};

use crate::Mind;

/// What an agent is made of.
#[derive(Clone)]
pub enum AgentKind {
    /// A dialogue from a file.
    Flow(Arc<Flow>),
    /// Sends the caller's voice back: a line test, and the subject of the media benchmark.
    Echo,
}

/// How an agent listens. What is `None` is as it is for every agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hearing {
    /// From 0 to 1: what is at least so likely to be speech is taken for it.
    pub threshold: Option<f32>,
    /// Audio from before the first voiced frame that belongs to an utterance.
    pub preroll: Option<Duration>,
    /// The end of a turn is told by voice, words and punctuation together; false: by the voice alone.
    pub semantic: bool,
}

impl Default for Hearing {
    fn default() -> Self {
        Self { threshold: None, preroll: None, semantic: true }
    }
}

/// What is kept of an agent's calls beside their records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeps {
    /// The sound, where the installation records at all.
    pub recording: bool,
    /// What was said; without it turns are stored with their times only.
    pub transcript: bool,
}

impl Default for Keeps {
    fn default() -> Self {
        Self { recording: true, transcript: true }
    }
}

/// One agent.
#[derive(Clone)]
pub struct AgentDefinition {
    /// Stands in the media stream's path.
    pub id: AgentId,
    /// Whose agent it is: its calls are this workspace's.
    pub tenant: TenantId,
    /// For people.
    pub name: String,
    /// An inactive agent refuses calls.
    pub active: bool,
    /// The numbers it answers.
    pub numbers: Vec<PhoneNumber>,
    /// BCP 47, for carriers' spoken documents.
    pub language: String,
    /// The voice it speaks with.
    pub voice: String,
    /// IANA time zone of the business behind it.
    pub time_zone: String,
    /// How it listens.
    pub hearing: Hearing,
    /// What is kept of its calls.
    pub keeps: Keeps,
    /// How it thinks.
    pub kind: AgentKind,
    /// The model that speaks in place of the dialogue, when there shall be one.
    pub mind: Option<Mind>,
}

/// Why agents could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The folder or file cannot be read.
    #[error("cannot read the agent file {path}: {source}; check the path and its permissions")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is wrong; every problem is listed.
    #[error("the agent file {path} has problems:{}", list(.problems))]
    Invalid {
        /// Which.
        path: PathBuf,
        /// What is wrong, with lines.
        problems: Vec<Problem>,
    },
    /// Two agents have the same id, or answer the same number.
    #[error("two agents share {what}: {first} and {second}; give one of them another")]
    Clash {
        /// The shared thing.
        what: String,
        /// One agent.
        first: String,
        /// The other.
        second: String,
    },
    /// An agent calls tools that are not installed.
    #[error("the agent {agent} uses tools that do not exist here: {tools}; the ones that do: {known}")]
    UnknownTools {
        /// Which agent.
        agent: String,
        /// The missing tools.
        tools: String,
        /// The present ones.
        known: String,
    },
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  line {}: {}", problem.line, problem.message)).collect()
}

impl AgentDefinition {
    /// The id of the built-in echo agent.
    pub const ECHO: AgentId = AgentId(uuid::uuid!("0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2aec"));

    /// An agent from a flow file's text. `path` is for messages.
    pub fn from_flow(text: &str, path: PathBuf) -> Result<Self, AgentError> {
        let flow = Flow::parse(text).map_err(|problems| AgentError::Invalid { path: path.clone(), problems })?;
        let id = flow.id().parse().map_err(|_| AgentError::Invalid {
            path,
            problems: vec![Problem { line: 1, message: format!("id {:?} is not a UUID", flow.id()) }],
        })?;
        Ok(Self {
            id,
            tenant: TenantId::DEFAULT,
            name: flow.name().to_owned(),
            active: flow.active(),
            numbers: flow.numbers().iter().map(PhoneNumber::new).collect(),
            language: flow.language().to_owned(),
            voice: flow.voice().to_owned(),
            time_zone: flow.time_zone().to_owned(),
            hearing: Hearing::default(),
            keeps: Keeps::default(),
            kind: AgentKind::Flow(Arc::new(flow)),
            mind: None,
        })
    }

    /// What is said while the agent owes an answer.
    pub fn wait_texts(&self) -> WaitTexts {
        match &self.kind {
            AgentKind::Flow(flow) => flow.wait_texts(),
            AgentKind::Echo => WaitTexts::english(),
        }
    }

    /// What callers of this agent hear in the queue, when no line is free, and when the service stops.
    pub fn hold_texts(&self) -> HoldTexts {
        match &self.kind {
            AgentKind::Flow(flow) => flow.hold_texts(),
            AgentKind::Echo => HoldTexts::english(),
        }
    }

    /// The echo agent. It answers no number; name it (`voicenoob dial --agent echo`) to reach it. It has a voice for callers who wait for it.
    pub fn echo() -> Self {
        Self {
            id: Self::ECHO,
            tenant: TenantId::DEFAULT,
            name: "echo".into(),
            active: true,
            numbers: Vec::new(),
            language: "en-US".into(),
            voice: "slt".into(),
            time_zone: "UTC".into(),
            hearing: Hearing::default(),
            keeps: Keeps::default(),
            kind: AgentKind::Echo,
            mind: None,
        }
    }
}

/// All agents of this installation.
#[derive(Clone)]
pub struct Agents {
    all: Vec<Arc<AgentDefinition>>,
    default: Option<AgentId>,
}

impl Agents {
    /// Checks that ids and numbers are unique. `default` answers every number that has no agent of its own.
    pub fn new(all: Vec<AgentDefinition>, default: Option<AgentId>) -> Result<Self, AgentError> {
        for (index, agent) in all.iter().enumerate() {
            for other in &all[..index] {
                let clash = |what: String| AgentError::Clash { what, first: other.name.clone(), second: agent.name.clone() };
                if agent.id == other.id {
                    return Err(clash(format!("the id {}", agent.id)));
                }
                if agent.name.eq_ignore_ascii_case(&other.name) {
                    return Err(clash(format!("the name {}", agent.name)));
                }
                if agent.numbers.iter().any(|number| other.numbers.iter().any(|taken| taken.same_line(number))) {
                    return Err(clash("a number".into()));
                }
            }
        }
        Ok(Self { all: all.into_iter().map(Arc::new).collect(), default })
    }

    /// By id.
    pub fn get(&self, id: AgentId) -> Option<&Arc<AgentDefinition>> {
        self.all.iter().find(|agent| agent.id == id)
    }

    /// By id or name, as a person types it.
    pub fn named(&self, text: &str) -> Option<&Arc<AgentDefinition>> {
        match text.parse() {
            Ok(id) => self.get(id),
            Err(_) => self.all.iter().find(|agent| agent.name.eq_ignore_ascii_case(text)),
        }
    }

    /// The agent that answers a called number: its own, else the default one.
    pub fn for_number(&self, number: &PhoneNumber) -> Option<&Arc<AgentDefinition>> {
        let own = self.all.iter().find(|agent| agent.numbers.iter().any(|listed| listed.same_line(number)));
        own.or_else(|| self.default.and_then(|id| self.get(id)))
    }

    /// Every agent.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<AgentDefinition>> {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(name: &str, id: u128, number: &str) -> AgentDefinition {
        AgentDefinition {
            id: AgentId(uuid::Uuid::from_u128(id)),
            name: name.into(),
            numbers: vec![PhoneNumber::new(number)],
            ..AgentDefinition::echo()
        }
    }

    #[test]
    fn a_number_finds_its_agent_and_every_other_number_the_default_one() {
        let agents =
            Agents::new(vec![agent("ann", 1, "+1 500 1"), agent("bob", 2, "+1 500 2")], Some(AgentId(uuid::Uuid::from_u128(2)))).unwrap();
        assert_eq!(agents.for_number(&PhoneNumber::new("15001")).unwrap().name, "ann");
        assert_eq!(agents.for_number(&PhoneNumber::new("+4912345")).unwrap().name, "bob");
        assert_eq!(agents.named("ANN").unwrap().name, "ann");
    }

    #[test]
    fn two_agents_with_one_number_are_refused() {
        let clash = Agents::new(vec![agent("ann", 1, "+15001"), agent("bob", 2, "15001")], None);
        assert!(matches!(clash, Err(AgentError::Clash { .. })));
    }
}
