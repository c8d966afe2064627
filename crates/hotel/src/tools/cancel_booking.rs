//! `cancel_booking`: gives a booking up, and says what that costs.

use std::sync::Arc;

use agent::{Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{arguments, refusal, refused};
use super::schema::{self, spec};
use super::verify::Verifier;
use crate::Pms;

pub(super) struct CancelBooking {
    pub(super) pms: Arc<dyn Pms>,
    pub(super) verifier: Arc<Verifier>,
}

#[derive(Deserialize)]
struct Arguments {
    code: Option<String>,
    name: Option<String>,
}

#[async_trait]
impl Tool for CancelBooking {
    fn name(&self) -> &'static str {
        "cancel_booking"
    }

    fn spec(&self) -> Option<ToolSpec> {
        Some(spec(
            self.name(),
            "Cancels a booking. Its answer says what that costs. Call find_booking first, so that the caller knows which booking it is.",
            schema::whose(),
            &["name"],
        ))
    }

    fn effects(&self) -> bool {
        true
    }

    async fn call(&self, context: &ToolContext, given: &Value) -> ToolAnswer {
        self.cancel(context, given).await.unwrap_or_else(|answer| answer)
    }
}

impl CancelBooking {
    async fn cancel(&self, context: &ToolContext, given: &Value) -> Result<ToolAnswer, ToolAnswer> {
        let asked: Arguments = arguments(self.name(), given)?;
        let booked = self.verifier.identify(context, asked.code.as_deref(), asked.name.as_deref()).await?;
        // Whether it was cancelled before is the PMS's to say: a retry under the same key is not "already".
        let outcome = self.pms.cancel(&booked.id, &context.idempotency_key).await.map_err(refusal)?;
        if outcome.already {
            return Err(refused("already_cancelled", json!({ "code": booked.code })));
        }
        Ok(ToolAnswer::Ok(json!({ "code": booked.code, "fee": outcome.fee.plain(), "currency": outcome.fee.currency })))
    }
}
