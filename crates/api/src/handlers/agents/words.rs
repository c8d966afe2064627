//! Settings of an agent that are words of a closed list.

use call::Tier;
use serde::{Deserialize, Serialize};
use store::agents::TurnDetection;
use utoipa::ToSchema;

/// Presets of models, from the cheapest.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TierName {
    Budget,
    Balanced,
    PremiumMini,
    Premium,
}

/// `normal`: by the voice only. `semantic`: by voice, words and punctuation together.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TurnDetectionMode {
    Normal,
    Semantic,
}

impl From<TierName> for Tier {
    fn from(name: TierName) -> Self {
        match name {
            TierName::Budget => Self::Budget,
            TierName::Balanced => Self::Balanced,
            TierName::PremiumMini => Self::PremiumMini,
            TierName::Premium => Self::Premium,
        }
    }
}

impl From<Tier> for TierName {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Budget => Self::Budget,
            Tier::Balanced => Self::Balanced,
            Tier::PremiumMini => Self::PremiumMini,
            Tier::Premium => Self::Premium,
        }
    }
}

impl From<TurnDetectionMode> for TurnDetection {
    fn from(mode: TurnDetectionMode) -> Self {
        match mode {
            TurnDetectionMode::Normal => Self::Normal,
            TurnDetectionMode::Semantic => Self::Semantic,
        }
    }
}

impl From<TurnDetection> for TurnDetectionMode {
    fn from(mode: TurnDetection) -> Self {
        match mode {
            TurnDetection::Normal => Self::Normal,
            TurnDetection::Semantic => Self::Semantic,
        }
    }
}
