//! People and what they may do.

mod role;

pub use role::{FORMER, Permission, Role};
