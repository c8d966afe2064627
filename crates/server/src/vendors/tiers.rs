//! The presets: what an agent of a tier is made of, best first. What is not configured is left out; ears and voices are in the order of the settings,
//! and below everything stands the dialogue.

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

/// Language models between ears and a voice.
pub(super) fn models(tier: Tier) -> &'static [&'static str] {
    match tier {
        Tier::Premium | Tier::PremiumMini => &["openai", "azure_openai", "anthropic", "groq", "cerebras", "own_model"],
        Tier::Balanced => &["openai", "groq", "cerebras", "azure_openai", "anthropic", "own_model"],
        // The reference's budget tier: Cerebras between Deepgram and ElevenLabs.
        Tier::Budget => &["cerebras", "groq", "own_model", "openai", "azure_openai", "anthropic"],
    }
}
