//! The waiting room: callers of this instance who wait for an agent, each on its own socket.
//!
//! The queue itself is shared (`live`). Here is who of it sits on this instance, and the work that tells them where they stand and lets them go
//! on when a permit is theirs. Hints say that something is new; a look once a second is the truth.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use live::{Enqueued, Grant, Leaving, LiveError, LiveState, NewQueueEntry, Place};
use telemetry::CallRecorder;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::admit::{Admission, Permit, Request};
use crate::step::InStep;

/// How often the queue is looked at without a hint.
const LOOK: Duration = Duration::from_secs(1);
/// A caller who is neither waiting nor granted for this long has been taken out.
const TAKEN_OUT: Duration = Duration::from_secs(3);

/// What a waiting caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Where it stands.
    Waiting(Place),
    /// It is served now: its permit is in [`WaitingRoom::leave`].
    Granted,
    /// An operator took it out.
    Removed,
}

/// How a waiting caller is told.
pub type Tell = Box<dyn Fn(News) + Send + Sync>;

/// The callers who wait on this instance.
#[derive(Clone)]
pub struct WaitingRoom(Arc<Room>);

struct Room {
    state: Arc<dyn LiveState>,
    admission: Admission,
    recorder: CallRecorder,
    in_step: InStep,
    seats: Mutex<HashMap<String, Seat>>,
}

struct Seat {
    entry: NewQueueEntry,
    since: Instant,
    /// Set when the caller's socket is there.
    tell: Option<Tell>,
    permit: Option<Permit>,
    /// Where it stood last.
    place: Option<Place>,
    /// Since when it is neither waiting nor granted.
    missing: Option<Instant>,
}

impl WaitingRoom {
    /// An empty room.
    pub fn new(state: Arc<dyn LiveState>, admission: Admission, recorder: CallRecorder, in_step: InStep) -> Self {
        Self(Arc::new(Room { state, admission, recorder, in_step, seats: Mutex::default() }))
    }

    /// A caller joins the queue; its socket will come. Errors: live state is not reachable, so there is no queue to join.
    pub async fn join(&self, entry: NewQueueEntry) -> Result<Enqueued, LiveError> {
        let call_id = entry.call_id.clone();
        let remembered = NewQueueEntry { queued_at: Some(wall_clock()), ..entry.clone() };
        // The seat first: what is granted at once must find it.
        let new = self.take_seat(&call_id, remembered);
        let enqueued = self.0.state.enqueue(&entry).await;
        match &enqueued {
            Ok(Enqueued::Queued(place) | Enqueued::Already(place)) => self.note_place(&call_id, *place),
            Ok(Enqueued::Full) | Err(_) if new => drop(self.seats().remove(&call_id)),
            Ok(Enqueued::Full) | Err(_) => {}
        }
        if matches!(enqueued, Ok(Enqueued::Queued(_))) {
            self.0.recorder.queued();
        }
        enqueued
    }

    /// True when the caller had no seat here.
    fn take_seat(&self, call_id: &str, entry: NewQueueEntry) -> bool {
        let mut seats = self.seats();
        let new = !seats.contains_key(call_id);
        if new {
            let seat = Seat { entry, since: Instant::now(), tell: None, permit: None, place: None, missing: None };
            seats.insert(call_id.to_owned(), seat);
        }
        new
    }

    fn note_place(&self, call_id: &str, place: Place) {
        if let Some(seat) = self.seats().get_mut(call_id) {
            seat.place = Some(place);
        }
    }

    /// The caller's socket is there: from now on it is told where it stands. `None` when it is not waiting here; else where it stood last, when
    /// that is known.
    pub fn sit(&self, call_id: &str, tell: Tell) -> Option<Option<Place>> {
        let mut seats = self.seats();
        let seat = seats.get_mut(call_id)?;
        seat.tell = Some(tell);
        Some(seat.place)
    }

    /// The caller gets up: with the permit it was granted, or without.
    pub fn leave(&self, call_id: &str) -> Option<Permit> {
        self.seats().remove(call_id)?.permit
    }

    /// The same for a caller who was told that it is served; somebody else keeps its seat.
    pub fn leave_if(&self, call_id: &str, granted: bool) -> Option<Permit> {
        granted.then(|| self.leave(call_id)).flatten()
    }

    /// The caller's socket is gone and it may come back, here or elsewhere: it keeps its place for a while, and is not granted meanwhile.
    pub async fn let_go(&self, call_id: &str) {
        let Some(seat) = self.seats().remove(call_id) else { return };
        let was_granted = seat.permit.is_some();
        drop(seat.permit);
        // Who was granted and cannot come now has left the queue: it goes back to where it stood.
        if was_granted && self.0.state.enqueue(&seat.entry).await.is_err() {
            return;
        }
        let orphan = NewQueueEntry { holder: None, ..seat.entry };
        if let Err(fault) = self.0.state.enqueue(&orphan).await {
            debug!(error = %fault, "a waiting call without a socket is told with the next heartbeat");
        }
    }

    /// The caller gets up and leaves the queue for good.
    pub async fn give_up(&self, call_id: &str, why: Leaving) {
        if self.seats().remove(call_id).is_none() {
            return;
        }
        self.0.recorder.left_queue(why_left(why));
        if let Err(fault) = self.0.state.remove(call_id, why).await {
            debug!(error = %fault, "that a caller left is told with the next heartbeat");
        }
    }

    /// The carrier says that a call whose socket was let go is over: nobody comes back for its place.
    pub async fn gone(&self, call_id: &str) {
        match self.0.state.remove(call_id, Leaving::Abandoned).await {
            Ok(true) => self.0.recorder.left_queue(telemetry::LeftQueue::Abandoned),
            Ok(false) => {}
            Err(fault) => warn!(error = %fault, "a caller who left is still in the queue: its place runs out with the resume window"),
        }
    }

    /// True for a caller who waits here.
    pub fn has(&self, call_id: &str) -> bool {
        self.seats().contains_key(call_id)
    }

    /// Callers who wait here.
    pub fn len(&self) -> usize {
        self.seats().len()
    }

    /// True when nobody waits here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Enters all of them again: live state was lost, or this instance was cut off. They keep their places, by the time they began to wait.
    pub async fn tell_all(&self) -> Result<usize, LiveError> {
        let entries: Vec<_> = self.seats().values().filter(|seat| seat.permit.is_none()).map(|seat| seat.entry.clone()).collect();
        for entry in &entries {
            self.0.state.enqueue(entry).await?;
        }
        Ok(entries.len())
    }

    /// Looks once: takes up what was granted, and tells everybody else where they stand.
    pub async fn look(&self, grants: &[Grant]) {
        for grant in grants {
            self.take_up(grant).await;
        }
        if self.is_empty() {
            return;
        }
        let instance = self.0.admission.instance();
        let served = self.0.state.serve_queue().await;
        match (served, self.0.state.places(instance).await) {
            (Ok(_), Ok(places)) => self.tell_places(&places.into_iter().collect()),
            (Err(fault), _) | (_, Err(fault)) => self.go_on_alone(&fault).await,
        }
    }

    /// The next look is due after this time, when no hint comes first.
    pub const LOOK: Duration = LOOK;

    async fn take_up(&self, grant: &Grant) {
        let call_id = &grant.entry.call_id;
        let seat = self.seats().get(call_id).map(|seat| (seat.request(), seat.tell.is_some() && seat.permit.is_none()));
        let request = match seat {
            Some((request, true)) => request,
            // Its socket is not there yet: the lease gives it time.
            Some((_, false)) => return,
            // Nobody sits here under this name: an answer was lost, or the webhook was given up half way.
            None => {
                drop(self.0.state.remove(call_id, Leaving::Removed).await);
                return;
            }
        };
        match self.0.state.take_up(call_id, self.0.admission.instance()).await {
            Ok(Some(waited)) => {
                let permit = self.0.admission.adopt(&request);
                self.0.recorder.promoted(waited);
                self.grant(call_id, permit);
            }
            Ok(None) => self.0.recorder.grant_lapsed(),
            Err(fault) => debug!(error = %fault, "a grant could not be taken up: the caller waits on at its place"),
        }
    }

    /// Hands a permit to a seated caller. Somebody who has just got up drops it.
    fn grant(&self, call_id: &str, permit: Permit) {
        if let Some(seat) = self.seats().get_mut(call_id) {
            seat.permit = Some(permit);
            seat.say(News::Granted);
        }
    }

    fn tell_places(&self, places: &HashMap<String, Place>) {
        // Out of step, live state does not know of everybody who waits here.
        let sure = self.0.in_step.holds();
        for (call_id, seat) in self.seats().iter_mut().filter(|(_, seat)| seat.permit.is_none()) {
            match places.get(call_id) {
                Some(place) => {
                    (seat.missing, seat.place) = (None, Some(*place));
                    seat.say(News::Waiting(*place));
                }
                // It may have been granted between two questions: a later look knows.
                None if sure => {
                    if seat.missing.get_or_insert_with(Instant::now).elapsed() >= TAKEN_OUT {
                        seat.say(News::Removed);
                    }
                }
                None => seat.missing = None,
            }
        }
    }

    /// Live state is gone: places that are free here are given to who has waited here longest.
    async fn go_on_alone(&self, fault: &LiveError) {
        warn!(error = %fault, waiting = self.len(), "the queue cannot be reached: this instance serves its own waiting callers");
        loop {
            let next = {
                let seats = self.seats();
                let mut waiting: Vec<_> = seats.values().filter(|seat| seat.tell.is_some() && seat.permit.is_none()).collect();
                waiting.sort_by_key(|seat| (std::cmp::Reverse(seat.entry.priority), seat.since));
                waiting.first().map(|seat| (seat.entry.call_id.clone(), seat.request(), seat.since))
            };
            let Some((call_id, request, since)) = next else { return };
            let Ok(permit) = self.0.admission.admit(&request).await else { return };
            self.0.recorder.promoted(since.elapsed());
            self.grant(&call_id, permit);
        }
    }

    fn seats(&self) -> std::sync::MutexGuard<'_, HashMap<String, Seat>> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    fn request(&self) -> Request {
        let entry = &self.entry;
        Request { call_id: entry.call_id.clone(), agent_id: entry.agent_id.clone(), tenant: entry.tenant.clone(), limits: entry.limits }
    }

    fn say(&self, news: News) {
        if let Some(tell) = &self.tell {
            tell(news);
        }
    }
}

fn why_left(why: Leaving) -> telemetry::LeftQueue {
    match why {
        Leaving::Abandoned => telemetry::LeftQueue::Abandoned,
        Leaving::Callback => telemetry::LeftQueue::Callback,
        Leaving::Removed => telemetry::LeftQueue::Removed,
    }
}

fn wall_clock() -> f64 {
    call::Timestamp::now().as_duration().as_secs_f64()
}
