//! People and what they may do.
//!
//! [`People`] is the service: who signs in, who stays signed in, what API keys and links are good for. Every event of security is in the audit trail, in
//! the transaction of its effect; an event that has no effect (a wrong password) has a transaction of its own, and when that fails the answer is
//! [`PeopleError::Unavailable`].

mod accounts;
mod administration;
mod cache;
mod error;
mod events;
mod identities;
mod keys;
mod logins;
mod openid;
mod passwords;
mod policy;
mod principal;
mod recovery;
mod role;
mod second_factors;
mod service;
mod sessions;
mod throttle;
mod tickets;
mod totp;
mod turns;

pub use accounts::{MAX_EMAIL, MAX_NAME};
pub use error::PeopleError;
pub use keys::{KEY_START, NewKey};
pub use logins::{Login, SECOND_FACTOR_LIMIT, SECOND_FACTOR_TRIES, Tokens};
pub use openid::{Begun, Identity, OpenId, OpenIdError, OpenIdSettings, Returned, SIGN_IN_LIMIT};
pub use passwords::HashingState;
pub use policy::{LEAST_MIN_PASSWORD, MAX_PASSWORD, PasswordProblem};
pub use principal::{Principal, Who};
pub use recovery::CODES as RECOVERY_CODES;
pub use role::{FORMER, Permission, Role};
pub use second_factors::{TotpSetup, second_factor_sealed_for};
pub use service::{Client, Lifetime, People, PeopleSettings};
pub use tickets::{FIRST_ADMIN_LIMIT, INVITATION_LIMIT, Invitation, Link, NewPerson, RESET_LIMIT};
