//! The handlers over a real socket, on SQLite and PostgreSQL alike.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the whole binary is tests; the lints only spare functions marked as such")]

#[macro_use]
mod desk;
mod accounts;
mod agents;
mod api_keys;
mod audit;
mod auth;
mod members;
mod phone_numbers;
mod privacy;
mod providers;
mod second_factor;
mod tools;
mod workspaces;
