//! The models behind an agent, made ready: who thinks, whom it plays, and what it may do.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent::{
    AgentDefinition, Control, Declared, Destination, Knowledge, Limits, LookUp, McpServer, Mind, Persona, Texts, Tool, ToolSet, Toolbox,
};
use call::{TenantId, Tier};
use flow::Flow;
use privacy::Secret;
use resilience::{Guard, Guards, Service};
use secrets::Sealer;
use session::Minds;
use store::tools::StoredTool;
use tools::{HttpRequest, McpSource};
use tracing::warn;
use uuid::Uuid;

use crate::vendors::{Kit, Outfit};

/// Longest answer of a model where the workspace set none, tokens: a minute of speech, more than anybody listens to.
const MAX_TOKENS: u32 = 400;
/// A server that does not list its tools is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// From this silence in a row on the call ends, as in dialogues.
const MAX_SILENCES: u32 = 3;
/// What a model may do with its call where the workspace named no tools.
const CONTROLS: [&str; 3] = ["end_call", "transfer_call", "send_dtmf"];
/// The look into what the agent knows.
const LOOK_UP: &str = "look_up";
/// What it may do beside that.
const MESSAGES: [&str; 2] = ["take_message", "schedule_callback"];

/// What an agent thinks with.
pub(crate) struct Thinking {
    pub(crate) minds: Minds,
    /// It has tools of servers, which are to be asked again after this time: they may have others then.
    pub(crate) ask_again: Option<Duration>,
}

/// A server that was asked for its tools. It is kept, for it knows what it listed last.
struct Source {
    tenant: TenantId,
    /// Of the row it was made of.
    version: i64,
    source: Arc<McpSource>,
}

/// What a declared tool gives an agent.
#[derive(Default)]
struct Given {
    tools: Vec<Arc<dyn Tool>>,
    ask_again: Option<Duration>,
}

/// Makes models ready for agents.
pub(crate) struct MindMaker {
    kit: Arc<Kit>,
    /// Whose words are wanted, before those of the tier.
    order: Vec<String>,
    tools: Toolbox,
    /// What agents may look up, by their ids.
    knowledge: Option<PathBuf>,
    /// Tools may be on this machine and in private networks.
    private: bool,
    guards: Guards,
    sealer: Arc<dyn Sealer>,
    /// By the ids of their rows.
    sources: Mutex<HashMap<Uuid, Source>>,
    /// When a server that did not list its tools is asked again.
    ask_again: Duration,
}

impl MindMaker {
    /// `tools`: those that every agent may be given.
    pub(crate) fn new(kit: Arc<Kit>, order: Vec<String>, tools: Toolbox, private: bool, guards: Guards, sealer: Arc<dyn Sealer>) -> Self {
        Self { kit, order, tools, knowledge: None, private, guards, sealer, sources: Mutex::default(), ask_again: ASK_AGAIN }
    }

    /// Does not wait as long before a server is asked again: for tests.
    #[cfg(test)]
    pub(crate) fn asking_again_after(self, ask_again: Duration) -> Self {
        Self { ask_again, ..self }
    }

    /// In this folder stands what agents may look up, in folders named by their ids.
    pub(crate) fn knowing(self, knowledge: Option<PathBuf>) -> Self {
        Self { knowledge, ..self }
    }

    /// True when somebody can think for this tier.
    pub(crate) fn can(&self, tier: Tier) -> bool {
        !self.kit.models(tier, &self.order).is_empty() || !self.kit.speech(tier, "").is_empty()
    }

    /// The models behind this agent, when it shall have some. `declared`: its workspace's tools; `outfit`: what its workspace's own keys open.
    pub(crate) async fn make(
        &self,
        agent: &AgentDefinition,
        flow: &Flow,
        declared: &[StoredTool],
        outfit: Option<&Outfit>,
    ) -> Result<Option<Thinking>, String> {
        self.sources()
            .retain(|id, kept| kept.tenant != agent.tenant || declared.iter().any(|row| row.id == *id && row.version == kept.version));
        let Some(mind) = &agent.mind else { return Ok(None) };
        let kit = outfit.map_or(self.kit.as_ref(), |outfit| &outfit.kit);
        let (rungs, voices) = (kit.models(mind.tier, &self.order), kit.speech(mind.tier, &agent.voice));
        if rungs.is_empty() && voices.is_empty() {
            return Err(format!("no model is configured for the tier {}; set the key of one (docs/vendors.md)", mind.tier.as_str()));
        }
        let (mut toolbox, mut names, ask_again) = self.toolbox(mind, flow, declared).await?;
        match self.knowledge(agent, flow).await? {
            Some(knowledge) if mind.tools.is_none() || names.iter().any(|name| name == LOOK_UP) => {
                toolbox.add(Arc::new(LookUp::new(Arc::new(knowledge))));
                names.retain(|name| name != LOOK_UP);
                names.push(LOOK_UP.to_owned());
            }
            _ => names.retain(|name| name != LOOK_UP),
        }
        let destinations: Vec<Destination> =
            flow.transfer_number().map(|number| Destination { name: "front_desk".into(), number: number.to_owned() }).into_iter().collect();
        let controls = Control::chosen(names.iter().map(String::as_str), &destinations);
        let others = names.iter().map(String::as_str).filter(|name| !CONTROLS.contains(name));
        let set = ToolSet::new(&toolbox, others, &controls).map_err(|fault| fault.to_string())?;
        let minds = Minds { voices, rungs, persona: Arc::new(persona(agent, mind, flow, set)), tools: toolbox };
        Ok(Some(Thinking { minds, ask_again }))
    }

    /// What the agent may look up: its dialogue's answers, and what the operator put into its folder.
    async fn knowledge(&self, agent: &AgentDefinition, flow: &Flow) -> Result<Option<Knowledge>, String> {
        let (own, folder) = (flow.knowledge(), self.knowledge.as_ref().map(|folder| folder.join(agent.id.to_string())));
        let read = move || match folder.filter(|folder| folder.is_dir()) {
            Some(folder) => Knowledge::read(own, &folder).map(Some),
            None if own.is_empty() => Ok(None),
            None => Ok(Some(Knowledge::of(own.iter().map(|(name, text)| (name.as_str(), text.as_str()))))),
        };
        // Files are read: nothing for a thread that moves live audio.
        tokio::task::spawn_blocking(read).await.map_err(|fault| fault.to_string())?.map_err(|fault| fault.to_string())
    }

    /// The tools, the names of those that this agent may use, and when servers are to be asked again for theirs.
    async fn toolbox(&self, mind: &Mind, flow: &Flow, declared: &[StoredTool]) -> Result<(Toolbox, Vec<String>, Option<Duration>), String> {
        let mut toolbox = self.tools.clone();
        let Some(wanted) = &mind.tools else {
            let all = CONTROLS.iter().chain(&MESSAGES).map(|name| (*name).to_owned());
            return Ok((toolbox, flow.tools().map(str::to_owned).chain(all).collect(), None));
        };
        let mut names = Vec::new();
        let mut ask_again: Option<Duration> = None;
        for name in wanted {
            let Some(tool) = declared.iter().find(|tool| tool.name.eq_ignore_ascii_case(name)) else {
                names.push(name.clone());
                continue;
            };
            let given = self.declared(tool, &names).await?;
            ask_again = ask_again.into_iter().chain(given.ask_again).min();
            for tool in given.tools {
                names.push(tool.name().to_owned());
                toolbox.add(tool);
            }
        }
        Ok((toolbox, names, ask_again))
    }

    /// What a workspace declared. A server that does not list its tools now leaves the agent without them: that is said, and it is asked again
    /// after some time.
    async fn declared(&self, row: &StoredTool, taken: &[String]) -> Result<Given, String> {
        if !row.active {
            return Ok(Given::default());
        }
        let fault = |what: &dyn std::fmt::Display| format!("the tool {}: {what}", row.name);
        let definition = serde_json::from_value(row.definition.clone()).map_err(|error| fault(&error))?;
        match definition {
            Declared::Http(tool) => {
                let secret = self.secret(row).await.map_err(|error| fault(&error))?;
                let tool =
                    HttpRequest::new(&row.name, tool, secret.as_ref(), self.private, self.guard(row)).map_err(|error| fault(&error))?;
                Ok(Given { tools: vec![Arc::new(tool)], ask_again: None })
            }
            Declared::Mcp(server) => {
                let source = self.source(row, &server).await.map_err(|error| fault(&error))?;
                let taken: BTreeSet<String> = taken.iter().cloned().collect();
                Ok(match source.tools(&taken).await {
                    Ok(tools) => Given { tools, ask_again: Some(McpSource::LIST_AGE) },
                    Err(error) => {
                        warn!(tool = row.name, %error, "a server does not list its tools; the agent is made without them, and asks again");
                        Given { tools: Vec::new(), ask_again: Some(self.ask_again) }
                    }
                })
            }
        }
    }

    /// The server that a row declares: the one that was asked before, unless the row has changed since.
    async fn source(&self, row: &StoredTool, server: &McpServer) -> Result<Arc<McpSource>, String> {
        let kept = self.sources().get(&row.id).filter(|kept| kept.version == row.version).map(|kept| Arc::clone(&kept.source));
        if let Some(source) = kept {
            return Ok(source);
        }
        let secret = self.secret(row).await?;
        let source = McpSource::new(&row.name, server, secret.as_ref(), self.private, self.guard(row));
        let source = Arc::new(source.map_err(|error| error.to_string())?);
        self.sources().insert(row.id, Source { tenant: row.tenant, version: row.version, source: Arc::clone(&source) });
        Ok(source)
    }

    fn sources(&self) -> MutexGuard<'_, HashMap<Uuid, Source>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guard(&self, row: &StoredTool) -> Guard {
        self.guards.part(Service::Tools, &format!("{}/{}", row.tenant, row.name))
    }

    async fn secret(&self, row: &StoredTool) -> Result<Option<Secret>, String> {
        let Some(sealed) = &row.secret else { return Ok(None) };
        let opened = self.sealer.open(&api::tool_sealed_for(row.tenant, row.id), sealed).await.map_err(|fault| fault.to_string())?;
        let text = String::from_utf8(opened.to_vec()).map_err(|_| "its secret is no text".to_owned())?;
        Ok(Some(Secret::from(text)))
    }
}

fn persona(agent: &AgentDefinition, mind: &Mind, flow: &Flow, tools: ToolSet) -> Persona {
    Persona {
        name: agent.name.clone(),
        language: agent.language.clone(),
        time_zone: agent.time_zone.clone(),
        prompt: mind.prompt.clone(),
        greeting: flow.own_text("greeting"),
        tools: Arc::new(tools),
        texts: Texts::of_agent(flow, &agent.language),
        temperature: mind.temperature,
        max_tokens: mind.max_tokens.unwrap_or(MAX_TOKENS),
        caller_known: false,
        max_silences: MAX_SILENCES,
        limits: Limits::default(),
    }
}
