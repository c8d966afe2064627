//! The heartbeat: an instance says that it lives, hears who died, and enters its calls again when live state has lost them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use call::{CallId, CallRecord, Carrier, TenantId, Timestamp};
use live::{Beat, CallEntry, CallRegistry, Command, InstanceName, LiveError, LiveState, Pulse};
use store::Records;
use telemetry::CallRecorder;
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::admit::Admission;
use crate::drain::Drain;
use crate::step::InStep;
use crate::waiting::WaitingRoom;
use crate::{LiveCalls, Offers};

/// Everything a heartbeat touches.
pub struct Heart {
    /// Shared live state.
    pub state: Arc<dyn LiveState>,
    /// The registry with this instance's calls.
    pub registry: Arc<CallRegistry>,
    /// This instance's permits.
    pub admission: Admission,
    /// Its waiting callers.
    pub waiting: WaitingRoom,
    /// Its live calls.
    pub live: LiveCalls,
    /// Calls whose stream it expects.
    pub offers: Offers,
    /// Its way to a stop.
    pub drain: Drain,
    /// Call records.
    pub records: Arc<dyn Records>,
    /// Facts.
    pub recorder: CallRecorder,
    /// The address carriers reach this very instance by.
    pub url: Option<String>,
    /// Between two heartbeats.
    pub interval: Duration,
    /// A call of a dead instance may be taken up for this long.
    pub resume_window: Duration,
    /// Whether live state has what this instance has.
    pub in_step: InStep,
    /// How its three tasks talk.
    pub pulse: Pulsing,
}

/// What the tasks of a heart share.
pub struct Pulsing {
    pub(crate) began: Timestamp,
    recovered: AtomicBool,
    looking: Mutex<()>,
    wanted: Notify,
    to_look: Notify,
    beats: watch::Sender<u64>,
    pub(crate) found: mpsc::Sender<Pulse>,
    to_follow: Mutex<Option<mpsc::Receiver<Pulse>>>,
    /// Has a call's stream let go of it: it goes on over another instance's.
    pub let_go: OnceLock<LetGo>,
}

/// See [`Pulsing::let_go`].
pub type LetGo = Box<dyn Fn(CallId) + Send + Sync>;

impl Pulsing {
    /// What heartbeats found and what is to be done about it may wait; at the bound it is left to the look through the records.
    pub const FOUND: usize = 256;
    /// Calls of an earlier run that are looked for at start.
    pub const RECOVERED: u32 = 200;
    /// Out of step, it is tried again after this time.
    pub const AGAIN: Duration = Duration::from_secs(1);
}

impl Default for Pulsing {
    fn default() -> Self {
        let (found, to_follow) = mpsc::channel(Self::FOUND);
        Self {
            began: Timestamp::now(),
            recovered: AtomicBool::new(false),
            looking: Mutex::default(),
            wanted: Notify::new(),
            to_look: Notify::new(),
            beats: watch::Sender::new(0),
            found,
            to_follow: Mutex::new(Some(to_follow)),
            let_go: OnceLock::new(),
        }
    }
}

impl Heart {
    /// Beats, looks at the queue, and follows up what was found, each in its own time: a slow database must not cost a heartbeat.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let Some(found) = self.pulse.to_follow.lock().await.take() else { return };
        let work = async { tokio::join!(self.beats(), self.looks(), self.follow(found)) };
        tokio::select! {
            () = stop.cancelled() => {}
            _ = work => {}
        }
    }

    async fn beats(&self) {
        let mut drain = self.drain.watch();
        loop {
            self.beat().await;
            let pause = if self.in_step.holds() { self.interval } else { Pulsing::AGAIN };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // That it takes no more calls is to be known at once.
                Ok(()) = drain.changed() => {}
                () = self.pulse.wanted.notified() => {}
                // A moment, in which what failed may work again and more may fail.
                () = self.in_step.disturbed() => tokio::time::sleep(Pulsing::AGAIN).await,
            }
        }
    }

    async fn looks(&self) {
        let mut tick = tokio::time::interval(WaitingRoom::LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut hints = self.state.hints(self.admission.instance());
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                Ok(()) = hints.changed() => {}
                () = self.pulse.to_look.notified() => {}
            }
            self.look().await;
        }
    }

    /// Has the queue looked at soon.
    pub fn look_soon(&self) {
        self.pulse.to_look.notify_one();
    }

    /// Has a heartbeat made now, and waits for it a moment.
    pub async fn beat_soon(&self) {
        let mut beats = self.pulse.beats.subscribe();
        self.pulse.wanted.notify_one();
        // Whether it came or not, the caller goes on with what it finds then.
        let _ = tokio::time::timeout(Pulsing::AGAIN, beats.changed()).await;
    }

    /// One heartbeat; out of step, everything is told anew.
    pub async fn beat(&self) {
        let mark = self.in_step.mark();
        let was_in_step = self.in_step.holds();
        let beaten = self.tell(was_in_step, mark).await;
        self.recorder.live_state_up(beaten.is_ok());
        self.pulse.beats.send_modify(|beats| *beats += 1);
    }

    async fn tell(&self, was_in_step: bool, mark: u64) -> Result<(), LiveError> {
        if !was_in_step {
            self.begin_anew().await?;
        }
        let beat = Beat {
            instance: self.admission.instance().clone(),
            limit: u32::try_from(self.admission.limit()).unwrap_or(u32::MAX),
            draining: !self.drain.state().takes_calls(),
            url: self.url.clone(),
        };
        let pulse = self.state.beat(&beat).await?;
        let known = pulse.known;
        if self.pulse.found.try_send(pulse).is_err() {
            error!(limit = Pulsing::FOUND, "what a heartbeat found is left to the look through the records: too much is waiting");
        }
        if !was_in_step || !known {
            self.enter_all().await?;
            self.in_step.settled(mark);
        }
        Ok(())
    }

    /// What live state has of this instance is cleared: it may be of an earlier run, or of before it was out of reach. At first, the calls that an
    /// earlier run left open in the records are open for resume: their carriers may ask for them now.
    async fn begin_anew(&self) -> Result<(), LiveError> {
        let instance = self.admission.instance();
        self.state.leave(instance).await?;
        if self.pulse.recovered.load(Ordering::Relaxed) {
            return Ok(());
        }
        let open = self.records.open_calls(Some(instance.as_str()), Pulsing::RECOVERED).await.unwrap_or_else(|fault| {
            error!(error = %fault, "calls that the last run left open could not be read");
            Vec::new()
        });
        let earlier = open.iter().filter(|record| record.offered_at < self.pulse.began && !self.has(record));
        let entries: Vec<_> = earlier.map(|record| entry(record, instance)).collect();
        if !entries.is_empty() {
            info!(calls = entries.len(), "calls that the last run left open can be taken up again");
            self.state.recover(&entries).await?;
        }
        self.pulse.recovered.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Everything this instance has.
    async fn enter_all(&self) -> Result<(), LiveError> {
        let calls = self.registry.rewrite().await?;
        let permits = self.admission.tell_all().await?;
        let waiting = self.waiting.tell_all().await?;
        if calls > 0 || permits + waiting > 0 {
            info!(calls, permits, waiting, "everything this instance has was told to live state anew");
        }
        Ok(())
    }

    /// Whether the call is here, in whatever way.
    pub(crate) fn has(&self, record: &CallRecord) -> bool {
        self.live.contains(record.id)
            || self.offers.has(record.carrier, &record.carrier_call_id)
            || self.waiting.has(&record.carrier_call_id)
    }

    /// Looks at what waits for this instance, one look after the other.
    pub async fn look(&self) {
        let _alone = self.pulse.looking.lock().await;
        let inbox = match self.state.inbox(self.admission.instance()).await {
            Ok(inbox) => inbox,
            Err(_) if self.waiting.is_empty() => return,
            Err(_) => live::Inbox::default(),
        };
        for command in &inbox.commands {
            self.obey(command);
        }
        // An instance that takes no calls promotes nobody.
        if self.drain.state().takes_calls() {
            self.waiting.look(&inbox.grants).await;
        }
    }

    fn obey(&self, command: &Command) {
        match command {
            Command::Hangup { call_id } => {
                self.live.hang_up_by_carrier_id(call_id);
            }
            Command::OfferTaken { call_id, token_digest } => {
                for carrier in [Carrier::Twilio, Carrier::Telnyx] {
                    if self.offers.withdraw_if(carrier, call_id, token_digest).is_some() {
                        self.waiting.leave(call_id);
                    }
                }
            }
            Command::LetGo { call_id } => {
                if let (Some(id), Some(let_go)) = (self.live.id_of(call_id), self.pulse.let_go.get()) {
                    let_go(id);
                }
            }
        }
    }
}

/// A call as the registry knows it.
pub fn entry(record: &CallRecord, instance: &InstanceName) -> CallEntry {
    CallEntry {
        call_id: record.carrier_call_id.clone(),
        agent_id: record.agent_id.to_string(),
        started_at: record.offered_at.as_duration().as_secs_f64(),
        phone_number: Some(record.from.clone()).filter(|number| !number.digits().is_empty()),
        metadata: Some(metadata(record)),
        instance: instance.clone(),
    }
}

/// What the registry and the queue keep beside a call.
pub fn metadata(record: &CallRecord) -> BTreeMap<String, String> {
    let entries = [("provider", record.carrier.to_string()), ("session_id", record.id.to_string()), ("tenant", record.tenant.to_string())];
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whose call a registered one is.
pub fn tenant(entry: &CallEntry) -> TenantId {
    let named = entry.metadata.as_ref().and_then(|metadata| metadata.get("tenant"));
    named.and_then(|tenant| tenant.parse().ok()).unwrap_or(TenantId::DEFAULT)
}

/// Our own id of a registered call.
pub(crate) fn session_id(entry: &CallEntry) -> Option<CallId> {
    entry.metadata.as_ref()?.get("session_id")?.parse().ok()
}
