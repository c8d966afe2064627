//! Which rooms are free in which night, at what price; and the rules for stays. Pure, but for the reading.

use std::collections::HashMap;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use store::{Connection, StoreError, query};
use uuid::Uuid;

use super::rows::NightNumber;
use super::sql;
use crate::{Money, Night, PmsError, Property, Reservation, RoomType, Rule, Stay};

/// What is known of the nights of one stay, at one moment.
pub(super) struct Calendar {
    stay: Stay,
    taken: HashMap<(String, Date), i64>,
    rates: HashMap<(String, Date), i64>,
}

impl Calendar {
    /// Reads the nights of `stay`; the rooms of the reservation `besides` count as free.
    pub(super) async fn read(
        connection: &mut Connection,
        property: &Property,
        stay: Stay,
        besides: Option<Uuid>,
    ) -> Result<Self, PmsError> {
        let (from, to) = (stay.arrival, stay.departure);
        let taken = query(sql::TAKEN).bind(&property.code).bind(from).bind(to).bind(besides.unwrap_or(Uuid::nil())).bind(property.tenant.0);
        let taken: Vec<NightNumber> = taken.all(&mut *connection).await.map_err(StoreError::while_doing("count the taken rooms"))?;
        let rates = query(sql::RATES).bind(&property.code).bind(from).bind(to).bind(property.tenant.0);
        let rates: Vec<NightNumber> = rates.all(connection).await.map_err(StoreError::while_doing("read the nightly rates"))?;
        let by_night = |rows: Vec<NightNumber>| rows.into_iter().map(|row| ((row.room_type, row.night.to_jiff()), row.number)).collect();
        Ok(Self { stay, taken: by_night(taken), rates: by_night(rates) })
    }

    /// Rooms of this type that are free in every night of the stay.
    pub(super) fn rooms_left(&self, room: &RoomType) -> u32 {
        let left = |date| {
            let taken = self.taken.get(&(room.code.clone(), date)).copied().unwrap_or(0);
            u32::try_from(i64::from(room.units) - taken).unwrap_or(0)
        };
        nights(self.stay).map(left).min().unwrap_or(0)
    }

    /// Every night of the stay with its price today.
    pub(super) fn priced(&self, room: &RoomType) -> Vec<Night> {
        let price = |date| match self.rates.get(&(room.code.clone(), date)) {
            Some(cents) => Decimal::new(*cents, 2),
            None => room.nightly,
        };
        nights(self.stay).map(|date| Night { date, price: price(date) }).collect()
    }

    /// The nights, when a room is free in all of them.
    pub(super) fn take(&self, room: &RoomType) -> Result<Vec<Night>, PmsError> {
        match self.rooms_left(room) {
            0 => Err(PmsError::Unavailable { room_type: room.code.clone() }),
            _ => Ok(self.priced(room)),
        }
    }
}

/// The nights of a stay: arrival included, departure excluded.
fn nights(stay: Stay) -> impl Iterator<Item = Date> {
    stay.arrival.series(1.day()).take_while(move |date| *date < stay.departure)
}

/// The sum of nights.
pub(super) fn total(nights: &[Night], property: &Property) -> Money {
    Money { amount: nights.iter().map(|night| night.price).sum(), currency: property.currency.clone() }
}

/// The rules every stay keeps, whatever the room.
pub(super) fn check_stay(property: &Property, stay: Stay, now: Timestamp) -> Result<(), Rule> {
    let today = local_date(property, now);
    let (max_nights, horizon_days, max_guests) = (property.max_nights, property.horizon_days, property.max_guests());
    if stay.departure <= stay.arrival {
        return Err(Rule::NoNights);
    }
    if stay.guests == 0 {
        return Err(Rule::NoGuests);
    }
    if stay.arrival < today {
        return Err(Rule::PastDate);
    }
    if stay.nights() > max_nights {
        return Err(Rule::TooLong { max_nights });
    }
    if i64::from((stay.arrival - today).get_days()) > i64::from(horizon_days) {
        return Err(Rule::TooFar { horizon_days });
    }
    if stay.guests > max_guests {
        return Err(Rule::TooManyGuests { max_guests });
    }
    Ok(())
}

/// The room type, if there is one of that code and the guests fit in.
pub(super) fn room_for<'a>(property: &'a Property, code: &str, guests: u32) -> Result<&'a RoomType, Rule> {
    let room = property.room_type(code).ok_or_else(|| Rule::UnknownRoomType { code: code.to_owned() })?;
    if guests > room.capacity { Err(Rule::TooManyGuests { max_guests: room.capacity }) } else { Ok(room) }
}

/// Today, where the property stands.
pub(super) fn local_date(property: &Property, now: Timestamp) -> Date {
    now.to_zoned(property.time_zone.clone()).date()
}

/// What cancelling costs at `now`: nothing until the set hour of the day before arrival, then the first night.
pub(super) fn cancel_fee(property: &Property, reservation: &Reservation, now: Timestamp) -> Decimal {
    let first = reservation.nights.first().map_or(Decimal::ZERO, |night| night.price);
    match free_until(&property.time_zone, reservation.stay.arrival, property.free_cancel_hour) {
        Some(deadline) if now <= deadline => Decimal::ZERO,
        _ => first,
    }
}

/// The set hour on the day before arrival. An hour that a clock change skips is the one after it.
fn free_until(zone: &TimeZone, arrival: Date, hour: i8) -> Option<Timestamp> {
    let eve = arrival.yesterday().ok()?.to_datetime(Time::new(hour, 0, 0, 0).ok()?);
    Some(eve.to_zoned(zone.clone()).ok()?.timestamp())
}
