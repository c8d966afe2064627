//! `create_booking`: books a room, once per idempotency key.

use std::sync::Arc;

use agent::{Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use call::PhoneNumber;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{arguments, name, refusal, refusal_for, reservation_fields, said};
use super::schema::{self, spec};
use crate::{NewBooking, Pms, Stay};

pub(super) struct CreateBooking {
    pub(super) pms: Arc<dyn Pms>,
}

#[derive(Deserialize)]
struct Arguments {
    arrival: Date,
    nights: u32,
    guests: Option<u32>,
    room_type: String,
    name: String,
    phone: Option<String>,
}

#[async_trait]
impl Tool for CreateBooking {
    fn name(&self) -> &'static str {
        "create_booking"
    }

    fn spec(&self) -> Option<ToolSpec> {
        Some(spec(
            self.name(),
            "Books a room for a stay at the price that check_availability gave. Call check_availability for the same stay first.",
            json!({
                "arrival": schema::date("Day of arrival."),
                "nights": schema::count("Number of nights."),
                "guests": schema::count("Number of guests."),
                "room_type": schema::word("Code of the room type, as check_availability named it."),
                "name": schema::word("The guest's name as the caller said it."),
                "phone": schema::word("Number to call back, if the caller gives one; else the number of this call is taken."),
            }),
            &["arrival", "nights", "room_type", "name"],
        ))
    }

    fn effects(&self) -> bool {
        true
    }

    async fn call(&self, context: &ToolContext, given: &Value) -> ToolAnswer {
        self.book(context, given).await.unwrap_or_else(|answer| answer)
    }
}

impl CreateBooking {
    async fn book(&self, context: &ToolContext, given: &Value) -> Result<ToolAnswer, ToolAnswer> {
        let asked: Arguments = arguments(self.name(), given)?;
        let guest = name(self.name(), &asked.name)?;
        let property = self.pms.property().await.map_err(refusal)?;
        let stay =
            Stay::of_nights(asked.arrival, asked.nights, asked.guests.unwrap_or(1), &property).map_err(|rule| refusal(rule.into()))?;
        let phone = said(asked.phone.as_deref()).map(PhoneNumber::new).or_else(|| context.caller.clone());
        let booking = NewBooking { stay, room_type: asked.room_type, name: guest.to_owned(), phone };
        match self.pms.create_booking(&booking, &context.idempotency_key).await {
            Ok(made) => Ok(ToolAnswer::Ok(Value::Object(reservation_fields(&made)))),
            Err(error) => Err(refusal_for(self.pms.as_ref(), stay, error).await),
        }
    }
}
