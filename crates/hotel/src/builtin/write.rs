//! What the built-in PMS writes. Everything here runs in a transaction of its caller.

use rust_decimal::Decimal;
use store::{Connection, StoreError, query};
use uuid::Uuid;

use super::calendar::total;
use super::{BuiltInPms, sql};
use crate::{NewBooking, Night, PmsError, Property, ReservationId, ReservationStatus};

impl BuiltInPms {
    pub(super) async fn store_booking(
        &self,
        tx: &mut Connection,
        booking: &NewBooking,
        nights: &[Night],
        key: &str,
    ) -> Result<ReservationId, PmsError> {
        let (id, code) = (Uuid::now_v7(), self.free_code(tx).await?);
        let (first, last) = booking.name.trim().rsplit_once(char::is_whitespace).unwrap_or(("", booking.name.trim()));
        let phone = booking.phone.as_ref();
        let insert = query(sql::ADD_RESERVATION)
            .bind(id)
            .bind(&self.property.code)
            .bind(code)
            .bind(key)
            .bind(ReservationStatus::Confirmed.as_str())
            .bind(&booking.room_type)
            .bind(booking.stay.arrival)
            .bind(booking.stay.departure)
            .bind(booking.stay.guests)
            .bind(booking.name.trim())
            .bind(first.trim())
            .bind(last)
            .bind(phone.map(|phone| phone.expose()).unwrap_or_default())
            .bind(phone.map(|phone| phone.digits()).unwrap_or_default())
            .bind(cents(total(nights, &self.property).amount)?)
            .bind(&self.property.currency)
            .bind(self.now())
            .bind(self.property.tenant.0);
        insert.execute(&mut *tx).await.map_err(StoreError::while_doing("store a reservation"))?;
        self.store_nights(tx, id, &booking.room_type, nights).await?;
        Ok(ReservationId(id.to_string()))
    }

    pub(super) async fn store_nights(&self, tx: &mut Connection, id: Uuid, room_type: &str, nights: &[Night]) -> Result<(), PmsError> {
        for night in nights {
            let insert = query(sql::ADD_NIGHT)
                .bind(id)
                .bind(night.date)
                .bind(&self.property.code)
                .bind(room_type)
                .bind(cents(night.price)?)
                .bind(self.property.tenant.0);
            insert.execute(&mut *tx).await.map_err(StoreError::while_doing("store the nights of a reservation"))?;
        }
        Ok(())
    }

    pub(super) async fn store_effect(
        &self,
        tx: &mut Connection,
        key: &str,
        id: Uuid,
        kind: Effect,
        amount: Decimal,
    ) -> Result<(), PmsError> {
        let insert = query(sql::ADD_EFFECT)
            .bind(key)
            .bind(id)
            .bind(kind.as_str())
            .bind(cents(amount)?)
            .bind(self.now())
            .bind(self.property.tenant.0);
        insert.execute(tx).await.map_err(StoreError::while_doing("store the key of a change"))?;
        Ok(())
    }
}

/// What can happen to a reservation once, under a key.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Change,
    Cancel,
}

impl Effect {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Cancel => "cancel",
        }
    }
}

/// Stores a hotel that is not there yet.
pub(super) async fn store_property(tx: &mut Connection, seed: &Property) -> Result<(), PmsError> {
    let doing = || StoreError::while_doing("store a new hotel");
    let zone = seed.time_zone.iana_name().ok_or_else(|| PmsError::Config(format!("the time zone of {} has no name", seed.code)))?;
    let insert = query(sql::ADD_PROPERTY)
        .bind(&seed.code)
        .bind(&seed.name)
        .bind(zone)
        .bind(&seed.currency)
        .bind(seed.max_nights)
        .bind(seed.horizon_days)
        .bind(seed.free_cancel_hour)
        .bind(seed.tenant.0);
    insert.execute(&mut *tx).await.map_err(StoreError::while_storing("store a new hotel", "code of the property"))?;
    for room in &seed.room_types {
        let insert = query(sql::ADD_ROOM_TYPE)
            .bind(&seed.code)
            .bind(&room.code)
            .bind(&room.name)
            .bind(&room.spoken)
            .bind(room.capacity)
            .bind(cents(room.nightly)?)
            .bind(room.units)
            .bind(seed.tenant.0);
        insert.execute(&mut *tx).await.map_err(doing())?;
    }
    Ok(())
}

/// An amount in the smallest unit, as it is stored.
pub(super) fn cents(amount: Decimal) -> Result<i64, PmsError> {
    let mut exact = amount;
    exact.rescale(2);
    i64::try_from(exact.mantissa()).map_err(|_| PmsError::Config(format!("the amount {amount} is too large to be stored")))
}

/// The id as this PMS made it.
pub(super) fn uuid(id: &ReservationId) -> Result<Uuid, PmsError> {
    // An id that is not ours is the id of no reservation here.
    Uuid::parse_str(&id.0).map_err(|_| PmsError::NotFound)
}
