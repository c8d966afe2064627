//! An answered call meets its socket: from the start of its stream to its end in the records.

mod hold;

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{AgentDefinition, AgentKind, Exit, TransferWhy};
use call::{CallRecord, Dial, EndReason, NextStep, PhoneNumber, Timestamp, Unreached};
use dispatch::{DrainState, LiveCall, LiveGuard, Offer, Permit, Place};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use session::{Ending, Interrupted, MediaSocket, Order, Recordings, Session, SessionSetup};
use store::{CallbackRequest, CallbackWhy};
use telemetry::DrainOutcome;
use telephony::MediaStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info};

use crate::orders::Ordered;
use crate::state::App;

/// A resumed call waits at most this long for what is known of it.
const PROGRESS_LIMIT: Duration = Duration::from_secs(2);

/// Metadata of a registered call: the carrier's name of its media stream, so that old news about an earlier one is known as such.
pub(crate) const STREAM_ID: &str = "stream_id";

/// A live call and everything it is known by.
struct Connected {
    record: CallRecord,
    /// The carrier's name of the stream.
    stream_id: String,
    agent: Arc<AgentDefinition>,
    resumed: bool,
    hangup: CancellationToken,
    orders: watch::Receiver<Order>,
    ordered: Ordered,
    live: LiveGuard,
}

/// Serves a call whose stream has started. Returns when everything the call held is free.
pub(crate) async fn serve<S: MediaSocket>(app: App, socket: S, stream: Box<dyn MediaStream>, stream_id: String, offer: Box<Offer>) {
    let span = telemetry::call_span(offer.record.id, offer.record.carrier, &offer.agent.name);
    app.drain.track(Box::pin(run(app.clone(), socket, stream, stream_id, offer))).instrument(span).await;
}

async fn run<S: MediaSocket>(app: App, socket: S, stream: Box<dyn MediaStream>, stream_id: String, offer: Box<Offer>) {
    let Offer { record, agent, place, resumed } = *offer;
    let waiting = matches!(place, Place::Waiting);
    let hangup = CancellationToken::new();
    let (orders, ordered) = app.orders.enter(record.id, waiting);
    let since = Timestamp::now();
    let live = app.live.enter(LiveCall { record: record.clone(), since, waiting, hangup: hangup.clone() });
    let mut call = Connected { record, stream_id, agent, resumed, hangup, orders, ordered, live };
    let (socket, stream, permit) = match place {
        Place::Permit(permit) => (socket, stream, permit),
        Place::Waiting => match hold::hold(&app, socket, stream, &mut call).await {
            Some(granted) => granted,
            None => return,
        },
    };
    converse(app, socket, stream, call, permit).await;
}

/// The conversation with the agent.
async fn converse<S: MediaSocket>(app: App, socket: S, stream: Box<dyn MediaStream>, call: Connected, permit: Permit) {
    let (record, started) = (&call.record, Instant::now());
    let agent_id = call.agent.id.to_string();
    if call.resumed {
        app.services.recorder.call_resumed();
    } else {
        app.services.recorder.call_started(&agent_id);
    }
    let (resume, unreached) = if call.resumed { tokio::join!(progress(&app, record), unreached(&app, record)) } else { (None, None) };
    let entry = enter(app.clone(), record.clone(), call.stream_id.clone(), Arc::clone(&call.agent), unreached.is_some());
    let entering = tokio::spawn(entry.in_current_span());
    // The answer is stored before the end, or the end would find a call that was never answered.
    let entered: Entered = entering.map(|entered| entered.is_ok()).boxed().shared();
    let setup = Box::new(SessionSetup {
        socket,
        stream,
        minds: app.directory.minds(&call.agent),
        domain: app.directory.domain(&call.agent),
        seed: fastrand::u64(..),
        hangup: call.hangup.clone(),
        orders: call.orders.clone(),
        resume,
        resumed: call.resumed,
        unreached,
        redaction: app.directory.redaction(record.tenant),
        on_end: on_end(&app, &call, entered.clone(), unreached.is_some()),
        call: record.clone(),
        agent: Arc::clone(&call.agent),
    });
    let ending = Session::serve(setup, app.services_of(&call.agent)).await;
    if !entered.await {
        error!("the task that enters the call broke down");
    }
    finish(&app, &call, &ending, started.elapsed()).await;
    drop(permit);
    if call.ordered.is_current() {
        app.registry.unregister_call(&call.record.carrier_call_id).await;
    }
    drop(call); // Last: who sees no live call finds its whole record.
}

/// Registry and records learn that an agent talks to the caller. `back`: from a transfer, which is over with that.
async fn enter(app: App, record: CallRecord, stream_id: String, agent: Arc<AgentDefinition>, back: bool) {
    let number = Some(record.from.clone()).filter(|number| !number.digits().is_empty());
    let mut metadata = dispatch::metadata(&record);
    metadata.insert(STREAM_ID.to_owned(), stream_id);
    app.registry.register_call(&record.carrier_call_id, &agent.id.to_string(), number, Some(metadata)).await;
    let recorded = app.services.recordings.is_some() && agent.keeps.recording && matches!(agent.kind, AgentKind::Flow(_));
    let recording = recorded.then(|| Recordings::relative_path(record.id));
    if let Err(fault) = app.services.records.answer_call(record.id, Timestamp::now(), recording.as_deref()).await {
        error!(error = %fault, "the answer of the call could not be stored");
    }
    if back {
        set_next(&app, record.id, &NextStep::Undecided).await;
    }
}

/// The call is this instance's.
pub(crate) async fn claim(app: &App, id: call::CallId) {
    if let Err(fault) = app.services.records.claim_call(id, app.instance().as_str()).await {
        error!(error = %fault, "who serves the call could not be stored");
    }
}

/// Where the conversation stood. Without it a resumed call begins anew.
async fn progress(app: &App, record: &CallRecord) -> Option<store::Progress> {
    match tokio::time::timeout(PROGRESS_LIMIT, app.services.records.progress(record.id)).await {
        Ok(Ok(progress)) => progress,
        Ok(Err(fault)) => {
            error!(error = %fault, "the conversation begins anew: where it stood could not be read");
            None
        }
        Err(_) => {
            error!(limit = ?PROGRESS_LIMIT, "the conversation begins anew: where it stood could not be read in time");
            None
        }
    }
}

/// Why the caller is back, when the last thing stored is that a transfer reached nobody.
async fn unreached(app: &App, record: &CallRecord) -> Option<TransferWhy> {
    let read = app.services.records.next_step(record.carrier, &record.carrier_call_id);
    match tokio::time::timeout(PROGRESS_LIMIT, read).await {
        Ok(Ok(Some(NextStep::Unreached { why, .. }))) => Some(match why {
            Unreached::Busy => TransferWhy::Busy,
            Unreached::NoAnswer => TransferWhy::NoAnswer,
            Unreached::Failed => TransferWhy::Failed,
        }),
        Ok(Ok(_)) => None,
        Ok(Err(fault)) => {
            error!(error = %fault, "whether the caller is back from a transfer could not be read");
            None
        }
        Err(_) => {
            error!(limit = ?PROGRESS_LIMIT, "whether the caller is back from a transfer could not be read in time");
            None
        }
    }
}

/// Whom the caller is put through to now. A browser cannot dial: its call is over.
fn put_through<'a>(record: &CallRecord, ending: &'a Ending) -> Option<&'a str> {
    match (ending.interrupted, &ending.exit, ending.why) {
        (None, Some(Exit::Transfer { to }), EndReason::Transferred) if !crate::console::is_browser_call(record) => Some(to),
        _ => None,
    }
}

/// Done when registry and records know that the call was answered; false when that broke down.
type Entered = Shared<BoxFuture<'static, bool>>;

/// Stores how the call goes on, for whichever instance the carrier asks the moment the stream is closed, and that it is over, unless the caller is
/// put through: who dies from here on leaves no call behind that looks as if it could be taken up again.
fn on_end(app: &App, call: &Connected, entered: Entered, back: bool) -> session::OnEnd {
    let (app, record, language) = (app.clone(), call.record.clone(), call.agent.language.clone());
    let stream_id = call.stream_id.clone();
    let is_current = call.ordered.watcher();
    Box::new(move |ending: Ending| {
        async move {
            if !is_current() || !is_claimed(&app, &record).await {
                return; // It goes on over another stream, which decides.
            }
            if back {
                entered.clone().await; // What it stores is older.
            }
            let next = match (ending.interrupted, put_through(&record, &ending)) {
                (Some(Interrupted::HandedOver), _) => NextStep::Resume,
                (Some(Interrupted::StreamLost), _) => return,
                (None, Some(to)) => NextStep::Dial(Dial::new(PhoneNumber::new(to), language, Timestamp::now(), Some(stream_id))),
                (None, None) => NextStep::Hangup,
            };
            if matches!(next, NextStep::Dial(_)) {
                withdraw_offer(&app, &record).await;
            }
            set_next(&app, record.id, &next).await;
            if next == NextStep::Hangup {
                entered.await;
                end_record(&app, &record, ending.why).await;
            }
        }
        .boxed()
    })
}

/// A repeated webhook of a call that is live has left an offer that nobody takes: it must not keep a place while the caller is with a person.
async fn withdraw_offer(app: &App, record: &CallRecord) {
    if app.offers.withdraw(record.carrier, &record.carrier_call_id).is_some() {
        app.waiting.give_up(&record.carrier_call_id, live::Leaving::Abandoned).await;
    }
}

/// True while no other instance has taken the call up. When that cannot be read, this one goes on as if none had.
async fn is_claimed(app: &App, record: &CallRecord) -> bool {
    if !app.shares_live_state() {
        return true;
    }
    let claimed = app.services.records.claimed_by(record.id).await;
    claimed.ok().flatten().is_none_or(|instance| instance == app.instance().as_str())
}

pub(crate) async fn set_next(app: &App, id: call::CallId, next: &NextStep) {
    if let Err(fault) = app.services.records.set_next(id, next).await {
        error!(error = %fault, "how the call goes on could not be stored");
    }
}

async fn finish(app: &App, call: &Connected, ending: &Ending, talked: Duration) {
    let (recorder, agent_id) = (&app.services.recorder, call.agent.id.to_string());
    if !call.ordered.is_current() || !is_claimed(app, &call.record).await {
        info!("the call goes on over another stream");
        return;
    }
    drain_outcome(app, call, ending);
    match ending.interrupted {
        // Its line broke, and the carrier has said meanwhile that this was the end.
        Some(Interrupted::StreamLost) if reported_over(app, &call.record).await => {
            end_record(app, &call.record, EndReason::CallerHungUp).await;
            recorder.call_ended(&agent_id, EndReason::CallerHungUp, talked);
        }
        Some(how) => {
            match how {
                Interrupted::HandedOver => recorder.call_handed_over(),
                Interrupted::StreamLost => recorder.call_interrupted(),
            }
            open_for_resume(app, &call.record).await;
        }
        None if put_through(&call.record, ending).is_some() => match left(app, &call.record).await {
            Left::PutThrough => recorder.call_put_through(),
            Left::HungUp => {
                end_record(app, &call.record, EndReason::CallerHungUp).await;
                recorder.call_ended(&agent_id, EndReason::CallerHungUp, talked);
            }
            Left::Undecided => open_for_resume(app, &call.record).await,
        },
        None => {
            if ending.why == EndReason::Drained {
                promise_callback(app, call, CallbackWhy::Drain).await;
            }
            end_record(app, &call.record, ending.why).await;
            recorder.call_ended(&agent_id, ending.why, talked);
        }
    }
}

/// How an agent has left a caller who is to be put through.
enum Left {
    /// The call is its carrier's.
    PutThrough,
    /// The carrier has said, while the agent was leaving, that the caller's line is down: it says nothing more.
    HungUp,
    /// Nobody knows whom to call: it could not be stored. The carrier asks, and the agent goes on.
    Undecided,
}

async fn left(app: &App, record: &CallRecord) -> Left {
    let records = &app.services.records;
    match tokio::join!(records.call(record.id), records.next_step(record.carrier, &record.carrier_call_id)) {
        (Ok(Some(now)), Ok(Some(NextStep::Dial(_)))) if now.status.is_final() && now.ended_at.is_none() => Left::HungUp,
        // What becomes of it may be there already.
        (Ok(_), Ok(Some(NextStep::Dial(_) | NextStep::Unreached { .. } | NextStep::Transferred { .. }))) => Left::PutThrough,
        (Ok(Some(now)), Ok(_)) if now.ended_at.is_some() => Left::PutThrough,
        (Err(fault), _) | (_, Err(fault)) => {
            error!(error = %fault, "whether the caller is being put through could not be read");
            Left::Undecided
        }
        _ => Left::Undecided,
    }
}

async fn reported_over(app: &App, record: &CallRecord) -> bool {
    matches!(app.services.records.call(record.id).await, Ok(Some(record)) if record.status.is_final())
}

/// What became of a call that was live while this instance stopped.
fn drain_outcome(app: &App, call: &Connected, ending: &Ending) {
    if app.drain.state() == DrainState::Running {
        return;
    }
    app.services.recorder.drain_outcome(match (ending.interrupted, ending.why) {
        (Some(_), _) => DrainOutcome::HandedOver,
        (None, EndReason::Drained) => DrainOutcome::Closed,
        (None, _) if call.hangup.is_cancelled() => DrainOutcome::Lost,
        (None, _) => DrainOutcome::Finished,
    });
}

/// The call is not over: whoever is asked by its carrier takes it up. If nobody is, the heartbeat closes its record.
async fn open_for_resume(app: &App, record: &CallRecord) {
    if app.registry.interrupt_call(&record.carrier_call_id).await {
        return;
    }
    let entry = dispatch::entry(record, app.instance());
    if let Err(fault) = app.live_state.recover(&[entry]).await {
        error!(error = %fault, "that the call is open for resume could not be told; its record stays open until this instance starts again");
    }
}

pub(crate) async fn end_record(app: &App, record: &CallRecord, why: EndReason) {
    if let Err(fault) = app.services.records.end_call(record.id, Timestamp::now(), why).await {
        error!(error = %fault, "the end of the call could not be stored");
    }
}

/// Ends a call that was open for resume: nobody takes it up any more. What an agent has talked in counts as a conversation.
pub(crate) async fn end_interrupted(app: &App, record: &CallRecord, why: EndReason) {
    end_record(app, record, why).await;
    if let Some(answered) = record.answered_at {
        let talked = Duration::try_from(Timestamp::now().duration_since(answered)).unwrap_or_default();
        app.services.recorder.call_ended(record.agent_id, why, talked);
    }
}

/// The caller was promised to be called back.
async fn promise_callback(app: &App, call: &Connected, why: CallbackWhy) {
    let number = call.record.from.clone();
    if session::callable(&number).is_none() {
        return; // Nothing was promised.
    }
    let request = CallbackRequest { call_id: call.record.id, agent_id: call.agent.id, number, at: Timestamp::now(), why };
    if let Err(fault) = app.services.records.add_callback(&request).await {
        error!(error = %fault, "a callback that was promised could not be stored");
    }
}
