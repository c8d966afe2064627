//! The receptionist's tools, the PMS trait and the built-in PMS.

mod builtin;
#[cfg(test)]
mod contract;
mod pms;
mod property;
mod tools;

pub use builtin::{BuiltInPms, Clock};
pub use pms::{
    CancelOutcome, Capabilities, Change, ChangeOutcome, ChangeQuote, NewBooking, Night, Offer, Pms, PmsError, Reservation, ReservationId,
    ReservationQuery, ReservationStatus, Rule, Stay,
};
pub use property::{Money, Property, RoomType};
pub use tools::toolbox;
