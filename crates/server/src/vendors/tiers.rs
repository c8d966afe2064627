//! The presets: what an agent of a tier is made of, best first. What is not configured is left out; of ears and voices only a tier's own are named,
//! the others follow in the order of the settings, and below everything stands the dialogue.

use call::Tier;

/// Models that hear and speak by themselves. The cheaper tiers have none, or another vendor's.
pub(super) fn speech(tier: Tier) -> &'static [&'static str] {
    match tier {
        Tier::Premium => &["openai", "azure_openai", "gemini"],
        Tier::PremiumMini => &["openai_mini", "gemini"],
        Tier::Balanced => &["gemini"],
        Tier::Budget => &[],
    }
}

/// Who listens, before the others. The models of the other tiers hear by themselves: who listens beside them is the settings' to say.
pub(super) fn ears(tier: Tier) -> &'static [&'static str] {
    match tier {
        Tier::Premium | Tier::PremiumMini | Tier::Balanced => &[],
        Tier::Budget => &["deepgram"],
    }
}

/// Who speaks, before the others: what a model does not say itself is said in a voice that it has too, where there is such an engine.
pub(super) fn voices(tier: Tier) -> &'static [&'static str] {
    match tier {
        Tier::Premium | Tier::PremiumMini => &["openai"],
        Tier::Balanced => &[],
        Tier::Budget => &["elevenlabs"],
    }
}

/// Language models between ears and a voice.
pub(super) fn models(tier: Tier) -> &'static [&'static str] {
    match tier {
        Tier::Premium | Tier::PremiumMini => &["openai", "azure_openai", "anthropic", "groq", "cerebras", "own_model"],
        Tier::Balanced => &["openai", "groq", "cerebras", "azure_openai", "anthropic", "own_model"],
        // The reference's budget tier: Cerebras between Deepgram and ElevenLabs.
        Tier::Budget => &["cerebras", "groq", "own_model", "openai", "azure_openai", "anthropic"],
    }
}
