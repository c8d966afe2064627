//! What each tier selects of all that can be configured, and when a call may ask for it.

use std::time::Duration;

use resilience::{BreakerPolicy, Failure, Policy};
use speech::ladder::ears::Ears;

use super::*;
use crate::settings::Settings;

/// Every vendor but Riva, which connects as soon as it is there.
const EVERYTHING: [(&str, &str); 15] = [
    ("DEEPGRAM_API_KEY", "a-key"),
    ("ELEVENLABS_API_KEY", "a-key"),
    ("AZURE_SPEECH_KEY", "a-key"),
    ("AZURE_SPEECH_URL", "https://westeurope.tts.speech.microsoft.com"),
    ("OPENAI_API_KEY", "a-key"),
    ("AZURE_OPENAI_API_KEY", "a-key"),
    ("AZURE_OPENAI_URL", "https://annex.openai.azure.com"),
    ("AZURE_OPENAI_DEPLOYMENT", "words"),
    ("AZURE_OPENAI_REALTIME_DEPLOYMENT", "talk"),
    ("ANTHROPIC_API_KEY", "a-key"),
    ("CEREBRAS_API_KEY", "a-key"),
    ("GROQ_API_KEY", "a-key"),
    ("GEMINI_API_KEY", "a-key"),
    ("GEMINI_LIVE_MODEL", "live"),
    ("OWN_MODEL_URL", "http://models.internal:8000/v1"),
];

fn kit(set: &[(&str, &str)]) -> Kit {
    let environment = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Kit::build(&Settings::load(None, environment).unwrap().vendors, &Guards::default()).unwrap()
}

/// Who hears and speaks by itself, by service and model.
fn by_itself(kit: &Kit, tier: Tier) -> Vec<String> {
    kit.speech(tier, "").iter().map(|rung| format!("{} {}", rung.model.service(), rung.model.model())).collect()
}

fn words(kit: &Kit, tier: Tier) -> Vec<&'static str> {
    kit.models(tier, &[]).iter().map(|rung| rung.model.service()).collect()
}

fn ears(kit: &Kit, tier: Option<Tier>, order: &[&str]) -> Vec<&'static str> {
    Ears::new(kit.ears(tier, &list(order), None)).names()
}

fn voices(kit: &Kit, tier: Option<Tier>, voice: &str, order: &[&str]) -> Vec<&'static str> {
    let rungs = kit.voices(tier, voice, &list(order), None);
    rungs.iter().filter_map(|rung| kit.voices.iter().find(|(_, known)| known.voices() == rung.voices())).map(|(name, _)| *name).collect()
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn budget_is_deepgram_cerebras_and_elevenlabs() {
    let kit = kit(&EVERYTHING);
    assert!(by_itself(&kit, Tier::Budget).is_empty());
    assert_eq!(words(&kit, Tier::Budget), ["cerebras", "groq", "own_model", "openai", "azure_openai", "anthropic"]);
    assert_eq!(ears(&kit, Some(Tier::Budget), &[]), ["deepgram", "openai_listen"]);
    assert_eq!(voices(&kit, Some(Tier::Budget), "slt", &[]), ["elevenlabs", "azure_speech", "deepgram", "openai"]);
}

#[test]
fn balanced_is_gemini_with_the_ears_and_voices_of_the_installation() {
    let kit = kit(&EVERYTHING);
    assert_eq!(by_itself(&kit, Tier::Balanced), ["gemini_live live"]);
    assert_eq!(words(&kit, Tier::Balanced), ["openai", "groq", "cerebras", "azure_openai", "anthropic", "own_model"]);
    for tier in [Some(Tier::Balanced), None] {
        assert_eq!(ears(&kit, tier, &["openai", "deepgram"]), ["openai_listen", "deepgram"]);
        assert_eq!(voices(&kit, tier, "slt", &[]), ["elevenlabs", "azure_speech", "deepgram", "openai"]);
    }
}

#[test]
fn the_premium_tiers_are_openai_realtime_and_what_the_model_does_not_say_is_said_by_openai_too() {
    let kit = kit(&EVERYTHING);
    assert_eq!(by_itself(&kit, Tier::Premium), ["openai_realtime gpt-realtime", "azure_realtime talk", "gemini_live live"]);
    assert_eq!(by_itself(&kit, Tier::PremiumMini), ["openai_realtime gpt-realtime-mini", "gemini_live live"]);
    for tier in [Tier::Premium, Tier::PremiumMini] {
        assert_eq!(words(&kit, tier), ["openai", "azure_openai", "anthropic", "groq", "cerebras", "own_model"]);
        assert_eq!(ears(&kit, Some(tier), &[]), ["deepgram", "openai_listen"]);
        assert_eq!(voices(&kit, Some(tier), "slt", &[]), ["openai", "elevenlabs", "azure_speech", "deepgram"]);
    }
}

#[test]
fn premium_is_served_by_azure_alone_where_only_azure_is_configured() {
    let azure: Vec<_> = EVERYTHING.into_iter().filter(|(name, _)| name.starts_with("AZURE_OPENAI")).collect();
    let kit = kit(&azure);
    let tiers = [Tier::Premium, Tier::PremiumMini, Tier::Balanced, Tier::Budget];
    assert_eq!(tiers.map(|tier| by_itself(&kit, tier).len()), [1, 0, 0, 0]);
    assert_eq!(by_itself(&kit, Tier::Premium), ["azure_realtime talk"]);
    assert!(tiers.iter().all(|tier| words(&kit, *tier) == ["azure_openai"]));
}

#[test]
fn the_operators_order_holds_for_every_tier_and_what_it_does_not_name_is_not_used() {
    let kit = kit(&EVERYTHING);
    for tier in Tier::ALL {
        assert_eq!(ears(&kit, Some(tier), &["openai", "deepgram"]), ["openai_listen", "deepgram"]);
        let order = ["azure_speech", "openai", "elevenlabs"];
        assert_eq!(voices(&kit, Some(tier), "slt", &order), order);
        assert_eq!(ears(&kit, Some(tier), &["openai"]), ["openai_listen"]);
        assert_eq!(voices(&kit, Some(tier), "rachel", &["azure_speech"]), ["azure_speech"]);
        assert!(ears(&kit, Some(tier), &["local"]).is_empty() && voices(&kit, Some(tier), "slt", &["local"]).is_empty());
    }
}

#[test]
fn the_vendor_that_has_the_agents_voice_speaks_before_the_tiers_own() {
    let kit = kit(&EVERYTHING);
    assert_eq!(voices(&kit, Some(Tier::Premium), "rachel", &[]), ["elevenlabs", "openai", "azure_speech", "deepgram"]);
    assert_eq!(voices(&kit, Some(Tier::Budget), "alloy", &[]), ["openai", "elevenlabs", "azure_speech", "deepgram"]);
    // A model's own voice is nobody else's: the tier's engine says with its own what the model does not say.
    assert_eq!(voices(&kit, Some(Tier::Balanced), "Puck", &[]), ["elevenlabs", "azure_speech", "deepgram", "openai"]);
    let named = |tier, voice| kit.speech(tier, voice).into_iter().map(|rung| rung.voice).collect::<Vec<_>>();
    assert_eq!(named(Tier::Balanced, "Puck"), [Some("Puck".to_owned())]);
    assert_eq!(named(Tier::Premium, "alloy"), [Some("alloy".to_owned()), Some("alloy".to_owned()), None]);
}

#[tokio::test]
async fn a_call_leaves_a_service_alone_until_a_check_has_found_it_back() {
    let policy = Service::GeminiLive.policy();
    // Open for no time at all: a check is due at once.
    let breaker = BreakerPolicy { in_a_row: 1, open_for: Duration::ZERO, open_at_most: Duration::ZERO, ..policy.breaker };
    let guard = Guards::default().with(Service::GeminiLive, Policy { breaker, ..policy });
    let may_ask = open(&guard);
    assert!(may_ask());
    guard.begin().await.unwrap().failed(Failure::Transient);
    assert!(guard.wants_probe() && guard.lets_through() && !may_ask(), "the check comes first");
    let check = guard.begin().await.unwrap();
    assert!(!may_ask(), "it is not over");
    check.answered();
    assert!(may_ask());
    guard.begin().await.unwrap().failed(Failure::Overloaded(Some(Duration::from_secs(60))));
    assert!(!may_ask(), "it wants a pause");
}
