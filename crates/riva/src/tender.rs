//! Looks after the connections, so that a caller finds them open.

use std::sync::Weak;
use std::time::Duration;

use futures_util::future::join_all;
use resilience::{Guard, State};
use tokio::time::interval;

use crate::channels::health;
use crate::lanes::{Lanes, Lease};

/// Until the pool is gone or closed. While the guard lets nobody through, neither is anything looked at.
pub(crate) async fn tend(lanes: Weak<Lanes>, guard: Guard) {
    let Some(every) = lanes.upgrade().map(|lanes| lanes.config.tend) else { return };
    let mut tick = interval(every.max(Duration::from_millis(1)));
    loop {
        tick.tick().await;
        let Some(lanes) = lanes.upgrade().filter(|lanes| !lanes.is_closed()) else { return };
        lanes.renew_old();
        if guard.view().state == State::Closed {
            let looks = lanes.unproven().into_iter().map(|lease| look(lease, &guard));
            drop(lanes);
            join_all(looks).await;
        }
    }
}

/// Asks one connection for Riva's health, which opens it. The guard lets it through and learns nothing from it: a server whose health is good may
/// still fail at speech, and one event that breaks all connections is not as many failures.
async fn look(lease: Lease, guard: &Guard) {
    let Ok(_unsaid) = guard.begin().await else { return };
    if let Err(fault) = health(&lease).await {
        tracing::debug!(pool = "riva", %fault, "a connection was looked at in vain");
    }
}
