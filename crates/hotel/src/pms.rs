//! What the receptionist needs of a property management system. Dates are local to the property; a stay's nights run from arrival, included, to departure, excluded.

use std::time::Duration;

use async_trait::async_trait;
use call::{PhoneNumber, Timestamp};
use jiff::Span;
use jiff::civil::Date;
use rust_decimal::Decimal;
use store::StoreError;

use crate::{Money, Property};

/// When, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// First night.
    pub arrival: Date,
    /// The day they leave; not a night any more.
    pub departure: Date,
    /// Guests in the room.
    pub guests: u32,
}

impl Stay {
    /// A stay of so many nights; a number of nights that no calendar holds is [`Rule::TooLong`].
    pub fn of_nights(arrival: Date, nights: u32, guests: u32, property: &Property) -> Result<Self, Rule> {
        let departure = Span::new().try_days(nights).and_then(|span| arrival.checked_add(span));
        let departure = departure.map_err(|_| Rule::TooLong { max_nights: property.max_nights })?;
        Ok(Self { arrival, departure, guests })
    }

    /// How many nights; zero when the departure is not after the arrival.
    pub fn nights(&self) -> u32 {
        u32::try_from((self.departure - self.arrival).get_days()).unwrap_or(0)
    }
}

/// One night and its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Night {
    /// The date of its evening.
    pub date: Date,
    /// In the property's currency.
    pub price: Decimal,
}

/// Something that can be booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Code of the room type.
    pub room_type: String,
    /// As part of a spoken sentence: `a double room`.
    pub spoken: String,
    /// Every night of the stay.
    pub nights: Vec<Night>,
    /// The sum of the nights.
    pub total: Money,
    /// Rooms of this type that are free all the time.
    pub rooms_left: u32,
}

/// A booking to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBooking {
    /// When, and how many.
    pub stay: Stay,
    /// Code of the room type.
    pub room_type: String,
    /// The guest's name as given; the last word is the last name.
    pub name: String,
    /// How to reach the guest.
    pub phone: Option<PhoneNumber>,
}

/// The PMS's own id of a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReservationId(pub String);

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationStatus {
    /// It holds a room.
    Confirmed,
    /// Given up.
    Cancelled,
}

impl ReservationStatus {
    /// The word in records and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A booked stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Reservation {
    /// The PMS's own id.
    pub id: ReservationId,
    /// What the guest is told, and says.
    pub code: String,
    /// Where it stands.
    pub status: ReservationStatus,
    /// When, and how many.
    pub stay: Stay,
    /// Code of the room type.
    pub room_type: String,
    /// The guest's name as given.
    pub name: String,
    /// How to reach the guest.
    pub phone: Option<PhoneNumber>,
    /// Every night with the price agreed for it.
    pub nights: Vec<Night>,
    /// The sum of the nights.
    pub total: Money,
    /// When it was booked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// How to look for reservations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReservationQuery {
    /// The confirmation code.
    Code(String),
    /// The guest's number; digits are compared. A number without digits finds nothing.
    Phone(PhoneNumber),
    /// What was booked or changed last, at most 200: for people at a desk, not for callers.
    Latest,
}

/// What shall be different. `None` leaves a thing as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// New first night; the number of nights stays unless it is given too.
    pub arrival: Option<Date>,
    /// New number of nights.
    pub nights: Option<u32>,
    /// New room type.
    pub room_type: Option<String>,
    /// New number of guests.
    pub guests: Option<u32>,
}

/// What a change would come to.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeQuote {
    /// The stay as it would be.
    pub stay: Stay,
    /// The room type as it would be.
    pub room_type: String,
    /// Every night; nights that were booked already in the same room type keep their price.
    pub nights: Vec<Night>,
    /// The new sum.
    pub total: Money,
    /// New sum less old sum.
    pub difference: Money,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeOutcome {
    /// As it is now.
    pub reservation: Reservation,
    /// What the change came to.
    pub difference: Money,
}

/// A cancellation.
#[derive(Debug, Clone, PartialEq)]
pub struct CancelOutcome {
    /// What it costs; zero when it was in time.
    pub fee: Money,
    /// True when it had been cancelled before, under another key.
    pub already: bool,
}

/// What a PMS can do; tools that need more are not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The same key never makes a second booking.
    pub idempotent_create: bool,
    /// Reservations can be changed.
    pub change: bool,
    /// Reservations can be cancelled.
    pub cancel: bool,
}

/// A rule of the house that says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// The arrival, or the whole stay, lies in the past.
    #[error("the date is in the past")]
    PastDate,
    /// A stay has at least one night.
    #[error("the departure is not after the arrival")]
    NoNights,
    /// A room has at least one guest.
    #[error("there are no guests")]
    NoGuests,
    /// Too many nights.
    #[error("at most {max_nights} nights are sold at once")]
    TooLong {
        /// The most.
        max_nights: u32,
    },
    /// Too far ahead.
    #[error("rooms are sold {horizon_days} days ahead")]
    TooFar {
        /// The farthest, in days from today.
        horizon_days: u32,
    },
    /// Too many for the room type asked for, or for every room.
    #[error("a room takes at most {max_guests} guests")]
    TooManyGuests {
        /// The most.
        max_guests: u32,
    },
    /// There is no such room type.
    #[error("there is no room type {code:?}")]
    UnknownRoomType {
        /// What was asked for.
        code: String,
    },
    /// The reservation was cancelled; it cannot be changed.
    #[error("the reservation was cancelled before")]
    Cancelled,
    /// The price is no longer the quoted one: quote again.
    #[error("the price has changed since it was quoted")]
    PriceChanged,
}

/// Why a PMS did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PmsError {
    /// No such reservation. An answer for the caller, not a fault.
    #[error("there is no such reservation")]
    NotFound,
    /// No room of that type in at least one night. An answer for the caller, not a fault.
    #[error("no {room_type} is free in every night")]
    Unavailable {
        /// Code of the room type.
        room_type: String,
    },
    /// A rule of the house. An answer for the caller, not a fault.
    #[error(transparent)]
    Rule(#[from] Rule),
    /// The PMS does not accept our credentials.
    #[error("the PMS refuses our credentials; renew them")]
    Auth,
    /// Too many requests.
    #[error("the PMS asks us to slow down (retry after {0:?})")]
    RateLimited(Option<Duration>),
    /// It may work the next time.
    #[error("the PMS failed: {0}")]
    Transient(#[source] StoreError),
    /// It will not work until somebody changes something.
    #[error("the PMS is not set up right: {0}")]
    Config(String),
    /// A write without an answer: read back before anything else.
    #[error("it is not known whether the PMS did it; read the reservation back before trying again")]
    OutcomeUnknown,
}

impl From<StoreError> for PmsError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::Transient(error),
            other => Self::Config(other.to_string()),
        }
    }
}

/// A property management system, for one property.
#[async_trait]
pub trait Pms: Send + Sync {
    /// The hotel.
    async fn property(&self) -> Result<Property, PmsError>;

    /// What can be booked for a stay, cheapest first: room types that take the guests and are free every night. Empty means that it is known that nothing is free.
    ///
    /// Errors: [`PmsError::Rule`] when no such stay is sold.
    async fn search_offers(&self, stay: &Stay) -> Result<Vec<Offer>, PmsError>;

    /// Books. The same key again gives the same booking, whatever else was asked.
    async fn create_booking(&self, booking: &NewBooking, idempotency_key: &str) -> Result<Reservation, PmsError>;

    /// Reservations that match, latest arrival first, at most twenty. None is an empty list.
    async fn find_reservations(&self, query: &ReservationQuery) -> Result<Vec<Reservation>, PmsError>;

    /// What a change would come to; nothing is changed.
    async fn quote_change(&self, id: &ReservationId, change: &Change) -> Result<ChangeQuote, PmsError>;

    /// Makes a quoted change, if it is still possible at that price. The same key again changes nothing more.
    async fn apply_change(&self, id: &ReservationId, quote: &ChangeQuote, idempotency_key: &str) -> Result<ChangeOutcome, PmsError>;

    /// Cancels. The same key again gives the same outcome.
    async fn cancel(&self, id: &ReservationId, idempotency_key: &str) -> Result<CancelOutcome, PmsError>;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Writes, reads back and removes a probe.
    async fn check(&self) -> Result<(), PmsError>;
}
