//! HTTP, WebSocket, health, API, console, and the wiring of everything. The way in for a reader: [`wiring::wire`].

mod access;
pub mod accounts;
mod api;
mod call_centre;
mod calls;
mod console;
mod directory;
mod error;
mod health;
pub mod keys;
mod media_socket;
mod metrics;
mod minds;
mod orders;
mod origin;
pub mod prices;
mod refusals;
pub mod resealing;
mod routes;
pub mod settings;
mod shared_offers;
mod shared_phrases;
mod speaking;
mod state;
mod stopping;
mod upkeep;
pub mod vendors;
mod webhooks;
pub mod wiring;

pub use directory::AgentDirectory;
pub use error::ServerError;
pub use state::App;
pub use stopping::stop_again;
pub use wiring::{Running, start};
