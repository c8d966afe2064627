//! All calls of this process: who may be answered, which socket belongs to which call, who is live, and how it all stops.

mod admit;
mod continuation;
mod drain;
mod live;
mod offer;

pub use admit::{Admission, Permit};
pub use continuation::{Continuation, Continuations};
pub use drain::Drain;
pub use live::{LiveCall, LiveCalls, LiveGuard};
pub use offer::{CallToken, Offer, OfferError, Offers};
