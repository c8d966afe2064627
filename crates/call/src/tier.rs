//! How good and how costly an agent's model is.

use serde::{Deserialize, Serialize};

/// A preset of models and voices. Closed set: it is a setting of agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// A fast language model between a recogniser and a voice.
    Budget,
    /// The model that costs less than the premium ones and hears and speaks itself.
    Balanced,
    /// The smaller model of the premium family.
    PremiumMini,
    /// The best there is.
    Premium,
}

impl Tier {
    /// Every tier, from the cheapest.
    pub const ALL: [Self; 4] = [Self::Budget, Self::Balanced, Self::PremiumMini, Self::Premium];

    /// The word in settings, records and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Balanced => "balanced",
            Self::PremiumMini => "premium-mini",
            Self::Premium => "premium",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_is_read_back() {
        for tier in Tier::ALL {
            assert_eq!(Tier::parse(tier.as_str()), Some(tier));
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.as_str());
        }
        assert_eq!(Tier::parse("Premium"), None);
    }
}
