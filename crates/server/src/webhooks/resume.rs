//! A media stream has ended: how does the call go on? With what was decided, or, when nobody knows why it ended, where it stopped.

use std::sync::Arc;
use std::time::Duration;

use agent::AgentDefinition;
use call::{CallRecord, EndReason, NextStep, Timestamp};
use live::{Command, InstanceName};
use store::{CallbackRequest, CallbackWhy, StoreError};
use telemetry::RefusedBecause;
use telephony::{Document, VoiceOffer};
use tracing::{error, info, warn};

use super::answer::Coming;
use super::transfer::{self, Follows, Told};
use super::{answer, elsewhere};
use crate::origin::Origin;
use crate::refusals::Refusal;
use crate::state::App;

/// A call that has to be resumed a third time within this time has a fault that will come again.
const LOOP_WINDOW: Duration = Duration::from_secs(60);
/// Resumes within [`LOOP_WINDOW`] that are tried.
const LOOP_RESUMES: usize = 2;

/// What the carrier's question says.
pub(super) struct After {
    pub(super) call: VoiceOffer,
    /// It asks after a transfer, and this became of it.
    pub(super) dialled: Option<Told>,
    pub(super) hop: u8,
}

/// The next document of a call whose stream, or transfer, is over.
pub(super) async fn next_document(app: &App, origin: &Origin, after: After) -> Document {
    match decided(app, origin, after).await {
        Ok(document) => document,
        Err(fault) => {
            error!(error = %fault, "a call cannot go on: its record could not be read or written");
            answer::say(answer::FAULT, "en-US")
        }
    }
}

/// The same, for whoever can be asked again.
///
/// # Errors
/// The call's record could not be read or written: nothing is said, and the call is as it was.
pub(super) async fn decided(app: &App, origin: &Origin, after: After) -> Result<Document, StoreError> {
    let (Some(record), next) = look_up(app, &after.call).await? else { return Ok(Document::Hangup) };
    let open = record.ended_at.is_none();
    Ok(match (next, after.dialled) {
        (Some(NextStep::Dial(dial)), Some(told)) => match transfer::told(app, &record, &dial, told).await? {
            Follows::Agent => resume(app, origin, record, after.hop, Why::Unreached).await?,
            Follows::End => Document::Hangup,
        },
        // Versions that did not say since when ended the record before the carrier asked.
        (Some(NextStep::Dial(dial)), None) if open || dial.since.is_none() => answer::dial(origin, &record, dial.number),
        (Some(NextStep::Dial(_) | NextStep::Hangup | NextStep::Transferred { .. }), _) => Document::Hangup,
        (_, Some(Told { caller_left: true, .. })) => Document::Hangup,
        // Told twice.
        (Some(NextStep::Unreached { .. }), Some(_)) if open => resume(app, origin, record, after.hop, Why::Unreached).await?,
        // The carrier did not dial at all: it brings the end of the stream before that again.
        (Some(NextStep::Unreached { stream: None, .. }), None) if open => resume(app, origin, record, after.hop, Why::Unreached).await?,
        (Some(NextStep::Unreached { .. }), None) if open && after.hop > 0 => resume(app, origin, record, after.hop, Why::Unreached).await?,
        (Some(NextStep::Resume), _) if open => resume(app, origin, record, after.hop, Why::HandedOver).await?,
        _ if open => resume(app, origin, record, after.hop, Why::Broken).await?,
        _ => Document::Hangup,
    })
}

/// Why a call is taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Nobody knows why its stream ended.
    Broken,
    /// It was let go on purpose.
    HandedOver,
    /// A transfer reached nobody. That stays stored until the agent is there and knows.
    Unreached,
}

async fn look_up(app: &App, call: &VoiceOffer) -> Result<(Option<CallRecord>, Option<NextStep>), StoreError> {
    let records = &app.services.records;
    let record = records.call_by_carrier(call.carrier, &call.carrier_call_id).await?;
    let next = records.next_step(call.carrier, &call.carrier_call_id).await?;
    Ok((record, next))
}

/// Takes the call up again: the same record, the same place, the same point of the conversation.
async fn resume(app: &App, origin: &Origin, record: CallRecord, hop: u8, why: Why) -> Result<Document, StoreError> {
    let Some(agent) = app.directory.get(record.agent_id) else {
        app.services.recorder.refused(RefusedBecause::NoAgent);
        crate::calls::end_interrupted(app, &record, EndReason::Failed).await;
        return Ok(answer::say(answer::FAULT, "en-US"));
    };
    if !agent.active {
        app.services.recorder.refused(RefusedBecause::AgentInactive);
        crate::calls::end_interrupted(app, &record, EndReason::Refused).await;
        return Ok(answer::say(answer::NO_AGENT, &agent.language));
    }
    if !app.drain.state().takes_calls() {
        let path = format!("/webhooks/{}/action", record.carrier);
        return Ok(match elsewhere::redirect(app, origin, &path, hop).await {
            Some(document) => document,
            None => {
                app.services.recorder.refused(RefusedBecause::Draining);
                closing(app, origin, &record, &agent).await
            }
        });
    }
    if why == Why::Unreached {
        return Ok(take_up(app, origin, record, agent, hop).await);
    }
    if why == Why::HandedOver || hop > 0 {
        // It was handed over in order, or is counted already by the instance that sent it here: that is no fault. The next break is one.
        crate::calls::set_next(app, record.id, &NextStep::Undecided).await;
        return Ok(take_up(app, origin, record, agent, hop).await);
    }
    if comes_again(&app.services.records.note_resume(record.id, Timestamp::now()).await?) {
        warn!(call.id = %record.id, "the call was resumed {LOOP_RESUMES} times within {LOOP_WINDOW:?}: it is ended politely");
        app.services.recorder.refused(RefusedBecause::ResumedTooOften);
        crate::calls::end_interrupted(app, &record, EndReason::Failed).await;
        return Ok(answer::refusal(app, origin, &agent, Refusal::Fault));
    }
    Ok(take_up(app, origin, record, agent, hop).await)
}

async fn take_up(app: &App, origin: &Origin, record: CallRecord, agent: Arc<AgentDefinition>, hop: u8) -> Document {
    info!(call.id = %record.id, "call taken up again");
    let before = app.services.records.claimed_by(record.id).await.ok().flatten();
    // An instance that has not noticed yet, because its line is half open, must not go on talking to nobody, and must not end the call.
    if let Some(other) = before.filter(|name| name != app.instance().as_str()).and_then(|name| InstanceName::new(&name).ok()) {
        let let_go = Command::LetGo { call_id: record.carrier_call_id.clone() };
        if let Err(fault) = app.live_state.send(&other, &let_go).await {
            warn!(error = %fault, "the instance that served the call was not told that it is taken up here");
        }
    }
    let path = format!("/webhooks/{}/action", record.carrier);
    answer::connect(app, origin, record, agent, Coming { resumed: true, priority: 0, path, hop }).await
}

fn comes_again(earlier: &[Timestamp]) -> bool {
    let now = Timestamp::now();
    let recent = |at: &&Timestamp| Duration::try_from(now.duration_since(**at)).is_ok_and(|ago| ago < LOOP_WINDOW);
    earlier.iter().filter(recent).count() >= LOOP_RESUMES
}

/// Nobody else is there to go on with the call: it is closed politely, and the caller is called back.
pub(super) async fn closing(app: &App, origin: &Origin, record: &CallRecord, agent: &Arc<AgentDefinition>) -> Document {
    app.services.recorder.refused(RefusedBecause::Draining);
    crate::calls::end_interrupted(app, record, EndReason::Drained).await;
    if session::callable(&record.from).is_none() {
        return answer::refusal(app, origin, agent, Refusal::Closing);
    }
    let number = record.from.clone();
    let request = CallbackRequest { call_id: record.id, agent_id: agent.id, number, at: Timestamp::now(), why: CallbackWhy::Drain };
    match app.services.records.add_callback(&request).await {
        Ok(()) => answer::refusal(app, origin, agent, Refusal::ClosingPromise),
        Err(fault) => {
            error!(error = %fault, "a callback could not be stored, so none is promised");
            answer::refusal(app, origin, agent, Refusal::Closing)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_resume_within_a_minute_is_a_loop() {
        let ago = |seconds: i64| Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
        assert!(!comes_again(&[]) && !comes_again(&[ago(5)]));
        assert!(comes_again(&[ago(50), ago(5)]));
        assert!(!comes_again(&[ago(500), ago(90), ago(5)]), "faults of long ago are other faults");
    }
}
