//! A hotel: its rooms, prices and rules.

use std::fmt;

use call::TenantId;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

/// An amount in a currency with two decimals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// The amount, in whole units of the currency.
    pub amount: Decimal,
    /// ISO 4217 code, such as `EUR`.
    pub currency: String,
}

impl Money {
    /// From the smallest unit.
    pub fn from_cents(cents: i64, currency: &str) -> Self {
        Self { amount: Decimal::new(cents, 2), currency: currency.to_owned() }
    }

    /// The amount with two decimals and without the currency: `240.00`.
    pub fn plain(&self) -> String {
        format!("{:.2}", self.amount)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} {}", self.amount, self.currency)
    }
}

/// Rooms that are sold alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomType {
    /// What tools and records call it.
    pub code: String,
    /// For people: `Double room`.
    pub name: String,
    /// As part of a spoken sentence: `a double room`.
    pub spoken: String,
    /// Most guests in one room.
    pub capacity: u32,
    /// Price of a night that has none of its own.
    pub nightly: Decimal,
    /// How many there are.
    pub units: u32,
}

/// A hotel.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Whose hotel it is.
    pub tenant: TenantId,
    /// What records call it; one of its kind in the whole installation.
    pub code: String,
    /// For people.
    pub name: String,
    /// Where it stands: its dates are local dates there.
    pub time_zone: TimeZone,
    /// ISO 4217 code; one with two decimals.
    pub currency: String,
    /// Longest stay that is sold.
    pub max_nights: u32,
    /// How many days ahead an arrival may lie.
    pub horizon_days: u32,
    /// Cancelling is free until this hour, local time, of the day before arrival; later it costs the first night. 0 to 23.
    pub free_cancel_hour: i8,
    /// What is sold.
    pub room_types: Vec<RoomType>,
}

impl Property {
    /// The demo hotel, of the first workspace. `None` when this machine has no time zone data for Lisbon.
    pub fn harbour_view() -> Option<Self> {
        let room = |code: &str, name: &str, capacity, euros, units| RoomType {
            code: code.into(),
            name: name.into(),
            spoken: format!("a {}", name.to_lowercase()),
            capacity,
            nightly: Decimal::new(euros, 0),
            units,
        };
        Some(Self {
            tenant: TenantId::DEFAULT,
            code: "harbour-view".into(),
            name: "Harbour View Hotel".into(),
            time_zone: TimeZone::get("Europe/Lisbon").ok()?,
            currency: "EUR".into(),
            max_nights: 30,
            horizon_days: 365,
            free_cancel_hour: 18,
            room_types: vec![
                room("single", "Single room", 1, 90, 5),
                room("double", "Double room", 2, 120, 8),
                room("suite", "Suite", 4, 210, 3),
            ],
        })
    }

    /// A room type by its code.
    pub fn room_type(&self, code: &str) -> Option<&RoomType> {
        self.room_types.iter().find(|room| room.code == code)
    }

    /// Most guests that any room holds.
    pub fn max_guests(&self) -> u32 {
        self.room_types.iter().map(|room| room.capacity).max().unwrap_or(0)
    }
}
