//! What readers of the console see of a record.

use call::{AgentId, CallId, CallStatus, Carrier, Direction};
use serde_json::json;
use uuid::Uuid;

use super::*;

fn turn(speaker: Speaker, text: &str, heard: &str) -> TurnRecord {
    TurnRecord {
        index: 0,
        speaker,
        text: text.into(),
        heard: heard.into(),
        interrupted: false,
        start_ms: 65_250,
        end_ms: 67_000,
        confidence: None,
        digits: None,
        latency: None,
    }
}

fn latency(endpoint_ms: u32, recognition_ms: u32, brain_ms: u32, first_audio_ms: u32) -> LatencyParts {
    LatencyParts { endpoint_ms, recognition_ms, brain_ms, first_audio_ms }
}

fn call() -> CallRecord {
    CallRecord {
        id: CallId(Uuid::from_u128(7)),
        tenant: call::TenantId::DEFAULT,
        carrier: Carrier::Twilio,
        carrier_call_id: "CA1".into(),
        direction: Direction::Inbound,
        from: PhoneNumber::new("client:browser"),
        to: PhoneNumber::new("+4930123456"),
        agent_id: AgentId(Uuid::from_u128(1)),
        agent_name: "Receptionist".into(),
        status: CallStatus::Completed,
        offered_at: Timestamp::from_second(1_700_000_000).unwrap(),
        answered_at: Some(Timestamp::from_second(1_700_000_001).unwrap()),
        ended_at: Some(Timestamp::from_second(1_700_003_726).unwrap()),
        end_reason: Some(EndReason::AgentHungUp),
        recording: None,
    }
}

#[test]
fn a_call_is_shown_with_its_lines_its_length_and_its_end() {
    let shown = CallView::of(&call());
    assert_eq!((shown.from.as_str(), shown.to.as_str(), shown.talked.as_str()), ("browser", "+4930123456", "1:02:05"));
    assert_eq!(shown.end, End { words: "agent said goodbye", class: "badge-good" });
    assert_eq!(shown.offered.to_string(), "<time datetime=\"2023-11-14T22:13:20Z\">2023-11-14 22:13:20 UTC</time>");
}

#[test]
fn a_call_that_rings_has_no_length_and_no_end() {
    let ringing = CallRecord { answered_at: None, ended_at: None, end_reason: None, ..call() };
    let shown = CallView::of(&ringing);
    assert_eq!((shown.talked.as_str(), shown.end.words), ("–", "ringing"));
}

#[test]
fn what_the_caller_did_not_hear_is_told_apart() {
    let agent = TurnView::of(&turn(Speaker::Agent, "We have two rooms left.", "We have two"), 1000);
    assert_eq!((agent.heard.as_str(), agent.unheard.as_str()), ("We have two", " rooms left."));
    let silent = TurnView::of(&turn(Speaker::Agent, "We have two rooms left.", ""), 1000);
    assert_eq!((silent.heard.as_str(), silent.unheard.as_str()), ("", "We have two rooms left."));
    let caller = TurnView::of(&turn(Speaker::Caller, "two nights", "two nights"), 1000);
    assert_eq!((caller.heard.as_str(), caller.unheard.as_str()), ("two nights", ""));
    assert_eq!((caller.start.as_str(), caller.start_s.as_str(), caller.length.as_str()), ("1:05", "65.250", "1.7 s"));
}

#[test]
fn the_parts_of_a_bar_meet_and_end_at_the_total() {
    let bar = LatencyBar::of(&latency(333, 111, 1, 55), 1000);
    assert_eq!(bar.total_ms, 500);
    for pair in bar.parts.windows(2) {
        assert_eq!(pair[0].at + pair[0].width, pair[1].at);
    }
    let last = bar.parts.last().unwrap();
    assert_eq!(last.at + last.width, 500);
}

#[test]
fn the_slowest_answer_fills_its_bar() {
    let mut slow = turn(Speaker::Agent, "a", "a");
    slow.latency = Some(latency(1000, 500, 500, 0));
    let mut quick = slow.clone();
    quick.latency = Some(latency(100, 100, 100, 100));
    let entries = transcript(&[slow.clone(), quick.clone()], &[]);
    let ends: Vec<u32> = entries
        .iter()
        .map(|entry| match entry {
            Entry::Turn(turn) => turn.latency.as_ref().unwrap().parts.last().map_or(0, |part| part.at + part.width),
            Entry::Tool(_) => 0,
        })
        .collect();
    assert_eq!(ends, [1000, 200]);
    let mut keyed = slow.clone();
    keyed.latency = Some(latency(0, 0, 1, 1));
    assert_eq!(Waiting::of(&[keyed, slow, quick]), Some(Waiting { median_ms: 2000, slowest_ms: 2000 }));
    assert_eq!(Waiting::of(&[turn(Speaker::Agent, "a", "a")]), None);
}

#[test]
fn a_tool_call_stands_between_the_turns_around_it() {
    let tool = ToolRecord {
        idempotency_key: "k".into(),
        tool: "create_booking".into(),
        arguments: json!({"nights": 2, "room": "double", "phone": null}),
        outcome: ToolOutcome::Refused,
        result: json!("no room is free"),
        start_ms: 66_000,
        took_ms: 12,
    };
    let later = TurnRecord { start_ms: 70_000, ..turn(Speaker::Agent, "Sorry.", "Sorry.") };
    let entries = transcript(&[turn(Speaker::Caller, "book it", "book it"), later], &[tool]);
    assert!(matches!(&entries[..], [Entry::Turn(_), Entry::Tool(_), Entry::Turn(_)]));
    let Entry::Tool(tool) = &entries[1] else { panic!("a tool call") };
    assert_eq!(tool.arguments, [("nights".to_owned(), "2".to_owned()), ("room".to_owned(), "double".to_owned())]);
    assert_eq!((tool.outcome, &tool.result[..]), ("refused", &[("value".to_owned(), "no room is free".to_owned())][..]));
}
