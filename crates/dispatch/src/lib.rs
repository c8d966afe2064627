//! All calls of this instance: who may be answered, who waits, which socket belongs to which call, who is live, and how it all stops.

mod admit;
mod aftermath;
mod counted;
mod drain;
mod heart;
mod offer;
mod step;
mod table;
mod transfers;
mod waiting;

pub use admit::{Admission, Permit, Request};
pub use counted::Counted;
pub use drain::{Drain, DrainMachine, DrainRules, DrainState};
pub use heart::{Heart, LetGo, Pulsing, entry, metadata, tenant};
pub use offer::{CallToken, Offer, OfferError, Offers, Place, SharedOffer};
pub use step::InStep;
pub use table::{LiveCall, LiveCalls, LiveGuard};
pub use transfers::TRANSFER_LIMIT;
pub use waiting::{News, Tell, WaitingRoom};
