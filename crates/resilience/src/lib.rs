//! The road to every outside service: a deadline, repeats of what is safe, a breaker, a bulkhead and a pace, around a client that cannot be reached
//! past them.
//!
//! The machines ([`Breaker`], [`Pace`], [`RetryPolicy`]) are pure: they are given the time and chance. [`Guard`] runs them, [`Guarded`] holds the
//! client, [`Guards`] is the list of all of them for metrics and operators. None of them learns more of an error than its [`Failure`].

mod breaker;
mod bulkhead;
mod failure;
mod guard;
mod guarded;
mod guards;
mod pace;
mod policy;
mod retry;
mod view;

pub use breaker::{Breaker, BreakerPolicy, Outcome, Refused, SlowPolicy, State, Ticket};
pub use bulkhead::BulkheadPolicy;
pub use failure::{Classify, Failure};
pub use guard::{Begun, CallError, Guard, Rejected, Repeat, Why};
pub use guarded::Guarded;
pub use guards::Guards;
pub use pace::{Pace, PacePolicy};
pub use policy::{Policy, Service};
pub use retry::RetryPolicy;
pub use view::{Counts, View};
