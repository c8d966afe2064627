//! What goes over the wire, told without one.

use std::time::Duration;

use outbound::Client;
use privacy::Secret;
use resilience::{Guards, Service};

use super::*;
use crate::realtime::{MODEL, URL};

fn session() -> Session {
    let config = Arc::new(RealtimeConfig::openai(URL, &Secret::from("key".to_owned()), MODEL));
    let client = Client::new(&config.setup, Guards::default().of(Service::OpenAiRealtime)).unwrap();
    let call = VoiceConfig {
        instructions: "You are a receptionist.".into(),
        voice: Some("marin".into()),
        language: "en-US".into(),
        tools: Arc::default(),
        max_tokens: None,
        temperature: None,
        rate: 8000,
        history: Vec::new(),
        meter: Meter::new(),
    };
    Session::new("openai_realtime", Arc::clone(&config), connect::standby(client, config), call).unwrap()
}

/// What is sent, and how many events are reported.
fn sent(session: &mut Session) -> (Vec<Value>, usize) {
    let (mut messages, mut reported) = (Vec::new(), 0);
    while let Some(out) = session.poll() {
        match out {
            Out::Send(message) => messages.push(message),
            Out::Report(_) => reported += 1,
            Out::Note(_) | Out::Fail(_) | Out::Move => panic!("neither failed nor moved"),
        }
    }
    (messages, reported)
}

fn kinds(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["type"].as_str()).collect()
}

/// So many milliseconds of silence in mu-law.
fn sound(item: &str, millis: usize) -> Value {
    use base64::Engine as _;
    let delta = base64::engine::general_purpose::STANDARD.encode(vec![0xFF; millis * 8]);
    json!({ "type": "response.output_audio.delta", "response_id": "resp1", "item_id": item, "content_index": 0, "delta": delta })
}

fn speaking() -> (Session, Instant) {
    let (mut session, now) = (session(), Instant::now());
    session.order(Order::Start, now);
    session.order(Order::Finish, now);
    assert_eq!(kinds(&sent(&mut session).0), ["input_audio_buffer.commit", "response.create"]);
    session.message(&json!({ "type": "response.created", "response": { "id": "resp1" } }), now);
    session.message(&sound("item1", 1000), now);
    assert_eq!(sent(&mut session).1, 1);
    (session, now)
}

fn done(status: &str) -> Value {
    json!({ "type": "response.done", "response": { "id": "resp1", "status": status, "output": [] } })
}

#[test]
fn an_answer_is_cancelled_and_cut_to_what_was_heard_at_most_what_was_received() {
    for (heard_ms, end) in [(300, 300), (5000, 1000)] {
        let (mut session, now) = speaking();
        session.order(Order::Interrupt { heard_ms, epoch: 1 }, now);
        let (messages, _) = sent(&mut session);
        assert_eq!(kinds(&messages), ["response.cancel", "conversation.item.truncate"]);
        assert_eq!(messages[0]["response_id"], "resp1");
        assert_eq!((&messages[1]["item_id"], &messages[1]["audio_end_ms"]), (&json!("item1"), &json!(end)));
        // What still comes of it is nobody's, and its end is not reported.
        session.message(&sound("item1", 1000), now);
        session.message(&done("cancelled"), now);
        assert_eq!(sent(&mut session), (vec![], 0));
    }
}

#[test]
fn an_answer_is_uncounted_until_its_usage_is_told_or_it_is_refused() {
    let uncounted =
        |session: &Session| session.meter.usage().iter().filter(|line| line.unit == Unit::Uncounted).map(|line| line.amount).sum::<u64>();
    let (mut session, now) = speaking();
    assert_eq!((uncounted(&session), session.answer.is_some()), (1, true), "a call that ends now does not know what it used");
    let mut told = done("cancelled");
    told["response"]["usage"] = json!({ "output_token_details": { "audio_tokens": 20 } });
    session.message(&told, now);
    assert_eq!(uncounted(&session), 0);
    session.order(Order::Tell { text: "[silence]".into(), answer: true }, now);
    session.message(&json!({ "type": "error", "error": { "code": "something_new", "event_id": "answer2" } }), now);
    assert_eq!(uncounted(&session), 0, "a refusal costs nothing");
    session.order(Order::Tell { text: "[silence]".into(), answer: true }, now);
    session.message(&done("completed"), now);
    assert_eq!(uncounted(&session), 1, "it was not told");
}

#[test]
fn an_answer_that_was_made_is_cut_without_a_cancel_and_one_that_was_heard_is_left() {
    for (heard_ms, wanted) in [(300, &["conversation.item.truncate"][..]), (1000, &[])] {
        let (mut session, now) = speaking();
        session.message(&done("completed"), now);
        assert_eq!(sent(&mut session).1, 1, "it was answered");
        session.order(Order::Interrupt { heard_ms, epoch: 1 }, now);
        assert_eq!(kinds(&sent(&mut session).0), wanted);
    }
}

#[test]
fn of_two_items_each_is_cut_where_its_own_sound_was_left() {
    let (mut session, now) = speaking();
    session.message(&sound("item2", 1000), now);
    session.order(Order::Interrupt { heard_ms: 1300, epoch: 1 }, now);
    let (messages, _) = sent(&mut session);
    assert_eq!(kinds(&messages), ["response.cancel", "conversation.item.truncate"]);
    assert_eq!((&messages[1]["item_id"], &messages[1]["audio_end_ms"]), (&json!("item2"), &json!(300)));
}

#[test]
fn the_next_answer_is_asked_for_when_the_one_that_was_cut_off_is_over() {
    let (mut session, now) = speaking();
    session.order(Order::Interrupt { heard_ms: 0, epoch: 1 }, now);
    session.order(Order::Start, now);
    session.order(Order::Finish, now);
    let (messages, _) = sent(&mut session);
    assert!(!kinds(&messages).contains(&"response.create"));
    session.message(&done("cancelled"), now);
    assert_eq!(kinds(&sent(&mut session).0), ["response.create"]);
}

#[test]
fn an_answer_that_somebody_else_has_asked_for_is_waited_for() {
    let (mut session, now) = (session(), Instant::now());
    session.order(Order::Tell { text: "[silence]".into(), answer: true }, now);
    assert_eq!(kinds(&sent(&mut session).0), ["conversation.item.create", "response.create"]);
    let busy = json!({ "type": "error", "error": { "code": "conversation_already_has_active_response", "event_id": "answer1" } });
    session.message(&busy, now);
    assert_eq!(sent(&mut session), (vec![], 0));
    session.message(&done("completed"), now);
    assert_eq!(kinds(&sent(&mut session).0), ["response.create"]);
}

#[test]
fn tools_that_are_answered_while_another_answer_is_under_way_wait_for_its_end() {
    let (mut session, now) = speaking();
    let item = json!({ "type": "function_call", "call_id": "call1", "name": "look", "arguments": "{}", "status": "completed" });
    session.message(&json!({ "type": "response.output_item.done", "response_id": "resp1", "item": item }), now);
    session.order(Order::ToolAnswered { id: "call1".into(), result: "{}".into() }, now);
    session.order(Order::ToolAnswered { id: "nobodys".into(), result: "{}".into() }, now);
    assert_eq!(kinds(&sent(&mut session).0), ["conversation.item.create"]);
    session.message(&done("completed"), now);
    assert_eq!(kinds(&sent(&mut session).0), ["response.create"]);
}

#[test]
fn silence_is_an_error_at_its_time_and_not_before() {
    let (mut session, now) = speaking();
    let limits = session.config.limits;
    assert_eq!(session.deadline(), Some(now + limits.stall));
    session.timeout(now + limits.stall - Duration::from_millis(1));
    assert!(session.poll().is_none());
    session.timeout(now + limits.stall);
    assert!(matches!(session.poll(), Some(Out::Fail(Fault::Stalled(_)))));
}

#[test]
fn what_services_of_its_like_still_call_by_old_names_is_understood() {
    let (mut session, now) = speaking();
    let mut old = sound("item1", 100);
    old["type"] = json!("response.audio.delta");
    session.message(&old, now);
    session.message(&json!({ "type": "response.audio_transcript.delta", "delta": "Hello" }), now);
    session.message(&json!({ "type": "conversation.item.created", "item": {} }), now);
    assert_eq!(sent(&mut session), (vec![], 2));
}

#[test]
fn the_configuration_is_that_of_general_availability() {
    let update = session().update;
    assert_eq!(update["session"]["type"], "realtime");
    assert_eq!(update["session"]["audio"]["input"]["turn_detection"], Value::Null);
    assert_eq!(update["session"]["audio"]["input"]["format"], json!({ "type": "audio/pcmu" }));
    assert_eq!(update["session"]["max_output_tokens"], "inf");
    assert!(update["session"].get("temperature").is_none());
}

#[test]
fn words_that_come_after_the_next_utterance_are_not_taken_for_its_own() {
    let (mut session, now) = speaking();
    let committed = |item: &str| json!({ "type": "input_audio_buffer.committed", "item_id": item });
    let heard =
        |item: &str| json!({ "type": "conversation.item.input_audio_transcription.completed", "item_id": item, "transcript": "Yes." });
    session.message(&committed("heard1"), now);
    session.order(Order::Start, now);
    session.order(Order::Finish, now);
    sent(&mut session);
    session.message(&heard("heard1"), now);
    assert_eq!(sent(&mut session).1, 0, "late");
    session.message(&committed("heard2"), now);
    session.message(&heard("heard1"), now);
    assert_eq!(sent(&mut session).1, 0, "later");
    session.message(&heard("heard2"), now);
    assert_eq!(sent(&mut session).1, 1);
}
