//! People, access and data: the API and the console of a real server process.

mod backup;
mod fuzz;
mod logins;
mod openid;
mod outage;
mod privacy;
mod roles;
mod services;
mod sign_in;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// Nothing that a story waits for takes longer.
const LONG: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// The program under test.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_voicenoob"))
}

/// Looks until there is something to see.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let seen = async {
        let mut tick = tokio::time::interval(LOOK);
        loop {
            tick.tick().await;
            if let Some(seen) = look().await? {
                return Ok(seen);
            }
        }
    };
    tokio::time::timeout(LONG, seen).await.with_context(|| format!("never: {what}"))?
}
