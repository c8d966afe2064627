//! Drives an instance's drain: what each step means for its calls, its waiting callers and the carriers.

use std::time::{Duration, Instant};

use dispatch::{DrainState, Offers};
use session::Order;
use tracing::{info, warn};

use crate::state::App;
use crate::webhooks::elsewhere;
use crate::wiring;

/// How often a drain looks at what is left.
const LOOK: Duration = Duration::from_millis(200);

/// What of this instance is not over.
pub(crate) fn remaining(app: &App) -> usize {
    app.live.count() + app.offers.len()
}

/// Begins a drain. False when one is under way.
pub(crate) async fn begin(app: &App) -> bool {
    let begun = app.drain.begin(Instant::now());
    if begun {
        info!(event = "connection_draining_started", active_calls = remaining(app), "draining");
        app.registry.set_shutting_down(true).await;
    }
    begun
}

/// Another signal has come. True when the stop of the one before was called off, and a new one has begun.
pub async fn stop_again(app: &App) -> bool {
    app.settings.call_centre.draining && begin(app).await
}

/// Calls a drain off. False when it is too late, or none is under way.
pub(crate) async fn cancel(app: &App) -> bool {
    let cancelled = app.drain.cancel();
    if cancelled {
        app.orders.go_on();
        info!(event = "connection_draining_cancelled", "draining called off");
        app.registry.set_shutting_down(false).await;
    }
    cancelled
}

/// Moves the drain on until it is over.
pub(crate) async fn drive(app: App) {
    let mut look = tokio::time::interval(LOOK);
    let mut cut = false;
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = app.drain.changed() => {}
        }
        let now = Instant::now();
        while let Some(state) = app.drain.step(remaining(&app), now) {
            entered(&app, state).await;
        }
        if app.drain.is_overdue(now) && !cut {
            cut = true;
            warn!(remaining = remaining(&app), "calls that did not end in time are cut");
            cut_all(&app);
            for offer in app.offers.expire(now + Offers::LIFETIME) {
                wiring::never_came(&app, offer).await;
            }
        }
        if app.drain.state() == DrainState::Stopped {
            return;
        }
    }
}

/// Ends every call at once.
pub(crate) fn cut_all(app: &App) {
    for live in app.live.list() {
        live.hangup.cancel();
    }
}

async fn entered(app: &App, state: DrainState) {
    let remaining = remaining(app);
    info!(event = "drain_state", state = state.as_str(), remaining, "drain moves on");
    match state {
        // Nobody who waits here will be served here: they go where they can be, and keep their place.
        DrainState::Refusing => {
            app.orders.tell(true, move_or_goodbye(app).await);
            if app.drain.state().takes_calls() {
                app.orders.go_on(); // Called off meanwhile.
            }
        }
        DrainState::HandingOver => {
            info!(event = "drain_timeout", remaining_calls = remaining, "the drain's time is up");
            app.orders.tell(false, move_or_goodbye(app).await);
        }
        DrainState::Stopped => info!(event = "connection_draining_complete", "every call of this instance is over"),
        DrainState::Running | DrainState::Settling => {}
    }
}

async fn move_or_goodbye(app: &App) -> Order {
    match elsewhere::another(app).await {
        Some(_) => Order::HandOver,
        None => Order::SayGoodbye,
    }
}
