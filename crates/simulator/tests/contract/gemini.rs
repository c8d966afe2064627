//! The contract of Google's Live sessions.

use std::time::Duration;

use call::Unit;
use models::gemini::{Gemini, GeminiConfig, GeminiLimits};
use models::{SpeechToSpeech, VoiceEvent};
use outbound::Fault;
use privacy::Secret;
use resilience::{Guard, Guards, Service, State, Why};
use serde_json::json;
use simulator::{Behaviour, Simulator, Trouble, Vendor};

use super::voice::{answer, call, error, fault, first_sound, gone, history, kept_alive, next, quiet_vendor, refused, say, simulator, turn};

const SCRIPT: &str = r#"
[[line]]
after = "look"
say = "There is a room."
[[line]]
when = ["both"]
say = ""
tool = "look"
arguments = [{ day = "monday" }, { day = "tuesday" }]
[[line]]
when = ["room"]
say = ""
tool = "look"
arguments = { day = "monday" }
[[line]]
when = ["breakfast"]
say = "Breakfast is served from seven to ten in the room next to the lobby, every day of the week."
"#;

struct Part {
    model: Gemini,
    guard: Guard,
}

fn part(simulator: &Simulator, key: &str) -> Part {
    part_with(simulator, key, GeminiLimits::default())
}

/// Limits that a test has the time to wait for.
fn impatient(simulator: &Simulator) -> Part {
    let (open, first, stall) = (Duration::from_millis(500), Duration::from_millis(800), Duration::from_millis(400));
    part_with(simulator, "test-key", GeminiLimits { open, first, stall })
}

fn part_with(simulator: &Simulator, key: &str, limits: GeminiLimits) -> Part {
    let guard = Guards::default().of(Service::GeminiLive);
    let mut config = GeminiConfig::google(&simulator.url(Vendor::Gemini), &Secret::from(key.to_owned()), models::gemini::MODEL);
    config.limits = limits;
    Part { model: Gemini::new(config, guard.clone()).unwrap(), guard }
}

async fn good(callers: &[&str]) -> (Simulator, Part) {
    let simulator = simulator(callers, SCRIPT).await;
    let part = part(&simulator, "test-key");
    (simulator, part)
}

#[tokio::test]
async fn a_caller_is_heard_answered_written_down_and_counted_at_both_rates() {
    for rate in [8000, 16_000] {
        let (simulator, part) = good(&["when is breakfast"]).await;
        let config = call(rate);
        let meter = config.meter.clone();
        let mut session = part.model.open(config).await.unwrap();
        let heard = turn(&mut *session, rate).await;
        assert!(heard.words.starts_with("Breakfast is served"), "{rate}");
        assert_eq!(heard.caller, ["when is breakfast"]);
        let wanted = heard.words.trim().len() * rate as usize * 60 / 1000;
        assert!(heard.samples.abs_diff(wanted) < rate as usize / 100, "{} of {wanted} at {rate}", heard.samples);
        // The bill comes when the vendor believes that all was played: the next turn ends that.
        say(&mut *session, rate, 400);
        session.finish();
        answer(&mut *session).await;
        let units: Vec<Unit> = meter.usage().iter().map(|line| line.unit).collect();
        for unit in [Unit::InputTokens, Unit::InputAudioTokens, Unit::OutputAudioTokens] {
            assert!(units.contains(&unit), "{unit:?} at {rate}");
        }
        drop(session);
        gone(&simulator, Vendor::Gemini, Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn an_interruption_ends_the_sound() {
    let (_simulator, part) = good(&["when is breakfast", "zebra"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    say(&mut *session, 8000, 400);
    session.finish();
    first_sound(&mut *session).await;
    say(&mut *session, 8000, 400);
    session.interrupt(60);
    session.finish();
    let heard = answer(&mut *session).await;
    assert_eq!(heard.words.trim(), "You said: zebra.");
    assert!(heard.samples.abs_diff(heard.words.trim().len() * 480) < 80);
}

#[tokio::test]
async fn an_interruption_by_a_key_stops_the_model_and_what_is_told_next_is_answered() {
    let (simulator, part) = good(&["when is breakfast"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    say(&mut *session, 8000, 400);
    session.finish();
    first_sound(&mut *session).await;
    session.interrupt(60);
    let deadline = std::time::Instant::now() + Duration::from_secs(2);
    while simulator.seen(Vendor::Gemini).cancelled == 0 {
        assert!(std::time::Instant::now() < deadline, "the model goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    session.tell("zebra", true);
    assert_eq!(answer(&mut *session).await.words.trim(), "You said: zebra.");
}

#[tokio::test]
async fn a_cough_while_the_agent_speaks_does_not_stop_it() {
    let (_simulator, part) = good(&["when is breakfast", "zebra"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    say(&mut *session, 8000, 400);
    session.finish();
    let before = first_sound(&mut *session).await.len();
    say(&mut *session, 8000, 100);
    session.cancel();
    let heard = answer(&mut *session).await;
    let wanted = "Breakfast is served from seven to ten in the room next to the lobby, every day of the week.".len() * 480;
    assert!((before + heard.samples).abs_diff(wanted) < 80, "all of it: 60 ms a letter");
    assert_eq!(turn(&mut *session, 8000).await.words.trim(), "You said: zebra.");
}

#[tokio::test]
async fn who_speaks_while_the_agent_does_without_interrupting_is_answered_after_it() {
    let (_simulator, part) = good(&["when is breakfast", "zebra"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    say(&mut *session, 8000, 400);
    session.finish();
    first_sound(&mut *session).await;
    say(&mut *session, 8000, 100);
    session.finish();
    answer(&mut *session).await;
    assert_eq!(answer(&mut *session).await.words.trim(), "You said: zebra.");
}

#[tokio::test]
async fn an_utterance_that_was_none_is_not_answered() {
    let (_simulator, part) = good(&["when is breakfast", "zebra"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    say(&mut *session, 8000, 400);
    session.cancel();
    assert!(turn(&mut *session, 8000).await.words.starts_with("Breakfast"));
    say(&mut *session, 8000, 400);
    session.cancel();
    session.tell("giraffe", true);
    assert_eq!(answer(&mut *session).await.words.trim(), "You said: giraffe.");
}

#[tokio::test]
async fn tools_are_wished_for_and_answered_one_or_two() {
    for (words, count) in [("a room please", 1), ("look at both", 2)] {
        let (_simulator, part) = good(&[words]).await;
        let mut session = part.model.open(call(8000)).await.unwrap();
        let wish = turn(&mut *session, 8000).await;
        assert_eq!(wish.calls.len(), count);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&wish.calls[0].arguments).unwrap(), json!({ "day": "monday" }));
        wish.calls.iter().rev().for_each(|call| session.tool_answered(&call.id, &json!({ "free": 3 })));
        assert_eq!(answer(&mut *session).await.words.trim(), "There is a room.");
    }
}

#[tokio::test]
async fn who_speaks_while_a_tool_works_takes_its_answer_back() {
    let (_simulator, part) = good(&["a room please", "zebra"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    let wish = turn(&mut *session, 8000).await;
    assert_eq!(turn(&mut *session, 8000).await.words.trim(), "You said: zebra.");
    session.tool_answered(&wish.calls[0].id, &json!({ "free": 3 }));
    session.tell("giraffe", true);
    assert_eq!(answer(&mut *session).await.words.trim(), "You said: giraffe.", "the late answer harms nobody");
}

#[tokio::test]
async fn what_was_said_before_is_known() {
    let (_simulator, part) = good(&[]).await;
    let mut session = part.model.open(models::VoiceConfig { history: history(), ..call(8000) }).await.unwrap();
    session.tell("breakfast?", true);
    assert!(answer(&mut *session).await.words.starts_with("Breakfast"));
}

#[tokio::test]
async fn a_connection_that_goes_away_is_left_in_time_and_the_session_goes_on() {
    let (simulator, part) = good(&["a room please", "zebra"]).await;
    simulator.behave(Vendor::Gemini, Behaviour { session_ms: Some(1500), ..Behaviour::default() });
    let mut session = part.model.open(call(8000)).await.unwrap();
    simulator.behave(Vendor::Gemini, Behaviour::default());
    let wish = turn(&mut *session, 8000).await;
    session.tool_answered(&wish.calls[0].id, &json!({ "free": 3 }));
    let mut heard = answer(&mut *session).await;
    while !heard.going {
        heard.going = matches!(next(&mut *session).await, VoiceEvent::GoingAway);
    }
    // It moves; only the one that was taken up again is open after that.
    assert_eq!(turn(&mut *session, 8000).await.words.trim(), "You said: zebra.");
    drop(session);
    gone(&simulator, Vendor::Gemini, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_session_in_which_nobody_speaks_is_kept_alive() {
    let (url, pinged) = quiet_vendor(None, "{\"setupComplete\":{}}").await;
    let config = GeminiConfig::google(&url, &Secret::from("test-key".to_owned()), models::gemini::MODEL);
    let model = Gemini::new(config, Guards::default().of(Service::GeminiLive)).unwrap();
    kept_alive(model.open(call(8000)).await.unwrap(), &pinged).await;
}

#[tokio::test]
async fn a_call_that_ends_in_the_middle_of_an_answer_leaves_nothing_behind() {
    let (simulator, part) = good(&["when is breakfast"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    say(&mut *session, 8000, 400);
    session.finish();
    first_sound(&mut *session).await;
    drop(session);
    gone(&simulator, Vendor::Gemini, Duration::from_millis(200)).await;
    assert_eq!(simulator.seen(Vendor::Gemini).cancelled, 1);
    assert_eq!(part.guard.view().in_use, 0);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let (simulator, good_part) = good(&[]).await;
    assert_eq!(refused(&part(&simulator, "wrong-key").model).await, Fault::Key(401));
    simulator.behave(Vendor::Gemini, Behaviour::with(Trouble::TooMany { retry_after: Some(2) }));
    assert_eq!(refused(&good_part.model).await, Fault::Throttled(Some(Duration::from_secs(2))));
    simulator.behave(Vendor::Gemini, Behaviour::default());
    assert!(matches!(refused(&good_part.model).await, Fault::NotAsked(rejected) if rejected.why == Why::Paused));
    let other = part(&simulator, "test-key");
    simulator.behave(Vendor::Gemini, Behaviour::with(Trouble::Unavailable { status: 503 }));
    assert_eq!(refused(&other.model).await, Fault::Unavailable(503));
    let silent = impatient(&simulator);
    simulator.behave(Vendor::Gemini, Behaviour::with(Trouble::Silent));
    assert_eq!(refused(&silent.model).await, Fault::NoAnswer(Duration::from_millis(500)));
    assert_eq!(silent.guard.view().failures_in_a_row, 1);
}

#[tokio::test]
async fn an_answer_that_goes_wrong_is_told_in_time_and_by_its_kind() {
    let (first, stall) = (Duration::from_millis(800), Duration::from_millis(400));
    for (trouble, wanted) in [
        (Trouble::Silent, Some(Fault::NoAnswer(first))),
        (Trouble::SlowFirst { ms: 2000 }, Some(Fault::NoAnswer(first))),
        (Trouble::Stall { after: 2 }, Some(Fault::Stalled(stall))),
        (Trouble::Malformed { after: 2 }, Some(Fault::Malformed("a message of the session is no JSON"))),
        (Trouble::Error { after: 2 }, Some(Fault::Unavailable(1011))),
        (Trouble::Cut { after: 2 }, None),
    ] {
        let simulator = simulator(&["when is breakfast"], SCRIPT).await;
        let part = impatient(&simulator);
        let mut session = part.model.open(call(8000)).await.unwrap();
        simulator.behave(Vendor::Gemini, Behaviour::with(trouble));
        say(&mut *session, 8000, 400);
        session.finish();
        let (over, failed) = error(&mut *session).await;
        let fault = fault(failed);
        assert!(over, "{trouble:?}");
        assert!(wanted.as_ref().map_or(matches!(fault, Fault::Cut(_)), |wanted| *wanted == fault), "{trouble:?}: {fault}");
        gone(&simulator, Vendor::Gemini, Duration::from_secs(1)).await;
        assert_eq!(part.guard.view().failures_in_a_row, 1, "{trouble:?}");
    }
}

#[tokio::test]
async fn what_fails_again_and_again_is_left_alone_until_a_check_finds_it_well() {
    let simulator = simulator(&[], SCRIPT).await;
    let mut policy = Service::GeminiLive.policy();
    policy.breaker.open_for = Duration::from_millis(50);
    let guard = Guards::default().with(Service::GeminiLive, policy);
    let config = GeminiConfig::google(&simulator.url(Vendor::Gemini), &Secret::from("test-key".to_owned()), "models/gemini");
    let model = Gemini::new(config, guard.clone()).unwrap();
    simulator.behave(Vendor::Gemini, Behaviour::with(Trouble::Unavailable { status: 500 }));
    for _ in 0..3 {
        refused(&model).await;
    }
    assert_eq!(guard.view().state, State::Open);
    simulator.behave(Vendor::Gemini, Behaviour::default());
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while !guard.wants_probe() {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    model.check().await.unwrap();
    assert_eq!(guard.view().state, State::Closed);
}
