//! `check_availability`: what is free, and for how much.

use std::sync::Arc;

use agent::{Tool, ToolAnswer, ToolContext, ToolSpec};
use async_trait::async_trait;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{arguments, refusal, refused, said, unavailable};
use super::schema::{self, spec};
use crate::{Offer, Pms, PmsError, Rule, Stay};

pub(super) struct CheckAvailability {
    pub(super) pms: Arc<dyn Pms>,
}

#[derive(Deserialize)]
struct Arguments {
    arrival: Date,
    nights: u32,
    guests: Option<u32>,
    room_type: Option<String>,
}

#[async_trait]
impl Tool for CheckAvailability {
    fn name(&self) -> &'static str {
        "check_availability"
    }

    fn spec(&self) -> Option<ToolSpec> {
        Some(spec(
            self.name(),
            "Which rooms are free for a stay, and what they cost in total and for a night. Ask it before you speak of prices or of what is free; never guess \
             either. Room types are named in its answer.",
            json!({
                "arrival": schema::date("Day of arrival."),
                "nights": schema::count("Number of nights."),
                "guests": schema::count("Number of guests."),
                "room_type": schema::word("Code of a room type, as an answer of this tool named it. Leave it out to see all."),
            }),
            &["arrival", "nights"],
        ))
    }

    fn effects(&self) -> bool {
        false
    }

    async fn call(&self, _: &ToolContext, given: &Value) -> ToolAnswer {
        let asked: Arguments = match arguments(self.name(), given) {
            Ok(asked) => asked,
            Err(answer) => return answer,
        };
        self.offers(&asked).await.unwrap_or_else(refusal)
    }
}

impl CheckAvailability {
    async fn offers(&self, asked: &Arguments) -> Result<ToolAnswer, PmsError> {
        let property = self.pms.property().await?;
        let stay = Stay::of_nights(asked.arrival, asked.nights, asked.guests.unwrap_or(1), &property)?;
        let offers = self.pms.search_offers(&stay).await?;
        let wanted = said(asked.room_type.as_deref());
        if let Some(code) = wanted {
            let room = property.room_type(code).ok_or_else(|| Rule::UnknownRoomType { code: code.to_owned() })?;
            if stay.guests > room.capacity {
                return Ok(refused("too_many_guests", json!({ "max_guests": room.capacity, "room_type": code })));
            }
        }
        let best = offers.iter().find(|offer| wanted.is_none_or(|code| code == offer.room_type));
        Ok(match best {
            Some(best) => found(best, &offers, stay),
            None => unavailable(wanted, &offers),
        })
    }
}

fn found(best: &Offer, offers: &[Offer], stay: Stay) -> ToolAnswer {
    let list: Vec<Value> = offers.iter().map(|offer| fields(offer, stay)).collect();
    ToolAnswer::Ok(json!({
        "offers": list,
        "room_type": best.room_type,
        "total": best.total.plain(),
        "currency": best.total.currency,
        "nights": stay.nights(),
    }))
}

fn fields(offer: &Offer, stay: Stay) -> Value {
    // Nights may differ in price; what is said of one night is their mean.
    let nightly = offer.total.amount / Decimal::from(stay.nights().max(1));
    json!({
        "room_type": offer.room_type,
        "total": offer.total.plain(),
        "currency": offer.total.currency,
        "nightly": format!("{:.2}", nightly.round_dp(2)),
        "rooms_left": offer.rooms_left,
    })
}
