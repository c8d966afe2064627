//! `find_booking`: reads a booking to whoever may hear it.

use std::sync::Arc;

use agent::{Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{arguments, refused, reservation_fields};
use super::schema::{self, spec};
use super::verify::Verifier;
use crate::ReservationStatus;

pub(super) struct FindBooking {
    pub(super) verifier: Arc<Verifier>,
}

#[derive(Deserialize)]
struct Arguments {
    code: Option<String>,
    name: Option<String>,
}

#[async_trait]
impl Tool for FindBooking {
    fn name(&self) -> &'static str {
        "find_booking"
    }

    fn spec(&self) -> Option<ToolSpec> {
        Some(spec(
            self.name(),
            "Reads a booking to a caller who knows the last name it was made under, and its confirmation code or calls from its number.",
            schema::whose(),
            &["name"],
        ))
    }

    fn effects(&self) -> bool {
        false
    }

    async fn call(&self, context: &ToolContext, given: &Value) -> ToolAnswer {
        self.find(context, given).await.unwrap_or_else(|answer| answer)
    }
}

impl FindBooking {
    async fn find(&self, context: &ToolContext, given: &Value) -> Result<ToolAnswer, ToolAnswer> {
        let asked: Arguments = arguments(self.name(), given)?;
        let found = self.verifier.identify(context, asked.code.as_deref(), asked.name.as_deref()).await?;
        if found.status == ReservationStatus::Cancelled {
            return Err(refused("cancelled", json!({ "code": found.code })));
        }
        let mut fields = reservation_fields(&found);
        fields.insert("status".into(), found.status.as_str().into());
        Ok(ToolAnswer::Ok(Value::Object(fields)))
    }
}
