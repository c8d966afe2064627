//! `change_booking`: makes a change of a booking, once per idempotency key.

use std::sync::Arc;

use agent::{Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use serde_json::Value;

use super::answer::{arguments, refusal_for, reservation_fields};
use super::quote_change::quote;
use super::schema::{self, spec};
use super::verify::Verifier;
use crate::Pms;

pub(super) struct ChangeBooking {
    pub(super) pms: Arc<dyn Pms>,
    pub(super) verifier: Arc<Verifier>,
}

#[async_trait]
impl Tool for ChangeBooking {
    fn name(&self) -> &'static str {
        "change_booking"
    }

    fn spec(&self) -> Option<ToolSpec> {
        Some(spec(
            self.name(),
            "Changes a booking. Call quote_change with the same arguments first, and tell the caller the difference.",
            schema::change(),
            &["name"],
        ))
    }

    fn effects(&self) -> bool {
        true
    }

    async fn call(&self, context: &ToolContext, given: &Value) -> ToolAnswer {
        self.change(context, given).await.unwrap_or_else(|answer| answer)
    }
}

impl ChangeBooking {
    async fn change(&self, context: &ToolContext, given: &Value) -> Result<ToolAnswer, ToolAnswer> {
        let asked = arguments(self.name(), given)?;
        let (booked, quote) = quote(self.pms.as_ref(), &self.verifier, context, &asked).await?;
        match self.pms.apply_change(&booked.id, &quote, &context.idempotency_key).await {
            Ok(outcome) => {
                let mut fields = reservation_fields(&outcome.reservation);
                fields.insert("difference".into(), outcome.difference.plain().into());
                Ok(ToolAnswer::Ok(Value::Object(fields)))
            }
            Err(error) => Err(refusal_for(self.pms.as_ref(), quote.stay, error).await),
        }
    }
}
