//! What happens when nothing goes wrong, and what a carrier refuses.

use anyhow::Result;
use call::PhoneNumber;
use testkit::telnyx_api::{CallPhase, Obeyed, TransferWanted};
use trunk::{CallControl, Speech, TransferRequest, TrunkError};
use uuid::Uuid;

use crate::{CALL, KEY, USUAL, control, stream, with_a_call};

#[tokio::test]
async fn a_call_is_answered_streamed_spoken_to_and_hung_up() -> Result<()> {
    let (api, control) = with_a_call(USUAL).await?;
    control.answer(CALL, Uuid::new_v4(), None).await?;
    assert!(matches!(api.order().await?.obeyed, Obeyed::Answer(None)));

    control.streaming_start(CALL, Uuid::new_v4(), &stream()).await?;
    let Obeyed::StartStream(wanted) = api.order().await?.obeyed else { panic!("no stream was started") };
    assert!(wanted.heard, "without rtp the caller hears nothing");
    assert_eq!((wanted.url.as_str(), wanted.codec.as_str(), wanted.rate), (stream().url.as_str(), "PCMU", 8000));
    assert_eq!(wanted.parameters, stream().parameters);
    assert_eq!(wanted.client_state.as_deref(), Some("Y2FsbC03"));

    let second = control.streaming_start(CALL, Uuid::new_v4(), &stream()).await;
    assert!(matches!(second, Err(TrunkError::Rejected { status: 422, .. })), "a call has one stream: {second:?}");
    control.streaming_stop(CALL, Uuid::new_v4()).await?;
    assert!(matches!(api.order().await?.obeyed, Obeyed::StopStream));

    let speech = Speech { text: "Goodbye.".into(), language: Some("en-US".into()), voice: "female".into() };
    control.speak(CALL, Uuid::new_v4(), &speech).await?;
    assert!(matches!(api.order().await?.obeyed, Obeyed::Speak(text) if text == "Goodbye."));
    control.hangup(CALL, Uuid::new_v4()).await?;
    assert_eq!(api.phase(CALL), Some(CallPhase::Ended));
    assert!(api.commands().iter().all(|command| command.call_control_id == CALL), "the id comes through its encoding");
    Ok(())
}

#[tokio::test]
async fn an_answer_opens_a_bare_stream_at_once() -> Result<()> {
    let (api, control) = with_a_call(USUAL).await?;
    let refused = control.answer(CALL, Uuid::new_v4(), Some(&stream())).await;
    assert!(matches!(refused, Err(TrunkError::InvalidRequest { .. })), "the token would be lost: {refused:?}");
    let bare = trunk::StreamRequest { parameters: vec![], ..stream() };
    control.answer(CALL, Uuid::new_v4(), Some(&bare)).await?;
    let Obeyed::Answer(Some(wanted)) = api.order().await?.obeyed else { panic!("no stream was asked for") };
    assert!(wanted.heard);
    assert_eq!(api.commands().len(), 1, "the refused one was not sent");
    Ok(())
}

#[tokio::test]
async fn a_lost_stream_is_opened_again_but_not_on_an_ended_call() -> Result<()> {
    let (api, control) = with_a_call(USUAL).await?;
    control.answer(CALL, Uuid::new_v4(), None).await?;
    control.streaming_start(CALL, Uuid::new_v4(), &stream()).await?;
    api.stream_ends(CALL);
    control.streaming_start(CALL, Uuid::new_v4(), &stream()).await?;
    api.stream_ends(CALL);
    api.call_ends(CALL);
    let late = control.streaming_start(CALL, Uuid::new_v4(), &stream()).await;
    assert!(matches!(late, Err(TrunkError::CallEnded { command: "streaming_start" })), "{late:?}");
    control.hangup(CALL, Uuid::new_v4()).await?;
    let unknown = control.hangup("v3:nobody", Uuid::new_v4()).await;
    assert!(matches!(unknown, Err(TrunkError::UnknownCall { .. })), "{unknown:?}");
    Ok(())
}

#[tokio::test]
async fn a_caller_is_put_through_when_the_stream_is_over() -> Result<()> {
    let (api, control) = with_a_call(USUAL).await?;
    control.answer(CALL, Uuid::new_v4(), None).await?;
    control.streaming_start(CALL, Uuid::new_v4(), &stream()).await?;
    let (to, from) = (PhoneNumber::new("+15005550009"), Some(PhoneNumber::new("+15005550010")));
    let transfer = TransferRequest { to, from, timeout_secs: 30, leg_state: b"hello".to_vec() };
    let early = control.transfer(CALL, Uuid::new_v4(), &transfer).await;
    assert!(matches!(early, Err(TrunkError::Rejected { status: 422, .. })), "{early:?}");
    api.stream_ends(CALL);
    let id = Uuid::new_v4();
    for _ in 0..2 {
        control.transfer(CALL, id, &transfer).await?;
    }
    let orders = [api.order().await?.obeyed, api.order().await?.obeyed, api.order().await?.obeyed];
    let wanted = TransferWanted {
        to: "+15005550009".into(),
        from: Some("+15005550010".into()),
        timeout_secs: 30,
        leg_state: Some("aGVsbG8=".into()),
    };
    assert!(matches!(&orders[2], Obeyed::Transfer(seen) if *seen == wanted), "{orders:?}");
    assert!(api.commands().last().is_some_and(|command| command.repeated), "the same command is obeyed once");
    Ok(())
}

#[tokio::test]
async fn the_check_proves_the_key() -> Result<()> {
    let (api, ours) = with_a_call(USUAL).await?;
    ours.check().await?;
    let stranger = control(api.url(), "KEY-of-a-stranger", USUAL)?;
    let refused = stranger.check().await.unwrap_err();
    assert!(matches!(refused, TrunkError::Refused { status: 401, .. }), "{refused:?}");
    let refused = stranger.hangup(CALL, Uuid::new_v4()).await.unwrap_err();
    assert!(!format!("{refused} {refused:?} {stranger:?} {ours:?}").contains("KEY-of"), "{refused:?}");
    assert_eq!((api.phase(CALL), KEY.len()), (Some(CallPhase::Parked), 15));
    Ok(())
}
