//! Whether a language model works: it is asked for one word.

use std::sync::Arc;

use call::Meter;

use crate::{AnswerEvent, ChatRequest, LanguageModel, Message, ModelError};

/// The word.
const WORD: &str = "ready";
/// Room for models that reason before they speak; others stop after the word.
const MAX_TOKENS: u32 = 512;

/// Asks a model for one word, the way a call asks it, and compares. Costs a few tokens, which are on no call's meter.
pub async fn check(model: &dyn LanguageModel, service: &'static str) -> Result<(), ModelError> {
    let messages = vec![Message::Caller { text: format!("Say the word: {WORD}") }];
    let system = format!("This is a check of the connection. Answer with the one word: {WORD}");
    let request = ChatRequest { system, messages, tools: Arc::default(), temperature: None, max_tokens: MAX_TOKENS };
    let mut answer = model.answer(request, &Meter::new()).await?;
    let mut said = String::new();
    while let Some(event) = answer.recv().await {
        match event? {
            AnswerEvent::Text(text) => said.push_str(&text),
            AnswerEvent::Call(_) => {}
            AnswerEvent::Done(_) => break,
        }
    }
    if said.to_lowercase().contains(WORD) { Ok(()) } else { Err(ModelError::CheckFailed { model: service }) }
}
