//! Which speech engines this machine has, made ready. What is missing is said, never pretended.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use agent::{AgentDefinition, AgentKind, Agents};
use call::AgentId;
use speech::local::{LocalRecognizer, LocalRecognizerConfig, LocalSynthesizer, LocalSynthesizerConfig};
use speech::phrases::{PhrasePack, Phrases};
use speech::{Domain, SpeechError, SpeechToText, TextToSpeech};
use tracing::{info, warn};

use crate::ServerError;
use crate::settings::Settings;
use crate::wiring::WorkerCommand;

/// Audio of phrases kept in memory: about an hour of telephone sound.
const PHRASE_MEMORY: usize = 64 * 1024 * 1024;
/// Picks the training sentences; one number, so that language models are found again at the next start.
const SENTENCE_SEED: u64 = 1;
/// Variants of the greeting that are rendered before the first call is taken; the flow lists them first.
const GREETINGS: usize = 4;
/// Rate of phrases rendered ahead: the telephone's.
const RENDERED_RATE: u32 = 8000;
/// Phrases that the program carries along, for machines without a voice.
static SHIPPED_PHRASES: &[u8] = include_bytes!("../phrases/hotel.pack");

/// The engines of this machine.
pub(crate) struct Engines {
    pub(crate) recognizer: Option<Arc<dyn SpeechToText>>,
    pub(crate) voice: Option<Arc<dyn TextToSpeech>>,
    pub(crate) phrases: Phrases,
    pub(crate) notices: Vec<String>,
}

/// Starts what is installed. An engine that is missing is a notice; one that is there and broken is an error.
pub(crate) async fn engines(settings: &Settings, worker: &WorkerCommand) -> Result<Engines, ServerError> {
    let cache = &settings.cache_dir;
    let mut notices = Vec::new();
    let (recognizer, voice) = tokio::join!(recognizer(settings, worker, cache), voice());
    let recognizer = noticed(recognizer, "Callers are understood by key presses only", &mut notices)?;
    let voice = noticed(voice, "The agent says pre-rendered phrases only", &mut notices)?;
    let pack = PhrasePack::read(SHIPPED_PHRASES)?;
    let phrases = Phrases::with_pack(voice.clone(), Some(cache.join("phrases")), PHRASE_MEMORY, Some(pack));
    Ok(Engines { recognizer, voice, phrases, notices })
}

async fn recognizer(settings: &Settings, worker: &WorkerCommand, cache: &Path) -> Result<Arc<dyn SpeechToText>, SpeechError> {
    let folder = &settings.speech_model_dir;
    let config = LocalRecognizerConfig {
        workers: settings.speech_workers,
        acoustic_model: folder.join("en-us"),
        dictionary: folder.join("cmudict-en-us.dict"),
        ..LocalRecognizerConfig::new(worker.0.clone(), cache.join("language-models"))
    };
    Ok(Arc::new(LocalRecognizer::start(config).await?))
}

async fn voice() -> Result<Arc<dyn TextToSpeech>, SpeechError> {
    Ok(Arc::new(LocalSynthesizer::start(LocalSynthesizerConfig::default()).await?))
}

fn noticed<T: ?Sized>(
    engine: Result<Arc<T>, SpeechError>,
    consequence: &str,
    notices: &mut Vec<String>,
) -> Result<Option<Arc<T>>, ServerError> {
    match engine {
        Ok(engine) => Ok(Some(engine)),
        Err(missing @ SpeechError::NotInstalled { .. }) => {
            let notice = format!("{consequence}: {missing}");
            warn!("{notice}");
            notices.push(notice);
            Ok(None)
        }
        Err(broken) => Err(broken.into()),
    }
}

/// What may be said in every agent's calls. Takes a moment for each agent: call it off the async threads.
pub(crate) fn domains(agents: &Agents) -> BTreeMap<AgentId, Arc<Domain>> {
    let flows = agents.iter().filter_map(|agent| match &agent.kind {
        AgentKind::Flow(flow) => Some((agent, flow)),
        AgentKind::Echo => None,
    });
    let domain = |(agent, flow): (&Arc<AgentDefinition>, &Arc<flow::Flow>)| {
        let domain = Domain { name: agent.name.clone(), states: flow.domain(SENTENCE_SEED), background: flow.background() };
        (agent.id, Arc::new(domain))
    };
    flows.map(domain).collect()
}

/// Makes every agent's language models and renders its greeting, so that no caller waits for either; the other fixed phrases follow beside.
pub(crate) async fn prepare(agents: &Agents, domains: &BTreeMap<AgentId, Arc<Domain>>, engines: &Engines) -> Result<(), ServerError> {
    for agent in agents.iter() {
        let AgentKind::Flow(flow) = &agent.kind else {
            if engines.voice.is_some() {
                tokio::spawn(render(engines.phrases.clone(), agent.hold_texts().fixed(), agent.voice.clone()));
            }
            continue;
        };
        if let (Some(recognizer), Some(domain)) = (&engines.recognizer, domains.get(&agent.id)) {
            recognizer.prepare(domain).await?;
        }
        if engines.voice.is_some() {
            let texts = flow.fixed_texts();
            let (first, rest) = texts.split_at(texts.len().min(GREETINGS));
            engines.phrases.prerender(first, &agent.voice, RENDERED_RATE).await?;
            tokio::spawn(render(engines.phrases.clone(), rest.to_vec(), agent.voice.clone()));
        }
        info!(agent = agent.name, "agent ready");
    }
    Ok(())
}

/// Renders phrases ahead of their first use. A failure here is no failure of a call: the phrase is tried again when it is needed.
async fn render(phrases: Phrases, texts: Vec<String>, voice: String) {
    if let Err(fault) = phrases.prerender(&texts, &voice, RENDERED_RATE).await {
        warn!(error = %fault, "phrases could not be rendered ahead of their use");
    }
}
