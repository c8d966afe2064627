//! Makes an agent ready: language models, and the sound of what is said first. Nothing of this is done in a call's way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use agent::{AgentDefinition, AgentKind, Texts};
use call::{TenantId, Tier};
use flow::Flow;
use speech::ladder::ears::Ears;
use speech::phrases::Phrases;
use speech::{Domain, SpeechError, SpeechToText};
use store::sealed::{KeyOf, Sealed};
use store::tools::StoredTool;
use tokio::sync::{OnceCell, Semaphore};
use tracing::warn;

use super::snapshot::ReadyAgent;
use crate::minds::{MindMaker, Thinking};
use crate::refusals::Refusals;
use crate::vendors::{Outfit, Outfitter, StoredKey};

/// Picks the training sentences; one number, so that language models are found again at the next start.
const SENTENCE_SEED: u64 = 1;
/// Variants of the greeting that are rendered before the first call is taken; the flow lists them first.
const GREETINGS: usize = 4;
/// Rate of phrases rendered ahead: the telephone's.
const RENDERED_RATE: u32 = 8000;
/// Language models trained at once: one core's work each.
const TRAININGS: usize = 1;
/// Agents whose first words are rendered at once.
const RENDERINGS: usize = 2;
/// Agents whose other phrases are rendered at once; there is no hurry.
const RENDERINGS_BESIDE: usize = 1;

/// SHA-256 of a dialogue's text: agents over the same text share what is learned from it.
pub(crate) type Digest = [u8; 32];

/// Makes agents ready with the engines of this machine.
pub(crate) struct Maker {
    recognizer: Option<Arc<dyn SpeechToText>>,
    phrases: Phrases,
    /// Who thinks for agents with a model; nobody in tests of the rest.
    minds: Option<MindMaker>,
    /// What opens workspaces' own keys for vendors; nobody in tests of the rest.
    outfitter: Option<Outfitter>,
    /// The voices of the engines, when there are some.
    voices: Option<Vec<String>>,
    domains: Mutex<HashMap<Digest, Arc<OnceCell<Arc<Domain>>>>>,
    training: Semaphore,
    rendering: Semaphore,
    beside: Arc<Semaphore>,
}

impl Maker {
    pub(crate) fn new(recognizer: Option<Arc<dyn SpeechToText>>, phrases: Phrases, voices: Option<Vec<String>>) -> Self {
        Self {
            recognizer,
            phrases,
            minds: None,
            outfitter: None,
            voices,
            domains: Mutex::default(),
            training: Semaphore::new(TRAININGS),
            rendering: Semaphore::new(RENDERINGS),
            beside: Arc::new(Semaphore::new(RENDERINGS_BESIDE)),
        }
    }

    /// With models.
    pub(crate) fn with_minds(self, minds: MindMaker) -> Self {
        Self { minds: Some(minds), ..self }
    }

    /// With workspaces' own keys for vendors.
    pub(crate) fn with_outfits(self, outfitter: Outfitter) -> Self {
        Self { outfitter: Some(outfitter), ..self }
    }

    /// What this workspace's keys open; none without keys.
    pub(super) async fn outfit(&self, tenant: TenantId, keys: &[StoredKey]) -> Result<Option<Arc<Outfit>>, String> {
        match &self.outfitter {
            Some(outfitter) if !keys.is_empty() => outfitter.outfit(tenant, keys).await.map(|outfit| Some(Arc::new(outfit))),
            _ => Ok(None),
        }
    }

    /// A key and whose it is, when it is a vendor's.
    pub(super) fn key(&self, row: Sealed<KeyOf>) -> Option<(TenantId, StoredKey)> {
        self.outfitter.as_ref().and_then(|outfitter| StoredKey::of(row, &outfitter.vendors))
    }

    /// True when somebody can think for this tier in a workspace with keys for these providers.
    pub(super) fn can_think(&self, tier: Tier, keys: &[String]) -> bool {
        let own = || self.outfitter.as_ref().is_some_and(|outfitter| outfitter.can_think(tier, keys));
        self.minds.as_ref().is_none_or(|minds| minds.can(tier)) || own()
    }

    /// The models behind an agent, when it has some; or why it cannot have them.
    pub(super) async fn minds(
        &self,
        agent: &AgentDefinition,
        declared: &[StoredTool],
        outfit: Option<&Outfit>,
    ) -> Result<Option<Thinking>, String> {
        match (&self.minds, &agent.kind) {
            (Some(maker), AgentKind::Flow(flow)) => maker.make(agent, flow, declared, outfit).await,
            _ => Ok(None),
        }
    }

    #[cfg(test)]
    pub(super) fn without_engines() -> Self {
        Self::new(None, Phrases::new(None, None, 1024), None)
    }

    /// The voices that can be chosen in a workspace with keys for these providers; none when nothing can be said there but what was said before.
    pub(super) fn voices(&self, keys: &[String]) -> Option<Vec<String>> {
        let own = self.outfitter.as_ref().map(|outfitter| outfitter.voices(keys)).unwrap_or_default();
        if own.is_empty() {
            return self.voices.clone();
        }
        Some(joined(self.voices.clone().unwrap_or_default(), own))
    }

    /// The voices of models that speak by themselves, which an agent of this tier can be given in a workspace with keys for these providers.
    pub(super) fn model_voices(&self, tier: Tier, keys: &[String]) -> Vec<String> {
        self.outfitter.as_ref().map(|outfitter| outfitter.model_voices(tier, keys)).unwrap_or_default()
    }

    /// Who listens to an agent's callers and who speaks to them; none in tests of the rest.
    pub(super) fn engines(&self, agent: &AgentDefinition, outfit: Option<&Outfit>) -> Option<(Option<Ears>, Phrases)> {
        self.outfitter.as_ref().map(|outfitter| outfitter.engines(agent, outfit))
    }

    /// Makes an agent ready; what can follow later follows beside.
    pub(super) async fn make(
        &self,
        definition: Arc<AgentDefinition>,
        digest: Digest,
        outfit: Option<&Outfit>,
    ) -> Result<ReadyAgent, SpeechError> {
        let domain = match &definition.kind {
            AgentKind::Flow(flow) => Some(self.domain(flow, &definition.name, digest).await?),
            AgentKind::Echo => None,
        };
        if let (Some(outfit), Some(domain)) = (outfit, &domain) {
            outfit.prepare(domain).await;
        }
        let phrases = self.engines(&definition, outfit).map_or_else(|| self.phrases.clone(), |(_, phrases)| phrases);
        let texts = match &definition.kind {
            AgentKind::Flow(flow) => {
                // What an agent with a model says without it, beside what its dialogue says.
                let aside = definition.mind.iter().flat_map(|_| Texts::of_agent(flow, &definition.language).all());
                flow.fixed_texts().into_iter().chain(aside).collect()
            }
            AgentKind::Echo => definition.hold_texts().fixed(),
        };
        let _place = self.rendering.acquire().await;
        if phrases.has_engine() {
            let first = if matches!(definition.kind, AgentKind::Flow(_)) { texts.len().min(GREETINGS) } else { 0 };
            let (first, rest) = texts.split_at(first);
            phrases.prerender(first, &definition.voice, &definition.language, RENDERED_RATE).await?;
            self.render_beside(phrases.clone(), rest.to_vec(), Arc::clone(&definition));
        }
        let refusals = Refusals::render(&definition, &phrases).await;
        Ok(ReadyAgent { definition, domain, minds: None, ask_again: None, refusals })
    }

    /// What may be said to agents with this dialogue; learned once, however many they are.
    async fn domain(&self, flow: &Arc<Flow>, name: &str, digest: Digest) -> Result<Arc<Domain>, SpeechError> {
        let cell = {
            let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
            // What no agent uses any more goes; what is being made has no value yet.
            domains.retain(|_, cell| cell.get().is_none_or(|domain| Arc::strong_count(domain) > 1));
            Arc::clone(domains.entry(digest).or_default())
        };
        let learned = cell.get_or_try_init(|| async {
            let _place = self.training.acquire().await;
            let (flow, name) = (Arc::clone(flow), name.to_owned());
            let sentences =
                tokio::task::spawn_blocking(move || Domain { name, states: flow.domain(SENTENCE_SEED), background: flow.background() });
            let domain = Arc::new(sentences.await.map_err(|_| SpeechError::Stopped { engine: "language models" })?);
            if let Some(recognizer) = &self.recognizer {
                recognizer.prepare(&domain).await?;
            }
            Ok(domain)
        });
        learned.await.cloned()
    }

    /// Renders phrases ahead of their first use. A failure here is no failure of a call: the phrase is tried again when it is needed.
    fn render_beside(&self, phrases: Phrases, texts: Vec<String>, agent: Arc<AgentDefinition>) {
        let places = Arc::clone(&self.beside);
        tokio::spawn(async move {
            let _place = places.acquire().await;
            if let Err(fault) = phrases.prerender(&texts, &agent.voice, &agent.language, RENDERED_RATE).await {
                warn!(error = %fault, "phrases could not be rendered ahead of their use");
            }
        });
    }
}

/// These, and of the others what is not among them.
pub(super) fn joined(mut all: Vec<String>, others: impl IntoIterator<Item = String>) -> Vec<String> {
    for other in others {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}
