//! An adapter and the [`Model`] side by side: the same steps, the same answers, the same state after each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use call::Timestamp;

use super::Stage;
use super::steps::{caller, entry, name, permit};
use crate::{
    Beat, CallEntry, Command, Inbox, InstanceName, Leaving, Limits, LiveState, Model, NewQueueEntry, PermitRequest, Place, Pulse,
    QueueEntry, QueueStats, Rules,
};

/// The rules for [`drive`]. Time passes in whole steps and nothing here is a whole number of them, nor is the minute that commands live: what has
/// run out is never decided by the real time that a run takes, which is seconds on a busy machine.
pub const DRIVE_RULES: Rules = Rules {
    instance_lease: tenths(155),
    registry_ttl: tenths(405),
    resume_window: tenths(305),
    queue_capacity: 5,
    ageing: tenths(203),
    grant_lease: tenths(55),
    service_threshold: tenths(105),
};
const STEP: Duration = Duration::from_secs(50);

/// Tenths of a step.
const fn tenths(count: u64) -> Duration {
    Duration::from_secs(5 * count)
}

/// One step: what is done, by which instance (`a` to `c`), to which call (`c0` to `c7`), and one more number whose meaning depends on the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    what: u8,
    instance: u8,
    call: u8,
    more: u8,
}

impl Op {
    /// Every four numbers are a step, so that any generator will do, and what it shrinks to is simpler.
    pub fn new([what, instance, call, more]: [u8; 4]) -> Self {
        Self { what, instance, call, more }
    }

    fn instance(self) -> InstanceName {
        name(["a", "b", "c"][usize::from(self.instance % 3)])
    }

    fn call(self) -> String {
        format!("c{}", self.call % 8)
    }

    fn limits(self) -> Limits {
        Limits { agent: (self.more & 1 == 0).then_some(2), tenant: (self.more & 2 == 0).then_some(3) }
    }

    fn entry(self) -> CallEntry {
        CallEntry { started_at: f64::from(self.more), ..entry(&self.call(), self.instance().as_str()) }
    }

    fn permit(self) -> PermitRequest {
        let agent_id = if self.more & 4 == 0 { "desk" } else { "night" };
        PermitRequest { agent_id: agent_id.into(), limits: self.limits(), ..permit(&self.call(), self.instance().as_str()) }
    }

    fn caller(self, wall: f64) -> NewQueueEntry {
        let instance = self.instance();
        NewQueueEntry {
            agent_id: self.permit().agent_id,
            priority: i32::from(self.more % 5) - 2,
            limits: self.limits(),
            // A quarter off the whole steps at which the others begin to wait.
            queued_at: (self.more >= 192).then(|| wall - STEP.as_secs_f64() * (f64::from(self.more % 16) + 0.25)),
            ..caller(&self.call(), (self.more & 24 != 24).then(|| instance.as_str()))
        }
    }

    fn leaving(self) -> Leaving {
        [Leaving::Abandoned, Leaving::Callback, Leaving::Removed][usize::from(self.more % 3)]
    }
}

/// The model with a clock: the real time since the start, and what was let pass.
struct Timed {
    model: Model,
    start: std::time::Instant,
    passed: Duration,
    /// Unix seconds of the start.
    wall: f64,
}

impl Timed {
    fn now(&self) -> i64 {
        i64::try_from((self.start.elapsed() + self.passed).as_micros()).unwrap()
    }

    fn wall(&self) -> f64 {
        self.wall + self.now() as f64 / 1e6
    }
}

/// Drives an empty stage that was opened with [`DRIVE_RULES`], and panics at the first step after which it differs from the model.
///
/// Times are compared within a step: both have clocks of their own.
pub async fn drive(stage: &dyn Stage, ops: &[Op]) {
    let state = stage.state();
    let wall = Timestamp::now().as_microsecond() as f64 / 1e6;
    let mut timed = Timed { model: Model::new(DRIVE_RULES), start: std::time::Instant::now(), passed: Duration::ZERO, wall };
    for (step, op) in ops.iter().enumerate() {
        let context = || format!("at step {step} ({}, {}) of {ops:?}", op.word(), op.call());
        let (found, expected) = apply(*op, stage, &state, &mut timed).await;
        assert_eq!(found, expected, "answer {}", context());
        let (found, expected) = (observe(&state).await, observe_model(&mut timed));
        assert_eq!(found.exact, expected.exact, "state {}", context());
        for (key, value) in &expected.times {
            let near = found.times.get(key).is_some_and(|found| found.abs_diff(*value) < millis(STEP));
            assert!(near, "{key}: {:?} ms, not {value} ms, {}", found.times.get(key), context());
        }
        assert_eq!(found.times.len(), expected.times.len(), "times {}", context());
    }
}

/// Does one step with both, and tells what both answered.
macro_rules! both {
    ($state:expr, $timed:expr, $method:ident($($argument:expr),*) -> $show:expr) => {{
        let found = $state.$method($($argument),*).await.unwrap();
        let now = $timed.now();
        let expected = $timed.model.$method(now, $($argument),*);
        let show = $show;
        (show(found), show(expected))
    }};
}

/// For answers whose `Debug` text is the same on both.
fn text<T: std::fmt::Debug>(answer: T) -> String {
    format!("{answer:?}")
}

impl Op {
    fn word(self) -> &'static str {
        const WORDS: [&str; 26] = [
            "advance",
            "beat",
            "beat",
            "enqueue",
            "enqueue",
            "enqueue",
            "serve",
            "take up",
            "take up",
            "admit",
            "admit",
            "release",
            "register",
            "unregister",
            "interrupt",
            "recover",
            "hold",
            "leave",
            "dequeue",
            "confirm",
            "remove",
            "clear",
            "offer",
            "take offer",
            "send",
            "inbox",
        ];
        WORDS[usize::from(self.what) % WORDS.len()]
    }
}

async fn apply(op: Op, stage: &dyn Stage, state: &Arc<dyn LiveState>, timed: &mut Timed) -> (String, String) {
    let (call, instance) = (&op.call(), &op.instance());
    match op.word() {
        "advance" => {
            let by = STEP * [1, 3, 6, 10, 16, 25, 31, 41][usize::from(op.more % 8)];
            stage.advance(by).await;
            timed.passed += by;
            (String::new(), String::new())
        }
        "beat" => {
            let limit = u32::from(op.more % 4);
            let beat = &Beat { instance: instance.clone(), limit, draining: op.more >= 224, url: None };
            both!(state, timed, beat(beat) -> pulse)
        }
        "enqueue" => {
            let caller = &op.caller(timed.wall());
            let found = state.enqueue(caller).await.unwrap();
            let (now, wall) = (timed.now(), timed.wall());
            let without_wait = |answer: crate::Enqueued| text(answer).split("expected_wait").next().unwrap_or_default().to_owned();
            (without_wait(found), without_wait(timed.model.enqueue(now, wall, caller)))
        }
        "serve" => both!(state, timed, serve_queue() -> text),
        "take up" => both!(state, timed, take_up(call, instance) -> |waited: Option<Duration>| text(waited.is_some())),
        "admit" => both!(state, timed, admit(&op.permit()) -> text),
        "release" => both!(state, timed, release(call, instance) -> text),
        "register" => both!(state, timed, register(&op.entry()) -> text),
        "unregister" => both!(state, timed, unregister(call, instance) -> text),
        "interrupt" => both!(state, timed, interrupt(call, instance) -> text),
        "recover" => both!(state, timed, recover(&[op.entry()]) -> text),
        "hold" => both!(state, timed, hold(&op.permit()) -> text),
        "leave" => both!(state, timed, leave(instance) -> text),
        "dequeue" => both!(state, timed, dequeue() -> |entry: Option<QueueEntry>| text(entry.map(|entry| entry.call_id))),
        "confirm" => both!(state, timed, confirm(call) -> text),
        "remove" => both!(state, timed, remove(call, op.leaving()) -> text),
        "clear" => both!(state, timed, clear() -> text),
        "offer" => both!(state, timed, share_offer(call, "offer", tenths(205)) -> text),
        "take offer" => both!(state, timed, take_offer(call) -> text),
        "send" => both!(state, timed, send(instance, &Command::Hangup { call_id: call.clone() }) -> text),
        _ => both!(state, timed, inbox(instance) -> |inbox: Inbox| text(inbox.commands)),
    }
}

fn pulse(pulse: Pulse) -> String {
    let abandoned: Vec<_> = pulse.abandoned.iter().map(|entry| (&entry.call_id, &entry.holder)).collect();
    let mut lost = pulse.lost.iter().map(text).collect::<Vec<_>>();
    lost.sort();
    text((pulse.known, lost, &pulse.given_up, abandoned))
}

/// What can be seen of a state: what must be equal, and times in ms, which may differ a little.
#[derive(Default)]
struct Seen {
    exact: Vec<String>,
    times: BTreeMap<String, u64>,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Seen {
    fn calls(&mut self, calls: Vec<CallEntry>, count: u64) {
        self.exact.push(text((calls, count)));
    }

    fn instances(&mut self, instances: Vec<crate::InstanceInfo>) {
        for info in instances {
            self.times.insert(format!("silence of {}", info.instance), millis(info.silent_for));
            self.exact.push(text((info.instance, info.limit, info.taken, info.draining)));
        }
    }

    fn line(&mut self, line: Vec<QueueEntry>, depth: u64) {
        let shown = line.iter().map(|entry| (&entry.call_id, &entry.agent_id, entry.priority, &entry.holder));
        self.exact.push(text((shown.collect::<Vec<_>>(), depth)));
    }

    fn places(&mut self, places: Vec<(String, Place)>) {
        for (call_id, place) in places {
            self.exact.push(text((&call_id, place.position, place.depth, place.expected_wait.is_some())));
            if let Some(wait) = place.expected_wait {
                self.times.insert(format!("expected wait of {call_id}"), millis(wait));
            }
        }
    }

    fn stats(&mut self, stats: QueueStats) {
        let QueueStats { wait_total_ms, wait_max_ms, oldest_ms, .. } = stats;
        for (key, value) in [("wait total", wait_total_ms), ("longest wait", wait_max_ms), ("oldest", oldest_ms)] {
            self.times.insert(key.to_owned(), value);
        }
        self.exact.push(text(QueueStats { wait_total_ms: 0, wait_max_ms: 0, oldest_ms: 0, ..stats }));
    }
}

async fn observe(state: &Arc<dyn LiveState>) -> Seen {
    let mut seen = Seen::default();
    seen.calls(state.active_calls().await.unwrap(), state.call_count().await.unwrap());
    seen.instances(state.instances().await.unwrap());
    seen.line(state.peek(0).await.unwrap(), state.depth().await.unwrap());
    for instance in ["a", "b", "c"].map(name) {
        seen.places(state.places(&instance).await.unwrap());
    }
    seen.stats(state.stats().await.unwrap());
    for call in 0..8 {
        seen.exact.push(text(state.offer(&format!("c{call}")).await.unwrap()));
    }
    seen
}

fn observe_model(timed: &mut Timed) -> Seen {
    let (now, model) = (timed.now(), &mut timed.model);
    let mut seen = Seen::default();
    seen.calls(model.active_calls(now), model.call_count(now));
    seen.instances(model.instances(now));
    seen.line(model.peek(now, 0), model.depth(now));
    for instance in ["a", "b", "c"].map(name) {
        seen.places(model.places(now, &instance));
    }
    seen.stats(model.stats(now));
    for call in 0..8 {
        seen.exact.push(text(model.offer(now, &format!("c{call}"))));
    }
    seen
}
