//! Ordinary troubles: each vendor has a bad few seconds now and then, of another kind each time.

use std::sync::Arc;
use std::time::Duration;

use simulator::{Behaviour, Simulator, Trouble, Vendor};
use tokio::time::sleep;

/// A vendor behaves one way for so long.
const SPELL: Duration = Duration::from_secs(5);
/// The part of the requests that goes wrong.
const SHARE: f64 = 0.02;

/// For ever.
pub(super) async fn make(vendors: Arc<Simulator>) {
    let troubles = [
        None,
        Some(Trouble::Cut { after: 2 }),
        Some(Trouble::TooMany { retry_after: Some(1) }),
        None,
        Some(Trouble::Stall { after: 1 }),
        Some(Trouble::Error { after: 1 }),
        Some(Trouble::Unavailable { status: 503 }),
    ];
    let mut round = 0;
    loop {
        for (place, vendor) in Vendor::ALL.iter().enumerate() {
            let trouble = troubles[(round + place) % troubles.len()];
            let ordinary = Behaviour { first_ms: 120, jitter_ms: 250, pace: 4.0, tokens_per_second: 80.0, ..Behaviour::default() };
            vendors.strike(*vendor, Behaviour { trouble, share: SHARE, ..ordinary });
        }
        round += 1;
        sleep(SPELL).await;
    }
}
