//! A carrier in trouble: slow, overloaded, gone, or not the carrier at all.

use std::time::{Duration, Instant};

use anyhow::Result;
use resilience::{BreakerPolicy, Policy};
use testkit::telnyx_api::{ApiFault, CallPhase, TelnyxApi};
use trunk::{CallControl, TrunkError};
use uuid::Uuid;

use crate::{CALL, KEY, SHORT, USUAL, control, stream, with_a_call};

#[tokio::test]
async fn a_carrier_that_stumbles_is_asked_again_and_not_too_often() -> Result<()> {
    let (api, control) = with_a_call(USUAL).await?;
    api.will_fail([ApiFault::Status(503), ApiFault::Status(500)]);
    control.answer(CALL, Uuid::new_v4(), None).await?;
    assert_eq!(api.faults_left(), 0);

    api.will_fail((0..5).map(|_| ApiFault::Status(502)));
    let given_up = control.hangup(CALL, Uuid::new_v4()).await;
    assert!(matches!(given_up, Err(TrunkError::Unavailable { command: "hangup", status: 502 })), "{given_up:?}");
    assert_eq!(api.faults_left(), 5 - 1 - USUAL.retry.times as usize);
    assert_eq!(api.phase(CALL), Some(CallPhase::Answered));
    Ok(())
}

#[tokio::test]
async fn a_command_that_was_obeyed_without_an_answer_is_obeyed_once() -> Result<()> {
    for fault in [ApiFault::ObeyThenStall, ApiFault::ObeyThenBreak] {
        let (api, control) = with_a_call(SHORT).await?;
        control.answer(CALL, Uuid::new_v4(), None).await?;
        let id = Uuid::new_v4();
        api.will_fail([fault]);
        control.streaming_start(CALL, id, &stream()).await?;
        let starts: Vec<_> = api.commands().into_iter().filter(|command| command.action == "streaming_start").collect();
        assert_eq!(starts.iter().map(|command| command.repeated).collect::<Vec<_>>(), [false, true]);
        assert!(starts.iter().all(|command| command.body["command_id"] == id.to_string() && command.status == 200));
        // Given again later, under its id: still nothing new.
        control.streaming_start(CALL, id, &stream()).await?;
        assert_eq!(api.phase(CALL), Some(CallPhase::Streaming));
    }
    Ok(())
}

#[tokio::test]
async fn a_carrier_that_asks_for_time_gets_it_within_reason() -> Result<()> {
    let (api, control) = with_a_call(USUAL).await?;
    api.will_fail([ApiFault::Throttle(Some(1))]);
    let began = Instant::now();
    control.answer(CALL, Uuid::new_v4(), None).await?;
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());

    api.will_fail([ApiFault::Throttle(Some(60))]);
    let put_off = control.hangup(CALL, Uuid::new_v4()).await;
    let Err(TrunkError::Throttled { retry_after, .. }) = put_off else { panic!("{put_off:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(60)));
    assert_eq!(api.phase(CALL), Some(CallPhase::Answered), "it was not asked again");
    let left_alone = control.hangup(CALL, Uuid::new_v4()).await;
    assert!(matches!(left_alone, Err(TrunkError::NotAsked { .. })), "it was asked within its minute: {left_alone:?}");

    let (api, control) = with_a_call(USUAL).await?;
    api.will_fail([ApiFault::Throttle(None)]);
    control.hangup(CALL, Uuid::new_v4()).await?;
    Ok(())
}

#[tokio::test]
async fn a_command_ends_at_its_deadline() -> Result<()> {
    let policy = Policy { deadline: Duration::from_millis(600), ..SHORT };
    let (api, control) = with_a_call(policy).await?;
    api.will_fail((0..5).map(|_| ApiFault::ObeyThenStall));
    let began = Instant::now();
    let late = control.answer(CALL, Uuid::new_v4(), None).await;
    assert!(matches!(late, Err(TrunkError::TimedOut { command: "answer" })), "{late:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    Ok(())
}

#[tokio::test]
async fn what_is_not_the_carrier_is_not_believed() -> Result<()> {
    let patient = BreakerPolicy { in_a_row: 100, ..USUAL.breaker };
    let (api, control) = with_a_call(Policy { breaker: patient, ..USUAL }).await?;
    let long = format!("{{\"data\":\"{}\"}}", "x".repeat(trunk::MAX_ANSWER_BYTES));
    let answers =
        [(200, "<html>Welcome to the hotel's Wi-Fi</html>"), (200, "{}"), (200, &long), (302, ""), (404, "not here"), (422, "\u{1}\u{2}")];
    for (status, body) in answers {
        api.will_fail([ApiFault::Raw(status, body.to_owned())]);
        let outcome = control.answer(CALL, Uuid::new_v4(), None).await;
        assert!(matches!(&outcome, Err(TrunkError::BadAnswer { status: told, .. }) if *told == status), "{status}: {outcome:?}");
    }
    assert_eq!((api.faults_left(), api.commands().len()), (0, 0), "each was tried once");
    Ok(())
}

#[tokio::test]
async fn a_carrier_that_is_gone_is_reported_without_its_address() -> Result<()> {
    let url = TelnyxApi::start(KEY).await?.url().to_owned();
    let control = control(&url, KEY, SHORT)?;
    // The listener goes with its task, which the runtime ends in its own time.
    let gone = loop {
        match control.hangup(CALL, Uuid::new_v4()).await {
            Err(TrunkError::UnknownCall { .. }) => tokio::task::yield_now().await,
            other => break other.unwrap_err(),
        }
    };
    assert!(matches!(gone, TrunkError::Unreachable { command: "hangup", .. }), "{gone:?}");
    let told = format!("{gone} {gone:?}");
    assert!(!told.contains("v3") && !told.contains("/v2/calls"), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_carrier_that_fails_again_and_again_is_left_alone_and_found_again() -> Result<()> {
    let breaker = BreakerPolicy { in_a_row: 3, open_for: Duration::from_millis(50), ..USUAL.breaker };
    let (api, control) = with_a_call(Policy { breaker, ..USUAL }).await?;
    api.will_fail((0..3).map(|_| ApiFault::Status(500)));
    assert!(control.answer(CALL, Uuid::new_v4(), None).await.is_err());
    let left_alone = control.answer(CALL, Uuid::new_v4(), None).await;
    assert!(matches!(left_alone, Err(TrunkError::NotAsked { command: "answer", .. })), "{left_alone:?}");
    assert_eq!(api.commands().len(), 0, "it was not even asked");
    let began = Instant::now();
    while let Err(fault) = control.answer(CALL, Uuid::new_v4(), None).await {
        assert!(matches!(fault, TrunkError::NotAsked { .. }) && began.elapsed() < Duration::from_secs(5), "{fault:?}");
        tokio::task::yield_now().await;
    }
    Ok(())
}
