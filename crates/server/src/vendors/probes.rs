//! Services that failed are asked again outside of calls: a caller shall not be the one who finds out.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use resilience::Guard;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info};

/// How often it is looked which breakers are due.
const LOOK: Duration = Duration::from_secs(1);
/// Longest check.
const CHECK_LIMIT: Duration = Duration::from_secs(10);

/// Services asked at once; the others a look later. Workspaces with keys of their own may be many.
const AT_ONCE: usize = 16;

type Check = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync;

/// A service that does not work, in its adapter's words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct VendorFault(String);

/// How to find out whether a service works.
pub struct Probe {
    guard: Guard,
    check: Box<Check>,
}

impl Probe {
    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.guard.view().service.as_str()
    }

    /// Uses the service, through its guard; the error says what is wrong.
    ///
    /// # Errors
    /// What the adapter says.
    pub async fn check(&self) -> Result<(), VendorFault> {
        (self.check)().await.map_err(VendorFault)
    }

    /// It is used with another key now: what was before counts for nothing, but an operator's word.
    pub(super) fn renew(&self) {
        if !self.guard.view().forced {
            self.guard.reset();
        }
    }

    pub(super) fn new<F>(guard: &Guard, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { guard: guard.clone(), check: Box::new(move || Box::pin(check())) }
    }
}

/// All probes: those of the installation, and of workspaces' keys for as long as they are in use. Cheap to clone; all clones are one list.
#[derive(Clone, Default)]
pub(crate) struct Probes(Arc<Mutex<Vec<Weak<[Probe]>>>>);

impl Probes {
    /// Adds some, until they are dropped.
    pub(crate) fn add(&self, probes: &Arc<[Probe]>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(probes));
    }

    fn all(&self) -> Vec<Arc<[Probe]>> {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|probes| probes.strong_count() > 0);
        list.iter().filter_map(Weak::upgrade).collect()
    }
}

/// Asks those whose breakers want it, until the program stops. The check goes through the guard, so its outcome is the probe's.
pub(crate) async fn look_after(probes: Probes, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        for probe in probes.all().iter().flat_map(|some| some.iter()).filter(|probe| probe.guard.wants_probe()) {
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { break };
            let (service, check) = (probe.name(), (probe.check)());
            let asked = async move {
                ask(service, check).await;
                drop(place);
            };
            // One at a time for each service: the guard lets a single probe through, and wants none while it is out.
            tokio::spawn(asked.instrument(tracing::info_span!("probe", service)));
        }
    }
}

async fn ask(service: &'static str, check: impl Future<Output = Result<(), String>>) {
    match timeout(CHECK_LIMIT, check).await {
        Ok(Ok(())) => info!(service, "the service is back"),
        Ok(Err(fault)) => info!(service, fault, "the service is still away"),
        Err(_) => info!(service, "the service is still away: its check did not end"),
    }
}
