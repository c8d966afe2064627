//! The model behind an agent, as the workspace wants it.

use call::Tier;

/// What a model is to be like. Which one it is, is the tier's to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Mind {
    /// How good, and how costly.
    pub tier: Tier,
    /// What the model is told of its part.
    pub prompt: Option<String>,
    /// How free its words are, 0 to 2; `None`: as the model's maker set it.
    pub temperature: Option<f32>,
    /// Most tokens of one answer; `None`: the usual limit.
    pub max_tokens: Option<u32>,
    /// The only tools it may use; `None`: those of the dialogue, and what every agent may do with its call.
    pub tools: Option<Vec<String>>,
}
