//! Webhooks, answer documents, the record, and what is made of them.

use std::sync::{Arc, Mutex};

use call::{EndReason, PhoneNumber, Speaker};
use dial::{DialEvent, Expect, Step, run};
use serde_json::json;
use telephony::Document;

use super::server::{AgentSide, Server};
use super::{Carrier, Script, ms, say, twilio};

async fn speaks_once_and_closes(mut side: AgentSide) {
    let start = side.started().await;
    let parameters =
        if start["streamSid"].is_string() { &start["start"]["customParameters"] } else { &start["start"]["custom_parameters"] };
    assert_eq!(parameters["token"], "once");
    side.speak(100).await;
    side.wait_for_voice(true).await;
    side.wait_for_voice(false).await;
    side.close(1000).await;
}

fn record_of_a_booking() -> serde_json::Value {
    let turn = |index: u32, speaker: &str, text: &str| json!({"index": index, "speaker": speaker, "text": text, "heard": text, "interrupted": false, "start_ms": 0, "end_ms": 10, "confidence": null, "latency": null});
    json!({
        "call": {"id": "c", "status": "completed", "end_reason": "agent_hung_up"},
        "turns": [turn(0, "agent", "Grand Hotel"), turn(1, "caller", "a room"), turn(2, "agent", "It is booked. Goodbye.")],
        "tools": [{"tool": "create_booking", "arguments": {"nights": 2}, "outcome": "ok", "result": {"room_type": "double"}}],
        "live": false
    })
}

async fn a_whole_call(carrier: Carrier) {
    let server = Server::start(speaks_once_and_closes).await;
    server.will_connect(carrier);
    server.will_record(record_of_a_booking());
    let (mut options, events) = server.options();
    options.watch = true;
    options.operator_token = Some("operator".into());
    let mut script = Script::new(carrier).step(Step::wait()).step(say(200)).step(Step::wait_for_end());
    script.agent = Some("the hotel & bar".into());
    script.expect = Expect {
        end_reason: Some(EndReason::AgentHungUp),
        agent_says: vec!["grand hotel".into(), "booked".into()],
        no_tool: vec!["cancel_booking".into()],
        ..Expect::default()
    };
    let report = run(script, options).await.unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!((report.closed_code, report.end_reason), (Some(1000), Some(EndReason::AgentHungUp)));
    assert_eq!(report.words_of(Speaker::Caller), "a room");

    let seen = server.seen();
    assert!(seen.iter().all(|request| request.signed && request.form["CallSid"] == report.carrier_call_id), "{seen:#?}");
    let paths: Vec<_> = seen.iter().map(|request| request.path.rsplit('/').next().unwrap()).collect();
    assert_eq!(paths, ["voice", "stream", "stream", "answer", "status"]);
    assert_eq!(seen[0].query, "agent=the+hotel+%26+bar");
    assert_eq!((seen[0].form["CallStatus"].as_str(), seen[0].form["Direction"].as_str()), ("ringing", "inbound"));
    assert_eq!((seen[1].form["StreamEvent"].as_str(), seen[2].form["StreamEvent"].as_str()), ("stream-started", "stream-stopped"));
    assert_eq!(seen[4].form["CallStatus"], "completed");
    assert_eq!(seen[4].form["CallDuration"], report.duration.as_secs_f64().round().to_string());
    let turns = events.lock().unwrap().iter().filter(|event| matches!(event, DialEvent::Turn(_))).count();
    assert_eq!(turns, 3);
}

#[tokio::test]
async fn a_twilio_call_goes_from_ring_to_record() {
    a_whole_call(Carrier::Twilio).await;
}

#[tokio::test]
async fn a_telnyx_call_goes_from_ring_to_record() {
    a_whole_call(Carrier::Telnyx).await;
}

#[tokio::test]
async fn the_call_is_resumed_where_it_was() {
    let streams = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&streams);
    let server = Server::start(move |mut side: AgentSide| {
        let first = {
            let mut streams = counted.lock().unwrap();
            *streams += 1;
            *streams == 1
        };
        async move {
            side.started().await;
            if first {
                side.speak(100).await;
                side.wait_for_voice(true).await;
                return; // The socket is gone without a word, as when a server dies.
            }
            side.wait_for_voice(false).await;
            side.speak(100).await;
            side.wait_for_voice(true).await;
            side.wait_for_voice(false).await;
            side.close(1000).await;
        }
    })
    .await;
    server.will_connect(Carrier::Twilio);
    server.will_connect(Carrier::Twilio);
    let (options, events) = server.options();
    let report = run(twilio().step(Step::wait()).step(say(300)).step(Step::wait()).step(say(200)).step(Step::wait_for_end()), options)
        .await
        .unwrap();
    assert!(report.passed(), "{:?}", report.failures);
    assert_eq!((*streams.lock().unwrap(), report.closed_code), (2, Some(1000)));
    let connected = events.lock().unwrap().iter().filter(|event| **event == DialEvent::Connected).count();
    assert_eq!(connected, 2);
    let actions = server.seen().iter().filter(|request| request.path.ends_with("/answer")).count();
    assert_eq!(actions, 2);
}

#[tokio::test]
async fn the_caller_is_handed_over() {
    let server = Server::start(speaks_once_and_closes).await;
    server.will_connect(Carrier::Twilio);
    let number = PhoneNumber::new("+15005550099");
    let dial = Document::Dial { number, caller_id: None, say_first: Some("One moment.".into()), action_url: None, timeout_secs: 20 };
    server.will_answer(Carrier::Twilio, &dial);
    let (options, events) = server.options();
    let mut script = twilio().step(Step::wait()).step(say(100)).step(Step::wait_for_end());
    script.expect.transferred_to = Some("+15005550099".into());
    script.expect.agent_says = vec!["one moment".into()];
    let report = run(script, options).await.unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    assert!(events.lock().unwrap().contains(&DialEvent::Transferred { number: "+15005550099".into() }));
}

#[tokio::test]
async fn a_full_house_is_announced_or_busy() {
    let server = Server::start(speaks_once_and_closes).await;
    server.will_answer(Carrier::Telnyx, &Document::SayAndHangup { text: "All lines are busy.".into(), language: None });
    server.will_answer(Carrier::Telnyx, &Document::RejectBusy);
    let (options, _) = server.options();
    let script = Script::new(Carrier::Telnyx);
    let announced = run(script.clone(), options.clone()).await.unwrap();
    assert_eq!((announced.announcements, announced.busy, announced.frames_sent), (vec!["All lines are busy.".to_owned()], false, 0));
    assert!(run(script, options).await.unwrap().busy);
    assert_eq!(server.seen().last().unwrap().form["CallStatus"], "busy");
}

#[tokio::test]
async fn a_call_follows_redirects_to_its_stream_but_not_for_ever() {
    let server = Server::start(speaks_once_and_closes).await;
    let elsewhere = |pause_secs| Document::Redirect { url: "/webhooks/twilio/answer?hop=1".into(), pause_secs };
    server.will_answer(Carrier::Twilio, &elsewhere(1));
    server.will_connect(Carrier::Twilio);
    server.will_answer(Carrier::Twilio, &Document::PlayAndHangup { url: "https://h.test/bye.wav".into() });
    let (options, _) = server.options();
    let script = twilio().step(Step::wait()).step(say(100)).step(Step::wait_for_end());
    let report = run(script.clone(), options.clone()).await.unwrap();
    assert!(report.passed(), "{:?}", report.failures);
    let seen = server.seen();
    assert_eq!((seen[1].query.as_str(), seen[1].form["CallStatus"].as_str(), seen[1].signed), ("hop=1", "ringing", true));

    (0..=dial::MAX_REDIRECTS).for_each(|_| server.will_answer(Carrier::Twilio, &elsewhere(0)));
    let lost = run(script, options).await.unwrap();
    assert!(lost.failures.iter().any(|why| why.contains("redirected the call more than 20 times")), "{:?}", lost.failures);
}

#[tokio::test]
async fn the_sound_of_the_call_is_saved_with_the_caller_left_and_the_agent_right() {
    let server = Server::start(async |mut side: AgentSide| {
        side.started().await;
        side.speak(200).await;
        side.rest().await;
    })
    .await;
    server.will_connect(Carrier::Twilio);
    let (mut options, _) = server.options();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("call.wav");
    options.save_wav = Some(path.clone());
    options.keep_audio = false;
    let report = run(twilio().step(Step::wait()).step(say(100)).step(Step::Silence(ms(100))), options).await.unwrap();
    assert!(report.audio.is_none());
    let mut reader = hound::WavReader::open(path).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8000));
    let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
    assert_eq!(samples.len() as u64, 2 * 160 * report.frames_sent);
    let loud = |side: usize| samples.chunks(2).filter(|pair| pair[side].abs() > 1000).count() / 8;
    assert_eq!((loud(0), loud(1)), (100, 200), "ms of voice on each side");
}
