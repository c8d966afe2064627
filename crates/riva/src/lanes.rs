//! The connections: which one is chosen, and what becomes of one that fails.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outbound::Fault;
use resilience::{Rejected, Service, Why};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use tracing::warn;

use crate::fault::of_status;
use crate::{ChannelsConfig, PoolView};

/// All connections. Nothing here is reached past the guard.
pub(crate) struct Lanes {
    pub(crate) config: ChannelsConfig,
    endpoint: Endpoint,
    metadata: MetadataMap,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    waits: AtomicU64,
    waited_us: AtomicU64,
    replaced: AtomicU64,
    closed: AtomicBool,
    slots: Mutex<Vec<Slot>>,
}

/// The place of one connection.
struct Slot {
    lane: Arc<Lane>,
    failures: u32,
    rests_until: Instant,
}

/// One connection. Its streams keep it open when it is replaced.
pub(crate) struct Lane {
    channel: Channel,
    streams: AtomicUsize,
    old_at: Instant,
    used: Mutex<Option<Instant>>,
}

/// A place on a connection, until it is dropped.
pub(crate) struct Lease {
    lanes: Arc<Lanes>,
    lane: Arc<Lane>,
    _place: Option<OwnedSemaphorePermit>,
}

/// Counted as waiting, however the wait ends.
struct Waiting<'a>(&'a Lanes, Instant);

impl Lanes {
    pub(crate) fn new(config: ChannelsConfig) -> Result<Arc<Self>, Fault> {
        let (endpoint, metadata) = (config.endpoint()?, config.all_metadata()?);
        let (channels, streams) = (config.channels.max(1), config.streams.max(1));
        let lanes = Self {
            places: Arc::new(Semaphore::new(channels.saturating_mul(streams).min(Semaphore::MAX_PERMITS))),
            config: ChannelsConfig { channels, streams, ..config },
            endpoint,
            metadata,
            waiting: AtomicUsize::new(0),
            waits: AtomicU64::new(0),
            waited_us: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            slots: Mutex::default(),
        };
        let slot = |_| Slot { lane: lanes.lane(), failures: 0, rests_until: Instant::now() };
        let slots: Vec<Slot> = (0..channels).map(slot).collect();
        *lanes.slots() = slots;
        Ok(Arc::new(lanes))
    }

    /// A place on the least busy connection.
    ///
    /// # Errors
    /// [`Fault::NotAsked`]: all are taken, and stay so for as long as may be waited.
    pub(crate) async fn lease(self: Arc<Self>) -> Result<Lease, Fault> {
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.wait().await?,
        };
        let lane = self.least_busy().ok_or_else(|| self.full())?;
        Ok(Lease { lane, lanes: self, _place: Some(place) })
    }

    async fn wait(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let join = |waiting| if waiting < self.config.waiting { Some(waiting + 1) } else { None };
        if self.closed.load(Ordering::SeqCst) || self.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, join).is_err() {
            return Err(self.full());
        }
        let _waiting = Waiting(self, Instant::now());
        let place = timeout(self.config.wait, Arc::clone(&self.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or_else(|| self.full())
    }

    fn full(&self) -> Fault {
        Fault::NotAsked(Rejected { service: Service::Riva, why: Why::Full, retry_after: self.config.wait })
    }

    /// Of those that do not rest; where all rest, of all: whether there is any use in that, the guard has decided.
    fn least_busy(&self) -> Option<Arc<Lane>> {
        let (slots, now) = (self.slots(), Instant::now());
        let key = |slot: &&Slot| {
            let streams = slot.lane.streams.load(Ordering::SeqCst);
            (streams >= self.config.streams, slot.rests_until > now, streams)
        };
        let lane = &slots.iter().min_by_key(key)?.lane;
        lane.streams.fetch_add(1, Ordering::SeqCst);
        Some(Arc::clone(lane))
    }

    /// Those that nobody has used for long, or ever, and that do not rest: whether they work is found out before a caller does.
    pub(crate) fn unproven(self: &Arc<Self>) -> Vec<Lease> {
        let now = Instant::now();
        let stale = |lane: &Lane| lane.last_used().is_none_or(|used| now.saturating_duration_since(used) >= self.config.idle);
        let unproven = |slot: &&Slot| slot.rests_until <= now && slot.lane.streams.load(Ordering::SeqCst) == 0 && stale(&slot.lane);
        let look = |slot: &Slot| {
            slot.lane.streams.fetch_add(1, Ordering::SeqCst);
            Lease { lane: Arc::clone(&slot.lane), lanes: Arc::clone(self), _place: None }
        };
        self.slots().iter().filter(unproven).map(look).collect()
    }

    /// Puts new connections in the places of old ones. One at a time, so that the new one is proven before the next is old.
    pub(crate) fn renew_old(&self) {
        let now = Instant::now();
        let mut slots = self.slots();
        if let Some(slot) = slots.iter_mut().find(|slot| slot.lane.old_at <= now) {
            slot.lane = self.lane();
        }
    }

    /// The connection works.
    fn works(&self, lane: &Arc<Lane>) {
        lane.touch();
        if let Some(slot) = self.slots().iter_mut().find(|slot| Arc::ptr_eq(&slot.lane, lane)) {
            slot.failures = 0;
        }
    }

    /// The connection failed: another one takes its place, and rests first.
    fn replace(&self, lane: &Arc<Lane>) {
        let mut slots = self.slots();
        let Some(slot) = slots.iter_mut().find(|slot| Arc::ptr_eq(&slot.lane, lane)) else { return };
        let rest = self.config.rest.saturating_mul(1 << slot.failures.min(16)).min(self.config.rest_at_most);
        // All that broke at once do not come back at once.
        slot.rests_until = Instant::now() + rest.mul_f64(0.5 + fastrand::f64() / 2.0);
        slot.failures = slot.failures.saturating_add(1);
        slot.lane = self.lane();
        self.replaced.fetch_add(1, Ordering::SeqCst);
        warn!(pool = "riva", failures = slot.failures, "a connection failed and is replaced");
    }

    fn lane(&self) -> Arc<Lane> {
        let age = self.config.max_age.mul_f64(0.9 + fastrand::f64() / 5.0);
        let (channel, old_at) = (self.endpoint.connect_lazy(), Instant::now() + age);
        Arc::new(Lane { channel, streams: AtomicUsize::new(0), old_at, used: Mutex::default() })
    }

    /// Takes nobody any more, waits for those under way, and closes the connections. False when some were still under way.
    pub(crate) async fn drain(&self, limit: Duration) -> bool {
        self.closed.store(true, Ordering::SeqCst);
        let all = u32::try_from(self.max()).unwrap_or(u32::MAX);
        let done = timeout(limit, self.places.acquire_many(all)).await.is_ok();
        self.places.close();
        self.slots().clear();
        done
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn max(&self) -> usize {
        self.config.channels * self.config.streams
    }

    pub(crate) fn view(&self) -> PoolView {
        let streams: Vec<usize> = self.slots().iter().map(|slot| slot.lane.streams.load(Ordering::SeqCst)).collect();
        PoolView {
            in_use: self.max().saturating_sub(self.places.available_permits()),
            max: self.max(),
            idle: streams.iter().filter(|streams| **streams == 0).count(),
            streams,
            waiting: self.waiting.load(Ordering::SeqCst),
            waits: self.waits.load(Ordering::SeqCst),
            waited: Duration::from_micros(self.waited_us.load(Ordering::SeqCst)),
            replaced: self.replaced.load(Ordering::SeqCst),
        }
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn last_used(&self) -> Option<Instant> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub(crate) fn channel(&self) -> Channel {
        self.lane.channel.clone()
    }

    /// A message with what goes with every request.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.lanes.metadata.clone();
        request
    }

    /// The answer to a question, in time.
    pub(crate) async fn asked<R>(&self, answer: impl Future<Output = Result<Response<R>, Status>>) -> Result<R, Fault> {
        let limit = self.lanes.config.answer;
        match timeout(limit, answer).await {
            Ok(Ok(answer)) => {
                self.works();
                Ok(answer.into_inner())
            }
            Ok(Err(status)) => Err(self.told(&status, false)),
            Err(_) => {
                self.failed();
                Err(Fault::NoAnswer(limit))
            }
        }
    }

    /// What a status means; a connection that is at fault is replaced. `answered`: something had come before.
    pub(crate) fn told(&self, status: &Status, answered: bool) -> Fault {
        let failed = of_status(status, answered);
        if failed.connection {
            self.failed();
        } else {
            self.works();
        }
        failed.fault
    }

    pub(crate) fn works(&self) {
        self.lanes.works(&self.lane);
    }

    pub(crate) fn failed(&self) {
        self.lanes.replace(&self.lane);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.lane.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waited = u64::try_from(self.1.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        self.0.waits.fetch_add(1, Ordering::SeqCst);
        self.0.waited_us.fetch_add(waited, Ordering::SeqCst);
    }
}
