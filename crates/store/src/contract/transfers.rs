//! Calls that are put through to a person.

use std::sync::Arc;

use call::{CallStatus, Dial, EndReason, NextStep, PhoneNumber, Unreached};
use serde_json::json;

use super::{at, record};
use crate::{Progress, Records};

/// A transfer under way.
pub(super) fn dial() -> NextStep {
    NextStep::Dial(Dial::new(PhoneNumber::new("+15005550009"), "en-US".into(), at(5), Some("MZ1".into())))
}

/// A call that is being put through has a status of its own, keeps its progress, and is no call that an instance has lost.
pub async fn a_call_that_is_being_put_through_is_its_carriers(records: Arc<dyn Records>) {
    let call = records.open_call(&record(1)).await.unwrap();
    records.claim_call(call.id, "a").await.unwrap();
    records.answer_call(call.id, at(2), None).await.unwrap();
    let progress = Progress { snapshot: json!({"asked": "main"}), turns: 2, elapsed_ms: 9 };
    records.save_progress(call.id, &progress).await.unwrap();
    let status = async || records.call(call.id).await.unwrap().unwrap().status;
    let open = async || (records.open_calls(None, 9).await.unwrap().len(), records.open_calls(Some("a"), 9).await.unwrap().len());
    records.set_next(call.id, &dial()).await.unwrap();
    assert_eq!((status().await, open().await), (CallStatus::Transferring, (0, 0)));
    assert_eq!(records.transfers(at(1), 9).await.unwrap(), [], "it was not offered before that");
    assert_eq!(records.transfers(at(2), 9).await.unwrap().iter().map(|call| call.id).collect::<Vec<_>>(), [call.id]);
    records.report_status(call.carrier, &call.carrier_call_id, CallStatus::InProgress, "in-progress", at(3)).await.unwrap();
    assert_eq!(status().await, CallStatus::Transferring);
    assert_eq!(records.progress(call.id).await.unwrap(), Some(progress));
    let unreached = NextStep::Unreached { why: Unreached::Busy, stream: Some("MZ1".into()) };
    records.set_next(call.id, &unreached).await.unwrap();
    assert_eq!((status().await, open().await), (CallStatus::InProgress, (1, 1)));
    assert_eq!(records.transfers(at(2), 9).await.unwrap(), []);
    assert_eq!(records.next_step(call.carrier, &call.carrier_call_id).await.unwrap(), Some(unreached));
    records.end_call(call.id, at(9), EndReason::CallerHungUp).await.unwrap();
    records.set_next(call.id, &dial()).await.unwrap();
    assert_eq!(status().await, CallStatus::Completed, "a call that is over is not put through");
}

/// That the line is down may be told before it is told that the person was reached; any other end stands.
pub async fn a_transfer_ends_once_whatever_is_told_first(records: Arc<dyn Records>) {
    for (number, first, then) in [
        (1, None, EndReason::Transferred),
        (2, Some(EndReason::CallerHungUp), EndReason::Transferred),
        (3, Some(EndReason::Refused), EndReason::Refused),
    ] {
        let id = records.open_call(&record(number)).await.unwrap().id;
        records.answer_call(id, at(2), None).await.unwrap();
        records.set_next(id, &dial()).await.unwrap();
        if let Some(why) = first {
            records.end_call(id, at(8), why).await.unwrap();
        }
        records.end_transfer(id, at(9)).await.unwrap();
        records.end_call(id, at(10), EndReason::Failed).await.unwrap();
        let call = records.call(id).await.unwrap().unwrap();
        let ended = if first.is_some() { at(8) } else { at(9) };
        assert_eq!((call.end_reason, call.ended_at, call.status), (Some(then), Some(ended), CallStatus::Completed));
    }
    assert!(records.end_transfer(record(7).id, at(9)).await.is_err(), "there is no such call");
}
