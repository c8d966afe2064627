//! The models behind an agent, made ready: who thinks, whom it plays, and what it may do.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use agent::{AgentDefinition, Control, Declared, Destination, Knowledge, Limits, LookUp, Mind, Persona, Texts, Tool, ToolSet, Toolbox};
use call::Tier;
use flow::Flow;
use privacy::Secret;
use resilience::{Guards, Service};
use secrets::Sealer;
use session::Minds;
use store::tools::StoredTool;
use tools::{HttpRequest, McpSource};
use tracing::warn;

use crate::vendors::{Kit, Outfit};

/// Longest answer of a model where the workspace set none, tokens: a minute of speech, more than anybody listens to.
const MAX_TOKENS: u32 = 400;
/// From this silence in a row on the call ends, as in dialogues.
const MAX_SILENCES: u32 = 3;
/// What a model may do with its call where the workspace named no tools.
const CONTROLS: [&str; 3] = ["end_call", "transfer_call", "send_dtmf"];
/// The look into what the agent knows.
const LOOK_UP: &str = "look_up";
/// What it may do beside that.
const MESSAGES: [&str; 2] = ["take_message", "schedule_callback"];

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
}

impl MindMaker {
    /// `tools`: those that every agent may be given.
    pub(crate) fn new(kit: Arc<Kit>, order: Vec<String>, tools: Toolbox, private: bool, guards: Guards, sealer: Arc<dyn Sealer>) -> Self {
        Self { kit, order, tools, knowledge: None, private, guards, sealer }
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
    ) -> Result<Option<Minds>, String> {
        let Some(mind) = &agent.mind else { return Ok(None) };
        let kit = outfit.map_or(self.kit.as_ref(), |outfit| &outfit.kit);
        let (rungs, voices) = (kit.models(mind.tier, &self.order), kit.speech(mind.tier, &agent.voice));
        if rungs.is_empty() && voices.is_empty() {
            return Err(format!("no model is configured for the tier {}; set the key of one (docs/vendors.md)", mind.tier.as_str()));
        }
        let (mut toolbox, mut names) = self.toolbox(mind, flow, declared).await?;
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
        Ok(Some(Minds { voices, rungs, persona: Arc::new(persona(agent, mind, flow, set)), tools: toolbox }))
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

    /// The tools, and the names of those that this agent may use.
    async fn toolbox(&self, mind: &Mind, flow: &Flow, declared: &[StoredTool]) -> Result<(Toolbox, Vec<String>), String> {
        let mut toolbox = self.tools.clone();
        let Some(wanted) = &mind.tools else {
            let all = CONTROLS.iter().chain(&MESSAGES).map(|name| (*name).to_owned());
            return Ok((toolbox, flow.tools().map(str::to_owned).chain(all).collect()));
        };
        let mut names = Vec::new();
        for name in wanted {
            let Some(tool) = declared.iter().find(|tool| tool.name.eq_ignore_ascii_case(name)) else {
                names.push(name.clone());
                continue;
            };
            for tool in self.declared(tool, &names).await? {
                names.push(tool.name().to_owned());
                toolbox.add(tool);
            }
        }
        Ok((toolbox, names))
    }

    /// What a workspace declared. A server that does not list its tools now leaves the agent without them: that is said, and tried again when
    /// the agent is made again.
    async fn declared(&self, row: &StoredTool, taken: &[String]) -> Result<Vec<Arc<dyn Tool>>, String> {
        if !row.active {
            return Ok(Vec::new());
        }
        let fault = |what: &dyn std::fmt::Display| format!("the tool {}: {what}", row.name);
        let definition = serde_json::from_value(row.definition.clone()).map_err(|error| fault(&error))?;
        let secret = self.secret(row).await.map_err(|error| fault(&error))?;
        let guard = self.guards.part(Service::Tools, &format!("{}/{}", row.tenant, row.name));
        match definition {
            Declared::Http(tool) => {
                let tool = HttpRequest::new(&row.name, tool, secret.as_ref(), self.private, guard).map_err(|error| fault(&error))?;
                Ok(vec![Arc::new(tool)])
            }
            Declared::Mcp(server) => {
                let source = McpSource::new(&row.name, &server, secret.as_ref(), self.private, guard).map_err(|error| fault(&error))?;
                let taken: BTreeSet<String> = taken.iter().cloned().collect();
                Ok(source.tools(&taken).await.unwrap_or_else(|error| {
                    warn!(tool = row.name, %error, "a server does not list its tools; the agent is made without them");
                    Vec::new()
                }))
            }
        }
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
