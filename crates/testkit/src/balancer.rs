//! A small TCP balancer, as it stands in front of instances: a new connection goes to the one with the fewest open ones among those whose
//! readiness probe says yes, in turn where they are equal; connections that are there stay where they are.
//!
//! Not simply in turn: a call brings one connection for its webhook and one for its stream, and strict turns would give all streams to one of two.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// Connections at once; one more is closed as soon as it comes.
pub const MAX_CONNECTIONS: usize = 4096;
/// Backends at once.
pub const MAX_BACKENDS: usize = 16;
/// While no backend can be reached, they are tried again after this time (see [`BalancerOptions::hold`]).
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// How the balancer works.
#[derive(Debug, Clone)]
pub struct BalancerOptions {
    /// How often each backend's `/health/ready` is asked.
    pub health_period: Duration,
    /// A probe without an answer in this time is a no.
    pub health_limit: Duration,
    /// A backend that does not take a connection in this time counts as unreachable.
    pub connect_limit: Duration,
    /// How long a new connection waits for a backend while none can be reached. Zero: it is closed at once.
    pub hold: Duration,
}

impl Default for BalancerOptions {
    fn default() -> Self {
        Self {
            health_period: Duration::from_millis(200),
            health_limit: Duration::from_secs(1),
            connect_limit: Duration::from_secs(1),
            hold: Duration::ZERO,
        }
    }
}

/// What one backend has been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendCounts {
    /// Where it is.
    pub address: SocketAddr,
    /// True when it gets new connections.
    pub in_rotation: bool,
    /// Connections opened to it so far.
    pub opened: u64,
    /// Connections open now.
    pub open: usize,
    /// Connections it did not take.
    pub refused: u64,
}

/// A balancer at work; it stops when it is dropped, and with it every connection through it.
pub struct Balancer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    /// Dropped with the balancer, which ends every connection.
    _alive: watch::Sender<()>,
}

struct Shared {
    options: BalancerOptions,
    backends: RwLock<Vec<Arc<Backend>>>,
    next: AtomicUsize,
    places: Arc<Semaphore>,
    alive: watch::Receiver<()>,
}

struct Backend {
    address: SocketAddr,
    in_rotation: AtomicBool,
    opened: AtomicU64,
    open: AtomicUsize,
    refused: AtomicU64,
    /// Set by the balancer right after the backend is made.
    probing: RwLock<Option<JoinHandle<()>>>,
}

impl Balancer {
    /// Listens on a free port of loopback, with no backend yet.
    pub async fn start(options: BalancerOptions) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("the balancer cannot listen")?;
        let address = listener.local_addr()?;
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let (keep, alive) = watch::channel(());
        let shared = Arc::new(Shared { options, backends: RwLock::default(), next: AtomicUsize::new(0), places, alive });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting, _alive: keep })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL, which instances take as their `PUBLIC_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a backend, or (with its place) puts another one into the place of the one before. It is out of rotation until it says it is ready.
    pub fn put(&self, place: usize, address: SocketAddr) -> Result<()> {
        let backend = Arc::new(Backend::new(address));
        let probing = tokio::spawn(probe(Arc::clone(&backend), self.shared.options.clone())?);
        *backend.probing.write().unwrap_or_else(PoisonError::into_inner) = Some(probing);
        let mut backends = self.shared.backends.write().unwrap_or_else(PoisonError::into_inner);
        ensure!(place <= backends.len() && place < MAX_BACKENDS, "the balancer has no place {place} for a backend");
        match backends.get_mut(place) {
            Some(old) => std::mem::replace(old, backend).stop_probing(),
            None => backends.push(backend),
        }
        Ok(())
    }

    /// What each backend was given.
    pub fn counts(&self) -> Vec<BackendCounts> {
        self.shared.backends().iter().map(|backend| backend.counts()).collect()
    }

    /// Waits until so many backends are in rotation.
    pub async fn until_in_rotation(&self, wanted: usize, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        while self.counts().iter().filter(|backend| backend.in_rotation).count() != wanted {
            ensure!(Instant::now() < deadline, "after {limit:?} not {wanted} backends are in rotation: {:?}", self.counts());
            sleep(self.shared.options.health_period / 4).await;
        }
        Ok(())
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.backends().iter().for_each(|backend| backend.stop_probing());
    }
}

impl Shared {
    fn backends(&self) -> Vec<Arc<Backend>> {
        self.backends.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection to a backend: those in rotation first, then, because one that is merely not ready is better than none, the others.
    async fn connect(&self) -> Option<(TcpStream, Arc<Backend>)> {
        let deadline = Instant::now() + self.options.hold;
        loop {
            let mut backends = self.backends();
            if !backends.is_empty() {
                let turn = self.next.fetch_add(1, Relaxed) % backends.len();
                backends.rotate_left(turn);
                // The sort is stable: among equals the turn decides.
                backends.sort_by_cached_key(|backend| (!backend.in_rotation.load(Relaxed), backend.open.load(Relaxed)));
            }
            for backend in backends {
                if let Some(stream) = backend.connect(self.options.connect_limit).await {
                    return Some((stream, backend));
                }
            }
            if Instant::now() >= deadline {
                return None;
            }
            sleep(TRY_AGAIN).await;
        }
    }
}

impl Backend {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            in_rotation: AtomicBool::new(false),
            opened: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            probing: RwLock::new(None),
        }
    }

    async fn connect(&self, limit: Duration) -> Option<TcpStream> {
        match timeout(limit, TcpStream::connect(self.address)).await {
            Ok(Ok(stream)) => {
                self.opened.fetch_add(1, Relaxed);
                Some(stream)
            }
            Ok(Err(_)) | Err(_) => {
                self.refused.fetch_add(1, Relaxed);
                self.in_rotation.store(false, Relaxed);
                None
            }
        }
    }

    fn stop_probing(&self) {
        if let Some(probing) = self.probing.write().unwrap_or_else(PoisonError::into_inner).take() {
            probing.abort();
        }
    }

    fn counts(&self) -> BackendCounts {
        BackendCounts {
            address: self.address,
            in_rotation: self.in_rotation.load(Relaxed),
            opened: self.opened.load(Relaxed),
            open: self.open.load(Relaxed),
            refused: self.refused.load(Relaxed),
        }
    }
}

/// Asks one backend forever. Each has its own loop: one that hangs delays nobody else's probe.
fn probe(backend: Arc<Backend>, options: BalancerOptions) -> Result<impl Future<Output = ()>> {
    let http = reqwest::Client::builder().no_proxy().timeout(options.health_limit).pool_max_idle_per_host(0).build()?;
    let url = format!("http://{}/health/ready", backend.address);
    Ok(async move {
        let mut tick = interval(options.health_period);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let ready = http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success());
            backend.in_rotation.store(ready, Relaxed);
        }
    })
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            sleep(TRY_AGAIN).await; // out of descriptors, most likely: some will be closed
            continue;
        };
        let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut alive = shared.alive.clone();
            tokio::select! {
                () = splice(client, &shared) => {}
                _ = alive.changed() => {}
            }
            drop(place);
        });
    }
}

async fn splice(mut client: TcpStream, shared: &Shared) {
    let Some((mut server, backend)) = shared.connect().await else { return };
    backend.open.fetch_add(1, Relaxed);
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    if copy_bidirectional(&mut client, &mut server).await.is_err() {
        // One side was reset: the other one must see a reset too, not a polite end.
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
    backend.open.fetch_sub(1, Relaxed);
}

#[cfg(test)]
#[path = "balancer/tests.rs"]
mod tests;
