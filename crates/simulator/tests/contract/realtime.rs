//! The contract of Realtime sessions: OpenAI's, and Azure's, which have another address and another header.

use std::time::Duration;

use call::Unit;
use models::realtime::{AZURE_TRANSCRIPTION, Realtime, RealtimeConfig, RealtimeLimits, TRANSCRIPTION};
use models::{SpeechToSpeech, VoiceEvent};
use outbound::{Fault, StandbyPolicy};
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
say = "One moment."
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

/// Whose sessions.
#[derive(Clone, Copy)]
struct House {
    service: Service,
    config: fn(&str, &Secret, &str) -> RealtimeConfig,
    transcription: &'static str,
}

const OPENAI: House = House { service: Service::OpenAiRealtime, config: RealtimeConfig::openai, transcription: TRANSCRIPTION };
const AZURE: House = House { service: Service::AzureRealtime, config: RealtimeConfig::azure, transcription: AZURE_TRANSCRIPTION };

/// Every story is told for both, under its own name.
macro_rules! stories {
    ($($story:ident),*) => {
        mod at_openai {
            $(
                #[tokio::test]
                async fn $story() {
                    super::$story(super::OPENAI).await;
                }
            )*
        }

        mod on_azure {
            $(
                #[tokio::test]
                async fn $story() {
                    super::$story(super::AZURE).await;
                }
            )*
        }
    };
}

stories!(
    a_caller_is_heard_answered_written_down_and_counted_at_both_rates,
    the_callers_words_may_come_after_the_answer_has_begun,
    an_interruption_ends_the_sound_and_the_model_is_told_what_was_heard,
    an_interruption_after_the_answer_was_made_is_taken_too,
    an_utterance_that_was_none_is_forgotten,
    a_tool_is_wished_for_and_answered,
    two_tools_at_once_are_both_answered_before_it_goes_on,
    what_was_said_before_and_what_is_told_is_known,
    a_session_grows_old_and_goes_on_elsewhere_with_all_that_was_said,
    a_connection_that_stands_by_is_used,
    a_session_in_which_nobody_speaks_is_kept_alive,
    a_call_that_ends_in_the_middle_of_an_answer_leaves_nothing_behind,
    refusals_are_told_apart,
    the_beta_is_refused_by_the_vendor_and_understood_by_us,
    a_service_that_says_nothing_is_given_up_in_time,
    an_answer_that_goes_wrong_is_told_in_time_and_by_its_kind,
    a_session_outlives_an_answer_that_failed,
    what_fails_again_and_again_is_left_alone_until_a_check_finds_it_well
);

struct Part {
    model: Realtime,
    guard: Guard,
}

fn part(house: House, simulator: &Simulator, key: &str, change: impl FnOnce(&mut RealtimeConfig)) -> Part {
    let guard = Guards::default().of(house.service);
    let key = Secret::from(key.to_owned());
    let mut config = (house.config)(&simulator.url(Vendor::OpenAi), &key, "gpt-realtime");
    config.standby = StandbyPolicy { cap: 0, ..config.standby };
    change(&mut config);
    Part { model: Realtime::new(config, guard.clone()).unwrap(), guard }
}

/// Limits that a test has the time to wait for.
fn impatient(config: &mut RealtimeConfig) {
    let (open, first, stall) = (Duration::from_millis(500), Duration::from_millis(800), Duration::from_millis(400));
    config.limits = RealtimeLimits { open, first, stall, ..config.limits };
}

async fn good(house: House, callers: &[&str]) -> (Simulator, Part) {
    let simulator = simulator(callers, SCRIPT).await;
    let part = part(house, &simulator, "test-key", |_| ());
    (simulator, part)
}

async fn a_caller_is_heard_answered_written_down_and_counted_at_both_rates(house: House) {
    for rate in [8000, 16_000] {
        let (simulator, part) = good(house, &["when is breakfast"]).await;
        let config = call(rate);
        let meter = config.meter.clone();
        let mut session = part.model.open(config).await.unwrap();
        let mut heard = turn(&mut *session, rate).await;
        assert!(heard.words.starts_with("Breakfast is served"), "{rate}");
        // 60 ms a letter.
        let wanted = heard.words.trim().len() * rate as usize * 60 / 1000;
        assert!(heard.samples.abs_diff(wanted) < rate as usize / 100, "{} of {wanted} at {rate}", heard.samples);
        while heard.caller.is_empty() {
            if let VoiceEvent::CallerText(words) = next(&mut *session).await {
                heard.caller.push(words);
            }
        }
        assert_eq!(heard.caller, ["when is breakfast"]);
        let units: Vec<Unit> = meter.usage().iter().map(|line| line.unit).collect();
        for unit in [Unit::InputTokens, Unit::InputAudioTokens, Unit::OutputTokens, Unit::OutputAudioTokens] {
            assert!(units.contains(&unit), "{unit:?} at {rate}");
        }
        assert!(meter.usage().iter().any(|line| line.model == house.transcription));
        assert!(meter.usage().iter().all(|line| line.service == house.service.as_str()));
        drop(session);
        gone(&simulator, Vendor::OpenAi, Duration::from_millis(200)).await;
    }
}

async fn the_callers_words_may_come_after_the_answer_has_begun(house: House) {
    let (_simulator, part) = good(house, &["when is breakfast"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    let heard = turn(&mut *session, 8000).await;
    assert!(heard.late && heard.caller == ["when is breakfast"], "{heard:?}");
}

async fn an_interruption_ends_the_sound_and_the_model_is_told_what_was_heard(house: House) {
    let (_simulator, part) = good(house, &["when is breakfast", "zebra"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    say(&mut *session, 8000, 400);
    session.finish();
    first_sound(&mut *session).await;
    say(&mut *session, 8000, 400);
    session.interrupt(60);
    session.finish();
    // Whatever was on its way, the next words are those of the next answer.
    let heard = answer(&mut *session).await;
    assert_eq!(heard.words.trim(), "You said: zebra.");
    assert_eq!(heard.samples, heard.words.trim().len() * 480);
}

async fn an_interruption_after_the_answer_was_made_is_taken_too(house: House) {
    let (_simulator, part) = good(house, &["when is breakfast", "zebra"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    turn(&mut *session, 8000).await;
    session.interrupt(500);
    // More than there is of nothing: what follows is right all the same.
    session.interrupt(500);
    assert_eq!(turn(&mut *session, 8000).await.words.trim(), "You said: zebra.");
}

async fn an_utterance_that_was_none_is_forgotten(house: House) {
    let (_simulator, part) = good(house, &["when is breakfast", "zebra"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    say(&mut *session, 8000, 400);
    session.cancel();
    assert!(turn(&mut *session, 8000).await.words.starts_with("Breakfast"), "the first line was not used up");
}

async fn a_tool_is_wished_for_and_answered(house: House) {
    let (_simulator, part) = good(house, &["a room please"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    let wish = turn(&mut *session, 8000).await;
    assert_eq!((wish.calls.len(), wish.samples), (1, 0));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&wish.calls[0].arguments).unwrap(), json!({ "day": "monday" }));
    session.tool_answered(&wish.calls[0].id, &json!({ "free": 3 }));
    assert_eq!(answer(&mut *session).await.words.trim(), "There is a room.");
}

async fn two_tools_at_once_are_both_answered_before_it_goes_on(house: House) {
    let (simulator, part) = good(house, &["look at both"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    let wish = turn(&mut *session, 8000).await;
    assert_eq!(wish.calls.len(), 2);
    let before = simulator.seen(Vendor::OpenAi).requests;
    session.tool_answered(&wish.calls[1].id, &json!({ "free": 3 }));
    session.tool_answered(&wish.calls[0].id, &json!({ "free": 4 }));
    assert_eq!(answer(&mut *session).await.words.trim(), "There is a room.");
    assert_eq!(simulator.seen(Vendor::OpenAi).requests, before + 1, "one answer for both");
}

async fn what_was_said_before_and_what_is_told_is_known(house: House) {
    let (_simulator, part) = good(house, &[]).await;
    let mut session = part.model.open(models::VoiceConfig { history: history(), ..call(8000) }).await.unwrap();
    // An utterance without sound is no error, and the last words of before are answered.
    session.start();
    session.finish();
    assert!(answer(&mut *session).await.words.starts_with("Breakfast"));
    session.tell("[the caller pressed 1]", false);
    session.tell("[the caller says nothing]", true);
    assert!(answer(&mut *session).await.samples > 0);
}

async fn a_session_grows_old_and_goes_on_elsewhere_with_all_that_was_said(house: House) {
    let simulator = simulator(&["when is breakfast", "zebra"], SCRIPT).await;
    let part = part(house, &simulator, "test-key", |config| config.limits.age = Duration::from_millis(100));
    let mut session = part.model.open(call(8000)).await.unwrap();
    let mut heard = turn(&mut *session, 8000).await;
    while !heard.going || heard.caller.is_empty() {
        match next(&mut *session).await {
            VoiceEvent::GoingAway => heard.going = true,
            VoiceEvent::CallerText(words) => heard.caller.push(words),
            other => panic!("{other:?}"),
        }
    }
    // A socket, an answer, and the next socket.
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while simulator.seen(Vendor::OpenAi).requests < 3 {
        assert!(std::time::Instant::now() < deadline, "it did not move");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Nothing new is said, so what is answered is what was said on the old one.
    session.start();
    session.finish();
    assert!(answer(&mut *session).await.words.starts_with("Breakfast"));
    assert_eq!(turn(&mut *session, 8000).await.words.trim(), "You said: zebra.");
    drop(session);
    gone(&simulator, Vendor::OpenAi, Duration::from_secs(1)).await;
}

async fn a_connection_that_stands_by_is_used(house: House) {
    let simulator = simulator(&["when is breakfast"], SCRIPT).await;
    let part = part(house, &simulator, "test-key", |config| config.standby.cap = 1);
    let first = part.model.open(call(8000)).await.unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while part.model.standing_by() == 0 {
        assert!(std::time::Instant::now() < deadline, "none stands by");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(simulator.seen(Vendor::OpenAi).open, 2);
    simulator.behave(Vendor::OpenAi, Behaviour::with(Trouble::Unavailable { status: 503 }));
    let mut second = part.model.open(call(8000)).await.expect("a new connection is refused, so it was the one that stood by");
    simulator.behave(Vendor::OpenAi, Behaviour::default());
    assert!(turn(&mut *second, 8000).await.samples > 0);
    drop(first);
}

async fn a_session_in_which_nobody_speaks_is_kept_alive(house: House) {
    let (url, pinged) = quiet_vendor(Some("{\"type\":\"session.created\"}"), "{\"type\":\"session.updated\"}").await;
    let mut config = (house.config)(&url, &Secret::from("test-key".to_owned()), "gpt-realtime");
    config.standby.cap = 0;
    let model = Realtime::new(config, Guards::default().of(house.service)).unwrap();
    kept_alive(model.open(call(8000)).await.unwrap(), &pinged).await;
}

async fn a_call_that_ends_in_the_middle_of_an_answer_leaves_nothing_behind(house: House) {
    let (simulator, part) = good(house, &["when is breakfast"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    say(&mut *session, 8000, 400);
    session.finish();
    first_sound(&mut *session).await;
    drop(session);
    gone(&simulator, Vendor::OpenAi, Duration::from_millis(200)).await;
    assert_eq!(simulator.seen(Vendor::OpenAi).cancelled, 1);
    assert_eq!(part.guard.view().in_use, 0);
}

async fn refusals_are_told_apart(house: House) {
    let (simulator, good_part) = good(house, &[]).await;
    assert_eq!(refused(&part(house, &simulator, "wrong-key", |_| ()).model).await, Fault::Key(401));
    simulator.behave(Vendor::OpenAi, Behaviour::with(Trouble::TooMany { retry_after: Some(2) }));
    assert_eq!(refused(&good_part.model).await, Fault::Throttled(Some(Duration::from_secs(2))));
    simulator.behave(Vendor::OpenAi, Behaviour::default());
    assert!(matches!(refused(&good_part.model).await, Fault::NotAsked(rejected) if rejected.why == Why::Paused));
    assert_eq!(good_part.guard.view().state, State::Closed);
    let other = part(house, &simulator, "test-key", |_| ());
    simulator.behave(Vendor::OpenAi, Behaviour::with(Trouble::Unavailable { status: 503 }));
    assert_eq!(refused(&other.model).await, Fault::Unavailable(503));
}

async fn the_beta_is_refused_by_the_vendor_and_understood_by_us(house: House) {
    let (simulator, _) = good(house, &[]).await;
    let beta = part_with_beta(house, &simulator);
    let fault = refused(&beta.model).await;
    assert_eq!(fault, Fault::Refused { status: 400, code: "beta_api_shape_disabled".into() });
}

fn part_with_beta(house: House, simulator: &Simulator) -> Part {
    part(house, simulator, "test-key", |config| config.setup.headers.push(("openai-beta", Secret::from("realtime=v1".to_owned()))))
}

async fn a_service_that_says_nothing_is_given_up_in_time(house: House) {
    let simulator = simulator(&[], SCRIPT).await;
    let part = part(house, &simulator, "test-key", impatient);
    simulator.behave(Vendor::OpenAi, Behaviour::with(Trouble::Silent));
    assert_eq!(refused(&part.model).await, Fault::NoAnswer(Duration::from_millis(500)));
    assert_eq!(part.guard.view().failures_in_a_row, 1);
}

/// The trouble begins when the session is open: what the answer to the caller's words comes to.
async fn in_the_middle(house: House, trouble: Trouble) -> (bool, Fault, Part) {
    let simulator = simulator(&["when is breakfast"], SCRIPT).await;
    let part = part(house, &simulator, "test-key", impatient);
    let mut session = part.model.open(call(8000)).await.unwrap();
    simulator.behave(Vendor::OpenAi, Behaviour::with(trouble));
    say(&mut *session, 8000, 400);
    session.finish();
    let (over, failed) = error(&mut *session).await;
    if over {
        gone(&simulator, Vendor::OpenAi, Duration::from_secs(1)).await;
    }
    (over, fault(failed), part)
}

async fn an_answer_that_goes_wrong_is_told_in_time_and_by_its_kind(house: House) {
    let (first, stall) = (Duration::from_millis(800), Duration::from_millis(400));
    for (trouble, ends, wanted) in [
        (Trouble::Silent, true, Fault::NoAnswer(first)),
        (Trouble::SlowFirst { ms: 2000 }, true, Fault::NoAnswer(first)),
        (Trouble::Stall { after: 2 }, true, Fault::Stalled(stall)),
        (Trouble::Malformed { after: 2 }, true, Fault::Malformed("a message of the session is no JSON")),
        (Trouble::Error { after: 2 }, false, Fault::Unavailable(500)),
        (Trouble::TooMany { retry_after: None }, false, Fault::Throttled(None)),
    ] {
        let (over, fault, _) = in_the_middle(house, trouble).await;
        assert_eq!((over, fault), (ends, wanted), "{trouble:?}");
    }
    let (over, fault, part) = in_the_middle(house, Trouble::Cut { after: 2 }).await;
    assert!(over && matches!(fault, Fault::Cut(_)), "{fault}");
    assert_eq!(part.guard.view().counts.failed, 1);
}

async fn a_session_outlives_an_answer_that_failed(house: House) {
    let (simulator, part) = good(house, &["when is breakfast", "when is breakfast"]).await;
    let mut session = part.model.open(call(8000)).await.unwrap();
    simulator.behave(Vendor::OpenAi, Behaviour::with(Trouble::Error { after: 1 }));
    say(&mut *session, 8000, 400);
    session.finish();
    assert!(!error(&mut *session).await.0);
    simulator.behave(Vendor::OpenAi, Behaviour::default());
    assert!(turn(&mut *session, 8000).await.samples > 0);
}

async fn what_fails_again_and_again_is_left_alone_until_a_check_finds_it_well(house: House) {
    let simulator = simulator(&[], SCRIPT).await;
    let mut policy = house.service.policy();
    policy.breaker.open_for = Duration::from_millis(50);
    let guard = Guards::default().with(house.service, policy);
    let key = Secret::from("test-key".to_owned());
    let mut config = (house.config)(&simulator.url(Vendor::OpenAi), &key, "gpt-realtime");
    config.standby.cap = 0;
    let model = Realtime::new(config, guard.clone()).unwrap();
    simulator.behave(Vendor::OpenAi, Behaviour::with(Trouble::Unavailable { status: 500 }));
    for _ in 0..3 {
        refused(&model).await;
    }
    assert_eq!(guard.view().state, State::Open);
    assert!(matches!(refused(&model).await, Fault::NotAsked(_)));
    simulator.behave(Vendor::OpenAi, Behaviour::default());
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while !guard.wants_probe() {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    model.check().await.unwrap();
    assert_eq!(guard.view().state, State::Closed);
}
