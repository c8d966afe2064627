//! The leg of a person whom a caller is put through to: what is told of it decides how the caller's own call goes on.
//!
//! Unverified (telnyx.md 2 and 3 name the events, not their order): whether `call.bridged` comes for both legs or for one, and before or after a
//! hang-up of the other. So both are read, in any order and as often as they come.

use call::{CallRecord, Carrier, Dial, EndReason, NextStep, Timestamp, Unreached};
use telephony::DialOutcome;
use telephony::telnyx::webhook::CallControlKind;

use super::{Commands, Done, later, told_why};
use crate::origin::Origin;
use crate::state::App;
use crate::webhooks::transfer::{self, Told};

/// What the leg's state begins with.
const MARK: &str = "transfer";

/// Which leg it is: of which call, and of which of its transfers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leg {
    /// The caller's call.
    pub(super) call: String,
    /// When the transfer began, microseconds since 1970: another one of the same call began at another time.
    since: i64,
}

impl Leg {
    pub(super) fn of(call: &str, dial: &Dial) -> Self {
        Self { call: call.to_owned(), since: dial.since.map_or(0, Timestamp::as_microsecond) }
    }

    /// As the carrier keeps it for us.
    pub(super) fn write(&self) -> Vec<u8> {
        format!("{MARK} {} {}", self.since, self.call).into_bytes()
    }

    /// What [`Self::write`] wrote.
    pub(super) fn read(state: Option<&[u8]>) -> Option<Self> {
        let mut parts = std::str::from_utf8(state?).ok()?.splitn(3, ' ');
        let (mark, since, call) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        (mark == MARK && !call.is_empty()).then(|| Self { call: call.to_owned(), since })
    }
}

/// Takes an event of a person's leg; without one, of the caller's own call while it is connected with somebody.
pub(super) async fn of_leg(app: &App, origin: &Origin, commands: &Commands<'_>, leg: Option<&Leg>) -> Done {
    let event = commands.event;
    if !matches!(event.kind, CallControlKind::Bridged | CallControlKind::Hangup(_)) {
        return Done::Yes; // It rings, or is answered: the connection is told of by itself.
    }
    let (record, next) = match look_up(app, commands.call).await {
        Ok(Some(found)) => found,
        Ok(None) => return Done::Yes,
        Err(fault) => return later(&fault),
    };
    let is_this = |dial: &Dial| leg.is_none_or(|leg| leg.since == Leg::of(commands.call, dial).since);
    match (&event.kind, next) {
        (CallControlKind::Bridged, Some(NextStep::Dial(dial))) if is_this(&dial) => {
            let at = event.occurred_at.unwrap_or_else(Timestamp::now);
            let stored = transfer::bridged(app, &record, dial, at).await;
            stored.map_or_else(|fault| later(&fault), |()| Done::Yes)
        }
        (CallControlKind::Hangup(report), Some(NextStep::Dial(dial))) if is_this(&dial) => {
            let outcome = DialOutcome::of_status(report.status);
            over(app, origin, commands, record, Told { outcome, caller_left: false, was_dialled: true }).await
        }
        // Told again: the stream is asked for again under the same command id.
        (CallControlKind::Hangup(_), Some(NextStep::Unreached { why, .. })) if record.ended_at.is_none() => {
            let told = Told { outcome: DialOutcome::Unreached(why), caller_left: false, was_dialled: true };
            over(app, origin, commands, record, told).await
        }
        // Told again, because the carrier did not take what was commanded at its end.
        (CallControlKind::Hangup(_), Some(NextStep::Transferred { .. })) => commands.hangup().await,
        (CallControlKind::Hangup(_), Some(NextStep::Unreached { .. })) if !has_hung_up(&record) => told_why(app, commands, &record).await,
        _ => Done::Yes,
    }
}

/// The carrier will not dial: the agent goes on at once.
pub(super) async fn not_dialled(app: &App, origin: &Origin, commands: &Commands<'_>) -> Done {
    let told = Told { outcome: DialOutcome::Unreached(Unreached::Failed), caller_left: false, was_dialled: false };
    match look_up(app, commands.call).await {
        Ok(Some((record, _))) => over(app, origin, commands, record, told).await,
        Ok(None) => Done::Yes,
        Err(fault) => later(&fault),
    }
}

async fn look_up(app: &App, call: &str) -> Result<Option<(CallRecord, Option<NextStep>)>, store::StoreError> {
    let records = &app.services.records;
    let Some(record) = records.call_by_carrier(Carrier::Telnyx, call).await? else { return Ok(None) };
    let next = records.next_step(Carrier::Telnyx, call).await?;
    Ok(Some((record, next)))
}

/// The transfer is over: the caller's call is hung up, or gets its stream again.
async fn over(app: &App, origin: &Origin, commands: &Commands<'_>, record: CallRecord, told: Told) -> Done {
    let document = match commands.again(app, origin) {
        Some(document) => Ok(document),
        None => commands.decided(app, origin, Some(told)).await,
    };
    match document {
        Ok(_) if has_hung_up(&record) => Done::Yes,
        Ok(document) => commands.go_on(app, document).await,
        Err(fault) => later(&fault),
    }
}

/// There is no line any more.
fn has_hung_up(record: &CallRecord) -> bool {
    record.end_reason == Some(EndReason::CallerHungUp)
}

#[cfg(test)]
mod tests {
    use call::PhoneNumber;

    use super::*;

    #[test]
    fn a_leg_knows_its_call_and_its_transfer() {
        let at = |micros| Timestamp::from_microsecond(micros).unwrap();
        let dial = |micros| Dial::new(PhoneNumber::new("+15005550009"), "en-US".into(), at(micros), None);
        let leg = Leg::of("v3:a b", &dial(1_790_000_000_123_456));
        assert_eq!(Leg::read(Some(&leg.write())), Some(Leg::of("v3:a b", &dial(1_790_000_000_123_456))));
        assert_ne!(leg, Leg::of("v3:a b", &dial(1_790_000_000_123_457)));
        for foreign in [&b""[..], b"hello", b"transfer", b"transfer x v3:a", b"transfer 1 ", b"call 1 v3:a", &[0xff]] {
            assert_eq!(Leg::read(Some(foreign)), None);
        }
        assert_eq!(Leg::read(None), None);
    }
}
