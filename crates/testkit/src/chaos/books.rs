//! The hotel's books against what callers asked for: every confirmed booking once, as wished, and nothing else.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Cluster;
use crate::carrier::{Journal, Wish};

/// What one caller wished and lived through.
pub(super) struct Customer<'a> {
    pub(super) wishes: &'a [Wish],
    pub(super) journal: &'a Journal,
}

/// Compares, and gives what is wrong. Each caller has a number of his own, which the booking keeps.
pub(super) async fn compare(cluster: &Cluster, customers: &[Customer<'_>]) -> Result<Vec<String>> {
    let books = cluster.any_json("/api/v1/hotel/reservations").await?;
    let mut by_phone: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for booking in books["reservations"].as_array().context("no reservations in the answer")? {
        by_phone.entry(booking["phone"].as_str().unwrap_or_default()).or_default().push(booking);
    }
    Ok(customers
        .iter()
        .flat_map(|customer| wrong(customer, by_phone.get(customer.journal.from.as_str()).map_or(&[], Vec::as_slice)))
        .collect())
}

/// What is wrong with one caller's bookings.
fn wrong(customer: &Customer<'_>, bookings: &[&Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let booked = &customer.journal.booked;
    let mut found = BTreeMap::<usize, usize>::new();
    for booking in bookings {
        match customer.wishes.iter().position(|wish| fulfils(booking, wish)) {
            Some(wish) => *found.entry(wish).or_default() += 1,
            None => wrong.push(format!("the books hold a booking that nobody wished: {booking}")),
        }
    }
    for (wish, times) in &found {
        if *times > 1 {
            wrong.push(format!("a booking is in the books {times} times"));
        }
        if !booked.confirmed.contains(wish) {
            wrong.push("a booking was made without a yes".to_owned());
        }
    }
    let missing = booked.told.iter().filter(|wish| !found.contains_key(wish)).count();
    if missing > 0 {
        wrong.push(format!("{missing} bookings whose codes were told are not in the books"));
    }
    wrong
}

fn fulfils(booking: &Value, wish: &Wish) -> bool {
    // "2026-12-11" was keyed in as "1112".
    let arrival = booking["arrival"].as_str().unwrap_or_default();
    let keyed = format!("{}{}", arrival.get(8..10).unwrap_or_default(), arrival.get(5..7).unwrap_or_default());
    let room = ["single", "double", "suite"].get(wish.room.saturating_sub(1) as usize).copied();
    keyed == wish.arrival
        && booking["nights"] == wish.nights
        && booking["guests"] == wish.guests
        && booking["room_type"].as_str() == room
        && booking["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("smith"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wish() -> Wish {
        Wish { arrival: "1112".into(), nights: 2, guests: 2, room: 2 }
    }

    fn booking() -> Value {
        json!({ "arrival": "2026-12-11", "nights": 2, "guests": 2, "room_type": "double", "name": "Smith", "phone": "+1" })
    }

    fn judged(confirmed: &[usize], told: &[usize], bookings: &[Value]) -> Vec<String> {
        let mut journal = Journal::empty("CA1", "+1");
        journal.booked.confirmed = confirmed.to_vec();
        journal.booked.told = told.to_vec();
        let (wishes, bookings) = ([wish()], bookings.iter().collect::<Vec<_>>());
        wrong(&Customer { wishes: &wishes, journal: &journal }, &bookings)
    }

    #[test]
    fn every_confirmed_booking_is_there_once_and_nothing_else() {
        assert!(judged(&[0], &[0], &[booking()]).is_empty());
        assert!(judged(&[0], &[], &[booking()]).is_empty(), "the call ended before the code was heard");
        assert!(judged(&[0], &[], &[]).is_empty(), "the call ended before the booking was made");
        let mut other = booking();
        other["nights"] = json!(3);
        for (judged, what) in [
            (judged(&[0], &[0], &[booking(), booking()]), "2 times"),
            (judged(&[0], &[0], &[]), "not in the books"),
            (judged(&[], &[], &[booking()]), "without a yes"),
            (judged(&[0], &[], &[other]), "nobody wished"),
        ] {
            assert!(judged.iter().any(|wrong| wrong.contains(what)), "{what}: {judged:?}");
        }
    }
}
