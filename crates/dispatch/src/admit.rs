//! Admission: a call holds a permit before an agent talks to it, and gives it back by being dropped.
//!
//! Two books are kept. The instance's own is exact and always there: it counts the permits of this process. The shared one (`live`) holds the limits
//! of agents and tenants over all instances. While the shared one cannot be reached, this instance goes on by its own book, and tells what it has
//! when the other is back ([`Admission::tell_all`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use live::{InstanceName, Limit, Limits, LiveError, LiveState, PermitRequest, Verdict};
use tokio::sync::{Semaphore, mpsc};
use tracing::{debug, warn};

/// Permits on their way back to the shared book. More calls than this cannot end at once: it is over the largest allowed limit of an instance.
const RELEASES: usize = 200_000;
/// Permits given back at once.
const AT_ONCE: usize = 32;
/// Locks that keep the steps of one call in order.
const STRIPES: usize = 64;

/// A call that asks to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The carrier's id of the call.
    pub call_id: String,
    /// By whom.
    pub agent_id: String,
    /// For whom.
    pub tenant: String,
    /// Limits over all instances.
    pub limits: Limits,
}

/// Who may be served here.
#[derive(Clone)]
pub struct Admission(Arc<Book>);

struct Book {
    state: Arc<dyn LiveState>,
    instance: InstanceName,
    limit: usize,
    held: Mutex<Held>,
    /// Giving back and taking again of one call must reach the shared book in this order.
    order: Vec<tokio::sync::Mutex<()>>,
    releases: mpsc::Sender<String>,
}

#[derive(Default)]
struct Held {
    permits: HashMap<String, Entry>,
}

struct Entry {
    request: Request,
    /// Permits of the same call: it may be live and offered anew at once. The place is free when the last of them is dropped.
    permits: usize,
}

/// The right to one call. Dropping it frees the place.
#[must_use = "a permit that is dropped frees its place"]
pub struct Permit {
    book: Arc<Book>,
    call_id: String,
    /// The shared book has it too, or may have.
    shared: bool,
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").field("call_id", &self.call_id).finish_non_exhaustive()
    }
}

impl Admission {
    /// Admits at most `limit` calls at once on this instance. Returns the work that gives permits back to the shared book: spawn it.
    pub fn new(state: Arc<dyn LiveState>, instance: InstanceName, limit: usize) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (releases, waiting) = mpsc::channel(RELEASES);
        let order = (0..STRIPES).map(|_| tokio::sync::Mutex::default()).collect();
        let book = Arc::new(Book { state, instance, limit, held: Mutex::default(), order, releases });
        let work = give_back(Arc::downgrade(&book), waiting);
        (Self(book), work)
    }

    /// A permit, or the limit that is reached.
    pub async fn admit(&self, request: &Request) -> Result<Permit, Limit> {
        let book = &self.0;
        let _in_order = book.stripe(&request.call_id).lock().await;
        let permit = book.enter(request)?;
        match book.ask(request).await {
            Ok(Verdict::Admitted) => Ok(permit),
            Ok(Verdict::Full(limit)) => {
                permit.forget();
                Err(limit)
            }
            Err(fault) => {
                warn!(error = %fault, "admission goes by this instance's own book");
                match book.own_limit(request) {
                    None => Ok(permit),
                    Some(limit) => {
                        permit.forget();
                        Err(limit)
                    }
                }
            }
        }
    }

    /// Enters a permit that the shared book has granted already.
    pub fn adopt(&self, request: &Request) -> Permit {
        self.0.insert(&mut self.0.lock(), request)
    }

    /// Tells the shared book everything this instance has: after it was cut off, or the book was lost.
    pub async fn tell_all(&self) -> Result<usize, LiveError> {
        let requests: Vec<_> = self.0.lock().permits.values().map(|entry| entry.request.clone()).collect();
        for request in &requests {
            self.0.state.hold(&self.0.shared(request)).await?;
        }
        Ok(requests.len())
    }

    /// Whose permits these are.
    pub fn instance(&self) -> &InstanceName {
        &self.0.instance
    }

    /// Places in all.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// Places taken now: answered calls and calls whose stream is expected.
    pub fn taken(&self) -> usize {
        self.0.lock().permits.len()
    }
}

impl Book {
    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stripe(&self, call_id: &str) -> &tokio::sync::Mutex<()> {
        let sum = call_id.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        &self.order[sum % STRIPES]
    }

    /// Takes a place in the own book. A call that has one gets another permit for the same place.
    fn enter(self: &Arc<Self>, request: &Request) -> Result<Permit, Limit> {
        let mut held = self.lock();
        if held.permits.len() >= self.limit && !held.permits.contains_key(&request.call_id) {
            return Err(Limit::Instance);
        }
        Ok(self.insert(&mut held, request))
    }

    fn insert(self: &Arc<Self>, held: &mut Held, request: &Request) -> Permit {
        let entry = held.permits.entry(request.call_id.clone()).or_insert_with(|| Entry { request: request.clone(), permits: 0 });
        entry.permits += 1;
        Permit { book: Arc::clone(self), call_id: request.call_id.clone(), shared: true }
    }

    async fn ask(&self, request: &Request) -> Result<Verdict, LiveError> {
        self.state.admit(&self.shared(request)).await
    }

    /// The limit of agent or tenant that this instance alone has reached, the request counted.
    fn own_limit(&self, request: &Request) -> Option<Limit> {
        let held = self.lock();
        let count = |same: fn(&Request, &Request) -> bool| held.permits.values().filter(|entry| same(&entry.request, request)).count();
        let over = |limit: Option<u32>, count: usize| limit.is_some_and(|limit| count > limit as usize);
        if over(request.limits.agent, count(|a, b| a.agent_id == b.agent_id)) {
            return Some(Limit::Agent);
        }
        over(request.limits.tenant, count(|a, b| a.tenant == b.tenant)).then_some(Limit::Tenant)
    }

    fn shared(&self, request: &Request) -> PermitRequest {
        PermitRequest {
            call_id: request.call_id.clone(),
            instance: self.instance.clone(),
            agent_id: request.agent_id.clone(),
            tenant: request.tenant.clone(),
            limits: request.limits,
        }
    }

    /// Takes one permit back; true when it was the call's last, and its place is free.
    fn free(&self, call_id: &str) -> bool {
        let mut held = self.lock();
        let Some(entry) = held.permits.get_mut(call_id) else { return false };
        entry.permits -= 1;
        let last = entry.permits == 0;
        if last {
            held.permits.remove(call_id);
        }
        last
    }

    /// Gives a call's permit back to the shared book, and lets waiting callers have it. What fails is made good with the next heartbeat.
    async fn give_back(&self, call_id: &str) {
        {
            let _in_order = self.stripe(call_id).lock().await;
            // Admitted again meanwhile: the shared book's permit is the new one's.
            if self.lock().permits.contains_key(call_id) || self.state.release(call_id, &self.instance).await.is_err() {
                return;
            }
        }
        if let Err(fault) = self.state.serve_queue().await {
            debug!(error = %fault, "waiting callers hear of the free place at the next look");
        }
    }
}

impl Permit {
    /// Frees the place of the own book only: the shared one refused, and never had it.
    fn forget(mut self) {
        self.shared = false;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.book.free(&self.call_id) && self.shared && self.book.releases.try_send(self.call_id.clone()).is_err() {
            warn!("a permit could not be given back to the shared book: too many are on their way");
        }
    }
}

/// Gives permits back, some at once.
async fn give_back(book: std::sync::Weak<Book>, mut waiting: mpsc::Receiver<String>) {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(call_id) = waiting.recv().await {
        let Ok(turn) = Arc::clone(&at_once).acquire_owned().await else { return };
        let Some(book) = book.upgrade() else { return };
        tokio::spawn(async move {
            book.give_back(&call_id).await;
            drop(turn);
        });
    }
}

#[cfg(test)]
mod tests {
    use live::{Beat, InProcess, Rules};

    use super::*;

    fn request(call_id: &str, agent: &str, limit: Option<u32>) -> Request {
        Request { call_id: call_id.into(), agent_id: agent.into(), tenant: "t".into(), limits: Limits { agent: limit, tenant: None } }
    }

    async fn admission(limit: u32) -> (Admission, Arc<InProcess>) {
        let state = Arc::new(InProcess::new(Rules::default()));
        let instance = InstanceName::new("a").unwrap();
        state.beat(&Beat { instance: instance.clone(), limit, draining: false, url: None }).await.unwrap();
        let (admission, work) = Admission::new(state.clone(), instance, limit as usize);
        tokio::spawn(work);
        (admission, state)
    }

    /// Permits come back through a task.
    async fn eventually(admission: &Admission, wanted: &Request) -> Permit {
        loop {
            if let Ok(permit) = admission.admit(wanted).await {
                return permit;
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_the_permit_is_dropped() {
        let (admission, _) = admission(1).await;
        let permit = admission.admit(&request("1", "a", None)).await.unwrap();
        assert_eq!(admission.admit(&request("2", "a", None)).await.unwrap_err(), Limit::Instance);
        assert_eq!(admission.taken(), 1);
        drop(permit);
        let _second = eventually(&admission, &request("2", "a", None)).await;
    }

    #[tokio::test]
    async fn an_agents_limit_refuses_and_takes_nothing() {
        let (admission, _) = admission(5).await;
        let _first = admission.admit(&request("1", "a", Some(1))).await.unwrap();
        assert_eq!(admission.admit(&request("2", "a", Some(1))).await.unwrap_err(), Limit::Agent);
        assert_eq!(admission.taken(), 1);
        let _other = admission.admit(&request("3", "b", Some(1))).await.unwrap();
    }

    #[tokio::test]
    async fn a_call_that_asks_again_keeps_one_place() {
        let (admission, _) = admission(1).await;
        let first = admission.admit(&request("1", "a", None)).await.unwrap();
        let second = admission.admit(&request("1", "a", None)).await.unwrap();
        drop(first);
        assert_eq!(admission.taken(), 1, "the second permit holds the place");
        assert_eq!(admission.admit(&request("2", "a", None)).await.unwrap_err(), Limit::Instance);
        drop(second);
        let _next = eventually(&admission, &request("2", "a", None)).await;
    }
}
