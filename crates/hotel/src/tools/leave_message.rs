//! `leave_message`: a message for the people behind the agent.

use std::sync::Arc;

use agent::{Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use privacy::{Level, redact};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Message, Records};

use super::answer::{arguments, name, said};
use super::schema::{self, spec};

pub(super) struct LeaveMessage {
    pub(super) records: Arc<dyn Records>,
}

impl LeaveMessage {
    /// Longest message, in bytes: some minutes of speech. Longer ones are cut.
    pub(super) const MAX_TEXT: usize = 4_000;
}

/// The front desk calls back; a payment card is not kept for it.
fn without_card(text: &str) -> String {
    redact(text, Level::Cards).into_owned()
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LeaveMessage::MAX_TEXT));
    text
}

#[derive(Deserialize)]
struct Arguments {
    name: String,
    phone: Option<String>,
    text: String,
}

#[async_trait]
impl Tool for LeaveMessage {
    fn name(&self) -> &'static str {
        "leave_message"
    }

    fn spec(&self) -> Option<ToolSpec> {
        Some(spec(
            self.name(),
            "Leaves a message for the people at the front desk, who call back.",
            json!({
                "name": schema::word("The caller's name."),
                "phone": schema::word("Number to call back, if it is another than the number of this call."),
                "text": schema::text("The message, in the caller's words."),
            }),
            &["name", "text"],
        ))
    }

    fn effects(&self) -> bool {
        true
    }

    async fn call(&self, context: &ToolContext, given: &Value) -> ToolAnswer {
        self.leave(context, given).await.unwrap_or_else(|answer| answer)
    }
}

impl LeaveMessage {
    async fn leave(&self, context: &ToolContext, given: &Value) -> Result<ToolAnswer, ToolAnswer> {
        let asked: Arguments = arguments(self.name(), given)?;
        let caller = context.caller.as_ref().map(|caller| caller.expose());
        let text = said(Some(&asked.text)).ok_or_else(|| ToolAnswer::Failed("leave_message: the text is empty".into()))?;
        let message = Message {
            call_id: context.call,
            at: context.now,
            name: without_card(name(self.name(), &asked.name)?),
            phone: without_card(said(asked.phone.as_deref()).or(caller).unwrap_or_default()),
            // Masked before it is cut: half a card is one digit too many.
            text: cut(without_card(text)),
        };
        match self.records.add_message(&message, &context.idempotency_key).await {
            Ok(()) => Ok(ToolAnswer::Ok(json!({}))),
            Err(error) => Err(ToolAnswer::Failed(error.to_string())),
        }
    }
}
