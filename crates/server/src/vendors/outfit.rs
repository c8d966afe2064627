//! What a workspace with keys of its own listens, thinks and speaks with: its own access to the vendors whose key it has, the installation's access
//! to all others.

use std::sync::Arc;

use agent::AgentDefinition;
use api::Provider;
use call::{TenantId, Tier};
use privacy::Secret;
use resilience::Guards;
use secrets::Sealer;
use speech::ladder::ears::Ears;
use speech::phrases::Phrases;
use speech::vendor::{aura, azure, elevenlabs, openai};
use speech::{Domain, SpeechToText, TextToSpeech};
use store::sealed::{KeyOf, Sealed};
use tracing::warn;

use super::{Kit, Probe, Probes, key_of, tiers, voices_of, wanted};
use crate::settings::{Place, Vendors};

/// A workspace's key for a vendor, as it is stored.
#[derive(Clone, PartialEq)]
pub(crate) struct StoredKey {
    provider: Provider,
    sealed: Vec<u8>,
}

impl StoredKey {
    /// Whose it is, and the key; none for what is no vendor's, such as a carrier's.
    pub(crate) fn of(row: Sealed<KeyOf>, vendors: &Vendors) -> Option<(TenantId, Self)> {
        let (tenant, provider) = row.whose;
        let provider = Provider::parse(&provider)?;
        place(&mut vendors.clone(), provider)?;
        Some((tenant, Self { provider, sealed: row.value }))
    }

    /// The provider's word.
    pub(crate) fn provider(&self) -> &'static str {
        self.provider.as_str()
    }
}

/// What a workspace's calls are served with.
pub(crate) struct Outfit {
    pub(crate) kit: Kit,
    /// Those of the ears that are asked with the workspace's keys.
    own_ears: Option<Ears>,
    /// They are looked after while this is in use.
    _probes: Arc<[Probe]>,
}

impl Outfit {
    /// Makes its own ears ready for what may be said to an agent. One that cannot be is climbed over in calls.
    pub(crate) async fn prepare(&self, domain: &Arc<Domain>) {
        if let Some(ears) = &self.own_ears
            && let Err(fault) = ears.prepare(domain).await
        {
            warn!(error = %fault, "the ears of a workspace's own keys could not be prepared for an agent");
        }
    }
}

/// Makes outfits.
pub(crate) struct Outfitter {
    pub(crate) vendors: Vendors,
    pub(crate) guards: Guards,
    /// What the installation's keys open.
    pub(crate) kit: Arc<Kit>,
    /// The recogniser of this machine.
    pub(crate) recognizer: Option<Arc<dyn SpeechToText>>,
    /// The voice of this machine.
    pub(crate) voice: Option<Arc<dyn TextToSpeech>>,
    pub(crate) phrases: Phrases,
    pub(crate) sealer: Arc<dyn Sealer>,
    pub(crate) probes: Probes,
}

impl Outfitter {
    /// What a workspace with these keys is served with.
    pub(crate) async fn outfit(&self, tenant: TenantId, keys: &[StoredKey]) -> Result<Outfit, String> {
        let mut own = Vec::new();
        for key in keys {
            let opened = self.opened(tenant, key).await?;
            // The document of a service account is no key of Live sessions.
            if !(matches!(key.provider, Provider::Google) && opened.expose().starts_with('{')) {
                own.push((key.provider, opened));
            }
        }
        let (vendors, guards) = (only(&self.vendors, own), self.guards.clone());
        // Certificates are read and checked for each: nothing for a thread that moves live audio.
        let built = tokio::task::spawn_blocking(move || Kit::build_part(&vendors, &guards, tenant.to_string())).await;
        let mut own =
            built.map_err(|fault| fault.to_string())?.map_err(|fault| format!("a key of the workspace cannot be used: {fault}"))?;
        let probes: Arc<[Probe]> = std::mem::take(&mut own.probes).into();
        // What was refused to the key before may be given to this one.
        probes.iter().for_each(Probe::renew);
        self.probes.add(&probes);
        let own_ears = own.ears(None, &[], None);
        let own_ears = (!own_ears.is_empty()).then(|| Ears::new(own_ears));
        Ok(Outfit { kit: own.over(&self.kit), own_ears, _probes: probes })
    }

    /// Who listens to an agent's callers and who speaks to them, best first: by the installation's keys, or by what its workspace's open.
    pub(crate) fn engines(&self, agent: &AgentDefinition, outfit: Option<&Outfit>) -> (Option<Ears>, Phrases) {
        let kit = outfit.map_or(self.kit.as_ref(), |outfit| &outfit.kit);
        let tier = agent.mind.as_ref().map(|mind| mind.tier);
        let ears = kit.ears(tier, &self.vendors.ears, self.recognizer.clone());
        let voices = kit.voices(tier, &agent.voice, &self.vendors.voices, self.voice.clone());
        ((!ears.is_empty()).then(|| Ears::new(ears)), self.phrases.with_voices(voices))
    }

    async fn opened(&self, tenant: TenantId, key: &StoredKey) -> Result<Secret, String> {
        let fault =
            |why: &dyn std::fmt::Display| format!("the workspace's key for {} cannot be opened: {why}; set it again", key.provider());
        let opened = self.sealer.open(&api::sealed_for(tenant, key.provider), &key.sealed).await.map_err(|why| fault(&why))?;
        let text = String::from_utf8(opened.to_vec()).map_err(|_| fault(&"it is no text"))?;
        // Pasted with the end of its line.
        Ok(Secret::from(text.trim().to_owned()))
    }

    /// True when keys for these providers let somebody think for this tier.
    pub(crate) fn can_think(&self, tier: Tier, keys: &[String]) -> bool {
        let [words, sound] = &self.vendors.azure_deployments;
        wanted(tier, &self.vendors.models).into_iter().any(|name| self.opens(keys, name, words.as_ref()))
            || tiers::speech(tier).iter().any(|name| self.opens(keys, key_of(name), sound.as_ref()))
    }

    /// The voices of the models that speak by themselves in calls of this tier: by the installation's keys, or by keys for these providers.
    pub(crate) fn model_voices(&self, tier: Tier, keys: &[String]) -> Vec<String> {
        let [_, sound] = &self.vendors.azure_deployments;
        let built = |name: &str| self.kit.speech.iter().any(|(known, _)| *known == name);
        let reached = tiers::speech(tier).iter().filter(|name| built(name) || self.opens(keys, key_of(name), sound.as_ref()));
        reached.flat_map(|name| voices_of(name)).map(|voice| (*voice).to_owned()).collect()
    }

    /// True when one of these keys opens what is called so; on Azure by this deployment.
    fn opens(&self, keys: &[String], name: &str, deployment: Option<&String>) -> bool {
        let deployed = name != Provider::AzureOpenai.as_str() || deployment.is_some();
        deployed && keys.iter().any(|key| key == name) && self.is_placed(name)
    }

    /// The voices that keys for these providers bring.
    pub(crate) fn voices(&self, keys: &[String]) -> Vec<String> {
        let order = &self.vendors.voices;
        let used = |name: &&String| (order.is_empty() || order.contains(name)) && self.is_placed(name);
        let of = |name: &String| match Provider::parse(name) {
            Some(Provider::Elevenlabs) => elevenlabs::voices(),
            Some(Provider::AzureSpeech) => azure::VOICES.map(str::to_owned).to_vec(),
            Some(Provider::Deepgram) => aura::voices(),
            // A server of one's own in its place is the installation's.
            Some(Provider::Openai) if !self.vendors.openai_speech.url.is_empty() => Vec::new(),
            Some(Provider::Openai) if self.vendors.openai_speech_voices.is_empty() => openai::VOICES.map(str::to_owned).to_vec(),
            Some(Provider::Openai) => self.vendors.openai_speech_voices.clone(),
            _ => Vec::new(),
        };
        keys.iter().filter(used).flat_map(of).collect()
    }

    /// True when the installation says where it is: a key alone does not.
    fn is_placed(&self, provider: &str) -> bool {
        let mut vendors = self.vendors.clone();
        Provider::parse(provider).and_then(|provider| place(&mut vendors, provider)).is_some_and(|place| !place.url.is_empty())
    }
}

/// Where a vendor is.
fn place(vendors: &mut Vendors, provider: Provider) -> Option<&mut Place> {
    Some(match provider {
        Provider::Openai => &mut vendors.openai,
        Provider::AzureOpenai => &mut vendors.azure_openai,
        Provider::Anthropic => &mut vendors.anthropic,
        Provider::Deepgram => &mut vendors.deepgram,
        Provider::Elevenlabs => &mut vendors.elevenlabs,
        Provider::AzureSpeech => &mut vendors.azure_speech,
        Provider::Cerebras => &mut vendors.cerebras,
        Provider::Groq => &mut vendors.groq,
        Provider::Google => &mut vendors.gemini,
        Provider::TelnyxApiKey | Provider::TelnyxPublicKey | Provider::TwilioAccountSid | Provider::TwilioAuthToken => return None,
    })
}

/// What these keys open, and nothing else.
fn only(vendors: &Vendors, keys: Vec<(Provider, Secret)>) -> Vendors {
    let mut own = vendors.clone();
    for provider in Provider::ALL {
        if let Some(place) = place(&mut own, *provider) {
            place.key = None;
        }
    }
    // They need no key, and are the installation's.
    own.riva.url.clear();
    own.own_model.url.clear();
    for (provider, key) in keys {
        if let Some(place) = place(&mut own, provider) {
            place.key = Some(key);
        }
    }
    own
}
