//! HTTP, WebSocket, health, API, console, and the wiring of everything. The way in for a reader: [`wiring::wire`].

mod access;
mod api;
mod calls;
mod console;
mod error;
mod health;
pub mod keys;
mod media_socket;
mod origin;
mod routes;
pub mod settings;
mod speaking;
mod state;
mod webhooks;
pub mod wiring;

pub use error::ServerError;
pub use state::App;
pub use wiring::{Running, start};
