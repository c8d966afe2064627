//! Who listens, thinks and speaks: engines and models of vendors that are configured, each behind its guard.

mod outfit;
mod probes;
#[cfg(test)]
mod tier_tests;
mod tiers;

use std::sync::Arc;

use agent::{Rung as ModelRung, VoiceRung};
use api::Provider;
use call::Tier;
use models::anthropic::{self, Anthropic};
use models::completions::{self, Completions, Dialect};
use models::gemini::{self, Gemini, GeminiConfig};
use models::realtime::{self, Realtime, RealtimeConfig};
use models::{LanguageModel, SpeechToSpeech};
use privacy::Secret;
use resilience::{Guard, Guards, Service, State};
use speech::ladder::Rung;
use speech::vendor::aura::{Aura, AuraConfig};
use speech::vendor::azure::{AzurePlace, AzureSpeech, AzureSpeechConfig};
use speech::vendor::deepgram::{self, Deepgram, DeepgramConfig};
use speech::vendor::elevenlabs::{ElevenLabs, ElevenLabsConfig};
use speech::vendor::openai::{OpenAiListen, OpenAiListenConfig, OpenAiPlace, OpenAiSpeak, OpenAiSpeakConfig};
use speech::vendor::riva::{Channels, ChannelsConfig, Riva, RivaConfig};
use speech::{SpeechToText, TextToSpeech};

pub(crate) use self::outfit::{Outfit, Outfitter, StoredKey};
pub use self::probes::{Probe, VendorFault};
pub(crate) use self::probes::{Probes, look_after};
use crate::ServerError;
use crate::settings::{EARS, MODELS, Place, VOICES, Vendors};

/// Azure OpenAI's version of the interface of deployments.
const AZURE_API_VERSION: &str = "2024-10-21";

/// What is configured, best first as the settings say. An engine of this machine is not in it.
#[derive(Default)]
pub(crate) struct Kit {
    ears: Vec<(&'static str, Rung<dyn SpeechToText>)>,
    voices: Vec<(&'static str, Rung<dyn TextToSpeech>)>,
    models: Vec<(&'static str, ModelRung)>,
    speech: Vec<(&'static str, VoiceRung)>,
    /// What finds out outside of calls whether a service is back.
    pub(crate) probes: Vec<Probe>,
    /// Riva's connections, when it is configured.
    pub(crate) riva: Option<Channels>,
}

/// The guards of a kit: the services' own, or those of one of the many who use them by keys of their own.
struct Doors<'a> {
    guards: &'a Guards,
    part: Option<String>,
}

impl Doors<'_> {
    fn of(&self, service: Service) -> Guard {
        match &self.part {
            Some(part) => self.guards.part(service, part),
            None => self.guards.of(service),
        }
    }
}

/// Builds a kit, service by service.
struct Builder<'a> {
    guards: Doors<'a>,
    kit: Kit,
}

impl Kit {
    /// Everything that has a key (or needs none).
    pub(crate) fn build(vendors: &Vendors, guards: &Guards) -> Result<Self, ServerError> {
        Self::built(vendors, Doors { guards, part: None })
    }

    /// The same behind guards of its own, known by this name: what is refused here closes nothing for others.
    fn build_part(vendors: &Vendors, guards: &Guards, part: String) -> Result<Self, ServerError> {
        Self::built(vendors, Doors { guards, part: Some(part) })
    }

    fn built(vendors: &Vendors, guards: Doors<'_>) -> Result<Self, ServerError> {
        let mut builder = Builder { guards, kit: Self::default() };
        builder.speech_engines(vendors)?;
        builder.models(vendors)?;
        builder.speech_models(vendors)?;
        Ok(builder.kit)
    }

    /// This, and what only the other has.
    fn over(self, other: &Self) -> Self {
        Self {
            ears: over(self.ears, &other.ears, &EARS),
            voices: over(self.voices, &other.voices, &VOICES),
            models: over(self.models, &other.models, &MODELS),
            speech: over(self.speech, &other.speech, &[]),
            probes: self.probes,
            riva: None,
        }
    }

    /// Who listens: in the order of the settings, or the tier's own and then as they stand here. `local` is put where the settings want it, else last.
    pub(crate) fn ears(&self, tier: Option<Tier>, order: &[String], local: Option<Arc<dyn SpeechToText>>) -> Vec<Rung<dyn SpeechToText>> {
        let mut rungs = ordered(&self.ears, order, local.map(Rung::here));
        let own = tier.filter(|_| order.is_empty()).map(tiers::ears).unwrap_or_default();
        rungs.sort_by_key(|(name, _)| rank(name, own));
        rungs.into_iter().map(|(_, rung)| rung).collect()
    }

    /// Who speaks; the same. A vendor that has the agent's voice comes before all others.
    pub(crate) fn voices(
        &self,
        tier: Option<Tier>,
        voice: &str,
        order: &[String],
        local: Option<Arc<dyn TextToSpeech>>,
    ) -> Vec<Rung<dyn TextToSpeech>> {
        let mut rungs = ordered(&self.voices, order, local.map(Rung::here));
        let own = tier.filter(|_| order.is_empty()).map(tiers::voices).unwrap_or_default();
        rungs.sort_by_cached_key(|(name, rung)| {
            // The built-in dialogues' voice is this machine's: that is nobody's choice.
            let has_it = *name != "local" && rung.voices().iter().any(|known| known == voice);
            (!has_it, rank(name, own))
        });
        rungs.into_iter().map(|(_, rung)| rung).collect()
    }

    /// Whose words an agent of this tier speaks.
    pub(crate) fn models(&self, tier: Tier, order: &[String]) -> Vec<ModelRung> {
        picked(&self.models, &wanted(tier, order))
    }

    /// The models that hear the caller and speak by themselves in calls of this tier, with a voice of that name where they have one.
    pub(crate) fn speech(&self, tier: Tier, voice: &str) -> Vec<VoiceRung> {
        let rungs = picked(&self.speech, tiers::speech(tier));
        let named = |rung: VoiceRung| VoiceRung { voice: rung.model.has_voice(voice).then(|| voice.to_owned()), ..rung };
        rungs.into_iter().map(named).collect()
    }
}

/// Whose words are wanted for a tier: in this order, or in the tier's own.
fn wanted(tier: Tier, order: &[String]) -> Vec<&str> {
    if order.is_empty() { tiers::models(tier).to_vec() } else { order.iter().map(String::as_str).collect() }
}

/// The word for the key of a model that hears and speaks by itself.
fn key_of(name: &str) -> &str {
    match name {
        "openai_mini" => "openai",
        "gemini" => Provider::Google.as_str(),
        name => name,
    }
}

/// The voices of a model that hears and speaks by itself.
fn voices_of(name: &str) -> &'static [&'static str] {
    if name == "gemini" { &gemini::VOICES } else { &realtime::VOICES }
}

/// The place of a name among these; behind them all when it is not there.
fn rank(name: &str, among: &[&str]) -> usize {
    among.iter().position(|known| *known == name).unwrap_or(among.len())
}

/// One's own, and what only others have, in the order in which all of them stand.
fn over<T: Clone>(own: Vec<(&'static str, T)>, others: &[(&'static str, T)], order: &[&str]) -> Vec<(&'static str, T)> {
    let missing = others.iter().filter(|(name, _)| own.iter().all(|(known, _)| known != name)).cloned();
    let mut all: Vec<_> = own.iter().cloned().chain(missing).collect();
    all.sort_by_key(|(name, _)| order.iter().position(|known| known == name));
    all
}

/// Those that are named, in that order; all, when none are. What runs here comes where `local` is named, else at the end.
fn ordered<T: ?Sized>(all: &[(&'static str, Rung<T>)], order: &[String], local: Option<Rung<T>>) -> Vec<(&'static str, Rung<T>)> {
    let mut local = local.map(|rung| ("local", rung));
    if order.is_empty() {
        return all.iter().cloned().chain(local).collect();
    }
    let mut wanted = Vec::new();
    for name in order {
        match all.iter().find(|(known, _)| known == name) {
            Some(one) => wanted.push(one.clone()),
            None if name == "local" => wanted.extend(local.take()),
            None => {}
        }
    }
    // The last resort is never left out.
    wanted.extend(local);
    wanted
}

fn picked<T: Clone>(all: &[(&'static str, T)], wanted: &[&str]) -> Vec<T> {
    wanted.iter().filter_map(|name| all.iter().find(|(known, _)| known == name)).map(|(_, one)| one.clone()).collect()
}

/// Whether a call may ask now. Each of these has a probe: a call waits until the probe has closed the breaker again, and is never the probe itself.
fn open(guard: &Guard) -> impl Fn() -> bool + Send + Sync + 'static {
    let guard = guard.clone();
    move || {
        let view = guard.view();
        view.state == State::Closed && view.retry_after.is_none()
    }
}

impl Builder<'_> {
    fn speech_engines(&mut self, vendors: &Vendors) -> Result<(), ServerError> {
        if let Some((url, key)) = keyed(&vendors.deepgram) {
            let guard = self.guards.of(Service::DeepgramListen);
            let config = DeepgramConfig { model: vendors.deepgram_model.clone(), ..DeepgramConfig::default() };
            self.listens("deepgram", Arc::new(Deepgram::new(&deepgram::setup(url, key), guard.clone(), config)?), &guard);
        }
        if !vendors.riva.url.is_empty() {
            let guard = self.guards.of(Service::Riva);
            // An operator who names an address in the clear means it.
            let channels = ChannelsConfig { plain: true, ..ChannelsConfig::new(&vendors.riva.url) };
            let channels = vendors.riva.key.iter().fold(channels, |channels, key| channels.key(key));
            let riva = Riva::new(channels, guard.clone(), RivaConfig::default())?;
            self.kit.riva = Some(riva.channels().clone());
            self.listens("riva", Arc::new(riva), &guard);
        }
        if let Some(place) = self.openai_place(vendors, &vendors.openai_transcription) {
            let guard = self.guards.of(Service::OpenAiListen);
            let config = OpenAiListenConfig { model: vendors.openai_transcription_model.clone(), ..OpenAiListenConfig::new(place) };
            self.listens("openai", Arc::new(OpenAiListen::new(config, guard.clone())?), &guard);
        }
        if let Some((url, key)) = keyed(&vendors.elevenlabs) {
            let guard = self.guards.of(Service::ElevenLabs);
            let mut config = ElevenLabsConfig::new(key.clone());
            (config.base_url, config.model) = (url.to_owned(), vendors.elevenlabs_model.clone());
            if let Some(voice) = &vendors.elevenlabs_voice {
                config.voice.clone_from(voice);
            }
            self.speaks("elevenlabs", Arc::new(ElevenLabs::new(config, guard.clone())?), &guard);
        }
        if let Some((url, key)) = keyed(&vendors.azure_speech) {
            let guard = self.guards.of(Service::AzureSpeech);
            let config = AzureSpeechConfig::new(AzurePlace::Address(url.to_owned()), key.clone());
            self.speaks("azure_speech", Arc::new(AzureSpeech::new(config, guard.clone())?), &guard);
        }
        if let Some((url, key)) = keyed(&vendors.deepgram) {
            let guard = self.guards.of(Service::DeepgramSpeak);
            self.speaks("deepgram", Arc::new(Aura::new(&deepgram::setup(url, key), guard.clone(), AuraConfig::default())?), &guard);
        }
        if let Some(place) = self.openai_place(vendors, &vendors.openai_speech) {
            let guard = self.guards.of(Service::OpenAiSpeak);
            let mut config = OpenAiSpeakConfig { model: vendors.openai_speech_model.clone(), ..OpenAiSpeakConfig::new(place) };
            if let Some(voice) = vendors.openai_speech_voices.first() {
                config.voice.clone_from(voice);
                config.voices.clone_from(&vendors.openai_speech_voices);
            }
            self.speaks("openai", Arc::new(OpenAiSpeak::new(config, guard.clone())?), &guard);
        }
        Ok(())
    }

    /// Who hears or speaks by OpenAI's protocol: a server of one's own, which is the installation's alone, or OpenAI.
    fn openai_place(&self, vendors: &Vendors, own: &Place) -> Option<OpenAiPlace> {
        if !own.url.is_empty() {
            // An operator who names an address in the clear means it.
            let place = OpenAiPlace { base_url: own.url.clone(), key: own.key.clone(), plain: true };
            return self.guards.part.is_none().then_some(place);
        }
        let (url, key) = keyed(&vendors.openai)?;
        Some(OpenAiPlace { base_url: url.to_owned(), ..OpenAiPlace::new(key.clone()) })
    }

    fn models(&mut self, vendors: &Vendors) -> Result<(), ServerError> {
        let place = |place: &Place| keyed(place).map(|(url, key)| (url.to_owned(), key.clone()));
        if let Some((url, key)) = place(&vendors.openai) {
            let model = &vendors.openai_model;
            self.completes("openai", Service::OpenAi, Dialect::openai(model).at(url), model, Some(key), false)?;
        }
        if let (Some((url, key)), Some(deployment)) = (place(&vendors.azure_openai), &vendors.azure_deployments[0]) {
            let dialect = Dialect::azure_openai(&url, deployment, AZURE_API_VERSION).at(url.clone());
            self.completes("azure_openai", Service::AzureOpenAi, dialect, deployment, Some(key), false)?;
        }
        if let Some((url, key)) = place(&vendors.anthropic) {
            let guard = self.guards.of(Service::Anthropic);
            let config = anthropic::Config { base_url: url, ..anthropic::Config::new(&vendors.anthropic_model, key) };
            self.thinks("anthropic", Arc::new(Anthropic::new(config, guard.clone())?), &guard);
        }
        if let Some((url, key)) = place(&vendors.cerebras) {
            self.completes("cerebras", Service::Cerebras, Dialect::cerebras().at(url), &vendors.cerebras_model, Some(key), false)?;
        }
        if let Some((url, key)) = place(&vendors.groq) {
            self.completes("groq", Service::Groq, Dialect::groq().at(url), &vendors.groq_model, Some(key), false)?;
        }
        let own = &vendors.own_model;
        if !own.url.is_empty() {
            // An operator who names an address in the clear means it.
            self.completes("own_model", Service::OwnModel, Dialect::own(&own.url), &vendors.own_model_name, own.key.clone(), true)?;
        }
        Ok(())
    }

    fn speech_models(&mut self, vendors: &Vendors) -> Result<(), ServerError> {
        if let Some((url, key)) = keyed(&vendors.openai) {
            for (name, model) in ["openai", "openai_mini"].into_iter().zip(&vendors.realtime_models) {
                let guard = self.guards.of(Service::OpenAiRealtime);
                self.converses(name, Arc::new(Realtime::new(RealtimeConfig::openai(url, key, model), guard.clone())?), &guard);
            }
        }
        if let (Some((url, key)), Some(deployment)) = (keyed(&vendors.azure_openai), &vendors.azure_deployments[1]) {
            let (guard, url) = (self.guards.of(Service::AzureRealtime), format!("{url}/openai/v1"));
            self.converses("azure_openai", Arc::new(Realtime::new(RealtimeConfig::azure(&url, key, deployment), guard.clone())?), &guard);
        }
        if let Some((url, key)) = keyed(&vendors.gemini) {
            let guard = self.guards.of(Service::GeminiLive);
            self.converses("gemini", Arc::new(Gemini::new(GeminiConfig::google(url, key, &vendors.gemini_model), guard.clone())?), &guard);
        }
        Ok(())
    }

    fn completes(
        &mut self,
        name: &'static str,
        service: Service,
        dialect: Dialect,
        model: &str,
        key: Option<Secret>,
        plain: bool,
    ) -> Result<(), ServerError> {
        let guard = self.guards.of(service);
        let config = completions::Config { plain, ..completions::Config::new(dialect, model, key) };
        self.thinks(name, Arc::new(Completions::new(config, guard.clone())?), &guard);
        Ok(())
    }

    fn listens(&mut self, name: &'static str, engine: Arc<dyn SpeechToText>, guard: &Guard) {
        let checked = Arc::clone(&engine);
        self.kit.probes.push(Probe::new(guard, move || {
            let engine = Arc::clone(&checked);
            async move { engine.check().await.map_err(|fault| fault.to_string()) }
        }));
        self.kit.ears.push((name, Rung::outside(engine, open(guard))));
    }

    fn speaks(&mut self, name: &'static str, engine: Arc<dyn TextToSpeech>, guard: &Guard) {
        let checked = Arc::clone(&engine);
        self.kit.probes.push(Probe::new(guard, move || {
            let engine = Arc::clone(&checked);
            async move { engine.check().await.map_err(|fault| fault.to_string()) }
        }));
        self.kit.voices.push((name, Rung::outside(engine, open(guard))));
    }

    fn thinks(&mut self, name: &'static str, model: Arc<dyn LanguageModel>, guard: &Guard) {
        let checked = Arc::clone(&model);
        self.kit.probes.push(Probe::new(guard, move || {
            let model = Arc::clone(&checked);
            async move { model.check().await.map_err(|fault| fault.to_string()) }
        }));
        self.kit.models.push((name, ModelRung { model, open: Arc::new(open(guard)) }));
    }

    fn converses(&mut self, name: &'static str, model: Arc<dyn SpeechToSpeech>, guard: &Guard) {
        let checked = Arc::clone(&model);
        self.kit.probes.push(Probe::new(guard, move || {
            let model = Arc::clone(&checked);
            async move { model.check().await.map_err(|fault| fault.to_string()) }
        }));
        self.kit.speech.push((name, VoiceRung { model, voice: None, open: Arc::new(open(guard)) }));
    }
}

/// A place that is configured.
fn keyed(place: &Place) -> Option<(&str, &Secret)> {
    let key = place.key.as_ref()?;
    (!place.url.is_empty()).then_some((place.url.as_str(), key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn kits(set: &[(&str, &str)]) -> [(usize, usize); 2] {
        let environment = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let vendors = Settings::load(None, environment).unwrap().vendors;
        let guards = Guards::default();
        let kits = [Kit::build(&vendors, &guards), Kit::build_part(&vendors, &guards, "workspace".to_owned())];
        kits.map(|kit| kit.map(|kit| (kit.ears.len(), kit.voices.len())).unwrap())
    }

    #[test]
    fn servers_of_ones_own_hear_and_speak_without_a_key_and_are_the_installations_alone() {
        let ears = ("OPENAI_TRANSCRIPTION_URL", "http://ears.internal:8000/v1");
        let voices = ("OPENAI_SPEECH_URL", "http://voices.internal:8880/v1");
        assert_eq!(kits(&[ears, voices]), [(1, 1), (0, 0)]);
        // What is not a server of one's own is OpenAI, with the key of whoever asks.
        assert_eq!(kits(&[ears, ("OPENAI_API_KEY", "a-key")]), [(1, 1), (0, 1)]);
        assert_eq!(kits(&[("OPENAI_SPEECH_API_KEY", "a-key")]), [(0, 0), (0, 0)], "a key alone is no server");
    }
}
