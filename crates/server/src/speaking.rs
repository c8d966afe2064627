//! Which speech engines this machine has, made ready. What is missing is said, never pretended.

use std::path::Path;
use std::sync::Arc;

use resilience::Guards;
use speech::ladder::ears::Ears;
use speech::ladder::{Rung, logged};
use speech::local::{LocalRecognizer, LocalRecognizerConfig, LocalSynthesizer, LocalSynthesizerConfig};
use speech::phrases::{PhrasePack, PhraseSetup, Phrases};
use speech::{SpeechError, SpeechToText, TextToSpeech};
use tracing::warn;

use crate::ServerError;
use crate::settings::Settings;
use crate::shared_phrases;
use crate::vendors::Kit;
use crate::wiring::WorkerCommand;

/// Audio of phrases kept in memory: about an hour of telephone sound.
const PHRASE_MEMORY: usize = 64 * 1024 * 1024;
/// Phrases that the program carries along, for machines without a voice.
static SHIPPED_PHRASES: &[u8] = include_bytes!("../phrases/hotel.pack");

/// The engines of this machine and of vendors.
pub(crate) struct Engines {
    /// Who listens, best first.
    pub(crate) ears: Option<Ears>,
    /// The recogniser of this machine.
    pub(crate) recognizer: Option<Arc<dyn SpeechToText>>,
    /// The voice of this machine.
    pub(crate) voice: Option<Arc<dyn TextToSpeech>>,
    /// The voices of all engines; none when there is no engine.
    pub(crate) voices: Option<Vec<String>>,
    pub(crate) phrases: Phrases,
    pub(crate) notices: Vec<String>,
}

/// Starts what is installed. An engine that is missing is a notice; one that is there and broken is an error.
pub(crate) async fn engines(settings: &Settings, worker: &WorkerCommand, guards: &Guards, kit: &Kit) -> Result<Engines, ServerError> {
    let cache = &settings.cache_dir;
    let mut notices = Vec::new();
    let (recognizer, voice) = tokio::join!(recognizer(settings, worker, cache), voice());
    let recognizer = noticed(recognizer, "Callers are understood by vendors, or by key presses only", &mut notices)?;
    let voice = noticed(voice, "The agent speaks by vendors, or says pre-rendered phrases only", &mut notices)?;
    let heard_by = kit.ears(None, &settings.vendors.ears, recognizer.clone());
    let spoken_by = kit.voices(None, "", &settings.vendors.voices, voice.clone());
    let voices = (!spoken_by.is_empty()).then(|| spoken_by.iter().flat_map(Rung::voices).collect());
    let pack = PhrasePack::read(SHIPPED_PHRASES)?;
    let phrases = Phrases::open(PhraseSetup {
        voices: spoken_by,
        store: Some(shared_phrases::store(settings, guards)?),
        memory_bytes: PHRASE_MEMORY,
        pack: Some(pack),
        on_change: logged(),
    });
    let ears = (!heard_by.is_empty()).then(|| Ears::new(heard_by));
    Ok(Engines { ears, recognizer, voice, voices, phrases, notices })
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
