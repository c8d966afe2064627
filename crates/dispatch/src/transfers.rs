//! Callers who were put through, and of whom nothing was heard any more.

use std::time::Duration;

use call::{EndReason, NextStep, Timestamp};
use store::{Records, StoreError};
use telemetry::CallRecorder;
use tracing::info;

use crate::aftermath::PAGE;

/// Twilio and Telnyx let two people talk no longer where they were told no limit (`timeLimit` of `<Dial>`, `time_limit_secs` of a transfer: 14400 s).
const TALK_LIMIT: Duration = Duration::from_secs(4 * 3600);
/// The carriers count from the answer, we from before it rang (Telnyx lets it ring for 600 s at most).
const RING_LIMIT: Duration = Duration::from_secs(600);
/// A transfer whose end the carrier did not tell in this time is closed.
pub const TRANSFER_LIMIT: Duration = TALK_LIMIT.saturating_add(RING_LIMIT);

/// Closes the transfers of which nothing was heard for [`TRANSFER_LIMIT`].
pub(crate) async fn close_transfers(records: &dyn Records, recorder: &CallRecorder, now: Timestamp) -> Result<(), StoreError> {
    let latest = now - TRANSFER_LIMIT;
    for record in records.transfers(latest, PAGE).await? {
        let next = records.next_step(record.carrier, &record.carrier_call_id).await?;
        let since = if let Some(NextStep::Dial(dial)) = next { dial.since } else { None };
        let since = since.unwrap_or(record.offered_at);
        if since > latest {
            continue;
        }
        info!(call.id = %record.id, "a transfer whose end was never told is closed in the records");
        records.end_call(record.id, now, EndReason::TransferLost).await?;
        let talked = record.answered_at.and_then(|answered| Duration::try_from(since.duration_since(answered)).ok());
        recorder.call_ended(record.agent_id, EndReason::TransferLost, talked.unwrap_or_default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use call::{AgentId, CallId, CallRecord, CallStatus, Carrier, Dial, Direction, PhoneNumber, TenantId};
    use store::{Database, SqlRecords};
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn record() -> CallRecord {
        CallRecord {
            id: CallId(Uuid::from_u128(1)),
            tenant: TenantId::DEFAULT,
            carrier: Carrier::Twilio,
            carrier_call_id: "CA1".into(),
            direction: Direction::Inbound,
            from: PhoneNumber::new("+15005550006"),
            to: PhoneNumber::new("+15005550001"),
            agent_id: AgentId(Uuid::from_u128(7)),
            agent_name: "receptionist".into(),
            status: CallStatus::Ringing,
            offered_at: at(0),
            answered_at: None,
            ended_at: None,
            end_reason: None,
            recording: None,
        }
    }

    #[tokio::test]
    async fn a_transfer_whose_end_is_never_told_is_closed_after_four_hours_and_the_ringing_and_no_minute_before() {
        let records = SqlRecords::new(Database::in_memory().await.unwrap());
        let call = records.open_call(&record()).await.unwrap();
        records.answer_call(call.id, at(2), None).await.unwrap();
        // The caller had waited and talked for ten minutes.
        let dial = Dial::new(PhoneNumber::new("+15005550009"), "en-US".into(), at(600), None);
        records.set_next(call.id, &NextStep::Dial(dial)).await.unwrap();
        let after = async |secs: i64| {
            close_transfers(&records, &CallRecorder::new(), at(600 + secs)).await.unwrap();
            let call = records.call(call.id).await.unwrap().unwrap();
            (call.status, call.end_reason)
        };
        assert_eq!(after(4 * 3600 + 540).await, (CallStatus::Transferring, None));
        assert_eq!(after(4 * 3600 + 600).await, (CallStatus::Completed, Some(EndReason::TransferLost)));
    }
}
