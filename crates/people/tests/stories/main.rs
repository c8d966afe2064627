//! Stories of people who sign in, stay signed in, invite each other and lose what they had: on SQLite and PostgreSQL.
//!
//! The time is an argument, so nobody waits; `elsewhere` is a second instance of the program on the same database.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

#[macro_use]
mod world;

mod accounts;
mod keys;
mod links;
mod logins;
mod outages;
mod second_factors;
mod sessions;
