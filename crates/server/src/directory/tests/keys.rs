//! Workspaces' own keys for vendors.

use api::{Provider, sealed_for};
use resilience::Guards;
use secrets::{KeyFile, Sealer};
use tempfile::TempDir;

use super::*;
use crate::settings::Settings;
use crate::vendors::{Kit, Outfitter, Probes};

/// What opens keys, and the guards that are made with them.
struct Vault {
    sealer: Arc<dyn Sealer>,
    guards: Guards,
    folder: TempDir,
}

impl Vault {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Arc::new(KeyFile::load_or_create(&folder.path().join("secrets.toml"), Timestamp::UNIX_EPOCH).unwrap());
        Self { sealer, guards: Guards::default(), folder }
    }

    fn outfitter(&self) -> Outfitter {
        let data_dir = self.folder.path().to_str().unwrap().to_owned();
        Outfitter {
            vendors: Settings::load(None, |name| (name == "DATA_DIR").then(|| data_dir.clone())).unwrap().vendors,
            guards: self.guards.clone(),
            kit: Arc::new(Kit::default()),
            recognizer: None,
            voice: None,
            phrases: Phrases::new(None, None, 1 << 20),
            sealer: Arc::clone(&self.sealer),
            probes: Probes::default(),
        }
    }

    /// The annex stores a key.
    async fn store(&self, town: &Town, provider: Provider, sealed: &[u8]) {
        let mut tx = town.database.begin().await.unwrap();
        store::provider_keys::set(&mut tx, ANNEX, provider.as_str(), sealed, None, "operator", Timestamp::UNIX_EPOCH).await.unwrap();
        tx.commit().await.unwrap();
        town.directory.changed();
    }

    async fn seal(&self, provider: Provider) -> Vec<u8> {
        self.sealer.seal(&sealed_for(ANNEX, provider), b"a-key-of-the-annex").await.unwrap()
    }

    fn parts(&self) -> Vec<String> {
        let mut parts: Vec<_> = self.guards.parts().iter().map(|(part, view)| format!("{}/{part}", view.service.as_str())).collect();
        parts.sort();
        parts
    }
}

#[tokio::test]
async fn a_workspaces_keys_are_taken_up_on_every_instance_and_what_they_opened_is_freed_when_they_go() {
    let vault = Vault::open();
    let town = Town::with(|maker| maker.with_outfits(vault.outfitter())).await;
    let elsewhere = Vault::open();
    let other = Outfitter { sealer: Arc::clone(&vault.sealer), ..elsewhere.outfitter() };
    let other =
        AgentDirectory::open(house(), maker(None).with_outfits(other), Some(town.database.clone()), CallRecorder::new()).await.unwrap();
    tokio::spawn(other.clone().watch(town.stop.clone()));

    vault.store(&town, Provider::Deepgram, &vault.seal(Provider::Deepgram).await).await;
    vault.store(&town, Provider::TelnyxApiKey, b"no vendor's").await;
    town.until("the key is used here", || town.directory.outfit(ANNEX).is_some()).await;
    town.until("and elsewhere", || other.outfit(ANNEX).is_some()).await;
    assert!(town.directory.outfit(TenantId::DEFAULT).is_none(), "it is nobody else's");
    let outfit = town.directory.outfit(ANNEX).unwrap();
    let (ears, phrases) = town.directory.engines(&AgentDefinition { tenant: ANNEX, ..AgentDefinition::echo() }).unwrap();
    assert_eq!(ears.as_ref().unwrap().names(), ["deepgram"]);
    assert!(phrases.has_engine());
    drop(phrases);
    assert_eq!(vault.parts(), [format!("deepgram_listen/{ANNEX}"), format!("deepgram_speak/{ANNEX}")]);

    let (call, weak) = (ears, Arc::downgrade(&outfit));
    drop(outfit);
    let mut tx = town.database.begin().await.unwrap();
    assert!(store::provider_keys::remove(&mut tx, ANNEX, "deepgram").await.unwrap());
    tx.commit().await.unwrap();
    town.until("it is used no more", || town.directory.outfit(ANNEX).is_none()).await;
    town.until("nor elsewhere", || other.outfit(ANNEX).is_none()).await;
    town.until("it is freed", || weak.upgrade().is_none()).await;
    assert_eq!(vault.parts(), [format!("deepgram_listen/{ANNEX}")], "a call goes on with it");
    drop(call);
    town.until("nothing is left of it", || vault.parts().is_empty()).await;
}

#[tokio::test]
async fn agents_whose_workspaces_key_cannot_be_opened_take_no_calls_until_it_is_set_again() {
    let vault = Vault::open();
    let town = Town::with(|maker| maker.with_outfits(vault.outfitter())).await;
    let desk = row(1, "annex desk", AgentSettings::default());
    town.add(&desk).await;
    town.until("the desk is ready", || town.directory.get(desk.id).is_some()).await;

    let others = vault.sealer.seal("something else", b"a-key-of-the-annex").await.unwrap();
    vault.store(&town, Provider::Groq, &others).await;
    town.until("it is closed", || town.directory.get(desk.id).is_none()).await;
    let notices = town.directory.notices().join("\n");
    assert!(notices.contains("key for groq cannot be opened") && notices.contains("set it again"), "{notices}");
    assert!(town.directory.named("hotel").is_some(), "the house goes on");

    vault.store(&town, Provider::Groq, &vault.seal(Provider::Groq).await).await;
    town.until("it is open again", || town.directory.get(desk.id).is_some()).await;
    assert_eq!(town.directory.notices(), Vec::<String>::new());
}

#[tokio::test]
async fn voices_of_models_that_speak_by_themselves_can_be_chosen_where_keys_and_tier_reach_them() {
    let vault = Vault::open();
    let set = [("OPENAI_API_KEY", "a-key"), ("TTS_ENGINES", "local")];
    let environment = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let vendors = Settings::load(None, environment).unwrap().vendors;
    let town = Town::with(|maker| {
        let kit = Arc::new(Kit::build(&vendors, &vault.guards).unwrap());
        maker.with_outfits(Outfitter { vendors: vendors.clone(), kit, voice: Some(Arc::new(Voice)), ..vault.outfitter() })
    })
    .await;

    let desk = |voice: &str, tier| row(1, "annex desk", AgentSettings { voice: Some(voice.into()), tier, ..AgentSettings::default() });
    let google = [Provider::Google.as_str().to_owned()];
    let wrong = |voice: &str, tier, keys: &[String]| -> Vec<String> {
        let problems = town.directory.check(&desk(voice, tier), &[], keys).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.field).collect()
    };
    assert_eq!(wrong("marin", Some(Tier::Premium), &[]), [""; 0]);
    assert_eq!(wrong("marin", Some(Tier::Budget), &[]), ["/voice"], "the tier has no such model");
    assert_eq!(wrong("marin", None, &[]), ["/voice"], "a dialogue has no model");
    assert_eq!(wrong("Puck", Some(Tier::Balanced), &google), [""; 0]);
    assert_eq!(wrong("Puck", Some(Tier::Balanced), &[]), ["/voice"], "nobody has a key");
    let offered = |keys: &[String]| ["slt", "marin", "Puck"].map(|voice| town.directory.voices(keys).iter().any(|known| known == voice));
    assert_eq!((offered(&[]), offered(&google)), ([true, true, false], [true, true, true]));

    vault.store(&town, Provider::Google, &vault.seal(Provider::Google).await).await;
    let puck = desk("Puck", Some(Tier::Balanced));
    town.add(&puck).await;
    town.until("it is ready", || town.directory.get(puck.id).is_some_and(|agent| agent.voice == "Puck")).await;
    let agent = town.directory.get(puck.id).unwrap();
    let (_, phrases) = town.directory.engines(&agent).unwrap();
    let request = SpeakRequest { text: "One moment.".into(), voice: agent.voice.clone(), language: agent.language.clone(), rate: 8_000 };
    let mut said = phrases.speak(request, &Meter::default()).await.unwrap();
    assert!(said.recv().await.is_some_and(|piece| piece.is_ok()), "an engine without that voice says it with its own");
}

#[tokio::test]
async fn a_key_brings_the_voices_that_it_opens_and_not_those_of_a_server_of_ones_own() {
    let vault = Vault::open();
    let brought = |set: &[(&str, &str)]| {
        let environment = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let vendors = Settings::load(None, environment).unwrap().vendors;
        Outfitter { vendors, ..vault.outfitter() }.voices(&[Provider::Openai.as_str().to_owned()])
    };
    assert!(brought(&[]).contains(&"alloy".to_owned()));
    assert_eq!(brought(&[("OPENAI_SPEECH_VOICES", "anna,bert")]), ["anna", "bert"]);
    assert_eq!(brought(&[("OPENAI_SPEECH_URL", "http://voices.internal:8880/v1")]), [""; 0]);
}
