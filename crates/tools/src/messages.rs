//! What a caller leaves for the people behind the agent: a message, or the wish to be called back. Both stand in the lists that people work through.

use std::sync::Arc;

use agent::{Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use call::PhoneNumber;
use privacy::{Level, redact};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{CallbackRequest, CallbackWhy, Message, Records, StoreError};

/// Longest name, telephone number and time, and longest text, characters.
const MAX_WORD: usize = 120;
const MAX_TEXT: usize = 4_000;

/// `take_message`.
pub struct TakeMessage(Arc<dyn Records>);

/// `schedule_callback`.
pub struct ScheduleCallback(Arc<dyn Records>);

impl TakeMessage {
    /// Into these records.
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self(records)
    }
}

impl ScheduleCallback {
    /// Into these records.
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self(records)
    }
}

#[derive(Deserialize)]
struct Left {
    name: String,
    phone: Option<String>,
    text: String,
}

#[derive(Deserialize)]
struct Wanted {
    name: String,
    phone: Option<String>,
    when: Option<String>,
    about: Option<String>,
}

#[async_trait]
impl Tool for TakeMessage {
    fn name(&self) -> &str {
        "take_message"
    }

    fn spec(&self) -> Option<ToolSpec> {
        let properties = json!({
            "name": word("The caller's name."),
            "phone": word("Number to reach the caller, if it is another than the number of this call."),
            "text": { "type": "string", "minLength": 1, "maxLength": MAX_TEXT, "description": "The message, in the caller's words." },
        });
        Some(spec(
            self.name(),
            "Leaves a message for the people behind you. They read it and call back when they can.",
            &properties,
            &["name", "text"],
        ))
    }

    async fn call(&self, context: &ToolContext, arguments: &Value) -> ToolAnswer {
        let Ok(left) = Left::deserialize(arguments) else { return wrong(self.name()) };
        let phone = left.phone.as_deref().or(context.caller.as_ref().map(PhoneNumber::expose)).unwrap_or_default().to_owned();
        outcome(add(self.0.as_ref(), context, &left.name, &phone, &left.text).await)
    }
}

#[async_trait]
impl Tool for ScheduleCallback {
    fn name(&self) -> &str {
        "schedule_callback"
    }

    fn spec(&self) -> Option<ToolSpec> {
        let properties = json!({
            "name": word("The caller's name."),
            "phone": word("Number to call, if it is another than the number of this call."),
            "when": word("When the caller would like to be called, in words, with the day."),
            "about": { "type": "string", "minLength": 1, "maxLength": MAX_TEXT, "description": "What it is about." },
        });
        let what =
            "Notes that the caller would like to be called back. It is a wish for the people behind you, not an appointment: say so.";
        Some(spec(self.name(), what, &properties, &["name"]))
    }

    async fn call(&self, context: &ToolContext, arguments: &Value) -> ToolAnswer {
        let Ok(wanted) = Wanted::deserialize(arguments) else { return wrong(self.name()) };
        let number = wanted.phone.map(PhoneNumber::new).or_else(|| context.caller.clone()).filter(|number| !number.digits().is_empty());
        let Some(number) = number else {
            return ToolAnswer::Refused { code: "no_number", fields: json!({ "advice": "ask for the number" }) };
        };
        let when = wanted.when.unwrap_or_else(|| "any time".to_owned());
        let text = format!("Please call back ({when}). {}", wanted.about.unwrap_or_default());
        let request = CallbackRequest {
            call_id: context.call,
            agent_id: context.agent,
            number: number.clone(),
            at: context.now,
            why: CallbackWhy::Asked,
        };
        // One request is kept for a call, the last one; what was wanted stands beside it.
        if let Err(fault) = self.0.add_callback(&request).await {
            return outcome(Err(fault));
        }
        outcome(add(self.0.as_ref(), context, &wanted.name, number.expose(), text.trim()).await)
    }
}

async fn add(records: &dyn Records, context: &ToolContext, name: &str, phone: &str, text: &str) -> Result<(), StoreError> {
    // A card is nobody's to keep; masked before it is cut, for half a card is one digit too many.
    let plain = |text: &str, most: usize| redact(text, Level::Cards).chars().take(most).collect::<String>();
    let message = Message {
        call_id: context.call,
        at: context.now,
        name: plain(name.trim(), MAX_WORD),
        phone: plain(phone.trim(), MAX_WORD),
        text: plain(text, MAX_TEXT),
    };
    records.add_message(&message, &context.idempotency_key).await
}

fn outcome(stored: Result<(), StoreError>) -> ToolAnswer {
    match stored {
        Ok(()) => ToolAnswer::Ok(json!({})),
        Err(fault) => ToolAnswer::Failed(fault.to_string()),
    }
}

fn wrong(tool: &str) -> ToolAnswer {
    ToolAnswer::Failed(format!("{tool}: wrong arguments"))
}

fn word(what: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": MAX_WORD, "description": what })
}

fn spec(name: &str, description: &str, properties: &Value, required: &[&str]) -> ToolSpec {
    let parameters = json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    ToolSpec { name: name.to_owned(), description: description.to_owned(), parameters }
}

#[cfg(test)]
mod tests {
    use ::call::{AgentId, CallId};
    use store::{Database, SqlRecords};
    use uuid::Uuid;

    use super::*;

    async fn desk() -> (Arc<dyn Records>, ToolContext) {
        let records: Arc<dyn Records> = Arc::new(SqlRecords::new(Database::in_memory().await.unwrap()));
        let call: CallId = records.open_call(&store::contract::record(1)).await.unwrap().id;
        let now = jiff::Timestamp::UNIX_EPOCH;
        let caller = Some(PhoneNumber::new("+12025550199"));
        (records, ToolContext { call, agent: AgentId(Uuid::from_u128(7)), caller, idempotency_key: "key".into(), now })
    }

    #[tokio::test]
    async fn a_message_is_left_without_a_card_in_it() {
        let (records, context) = desk().await;
        let said = json!({ "name": "Ann Lee", "text": "my card is 4111 1111 1111 1111" });
        assert_eq!(TakeMessage::new(Arc::clone(&records)).call(&context, &said).await, ToolAnswer::Ok(json!({})));
        let left = records.messages(10).await.unwrap();
        assert_eq!(
            (left[0].name.as_str(), left[0].phone.as_str(), left[0].text.as_str()),
            ("Ann Lee", "+12025550199", "my card is [card]")
        );
    }

    #[tokio::test]
    async fn a_callback_is_on_the_list_with_what_is_wanted() {
        let (records, mut context) = desk().await;
        let tool = ScheduleCallback::new(Arc::clone(&records));
        let said = json!({ "name": "Ann", "when": "tomorrow morning", "about": "a wedding" });
        assert_eq!(tool.call(&context, &said).await, ToolAnswer::Ok(json!({})));
        let listed = records.callbacks(10).await.unwrap();
        assert_eq!((listed.len(), listed[0].why, listed[0].number.expose()), (1, CallbackWhy::Asked, "+12025550199"));
        assert_eq!(records.messages(10).await.unwrap()[0].text, "Please call back (tomorrow morning). a wedding");
        context.caller = None;
        assert!(matches!(tool.call(&context, &said).await, ToolAnswer::Refused { code: "no_number", .. }));
    }

    #[tokio::test]
    async fn what_is_asked_again_under_the_same_key_is_left_once() {
        let (records, mut context) = desk().await;
        let said = json!({ "name": "Ann", "text": "hello" });
        let tools: [(&str, Box<dyn Tool>); 2] = [
            ("message", Box::new(TakeMessage::new(Arc::clone(&records)))),
            ("callback", Box::new(ScheduleCallback::new(Arc::clone(&records)))),
        ];
        for (key, tool) in tools {
            context.idempotency_key = key.into();
            for _ in 0..2 {
                assert_eq!(tool.call(&context, &said).await, ToolAnswer::Ok(json!({})), "{key}");
            }
        }
        assert_eq!((records.messages(10).await.unwrap().len(), records.callbacks(10).await.unwrap().len()), (2, 1));
    }

    #[tokio::test]
    async fn the_number_that_was_given_last_is_called_back() {
        let (records, mut context) = desk().await;
        let tool = ScheduleCallback::new(Arc::clone(&records));
        for (key, phone, when) in [("a", "+12025550143", "today"), ("b", "+12025550144", "tomorrow")] {
            context.idempotency_key = key.into();
            let said = json!({ "name": "Ann", "phone": phone, "when": when });
            assert_eq!(tool.call(&context, &said).await, ToolAnswer::Ok(json!({})));
        }
        let listed = records.callbacks(10).await.unwrap();
        assert_eq!((listed.len(), listed[0].number.expose()), (1, "+12025550144"));
        assert_eq!(records.messages(10).await.unwrap()[0].text, "Please call back (tomorrow).");
    }
}
