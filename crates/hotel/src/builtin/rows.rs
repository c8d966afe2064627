//! Rows of the built-in PMS, and what they mean.

use call::{PhoneNumber, TenantId};
use jiff::tz::TimeZone;
use jiff_sqlx::{Date, Timestamp};
use rust_decimal::Decimal;
use sqlx::FromRow;
use store::{Connection, StoreError, query};
use uuid::Uuid;

use super::sql;
use crate::{Money, Night, PmsError, Property, Reservation, ReservationId, ReservationStatus, RoomType, Stay};

#[derive(FromRow)]
pub(super) struct PropertyRow {
    tenant_id: Uuid,
    code: String,
    name: String,
    time_zone: String,
    currency: String,
    max_nights: i64,
    horizon_days: i64,
    free_cancel_hour: i64,
}

impl PropertyRow {
    pub(super) fn with_rooms(self, rooms: Vec<RoomTypeRow>) -> Result<Property, PmsError> {
        let time_zone = TimeZone::get(&self.time_zone).map_err(|error| {
            PmsError::Config(format!("the time zone {:?} of the property {} is not known here: {error}", self.time_zone, self.code))
        })?;
        Ok(Property {
            tenant: TenantId(self.tenant_id),
            code: self.code,
            name: self.name,
            time_zone,
            currency: self.currency,
            max_nights: small(self.max_nights)?,
            horizon_days: small(self.horizon_days)?,
            free_cancel_hour: small(self.free_cancel_hour)?,
            room_types: rooms.into_iter().map(RoomType::try_from).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(FromRow)]
pub(super) struct RoomTypeRow {
    code: String,
    name: String,
    spoken: String,
    capacity: i64,
    nightly_cents: i64,
    units: i64,
}

impl TryFrom<RoomTypeRow> for RoomType {
    type Error = StoreError;

    fn try_from(row: RoomTypeRow) -> Result<Self, StoreError> {
        let (capacity, units) = (small(row.capacity)?, small(row.units)?);
        Ok(Self { code: row.code, name: row.name, spoken: row.spoken, capacity, nightly: Decimal::new(row.nightly_cents, 2), units })
    }
}

/// A number as the program counts it.
fn small<T: TryFrom<i64>>(stored: i64) -> Result<T, StoreError> {
    T::try_from(stored).map_err(|_| StoreError::corrupt("count of the hotel", stored.to_string()))
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
    tenant_id: Uuid,
    code: String,
    status: String,
    room_type: String,
    arrival: Date,
    departure: Date,
    guests: i64,
    full_name: String,
    phone: String,
    total_cents: i64,
    currency: String,
    created_at: Timestamp,
    changed_at: Timestamp,
}

impl ReservationRow {
    /// Adds the nights.
    pub(super) async fn complete(self, connection: &mut Connection) -> Result<Reservation, PmsError> {
        let doing = StoreError::while_doing("read the nights of a reservation");
        let nights: Vec<NightRow> = query(sql::NIGHTS).bind(self.id).bind(self.tenant_id).all(connection).await.map_err(doing)?;
        let status = match self.status.as_str() {
            "confirmed" => ReservationStatus::Confirmed,
            "cancelled" => ReservationStatus::Cancelled,
            _ => return Err(StoreError::corrupt("reservation status", self.status).into()),
        };
        Ok(Reservation {
            id: ReservationId(self.id.to_string()),
            code: self.code,
            status,
            stay: Stay { arrival: self.arrival.to_jiff(), departure: self.departure.to_jiff(), guests: small(self.guests)? },
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
