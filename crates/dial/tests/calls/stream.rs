//! The media stream: pacing, play buffer, marks, clear, keys, hang-up, latency.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dial::{DialEvent, Garbage, Step, run};
use serde_json::Value;

use super::server::{AgentSide, Server, is_loud};
use super::{Carrier, Script, ms, say, tone, twilio};

/// What the agent's side wants to tell the test.
type Notes<T> = Arc<Mutex<Vec<T>>>;

/// A server whose agent does `act`; gives what it noted down.
async fn call<T, F>(
    script: Script,
    act: impl Fn(AgentSide, Notes<T>) -> F + Send + Sync + 'static,
) -> (dial::CallReport, Vec<T>, Vec<DialEvent>)
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let notes = Notes::<T>::default();
    let kept = Arc::clone(&notes);
    let server = Server::start(move |side| act(side, Arc::clone(&notes))).await;
    server.will_connect(script.carrier);
    let (options, events) = server.options();
    let report = run(script, options).await.unwrap();
    let notes = std::mem::take(&mut *kept.lock().unwrap());
    let events = events.lock().unwrap().clone();
    (report, notes, events)
}

#[tokio::test]
async fn audio_is_paced_from_one_origin() {
    let (report, arrivals, _) = call(twilio().step(Step::Silence(ms(2000))), |mut side: AgentSide, notes: Notes<Instant>| async move {
        side.started().await;
        let frames = side.rest().await.into_iter().filter(|(_, message)| message["event"] == "media").map(|(at, _)| at);
        notes.lock().unwrap().extend(frames);
    })
    .await;
    assert_eq!((arrivals.len(), report.frames_sent), (100, 100));
    // Frame n is due 20 ms * n after the first. One frame may be late on a busy machine; the origin may not move, so the least late of
    // the first and of the last frames must agree.
    let late: Vec<f64> = arrivals.iter().enumerate().map(|(n, at)| (*at - arrivals[0]).as_secs_f64() * 1000.0 - 20.0 * n as f64).collect();
    let least = |part: &[f64]| part.iter().copied().fold(f64::MAX, f64::min);
    let drift = least(&late[70..]) - least(&late[..30]);
    assert!(drift.abs() < 15.0, "the pace drifts by {drift} ms over 1.4 s: {late:?}");
}

#[tokio::test]
async fn every_media_message_counts_up() {
    let (_, messages, _) = call(twilio().step(Step::Silence(ms(200))), |mut side: AgentSide, notes: Notes<Value>| async move {
        side.started().await;
        let rest = side.rest().await.into_iter().map(|(_, message)| message);
        notes.lock().unwrap().extend(rest);
    })
    .await;
    let media: Vec<&Value> = messages.iter().filter(|message| message["event"] == "media").collect();
    let stamps: Vec<_> = media.iter().map(|message| message["media"]["timestamp"].as_str().unwrap()).collect();
    assert_eq!(stamps, ["0", "20", "40", "60", "80", "100", "120", "140", "160", "180"]);
    assert_eq!(media[9]["media"]["chunk"], "10");
    assert_eq!(messages.last().unwrap()["event"], "stop");
}

#[tokio::test]
async fn marks_come_back_when_their_audio_was_played() {
    let (_, times, _) = call(twilio().step(Step::Silence(ms(1200))), |mut side: AgentSide, notes: Notes<Duration>| async move {
        side.started().await;
        let sent = Instant::now();
        side.speak(400).await;
        side.mark("spoken").await;
        let (at, mark) = side.wait_for("mark").await;
        assert_eq!(mark["mark"]["name"], "spoken");
        notes.lock().unwrap().push(at - sent);
        let sent = Instant::now();
        side.mark("idle").await;
        let (at, _) = side.wait_for("mark").await;
        notes.lock().unwrap().push(at - sent);
        side.rest().await;
    })
    .await;
    assert!(times[0] >= ms(395) && times[0] < ms(600), "after its 400 ms of audio: {times:?}");
    assert!(times[1] < ms(150), "nothing to play before it: {times:?}");
}

#[tokio::test]
async fn clear_returns_all_marks_at_once() {
    let (report, times, events) = call(twilio().step(Step::Silence(ms(900))), |mut side: AgentSide, notes: Notes<Duration>| async move {
        side.started().await;
        for name in ["one", "two"] {
            side.speak(5000).await;
            side.mark(name).await;
        }
        for _ in 0..5 {
            side.wait_for("media").await;
        }
        let cleared = Instant::now();
        side.clear().await;
        for name in ["one", "two"] {
            let (at, mark) = side.wait_for("mark").await;
            assert_eq!(mark["mark"]["name"], name);
            notes.lock().unwrap().push(at - cleared);
        }
        side.rest().await;
    })
    .await;
    assert!(times.iter().all(|time| *time < ms(150)), "10 s of audio were cleared: {times:?}");
    assert_eq!(report.clears, 1);
    assert!(events.contains(&DialEvent::Cleared));
    let audio = report.audio.unwrap();
    let agent: Vec<_> = audio.samples.chunks(2).map(|pair| pair[1]).collect();
    let heard = agent.iter().filter(|sample| sample.abs() > 1000).count() / 8;
    assert!((20..400).contains(&heard), "the caller heard {heard} ms of the cleared audio");
}

#[tokio::test]
async fn the_callers_wait_for_an_answer_is_measured_on_the_audio() {
    let script = twilio().step(Step::wait()).step(say(300)).step(Step::wait());
    let (report, _, events) = call(script, |mut side: AgentSide, _: Notes<()>| async move {
        side.started().await;
        side.speak(200).await;
        side.wait_for_voice(true).await;
        let silent_since = side.wait_for_voice(false).await;
        while side.wait_for("media").await.0 < silent_since + ms(600) {}
        side.speak(200).await;
        side.rest().await;
    })
    .await;
    assert_eq!(report.replies_ms.len(), 1, "{report:?}");
    assert!((600..800).contains(&report.replies_ms[0]), "{:?}", report.replies_ms);
    assert!(report.first_audio_ms.is_some_and(|ms| ms < 200), "{:?}", report.first_audio_ms);
    let kinds: Vec<_> = events.iter().filter(|event| matches!(event, DialEvent::AgentStarted | DialEvent::Said { .. })).collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(report.passed(), "{:?}", report.failures);
}

#[tokio::test]
async fn the_caller_hangs_up_in_the_middle_of_a_sentence() {
    let script = twilio().step(Step::Say { speech: tone(3000), hang_up_after: Some(ms(300)) });
    let (report, messages, _) = call(script, |mut side: AgentSide, notes: Notes<Value>| async move {
        side.started().await;
        let rest = side.rest().await.into_iter().map(|(_, message)| message);
        notes.lock().unwrap().extend(rest);
    })
    .await;
    let loud = messages.iter().filter(|message| message["event"] == "media" && is_loud(message)).count();
    assert_eq!((loud, messages.last().unwrap()["event"].as_str()), (15, Some("stop")));
    assert!(report.closed_code.is_none() && report.passed(), "{report:?}");
}

#[tokio::test]
async fn the_caller_interrupts_the_agent() {
    let script = twilio().step(Step::Interrupt { speech: tone(200), after: ms(300), timeout: ms(3000) }).step(Step::Silence(ms(100)));
    let (_, times, _) = call(script, |mut side: AgentSide, notes: Notes<Duration>| async move {
        side.started().await;
        side.speak(3000).await;
        let (started, _) = side.wait_for("media").await;
        let interrupted = side.wait_for_voice(true).await;
        notes.lock().unwrap().push(interrupted - started);
        side.clear().await;
        side.rest().await;
    })
    .await;
    assert!((ms(250)..ms(600)).contains(&times[0]), "{times:?}");
}

#[tokio::test]
async fn keys_go_as_messages_or_as_tones() {
    let press = |in_band| Step::Press { digits: "5#".into(), in_band };
    let script = twilio().step(press(false)).step(press(true));
    let (_, messages, _) = call(script, |mut side: AgentSide, notes: Notes<Value>| async move {
        side.started().await;
        let rest = side.rest().await.into_iter().map(|(_, message)| message);
        notes.lock().unwrap().extend(rest);
    })
    .await;
    let keys: Vec<_> = messages.iter().filter_map(|message| message["dtmf"]["digit"].as_str()).collect();
    assert_eq!(keys, ["5", "#"]);
    let loud = messages.iter().filter(|message| message["event"] == "media" && is_loud(message)).count();
    assert_eq!(loud, 10, "two tones of 100 ms");
}

#[tokio::test]
async fn broken_input_is_sent_as_asked() {
    let script =
        [Garbage::Binary, Garbage::Json, Garbage::Base64, Garbage::Noise].into_iter().map(Step::Garbage).fold(twilio(), Script::step);
    let (_, messages, _) = call(script, |mut side: AgentSide, notes: Notes<Value>| async move {
        side.started().await;
        let rest = side.rest().await.into_iter().map(|(_, message)| message);
        notes.lock().unwrap().extend(rest);
    })
    .await;
    let count = |wanted: &dyn Fn(&Value) -> bool| messages.iter().filter(|message| wanted(message)).count();
    assert_eq!(count(&|message| message["event"] == "binary"), 1);
    assert_eq!(count(&|message| message["event"] == "unreadable"), 1);
    let broken = |message: &Value| message["media"]["payload"].as_str().is_some_and(|payload| payload.starts_with("*~!"));
    assert_eq!(count(&broken), 1);
    assert_eq!(count(&|message| message["event"] == "media" && !broken(message) && is_loud(message)), 100, "two seconds of noise");
}

#[tokio::test]
async fn wideband_audio_travels_over_telnyx() {
    let mut script = Script::new(Carrier::Telnyx).step(say(200));
    script.format = dial::LineFormat::L16;
    let (report, messages, _) = call(script, |mut side: AgentSide, notes: Notes<Value>| async move {
        let start = side.started().await;
        notes.lock().unwrap().push(start);
        let rest = side.rest().await.into_iter().map(|(_, message)| message);
        notes.lock().unwrap().extend(rest);
    })
    .await;
    assert_eq!(messages[0]["start"]["media_format"]["encoding"], "L16");
    assert_eq!(messages[0]["start"]["media_format"]["sample_rate"], 16000);
    assert_eq!(messages[1]["media"]["payload"].as_str().unwrap().len(), 856, "20 ms are 640 bytes");
    assert_eq!(report.audio.unwrap().rate, 16_000);
}
