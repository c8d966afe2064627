//! An admitted call meets its socket: from the start of its stream to its end in the records.

use std::sync::Arc;
use std::time::Instant;

use agent::Exit;
use call::{CallEvent, EndReason, Timestamp};
use dispatch::{Continuation, LiveCall, Offer};
use session::{Ending, MediaSocket, Recordings, Session, SessionSetup};
use telephony::MediaStream;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error};

use crate::state::App;

/// Serves a call whose stream has started. Returns when everything the call held is free.
pub(crate) async fn serve<S: MediaSocket>(app: App, socket: S, stream: Box<dyn MediaStream>, offer: Box<Offer>) {
    let span = telemetry::call_span(offer.record.id, offer.record.carrier, &offer.agent.name);
    app.drain.track(run(app.clone(), socket, stream, offer)).instrument(span).await;
}

async fn run<S: MediaSocket>(app: App, socket: S, stream: Box<dyn MediaStream>, offer: Box<Offer>) {
    let Offer { record, agent, permit } = *offer;
    let (id, started, since) = (record.id, Instant::now(), Timestamp::now());
    let hangup = CancellationToken::new();
    let live = app.live.enter(LiveCall { record: record.clone(), since, hangup: hangup.clone() });
    app.services.recorder.record(&CallEvent::Answered { waited: std::time::Duration::ZERO });

    let recorded = app.services.recordings.is_some() && matches!(agent.kind, agent::AgentKind::Flow(_));
    let answered = tokio::spawn(store_answer(app.clone(), id, since, recorded).in_current_span());
    let setup = Box::new(SessionSetup {
        socket,
        stream,
        domain: app.domains.get(&agent.id).cloned(),
        seed: fastrand::u64(..),
        hangup,
        drain: app.drain.token(),
        on_end: continue_with(&app, &record, &agent.language),
        call: record,
        agent,
    });
    let ending = Session::serve(setup, Arc::clone(&app.services)).await;

    // The answer is stored before the end, or the end would find a call that was never answered.
    if answered.await.is_err() {
        error!("the task that stores the answer broke down");
    }
    if let Err(fault) = app.services.records.end_call(id, Timestamp::now(), ending.why).await {
        error!(error = %fault, "the end of the call could not be stored");
    }
    app.services.recorder.record(&CallEvent::Ended { why: ending.why, talked: started.elapsed() });
    drop(permit);
    drop(live); // Last: who sees no live call finds its whole record.
}

async fn store_answer(app: App, id: call::CallId, at: Timestamp, recorded: bool) {
    let recording = recorded.then(|| Recordings::relative_path(id));
    if let Err(fault) = app.services.records.answer_call(id, at, recording.as_deref()).await {
        error!(error = %fault, "the answer of the call could not be stored");
    }
}

/// Leaves word how the call goes on, for the carrier that asks the moment its stream is closed.
fn continue_with(app: &App, record: &call::CallRecord, language: &str) -> session::OnEnd {
    let (continuations, carrier, carrier_call_id) = (app.continuations.clone(), record.carrier, record.carrier_call_id.clone());
    let language = language.to_owned();
    Box::new(move |ending: &Ending| {
        let next = match (&ending.exit, ending.why) {
            (Some(Exit::Transfer { to }), EndReason::Transferred) => Continuation::Dial { number: to.clone(), language },
            _ => Continuation::Hangup,
        };
        continuations.set(carrier, &carrier_call_id, next);
    })
}
