//! What every [`Pms`] does, as stories, against the demo property with nothing booked. The clock is the story's.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use call::{PhoneNumber, Timestamp};
use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use tokio::task::JoinSet;

use crate::{Change, NewBooking, Pms, PmsError, ReservationId, ReservationQuery, ReservationStatus, Rule, Stay};

/// An empty hotel, and the time there.
pub(crate) struct House {
    pub(crate) pms: Arc<dyn Pms>,
    pub(crate) now: Arc<Mutex<Timestamp>>,
}

impl House {
    /// Sets the clock, in UTC.
    pub(crate) fn at(&self, time: &str) {
        *self.now.lock().unwrap() = time.parse().unwrap();
    }

    async fn book(&self, room_type: &str, arrival: Date, nights: i8, key: &str) -> Result<crate::Reservation, PmsError> {
        self.pms.create_booking(&booking(room_type, arrival, nights), key).await
    }

    async fn left(&self, room_type: &str, stay: &Stay) -> u32 {
        let offers = self.pms.search_offers(stay).await.unwrap();
        offers.iter().find(|offer| offer.room_type == room_type).map_or(0, |offer| offer.rooms_left)
    }
}

/// When the stories begin: a Thursday in winter, when Lisbon keeps UTC.
pub(crate) const START: &str = "2027-01-14T12:00:00Z";

/// A stay for one, in January 2027.
pub(crate) fn stay(day: i8, nights: i8) -> Stay {
    Stay { arrival: date(2027, 1, day), departure: date(2027, 1, day + nights), guests: 1 }
}

/// A booking of Ann Smith.
pub(crate) fn booking(room_type: &str, arrival: Date, nights: i8) -> NewBooking {
    let stay = Stay { arrival, departure: date(arrival.year(), arrival.month(), arrival.day() + nights), guests: 1 };
    NewBooking { stay, room_type: room_type.into(), name: "Ann Mary Smith".into(), phone: Some(PhoneNumber::new("+351 910 000 006")) }
}

pub(crate) async fn every_night_is_there_and_sums_to_the_total(house: House) {
    let offers = house.pms.search_offers(&stay(20, 3)).await.unwrap();
    let seen: Vec<_> = offers.iter().map(|offer| (offer.room_type.as_str(), offer.total.to_string(), offer.rooms_left)).collect();
    assert_eq!(seen, [("single", "270.00 EUR".into(), 5), ("double", "360.00 EUR".into(), 8), ("suite", "630.00 EUR".into(), 3)]);
    for offer in offers {
        let dates: Vec<_> = offer.nights.iter().map(|night| night.date).collect();
        assert_eq!(dates, [date(2027, 1, 20), date(2027, 1, 21), date(2027, 1, 22)]);
        assert_eq!(offer.nights.iter().map(|night| night.price).sum::<Decimal>(), offer.total.amount);
    }
    let family = Stay { guests: 3, ..stay(20, 3) };
    let fitting = house.pms.search_offers(&family).await.unwrap();
    assert_eq!(fitting.iter().map(|offer| offer.room_type.as_str()).collect::<Vec<_>>(), ["suite"]);
}

pub(crate) async fn a_booking_is_made_read_changed_and_cancelled(house: House) {
    let made = house.book("double", date(2027, 1, 20), 2, "key").await.unwrap();
    assert_eq!((made.status, made.total.to_string(), made.nights.len()), (ReservationStatus::Confirmed, "240.00 EUR".into(), 2));
    assert_eq!((made.name.as_str(), made.stay, made.created_at), ("Ann Mary Smith", stay(20, 2), START.parse().unwrap()));
    assert_eq!(house.pms.find_reservations(&ReservationQuery::Code(made.code.clone())).await.unwrap(), std::slice::from_ref(&made));
    let by_phone = ReservationQuery::Phone(PhoneNumber::new("351910000006"));
    assert_eq!(house.pms.find_reservations(&by_phone).await.unwrap(), std::slice::from_ref(&made));

    house.at("2027-01-15T12:00:00Z");
    let change = Change { nights: Some(3), room_type: Some("suite".into()), guests: Some(4), ..Change::default() };
    let quote = house.pms.quote_change(&made.id, &change).await.unwrap();
    assert_eq!((quote.total.plain(), quote.difference.plain()), ("630.00".into(), "390.00".into()));
    let changed = house.pms.apply_change(&made.id, &quote, "change").await.unwrap();
    assert_eq!(changed.reservation.stay, Stay { guests: 4, ..stay(20, 3) });
    assert_eq!((changed.reservation.room_type.as_str(), changed.difference.plain()), ("suite", "390.00".into()));
    assert!(changed.reservation.changed_at > made.changed_at);
    assert_eq!(house.pms.apply_change(&made.id, &quote, "change").await.unwrap(), changed, "the same key changes nothing more");
    assert_eq!((house.left("double", &stay(20, 2)).await, house.left("suite", &stay(22, 1)).await), (8, 2));

    house.pms.cancel(&made.id, "cancel").await.unwrap();
    let read = house.pms.find_reservations(&ReservationQuery::Code(made.code)).await.unwrap();
    assert_eq!((read[0].status, read[0].total.plain()), (ReservationStatus::Cancelled, "630.00".into()));
    assert_eq!(house.left("suite", &stay(20, 3)).await, 3);
    assert!(matches!(house.pms.quote_change(&made.id, &change).await, Err(PmsError::Rule(Rule::Cancelled))));
}

pub(crate) async fn what_is_not_there_is_not_found(house: House) {
    let nobody = ReservationId("01900000-0000-7000-8000-000000000000".into());
    assert!(house.pms.find_reservations(&ReservationQuery::Code("000000".into())).await.unwrap().is_empty());
    assert!(house.pms.find_reservations(&ReservationQuery::Phone(PhoneNumber::new("anonymous"))).await.unwrap().is_empty());
    assert!(matches!(house.pms.quote_change(&nobody, &Change::default()).await, Err(PmsError::NotFound)));
    assert!(matches!(house.pms.cancel(&nobody, "key").await, Err(PmsError::NotFound)));
    assert!(matches!(house.pms.cancel(&ReservationId("XPGMSXGF-1".into()), "key").await, Err(PmsError::NotFound)));
}

pub(crate) async fn a_stay_keeps_the_rules_of_the_house(house: House) {
    let today = date(2027, 1, 14);
    let until = |departure| Stay { arrival: today, departure, guests: 1 };
    let far = Stay { arrival: date(2028, 1, 15), departure: date(2028, 1, 16), guests: 1 };
    let refused = [
        (Stay { arrival: date(2027, 1, 13), departure: today, guests: 1 }, Rule::PastDate),
        (until(today), Rule::NoNights),
        (until(date(2027, 2, 14)), Rule::TooLong { max_nights: 30 }),
        (far, Rule::TooFar { horizon_days: 365 }),
        (Stay { guests: 5, ..stay(20, 1) }, Rule::TooManyGuests { max_guests: 4 }),
        (Stay { guests: 0, ..stay(20, 1) }, Rule::NoGuests),
    ];
    for (stay, expected) in refused {
        let new = NewBooking { stay, ..booking("suite", today, 1) };
        for answer in [house.pms.search_offers(&stay).await.map(drop), house.pms.create_booking(&new, "key").await.map(drop)] {
            assert!(matches!(answer, Err(PmsError::Rule(ref rule)) if *rule == expected), "{answer:?} instead of {expected:?}");
        }
    }
    let crowd = NewBooking { stay: Stay { guests: 3, ..stay(20, 1) }, ..booking("double", today, 1) };
    assert!(matches!(house.pms.create_booking(&crowd, "key").await, Err(PmsError::Rule(Rule::TooManyGuests { max_guests: 2 }))));
    let cave = house.book("cave", today, 1, "key").await;
    assert!(matches!(cave, Err(PmsError::Rule(Rule::UnknownRoomType { .. }))));
    assert_eq!(house.left("suite", &until(date(2027, 2, 13))).await, 3, "thirty nights from today are sold");
    assert_eq!(house.left("suite", &Stay { arrival: date(2028, 1, 14), departure: date(2028, 1, 15), guests: 1 }).await, 3);
}

pub(crate) async fn the_last_room_is_sold_once(house: House) {
    for number in 0..2 {
        house.book("suite", date(2027, 1, 20), 3, &format!("early {number}")).await.unwrap();
    }
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let pms = Arc::clone(&house.pms);
        // Different stays that share one night.
        let new = booking("suite", date(2027, 1, 20 + number % 3), 5);
        tasks.spawn(async move { pms.create_booking(&new, &format!("late {number}")).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let sold_out = |answer: &&Result<_, PmsError>| matches!(answer, Err(PmsError::Unavailable { room_type }) if room_type == "suite");
    assert_eq!(answers.iter().filter(sold_out).count(), 19);
    assert_eq!(house.left("suite", &stay(22, 1)).await, 0);
}

pub(crate) async fn one_key_makes_one_booking(house: House) {
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let pms = Arc::clone(&house.pms);
        let room_type = if number % 2 == 0 { "double" } else { "suite" };
        tasks.spawn(async move { pms.create_booking(&booking(room_type, date(2027, 1, 20), 2), "key").await.unwrap().code });
    }
    let codes: HashSet<_> = tasks.join_all().await.into_iter().collect();
    assert_eq!(codes.len(), 1);
    let (double, suite) = (house.left("double", &stay(20, 2)).await, house.left("suite", &stay(20, 2)).await);
    assert_eq!(double + suite, 8 + 3 - 1);
}

pub(crate) async fn the_departure_day_is_free_for_the_next_guest(house: House) {
    for number in 0..3 {
        house.book("suite", date(2027, 1, 20), 2, &format!("first {number}")).await.unwrap();
    }
    assert!(matches!(house.book("suite", date(2027, 1, 21), 2, "overlap").await, Err(PmsError::Unavailable { .. })));
    house.book("suite", date(2027, 1, 22), 2, "after").await.unwrap();
    house.book("suite", date(2027, 1, 18), 2, "before").await.unwrap();
}

pub(crate) async fn a_change_may_use_its_own_room_but_nobody_elses(house: House) {
    let mut made = Vec::new();
    for number in 0..3 {
        made.push(house.book("suite", date(2027, 1, 20), 2, &format!("full {number}")).await.unwrap());
    }
    let longer = Change { nights: Some(3), ..Change::default() };
    let quote = house.pms.quote_change(&made[0].id, &longer).await.unwrap();
    assert_eq!(quote.difference.plain(), "210.00");
    let next = house.book("suite", date(2027, 1, 22), 1, "next").await.unwrap();
    house.pms.apply_change(&made[0].id, &quote, "longer").await.unwrap();
    let shift = Change { arrival: Some(date(2027, 1, 21)), ..Change::default() };
    assert!(matches!(house.pms.quote_change(&next.id, &shift).await, Err(PmsError::Unavailable { .. })));
    let late = house.pms.quote_change(&made[1].id, &longer).await.unwrap();
    house.book("suite", date(2027, 1, 22), 1, "last").await.unwrap();
    let outcome = house.pms.apply_change(&made[1].id, &late, "too late").await;
    assert!(matches!(outcome, Err(PmsError::Unavailable { .. })), "a quote does not hold a room");
}

pub(crate) async fn cancelling_twice_costs_once(house: House) {
    house.at("2027-01-19T18:00:01Z");
    let made = house.book("double", date(2027, 1, 20), 2, "key").await.unwrap();
    let first = house.pms.cancel(&made.id, "cancel").await.unwrap();
    assert_eq!((first.fee.to_string(), first.already), ("120.00 EUR".into(), false));
    assert_eq!(house.pms.cancel(&made.id, "cancel").await.unwrap(), first);
    let again = house.pms.cancel(&made.id, "another").await.unwrap();
    assert_eq!((again.fee, again.already), (first.fee, true));
}

pub(crate) async fn cancelling_is_free_until_the_evening_before(house: House) {
    // In summer Lisbon is an hour ahead of UTC.
    for (time, fee) in [("2027-07-19T16:59:59Z", "0.00"), ("2027-07-19T17:00:01Z", "90.00"), ("2027-07-21T10:00:00Z", "90.00")] {
        house.at("2027-07-10T12:00:00Z");
        let made = house.book("single", date(2027, 7, 20), 2, time).await.unwrap();
        house.at(time);
        assert_eq!(house.pms.cancel(&made.id, &format!("cancel {time}")).await.unwrap().fee.plain(), fee, "at {time}");
    }
    house.at("2027-07-10T12:00:00Z");
    let made = house.book("single", date(2027, 7, 20), 2, "gone").await.unwrap();
    house.at("2027-07-22T09:00:00Z");
    assert!(matches!(house.pms.cancel(&made.id, "late").await, Err(PmsError::Rule(Rule::PastDate))));
}

pub(crate) async fn today_is_the_hotels_today(house: House) {
    // Half past eleven in the evening in UTC is tomorrow in Lisbon's summer.
    house.at("2027-07-19T23:30:00Z");
    assert!(matches!(house.book("single", date(2027, 7, 19), 1, "key").await, Err(PmsError::Rule(Rule::PastDate))));
    house.book("single", date(2027, 7, 20), 1, "key").await.unwrap();
}

pub(crate) async fn a_check_works_and_takes_no_room(house: House) {
    for _ in 0..3 {
        house.pms.check().await.unwrap();
    }
    assert_eq!(house.left("single", &stay(14, 1)).await, 5);
}
