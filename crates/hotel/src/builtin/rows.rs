//! Rows of the built-in PMS, and what they mean.

use call::PhoneNumber;
use jiff::tz::TimeZone;
use jiff_sqlx::{Date, Timestamp};
use rust_decimal::Decimal;
use sqlx::{FromRow, SqliteConnection, query_as};
use store::StoreError;
use uuid::Uuid;

use super::sql;
use crate::{Money, Night, PmsError, Property, Reservation, ReservationId, ReservationStatus, RoomType, Stay};

#[derive(FromRow)]
pub(super) struct PropertyRow {
    code: String,
    name: String,
    time_zone: String,
    currency: String,
    max_nights: u32,
    horizon_days: u32,
    free_cancel_hour: i8,
}

impl PropertyRow {
    pub(super) fn with_rooms(self, rooms: Vec<RoomTypeRow>) -> Result<Property, PmsError> {
        let time_zone = TimeZone::get(&self.time_zone).map_err(|error| {
            PmsError::Config(format!("the time zone {:?} of the property {} is not known here: {error}", self.time_zone, self.code))
        })?;
        Ok(Property {
            code: self.code,
            name: self.name,
            time_zone,
            currency: self.currency,
            max_nights: self.max_nights,
            horizon_days: self.horizon_days,
            free_cancel_hour: self.free_cancel_hour,
            room_types: rooms.into_iter().map(RoomType::from).collect(),
        })
    }
}

#[derive(FromRow)]
pub(super) struct RoomTypeRow {
    code: String,
    name: String,
    spoken: String,
    capacity: u32,
    nightly_cents: i64,
    units: u32,
}

impl From<RoomTypeRow> for RoomType {
    fn from(row: RoomTypeRow) -> Self {
        let nightly = Decimal::new(row.nightly_cents, 2);
        Self { code: row.code, name: row.name, spoken: row.spoken, capacity: row.capacity, nightly, units: row.units }
    }
}

/// A number that belongs to a room type and a night.
#[derive(FromRow)]
pub(super) struct NightNumber {
    pub(super) room_type: String,
    pub(super) night: Date,
    pub(super) number: i64,
}

#[derive(FromRow)]
struct NightRow {
    night: Date,
    cents: i64,
}

#[derive(FromRow)]
pub(super) struct ReservationRow {
    id: Uuid,
    code: String,
    status: String,
    room_type: String,
    arrival: Date,
    departure: Date,
    guests: u32,
    full_name: String,
    phone: String,
    total_cents: i64,
    currency: String,
    created_at: Timestamp,
    changed_at: Timestamp,
}

impl ReservationRow {
    /// Adds the nights.
    pub(super) async fn complete(self, connection: &mut SqliteConnection) -> Result<Reservation, PmsError> {
        let doing = StoreError::while_doing("read the nights of a reservation");
        let nights: Vec<NightRow> = query_as(sql::NIGHTS).bind(self.id).fetch_all(connection).await.map_err(doing)?;
        let status = match self.status.as_str() {
            "confirmed" => ReservationStatus::Confirmed,
            "cancelled" => ReservationStatus::Cancelled,
            _ => return Err(StoreError::corrupt("reservation status", self.status).into()),
        };
        Ok(Reservation {
            id: ReservationId(self.id.to_string()),
            code: self.code,
            status,
            stay: Stay { arrival: self.arrival.to_jiff(), departure: self.departure.to_jiff(), guests: self.guests },
            room_type: self.room_type,
            name: self.full_name,
            phone: Some(self.phone).filter(|phone| !phone.is_empty()).map(PhoneNumber::new),
            nights: nights.into_iter().map(|row| Night { date: row.night.to_jiff(), price: Decimal::new(row.cents, 2) }).collect(),
            total: Money::from_cents(self.total_cents, &self.currency),
            created_at: self.created_at.to_jiff(),
            changed_at: self.changed_at.to_jiff(),
        })
    }
}
