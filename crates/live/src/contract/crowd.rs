//! Many callers at once on two instances, each a task of its own: whatever happens in whatever order, nobody is lost, doubled or one too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::{JoinSet, yield_now};

use super::steps::{beat, caller, line, name, permit, place, seconds};
use super::{Live, Stage};
use crate::{Enqueued, Leaving, Limits, NewQueueEntry, PermitRequest, Rules, Verdict};

/// The rules for [`crowd`]: a queue so short that it gets full.
pub const CROWD_RULES: Rules = Rules {
    instance_lease: Duration::from_secs(15),
    registry_ttl: Duration::from_secs(1800),
    resume_window: Duration::from_secs(60),
    queue_capacity: 12,
    ageing: Duration::from_secs(120),
    grant_lease: Duration::from_secs(5),
    service_threshold: Duration::from_secs(20),
};

const INSTANCES: [&str; 2] = ["a", "b"];
const ROOM: u32 = 4;
const LIMITS: Limits = Limits { agent: Some(3), tenant: Some(5) };

/// How a caller's call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Served,
    ServedFromTheQueue,
    Abandoned,
    Refused,
}

/// Who talks, as the callers themselves see it: never more than is permitted, since they enter after and leave before the permit.
#[derive(Default)]
struct Talking(Mutex<HashMap<String, u32>>);

impl Talking {
    fn enter(&self, permit: &PermitRequest) {
        let limits = [(permit.instance.as_str(), ROOM), (&permit.agent_id, 3), (&permit.tenant, 5)];
        let mut counts = self.0.lock().unwrap();
        for (who, limit) in limits {
            let count = counts.entry(who.to_owned()).or_default();
            *count += 1;
            assert!(*count <= limit, "{count} calls talk at {who}, the limit is {limit}");
        }
    }

    fn leave(&self, permit: &PermitRequest) {
        let mut counts = self.0.lock().unwrap();
        for who in [permit.instance.as_str(), &permit.agent_id, &permit.tenant] {
            *counts.entry(who.to_owned()).or_default() -= 1;
        }
    }
}

struct Person {
    /// How it behaves: any four numbers.
    nature: [u8; 4],
    permit: PermitRequest,
    /// One handle per instance.
    handles: [Live; 2],
    talking: Arc<Talking>,
}

impl Person {
    fn new(number: usize, nature: [u8; 4], handles: [Live; 2], talking: Arc<Talking>) -> Self {
        let instance = INSTANCES[usize::from(nature[0] % 2)];
        let agent_id = if nature[1].is_multiple_of(3) { "night" } else { "desk" };
        let permit = PermitRequest { agent_id: agent_id.into(), limits: LIMITS, ..permit(&format!("CA{number}"), instance) };
        Self { nature, permit, handles, talking }
    }

    fn state(&self) -> &Live {
        &self.handles[usize::from(self.permit.instance != name("a"))]
    }

    async fn calls(mut self) -> Outcome {
        linger(self.nature[2] % 16).await;
        if self.state().admit(&self.permit).await.unwrap() == Verdict::Admitted {
            self.talks().await;
            return Outcome::Served;
        }
        let entry = NewQueueEntry {
            agent_id: self.permit.agent_id.clone(),
            priority: i32::from(self.nature[1] % 4),
            limits: LIMITS,
            ..caller(&self.permit.call_id, Some(self.permit.instance.as_str()))
        };
        match self.state().enqueue(&entry).await.unwrap() {
            Enqueued::Full => Outcome::Refused,
            Enqueued::Already(_) => panic!("{} waited already", self.permit.call_id),
            Enqueued::Queued(place) => {
                assert!(place.position >= 1 && place.position <= place.depth);
                self.waits(entry).await
            }
        }
    }

    /// Until it is served or loses patience. Every third goes over to the other instance meanwhile; every fifth does not look for a while.
    async fn waits(&mut self, entry: NewQueueEntry) -> Outcome {
        for turn in 0..u16::from(self.nature[3] / 8) + 8 {
            if turn == 6 && self.nature[3].is_multiple_of(3) {
                self.permit.instance = name(INSTANCES[usize::from(self.permit.instance == name("a"))]);
                let again = NewQueueEntry { holder: Some(self.permit.instance.clone()), ..entry.clone() };
                assert!(matches!(self.state().enqueue(&again).await.unwrap(), Enqueued::Already(_)), "it lost its place");
            }
            let asleep = self.nature[2].is_multiple_of(5) && turn < 12;
            let grants = self.state().inbox(&self.permit.instance).await.unwrap().grants;
            let granted = grants.iter().any(|grant| grant.entry.call_id == self.permit.call_id);
            if granted && !asleep && self.takes_up().await {
                return Outcome::ServedFromTheQueue;
            }
            self.state().serve_queue().await.unwrap();
            linger(1 + self.nature[2] % 3).await;
        }
        assert!(self.state().remove(&self.permit.call_id, Leaving::Abandoned).await.unwrap(), "{} was lost", self.permit.call_id);
        Outcome::Abandoned
    }

    /// Between being shown the grant and taking it up, its lease may run out.
    async fn takes_up(&self) -> bool {
        linger(self.nature[1] % 4).await;
        if self.state().take_up(&self.permit.call_id, &self.permit.instance).await.unwrap().is_none() {
            return false;
        }
        self.talks().await;
        true
    }

    async fn talks(&self) {
        self.talking.enter(&self.permit);
        linger(4 + self.nature[3] % 32).await;
        self.talking.leave(&self.permit);
        assert!(self.state().release(&self.permit.call_id, &self.permit.instance).await.unwrap(), "its permit was taken away");
    }
}

async fn linger(turns: u8) {
    for _ in 0..turns {
        yield_now().await;
    }
}

/// Lets one caller per four numbers call, on a stage that was opened with [`CROWD_RULES`]. With `clock`, time passes while they do, so that
/// grants lapse.
pub async fn crowd(stage: &dyn Stage, natures: &[[u8; 4]], clock: bool) {
    let handles = [stage.state(), stage.second().await];
    for (instance, state) in INSTANCES.iter().zip(&handles) {
        beat(state, instance, ROOM).await;
    }
    let talking = Arc::new(Talking::default());
    let mut people = JoinSet::new();
    for (number, nature) in natures.iter().enumerate() {
        people.spawn(Person::new(number, *nature, handles.clone(), talking.clone()).calls());
    }
    let mut outcomes = Vec::new();
    while !people.is_empty() {
        while let Some(outcome) = people.try_join_next() {
            outcomes.push(outcome.unwrap());
        }
        if clock {
            stage.advance(seconds(2)).await;
        }
        for (instance, state) in INSTANCES.iter().zip(&handles) {
            beat(state, instance, ROOM).await;
        }
        assert!(handles[0].instances().await.unwrap().iter().all(|instance| instance.taken <= ROOM));
        linger(3).await;
    }
    check_books(&handles[0], natures.len(), &outcomes).await;
}

/// Every call ended once, everything is free again, and the numbers add up.
async fn check_books(state: &Live, calls: usize, outcomes: &[Outcome]) {
    let count = |outcome| outcomes.iter().filter(|found| **found == outcome).count() as u64;
    assert_eq!(outcomes.len(), calls);
    let stats = state.stats().await.unwrap();
    assert_eq!(stats.total_dequeued, count(Outcome::ServedFromTheQueue));
    assert_eq!(stats.abandoned, count(Outcome::Abandoned));
    assert_eq!(stats.total_queued, stats.total_dequeued + stats.abandoned);
    assert_eq!((stats.depth, line(state).await), (0, vec![]));
    for instance in INSTANCES {
        assert!(state.inbox(&name(instance)).await.unwrap().grants.is_empty());
    }
    assert!(state.instances().await.unwrap().iter().all(|instance| instance.taken == 0), "a permit was left behind");
}

/// Ageing for [`popped_in_order`]. No few steps of it are whole seconds, so that no two callers who come at different seconds are equal.
pub const ORDER_AGEING: Duration = Duration::from_millis(120_100);

/// Callers come with these priorities and pauses (seconds) before them, some leave again; who is left comes out as a plain sort says. The stage
/// was opened with [`ORDER_AGEING`], priorities lie within -4..=4.
pub async fn popped_in_order(stage: &dyn Stage, arrivals: &[(i8, u8, bool)]) {
    let state = stage.state();
    let (mut now, mut expected) = (0, Vec::new());
    for (number, (priority, pause, leaves)) in arrivals.iter().enumerate() {
        stage.advance(seconds(u64::from(*pause))).await;
        now += i64::from(*pause) * 1000;
        let call_id = format!("CA{number}");
        let entry = NewQueueEntry { priority: i32::from(*priority), ..caller(&call_id, None) };
        let place = place(state.enqueue(&entry).await.unwrap());
        // Milliseconds; entered later with the same score: behind.
        expected.push((now - i64::from(*priority) * 120_100, number, call_id.clone()));
        expected.sort();
        assert_eq!(expected[place.position as usize - 1].2, call_id);
        if *leaves {
            assert!(state.remove(&call_id, Leaving::Abandoned).await.unwrap());
            expected.retain(|(.., waiting)| *waiting != call_id);
        }
        assert_eq!(state.depth().await.unwrap(), expected.len() as u64);
    }
    let expected: Vec<_> = expected.into_iter().map(|(.., call_id)| call_id).collect();
    assert_eq!(line(&state).await, expected);
    assert_eq!(super::steps::served_in_order(&state).await, expected);
}
