//! Answers in the shapes that prompts use: money with two decimals, dates as `YYYY-MM-DD`, refusals with a code from a closed list.

use agent::ToolAnswer;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{Offer, Pms, PmsError, Reservation, Rule, Stay};

/// Longest name that is taken.
pub(super) const MAX_NAME: usize = 120;

/// Reads the arguments. What is malformed is a fault of the brain and not of the caller.
pub(super) fn arguments<T: DeserializeOwned>(tool: &str, arguments: &Value) -> Result<T, ToolAnswer> {
    T::deserialize(arguments).map_err(|error| ToolAnswer::Failed(format!("{tool}: wrong arguments: {error}")))
}

/// A text that says something, trimmed; brains send empty ones for what they do not know.
pub(super) fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The caller's name, if it is one.
pub(super) fn name<'a>(tool: &str, text: &'a str) -> Result<&'a str, ToolAnswer> {
    let usable = said(Some(text)).filter(|name| name.len() <= MAX_NAME);
    usable.ok_or_else(|| ToolAnswer::Failed(format!("{tool}: the name is empty or longer than {MAX_NAME} bytes")))
}

pub(super) fn refused(code: &'static str, fields: Value) -> ToolAnswer {
    ToolAnswer::Refused { code, fields }
}

/// What the PMS would not do, as an answer. Rules that only a wrong brain can break are faults.
pub(super) fn refusal(error: PmsError) -> ToolAnswer {
    match error {
        PmsError::NotFound => refused("not_found", json!({})),
        PmsError::Unavailable { room_type } => refused("unavailable", json!({ "room_type": room_type })),
        PmsError::Rule(Rule::PastDate) => refused("past_date", json!({})),
        PmsError::Rule(Rule::TooLong { max_nights }) => refused("too_long", json!({ "max_nights": max_nights })),
        PmsError::Rule(Rule::TooFar { horizon_days }) => refused("too_far", json!({ "horizon_days": horizon_days })),
        PmsError::Rule(Rule::TooManyGuests { max_guests }) => refused("too_many_guests", json!({ "max_guests": max_guests })),
        PmsError::Rule(Rule::Cancelled) => refused("cancelled", json!({})),
        fault => ToolAnswer::Failed(fault.to_string()),
    }
}

/// As [`refusal`]; when the room is taken, what else is free for the same stay is said too, if it can be found out.
pub(super) async fn refusal_for(pms: &dyn Pms, stay: Stay, error: PmsError) -> ToolAnswer {
    match error {
        PmsError::Unavailable { room_type } => match pms.search_offers(&stay).await {
            Ok(offers) => unavailable(Some(&room_type), &offers),
            Err(_) => unavailable(Some(&room_type), &[]),
        },
        other => refusal(other),
    }
}

/// Nothing of the kind asked for is free; `offers` is what is.
pub(super) fn unavailable(asked: Option<&str>, offers: &[Offer]) -> ToolAnswer {
    let mut fields = Map::new();
    if let Some(room_type) = asked {
        fields.insert("room_type".into(), room_type.into());
    }
    let others: Vec<&str> =
        offers.iter().filter(|offer| Some(offer.room_type.as_str()) != asked).map(|offer| offer.spoken.as_str()).collect();
    if let Some((last, before)) = others.split_last() {
        let spoken = if before.is_empty() { (*last).to_owned() } else { format!("{} or {last}", before.join(", ")) };
        fields.insert("alternatives".into(), spoken.into());
    }
    refused("unavailable", Value::Object(fields))
}

/// A stay and its price.
pub(super) fn stay_fields(room_type: &str, stay: Stay, total: &crate::Money) -> Map<String, Value> {
    let fields = [
        ("room_type", Value::from(room_type)),
        ("arrival", stay.arrival.to_string().into()),
        ("departure", stay.departure.to_string().into()),
        ("nights", stay.nights().into()),
        ("guests", stay.guests.into()),
        ("total", total.plain().into()),
        ("currency", total.currency.as_str().into()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A reservation as its guest may hear it.
pub(super) fn reservation_fields(reservation: &Reservation) -> Map<String, Value> {
    let mut fields = stay_fields(&reservation.room_type, reservation.stay, &reservation.total);
    fields.insert("code".into(), reservation.code.as_str().into());
    fields.insert("name".into(), reservation.name.as_str().into());
    fields
}
