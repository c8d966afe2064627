//! The carrier's SDK judges the interface that the other tests stand on.

use anyhow::Result;
use serde_json::json;
use telephony::telnyx::webhook::{CallControlKind, parse_event};
use testkit::judge;
use testkit::telnyx_api::{Obeyed, TelnyxApi, event_body};

use crate::{CALL, KEY};

#[tokio::test]
async fn telnyxs_sdk_takes_the_simulated_interface_for_its_own() -> Result<()> {
    let api = TelnyxApi::start(KEY).await?;
    api.call_arrives(CALL);
    let number = json!({ "direction": "incoming", "from": "+15005550006", "to": "+15005550010", "state": "parked" });
    let stream = json!({ "stream_id": "S-1", "stream_type": "websocket", "failure_reason": "connection_failed" });
    let events = [
        event_body("e-1", "call.initiated", CALL, &number),
        event_body("e-2", "call.answered", CALL, &json!({ "from": "+15005550006", "to": "+15005550010", "state": "answered" })),
        event_body("e-3", "streaming.started", CALL, &stream),
        event_body("e-4", "streaming.failed", CALL, &stream),
        event_body("e-5", "streaming.stopped", CALL, &stream),
        event_body("e-7", "call.bridged", CALL, &json!({ "from": "+15005550006", "to": "+15005550009" })),
        event_body("e-6", "call.hangup", CALL, &json!({ "hangup_cause": "normal_clearing", "hangup_source": "caller" })),
    ];
    let case = json!({
        "base_url": api.url(), "api_key": KEY, "call": CALL, "stream_url": "wss://voice.example.test/ws", "events": events,
    });
    let verdict = judge("judge_telnyx_rest.py", &case).await?;
    assert_eq!(verdict["alive"], json!([true, false]));
    let ok = json!({ "answer": "ok", "streaming_start": "ok", "streaming_stop": "ok", "speak": "ok", "transfer": "ok", "hangup": "ok" });
    assert_eq!((&verdict["results"], &verdict["repeated"]), (&ok, &json!("ok")));
    assert_eq!(verdict["ended"], json!({ "type": "UnprocessableEntityError", "status": 422, "code": "90018" }));
    assert_eq!(verdict["unknown"]["type"], "NotFoundError");
    assert_eq!(verdict["refused"]["type"], "AuthenticationError");
    assert_eq!((&verdict["applications"], &verdict["page_size"]), (&json!(["1"]), &json!(1)));

    let mut orders = Vec::new();
    for _ in 0..6 {
        orders.push(api.order().await?.obeyed);
    }
    let Obeyed::StartStream(wanted) = &orders[1] else { panic!("the SDK's stream was not understood: {orders:?}") };
    assert_eq!((wanted.heard, &wanted.parameters), (true, &vec![("token".to_owned(), "once".to_owned())]));
    assert!(
        matches!(orders[..], [Obeyed::Answer(None), _, Obeyed::StopStream, Obeyed::Speak(_), Obeyed::Transfer(_), Obeyed::HangUp]),
        "{orders:?}"
    );

    for (body, seen) in events.iter().zip(verdict["events"].as_array().into_iter().flatten()) {
        let ours = parse_event(body.as_bytes())?;
        assert_eq!((&seen["call_control_id"], &seen["id"]), (&json!(ours.call_control_id), &json!(ours.id)));
        if let CallControlKind::StreamingFailed { failure_reason, .. } | CallControlKind::StreamingStopped { failure_reason, .. } =
            ours.kind
        {
            assert_eq!(seen["failure_reason"], json!(failure_reason), "{seen}");
        }
    }
    assert_eq!(verdict["events"].as_array().map(Vec::len), Some(7), "{verdict}");
    Ok(())
}
