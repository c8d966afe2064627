//! A caller is on the way to a person, or talks with one: what the carrier tells of it, and what follows.

use std::time::Duration;

use call::{CallRecord, Dial, EndReason, NextStep, Timestamp};
use store::StoreError;
use telephony::DialOutcome;
use tracing::info;

use crate::state::App;

/// What the carrier tells of a transfer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// How it came out.
    pub(super) outcome: DialOutcome,
    /// The caller is not there any more.
    pub(super) caller_left: bool,
    /// The carrier has dialled, and tells of that by itself: what it told before is old news. False: it will tell that once more.
    pub(super) was_dialled: bool,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    /// The call is over.
    End,
    /// The caller is there and reached nobody: the agent goes on.
    Agent,
}

/// Stores what became of a transfer. A call that has ended stays so; but that its caller hung up may have been told before it was told that the
/// person was reached.
pub(super) async fn told(app: &App, record: &CallRecord, dial: &Dial, told: Told) -> Result<Follows, StoreError> {
    match told.outcome {
        _ if dial.bridged.is_some() => reached(app, record, dial, talked(dial, told.outcome)).await,
        DialOutcome::Reached { talked_secs } => reached(app, record, dial, talked_secs).await,
        DialOutcome::Unreached(_) if record.ended_at.is_some() => Ok(Follows::End),
        DialOutcome::Unreached(_) if told.caller_left => hung_up(app, record, dial).await,
        DialOutcome::Unreached(why) => {
            info!(call.id = %record.id, ?why, "nobody was reached: the agent goes on with the caller");
            let next = NextStep::Unreached { why, stream: dial.stream.clone().filter(|_| told.was_dialled) };
            app.services.records.set_next(record.id, &next).await?;
            Ok(Follows::Agent)
        }
    }
}

/// The carrier says that the caller's line is down, while no agent was there.
pub(super) async fn line_down(app: &App, record: &CallRecord, dial: &Dial) -> Result<(), StoreError> {
    match dial.bridged {
        Some(_) => reached(app, record, dial, None).await.map(drop),
        None => hung_up(app, record, dial).await.map(drop),
    }
}

/// Caller and person are connected. Told after the end, it says how the call ended.
pub(super) async fn bridged(app: &App, record: &CallRecord, dial: Dial, at: Timestamp) -> Result<(), StoreError> {
    if record.ended_at.is_some() {
        return app.services.records.end_transfer(record.id, Timestamp::now()).await;
    }
    if dial.bridged.is_some() {
        return Ok(());
    }
    app.services.records.set_next(record.id, &NextStep::Dial(Dial { bridged: Some(at), ..dial })).await
}

/// Where the carrier does not count it, it is counted from when the two were connected.
fn talked(dial: &Dial, outcome: DialOutcome) -> Option<u64> {
    if let DialOutcome::Reached { talked_secs: Some(secs) } = outcome {
        return Some(secs);
    }
    u64::try_from(Timestamp::now().duration_since(dial.bridged?).as_secs()).ok()
}

async fn reached(app: &App, record: &CallRecord, dial: &Dial, talked_secs: Option<u64>) -> Result<Follows, StoreError> {
    // The end first: who dies in between leaves a call that is over.
    app.services.records.end_transfer(record.id, Timestamp::now()).await?;
    app.services.records.set_next(record.id, &NextStep::Transferred { talked_secs }).await?;
    info!(call.id = %record.id, talked_secs, "the transfer is over");
    count(app, record, dial, EndReason::Transferred);
    Ok(Follows::End)
}

async fn hung_up(app: &App, record: &CallRecord, dial: &Dial) -> Result<Follows, StoreError> {
    app.services.records.end_call(record.id, Timestamp::now(), EndReason::CallerHungUp).await?;
    count(app, record, dial, EndReason::CallerHungUp);
    Ok(Follows::End)
}

/// Counts the conversation, once: the agent's part of it ended when the transfer began.
fn count(app: &App, record: &CallRecord, dial: &Dial, why: EndReason) {
    let (Some(answered), None) = (record.answered_at, record.ended_at) else { return };
    let talked = Duration::try_from(dial.since.unwrap_or(answered).duration_since(answered)).unwrap_or_default();
    app.services.recorder.call_ended(record.agent_id, why, talked);
}
