//! `quote_change`: what a change of a booking would come to.

use std::sync::Arc;

use agent::{Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::answer::{arguments, refusal, refusal_for, said, stay_fields};
use super::schema::{self, spec};
use super::verify::Verifier;
use crate::{Change, ChangeQuote, Pms, PmsError, Reservation, Stay};

pub(super) struct QuoteChange {
    pub(super) pms: Arc<dyn Pms>,
    pub(super) verifier: Arc<Verifier>,
}

/// What both `quote_change` and `change_booking` are asked.
#[derive(Deserialize)]
pub(super) struct Arguments {
    code: Option<String>,
    name: Option<String>,
    arrival: Option<Date>,
    nights: Option<u32>,
    room_type: Option<String>,
    guests: Option<u32>,
}

#[async_trait]
impl Tool for QuoteChange {
    fn name(&self) -> &'static str {
        "quote_change"
    }

    fn spec(&self) -> Option<ToolSpec> {
        Some(spec(
            self.name(),
            "What a change of a booking would come to: new total and difference. Ask it before change_booking, and before you speak of its price.",
            schema::change(),
            &["name"],
        ))
    }

    fn effects(&self) -> bool {
        false
    }

    async fn call(&self, context: &ToolContext, given: &Value) -> ToolAnswer {
        let quoted = match arguments(self.name(), given) {
            Ok(asked) => quote(self.pms.as_ref(), &self.verifier, context, &asked).await,
            Err(answer) => Err(answer),
        };
        match quoted {
            Ok((booked, quote)) => {
                let mut fields = stay_fields(&quote.room_type, quote.stay, &quote.total);
                fields.insert("code".into(), booked.code.into());
                fields.insert("difference".into(), quote.difference.plain().into());
                ToolAnswer::Ok(Value::Object(fields))
            }
            Err(answer) => answer,
        }
    }
}

/// The booking, and what the change would come to.
pub(super) async fn quote(
    pms: &dyn Pms,
    verifier: &Verifier,
    context: &ToolContext,
    asked: &Arguments,
) -> Result<(Reservation, ChangeQuote), ToolAnswer> {
    let booked = verifier.identify(context, asked.code.as_deref(), asked.name.as_deref()).await?;
    let room_type = said(asked.room_type.as_deref()).map(str::to_owned);
    let change = Change { arrival: asked.arrival, nights: asked.nights, room_type, guests: asked.guests };
    match pms.quote_change(&booked.id, &change).await {
        Ok(quote) => Ok((booked, quote)),
        Err(error) => Err(changed_refusal(pms, &booked, &change, error).await),
    }
}

/// Alternatives are looked for at the dates asked for.
async fn changed_refusal(pms: &dyn Pms, booked: &Reservation, change: &Change, error: PmsError) -> ToolAnswer {
    let property = match pms.property().await {
        Ok(property) => property,
        Err(fault) => return refusal(fault),
    };
    let (arrival, guests) = (change.arrival.unwrap_or(booked.stay.arrival), change.guests.unwrap_or(booked.stay.guests));
    match Stay::of_nights(arrival, change.nights.unwrap_or(booked.stay.nights()), guests, &property) {
        Ok(stay) => refusal_for(pms, stay, error).await,
        Err(rule) => refusal(rule.into()),
    }
}
