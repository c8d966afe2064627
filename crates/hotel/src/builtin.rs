//! The built-in PMS: one property in the store's database. A write is one transaction that nobody else's write can come between, so the last room is sold once.

mod calendar;
mod code;
mod rows;
mod sql;
mod write;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use calendar::{Calendar, cancel_fee, check_stay, local_date, room_for, total};
use call::Timestamp;
use code::confirmation_code;
use fastrand::Rng;
use jiff::civil::Date;
use rows::{PropertyRow, ReservationRow, RoomTypeRow};
use rust_decimal::Decimal;
use store::{Connection, Database, StoreError, Transaction, query};
use uuid::Uuid;
use write::{Effect, cents, store_property, uuid};

use crate::{
    CancelOutcome, Capabilities, Change, ChangeOutcome, ChangeQuote, Money, NewBooking, Night, Offer, Pms, PmsError, Property, Reservation,
    ReservationId, ReservationQuery, ReservationStatus, Rule, Stay,
};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A property in the store's database.
pub struct BuiltInPms {
    database: Database,
    property: Property,
    clock: Clock,
    codes: Mutex<Rng>,
}

impl BuiltInPms {
    /// How often a new confirmation code is drawn before giving up. With half of all codes taken, one booking in a million would fail.
    pub const CODE_TRIES: u32 = 20;

    /// Opens the property with the code of `seed`, of its workspace. When the database has none of that code, `seed` is stored first; else what is
    /// stored stands. A code that another workspace has is refused with [`PmsError::Config`].
    ///
    /// `codes` draws confirmation codes.
    pub async fn open(database: Database, clock: Clock, codes: Rng, seed: &Property) -> Result<Self, PmsError> {
        let doing = || StoreError::while_doing("open the hotel");
        let mut tx = alone(&database, &seed.code).await?;
        let known: Option<PropertyRow> =
            query(sql::PROPERTY).bind(&seed.code).bind(seed.tenant.0).optional(&mut *tx).await.map_err(doing())?;
        if known.is_none() {
            store_property(&mut tx, seed).await?;
        }
        let row: PropertyRow = query(sql::PROPERTY).bind(&seed.code).bind(seed.tenant.0).one(&mut *tx).await.map_err(doing())?;
        let rooms = query(sql::ROOM_TYPES).bind(&seed.code).bind(seed.tenant.0);
        let rooms: Vec<RoomTypeRow> = rooms.all(&mut *tx).await.map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(Self { database, property: row.with_rooms(rooms)?, clock, codes: Mutex::new(codes) })
    }

    /// Gives a night a price of its own; bookings already made keep theirs.
    pub async fn set_rate(&self, room_type: &str, night: Date, price: Decimal) -> Result<(), PmsError> {
        room_for(&self.property, room_type, 0)?;
        let write = query(sql::SET_RATE).bind(&self.property.code).bind(room_type).bind(night).bind(cents(price)?).bind(self.tenant());
        write.execute(self.database.writer()).await.map_err(StoreError::while_doing("store a nightly rate"))?;
        Ok(())
    }

    fn tenant(&self) -> Uuid {
        self.property.tenant.0
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// A code that no reservation has.
    async fn free_code(&self, tx: &mut Connection) -> Result<String, PmsError> {
        for _ in 0..Self::CODE_TRIES {
            let code = confirmation_code(&mut self.codes.lock().unwrap_or_else(PoisonError::into_inner));
            let read = query(sql::CODE_TAKEN).bind(&self.property.code).bind(&code).bind(self.tenant());
            let (taken,): (i64,) = read.one(&mut *tx).await.map_err(StoreError::while_doing("look for a confirmation code"))?;
            if taken == 0 {
                return Ok(code);
            }
        }
        Err(PmsError::Config(format!("no free confirmation code in {} tries; archive old reservations", Self::CODE_TRIES)))
    }

    async fn read(&self, tx: &mut Connection, id: &ReservationId) -> Result<Reservation, PmsError> {
        let read = query(sql::BY_ID).bind(&self.property.code).bind(uuid(id)?).bind(self.tenant());
        let row: Option<ReservationRow> = read.optional(&mut *tx).await.map_err(StoreError::while_doing("read a reservation"))?;
        row.ok_or(PmsError::NotFound)?.complete(tx).await
    }

    /// What a stay of `reservation` would cost as `stay` in `room_type`; its own room counts as free.
    async fn quote(&self, tx: &mut Connection, reservation: &Reservation, stay: Stay, room_type: &str) -> Result<ChangeQuote, PmsError> {
        if reservation.status == ReservationStatus::Cancelled {
            return Err(Rule::Cancelled.into());
        }
        check_stay(&self.property, stay, self.now())?;
        let room = room_for(&self.property, room_type, stay.guests)?;
        let calendar = Calendar::read(tx, &self.property, stay, Some(uuid(&reservation.id)?)).await?;
        let mut nights = calendar.take(room)?;
        if reservation.room_type == room_type {
            keep_prices(&mut nights, &reservation.nights);
        }
        let total = total(&nights, &self.property);
        let difference = Money { amount: total.amount - reservation.total.amount, currency: total.currency.clone() };
        Ok(ChangeQuote { stay, room_type: room_type.to_owned(), nights, total, difference })
    }

    /// What the effect under this key came to, when it has happened.
    async fn effect(&self, tx: &mut Connection, key: &str, id: Uuid, kind: Effect) -> Result<Option<Money>, PmsError> {
        let read = query(sql::EFFECT).bind(key).bind(id).bind(kind.as_str()).bind(self.tenant());
        let amount: Option<(i64,)> = read.optional(tx).await.map_err(StoreError::while_doing("look for the key of a change"))?;
        Ok(amount.map(|(cents,)| Money::from_cents(cents, &self.property.currency)))
    }
}

#[async_trait]
impl Pms for BuiltInPms {
    async fn property(&self) -> Result<Property, PmsError> {
        Ok(self.property.clone())
    }

    async fn search_offers(&self, stay: &Stay) -> Result<Vec<Offer>, PmsError> {
        check_stay(&self.property, *stay, self.now())?;
        let mut connection = self.database.acquire().await?;
        let calendar = Calendar::read(&mut connection, &self.property, *stay, None).await?;
        let fitting = self.property.room_types.iter().filter(|room| room.capacity >= stay.guests && calendar.rooms_left(room) > 0);
        let offer = |room: &crate::RoomType| {
            let nights = calendar.priced(room);
            let total = total(&nights, &self.property);
            Offer { room_type: room.code.clone(), spoken: room.spoken.clone(), nights, total, rooms_left: calendar.rooms_left(room) }
        };
        let mut offers: Vec<Offer> = fitting.map(offer).collect();
        offers.sort_by_key(|offer| offer.total.amount);
        Ok(offers)
    }

    async fn create_booking(&self, booking: &NewBooking, idempotency_key: &str) -> Result<Reservation, PmsError> {
        let mut tx = alone(&self.database, &self.property.code).await?;
        let known = query(sql::BY_KEY).bind(&self.property.code).bind(idempotency_key).bind(self.tenant());
        let known: Option<ReservationRow> = known.optional(&mut *tx).await.map_err(StoreError::while_doing("look for a booking"))?;
        if let Some(row) = known {
            return row.complete(&mut tx).await;
        }
        check_stay(&self.property, booking.stay, self.now())?;
        let room = room_for(&self.property, &booking.room_type, booking.stay.guests)?;
        let nights = Calendar::read(&mut tx, &self.property, booking.stay, None).await?.take(room)?;
        let id = self.store_booking(&mut tx, booking, &nights, idempotency_key).await?;
        let reservation = self.read(&mut tx, &id).await?;
        tx.commit().await.map_err(StoreError::while_doing("commit a booking"))?;
        Ok(reservation)
    }

    async fn find_reservations(&self, wanted: &ReservationQuery) -> Result<Vec<Reservation>, PmsError> {
        let (statement, value) = match wanted {
            ReservationQuery::Code(code) => (sql::BY_CODE, code.clone()),
            ReservationQuery::Phone(phone) => (sql::BY_PHONE, phone.digits()),
            ReservationQuery::Latest => (sql::LATEST, String::new()),
        };
        if value.is_empty() && *wanted != ReservationQuery::Latest {
            return Ok(Vec::new());
        }
        let mut connection = self.database.acquire().await?;
        let read = query(statement).bind(&self.property.code).bind(value).bind(self.tenant());
        let mut found = Vec::new();
        let rows: Vec<ReservationRow> = read.all(&mut connection).await.map_err(StoreError::while_doing("look for reservations"))?;
        for row in rows {
            found.push(row.complete(&mut connection).await?);
        }
        Ok(found)
    }

    async fn quote_change(&self, id: &ReservationId, change: &Change) -> Result<ChangeQuote, PmsError> {
        let mut connection = self.database.acquire().await?;
        let reservation = self.read(&mut connection, id).await?;
        let old = reservation.stay;
        let (arrival, guests) = (change.arrival.unwrap_or(old.arrival), change.guests.unwrap_or(old.guests));
        let stay = Stay::of_nights(arrival, change.nights.unwrap_or(old.nights()), guests, &self.property)?;
        let room_type = change.room_type.as_deref().unwrap_or(&reservation.room_type);
        self.quote(&mut connection, &reservation, stay, room_type).await
    }

    async fn apply_change(&self, id: &ReservationId, quote: &ChangeQuote, idempotency_key: &str) -> Result<ChangeOutcome, PmsError> {
        let mut tx = alone(&self.database, &self.property.code).await?;
        let (key, uuid) = (idempotency_key, uuid(id)?);
        let before = self.read(&mut tx, id).await?;
        if let Some(difference) = self.effect(&mut tx, key, uuid, Effect::Change).await? {
            return Ok(ChangeOutcome { reservation: before, difference });
        }
        let fresh = self.quote(&mut tx, &before, quote.stay, &quote.room_type).await?;
        if fresh.total != quote.total {
            return Err(Rule::PriceChanged.into());
        }
        let doing = || StoreError::while_doing("change a reservation");
        let update = query(sql::CHANGE)
            .bind(&fresh.room_type)
            .bind(fresh.stay.arrival)
            .bind(fresh.stay.departure)
            .bind(fresh.stay.guests)
            .bind(cents(fresh.total.amount)?)
            .bind(self.now())
            .bind(uuid)
            .bind(self.tenant());
        update.execute(&mut *tx).await.map_err(doing())?;
        query(sql::REMOVE_NIGHTS).bind(uuid).bind(self.tenant()).execute(&mut *tx).await.map_err(doing())?;
        self.store_nights(&mut tx, uuid, &fresh.room_type, &fresh.nights).await?;
        self.store_effect(&mut tx, key, uuid, Effect::Change, fresh.difference.amount).await?;
        let reservation = self.read(&mut tx, id).await?;
        tx.commit().await.map_err(doing())?;
        Ok(ChangeOutcome { reservation, difference: fresh.difference })
    }

    async fn cancel(&self, id: &ReservationId, idempotency_key: &str) -> Result<CancelOutcome, PmsError> {
        let mut tx = alone(&self.database, &self.property.code).await?;
        let (key, uuid, doing) = (idempotency_key, uuid(id)?, || StoreError::while_doing("cancel a reservation"));
        let reservation = self.read(&mut tx, id).await?;
        if let Some(fee) = self.effect(&mut tx, key, uuid, Effect::Cancel).await? {
            return Ok(CancelOutcome { fee, already: false });
        }
        if reservation.status == ReservationStatus::Cancelled {
            let read = query(sql::CANCEL_FEE).bind(uuid).bind(self.tenant());
            let (fee,): (Option<i64>,) = read.one(&mut *tx).await.map_err(doing())?;
            return Ok(CancelOutcome { fee: Money::from_cents(fee.unwrap_or(0), &self.property.currency), already: true });
        }
        if reservation.stay.departure <= local_date(&self.property, self.now()) {
            return Err(Rule::PastDate.into());
        }
        let fee = cancel_fee(&self.property, &reservation, self.now());
        let update = query(sql::CANCEL).bind(cents(fee)?).bind(self.now()).bind(uuid).bind(self.tenant());
        update.execute(&mut *tx).await.map_err(doing())?;
        self.store_effect(&mut tx, key, uuid, Effect::Cancel, fee).await?;
        tx.commit().await.map_err(doing())?;
        Ok(CancelOutcome { fee: Money { amount: fee, currency: self.property.currency.clone() }, already: false })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { idempotent_create: true, change: true, cancel: true }
    }

    async fn check(&self) -> Result<(), PmsError> {
        let doing = || StoreError::while_doing("check the hotel");
        let room = self.property.room_types.first().ok_or_else(|| PmsError::Config(format!("{} has no rooms", self.property.code)))?;
        let today = local_date(&self.property, self.now());
        let stay = Stay::of_nights(today, 1, 1, &self.property)?;
        let probe = NewBooking { stay, room_type: room.code.clone(), name: "functional check".into(), phone: None };
        let mut tx = alone(&self.database, &self.property.code).await?;
        let night = [Night { date: today, price: room.nightly }];
        // Written and removed in one transaction: nobody sees it, and it takes no room.
        let id = self.store_booking(&mut tx, &probe, &night, &format!("check {}", Uuid::new_v4())).await?;
        let read = self.read(&mut tx, &id).await?;
        query(sql::REMOVE_RESERVATION).bind(uuid(&id)?).bind(self.tenant()).execute(&mut *tx).await.map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        let same = read.stay == stay && read.nights == night;
        if same { Ok(()) } else { Err(StoreError::corrupt("probe reservation", read.code).into()) }
    }
}

/// A transaction that no other write to this property comes between, on whichever database.
async fn alone(database: &Database, property: &str) -> Result<Transaction, StoreError> {
    let mut tx = database.begin().await?;
    tx.alone(&format!("hotel {property}")).await?;
    Ok(tx)
}

/// Nights that were booked before keep the price agreed then.
fn keep_prices(nights: &mut [Night], booked: &[Night]) {
    for night in nights {
        if let Some(before) = booked.iter().find(|before| before.date == night.date) {
            night.price = before.price;
        }
    }
}

#[cfg(test)]
mod tests;
