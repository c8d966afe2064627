//! For tests only: a server process of a test's own, calls to it, and what it left behind.

mod server;
mod socket;

pub use server::{Hung, Server};
pub use socket::{Closed, Socket};
