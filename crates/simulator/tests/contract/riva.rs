//! The contract of Riva's ears, and of the connections under them.

mod faults;
mod line;
mod pool;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use call::{Meter, Unit};
use resilience::{BreakerPolicy, Guard, Policy, Service};
use riva::ChannelsConfig;
use simulator::{Simulator, Vendor};
use speech::vendor::riva::{NAME, Riva, RivaConfig};
use speech::{Domain, Listening, Recognition, RecognitionEvent, SpeechError, SpeechToText, Transcript};
use tokio::time::{Instant, timeout};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Riva's guard, which looks again soon.
pub(crate) fn guard() -> Guard {
    let policy = Service::Riva.policy();
    let breaker = BreakerPolicy { open_for: Duration::from_millis(100), open_at_most: Duration::from_millis(100), ..policy.breaker };
    Guard::new(Service::Riva, Policy { breaker, ..policy })
}

fn limits() -> RivaConfig {
    RivaConfig { finish: Duration::from_millis(250), check: Duration::from_millis(400), ..RivaConfig::default() }
}

fn channels(url: String) -> ChannelsConfig {
    ChannelsConfig { answer: Duration::from_millis(400), tend: Duration::from_millis(20), ..ChannelsConfig::new(url) }
}

fn domain() -> Arc<Domain> {
    let states = BTreeMap::from([("ask".to_owned(), vec!["the mezzanine suite please".to_owned()])]);
    Arc::new(Domain { name: "hotel".into(), states, background: Vec::new() })
}

/// Simulated Riva, ears that listen to it, and their guard.
struct Scene {
    simulator: Simulator,
    riva: Riva,
    guard: Guard,
    meter: Meter,
}

impl Scene {
    async fn new() -> Self {
        let (simulator, guard) = (Simulator::quick().await.unwrap(), guard());
        let riva = Riva::new(channels(simulator.url(Vendor::Riva)), guard.clone(), limits()).unwrap();
        Self { simulator, riva, guard, meter: Meter::new() }
    }

    async fn open(&self, language: &str) -> Result<Box<dyn Recognition>, SpeechError> {
        let listening = Listening { language: language.into(), meter: self.meter.clone(), ..Listening::plain(domain(), 8000) };
        self.riva.open(listening).await
    }

    async fn ears(&self) -> Box<dyn Recognition> {
        self.open("en-US").await.unwrap()
    }

    fn seen(&self) -> simulator::Seen {
        self.simulator.seen(Vendor::Riva)
    }
}

/// A second of tone.
fn speak(ears: &mut dyn Recognition) {
    speak_for(ears, 50);
}

/// Tone, in frames of 20 ms as a call has them.
fn speak_for(ears: &mut dyn Recognition, frames: usize) {
    for _ in 0..frames {
        let frame: Vec<i16> = (0..160).map(|at| if at % 40 < 20 { 6000 } else { -6000 }).collect();
        ears.push(&frame);
    }
}

fn be_silent(ears: &mut dyn Recognition) {
    (0..50).for_each(|_| ears.push(&[0; 160]));
}

async fn next(ears: &mut dyn Recognition) -> RecognitionEvent {
    timeout(PATIENCE, ears.next()).await.expect("no event")
}

async fn outcome(ears: &mut dyn Recognition) -> Result<Transcript, SpeechError> {
    loop {
        match next(ears).await {
            RecognitionEvent::Final(heard) => return Ok(heard),
            RecognitionEvent::Failed(fault) => return Err(fault),
            RecognitionEvent::Partial(_) | RecognitionEvent::EndOfSpeech => {}
        }
    }
}

/// A whole utterance.
async fn utter(ears: &mut dyn Recognition) -> Result<Transcript, SpeechError> {
    ears.start();
    speak(ears);
    ears.finish();
    outcome(ears).await
}

async fn eventually(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("it takes too long")
}

#[tokio::test]
async fn words_come_while_the_caller_speaks_and_stay_when_the_caller_has_finished() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    ears.start();
    speak(&mut *ears);
    let RecognitionEvent::Partial(so_far) = next(&mut *ears).await else { panic!("no partial words") };
    assert!("good morning".starts_with(&so_far.text) && !so_far.text.is_empty(), "{so_far:?}");
    ears.finish();
    let heard = outcome(&mut *ears).await.unwrap();
    assert_eq!((heard.text.as_str(), heard.written.as_str()), ("good morning", "good morning"));
    assert!((heard.confidence - 0.97).abs() < 0.01);
    assert_eq!(heard.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["good", "morning"]);
    assert_eq!(utter(&mut *ears).await.unwrap().text, "i would like to book a double room for two nights");
    assert_eq!((scene.seen().open, scene.seen().cancelled), (0, 0));
    assert_eq!(scene.guard.view().in_use, 0);
}

#[tokio::test]
async fn what_was_listened_to_is_counted_by_model() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    utter(&mut *ears).await.unwrap();
    let usage = scene.meter.usage();
    assert_eq!((usage.len(), usage[0].service.as_str(), usage[0].unit), (1, NAME, Unit::AudioMillis));
    assert_eq!(usage[0].model, "conformer-en-US-asr-streaming");
    // The resampler's end is a few milliseconds of silence.
    assert!((1000..1010).contains(&usage[0].amount), "{usage:?}");
}

#[tokio::test]
async fn a_model_of_the_telephones_rate_is_sent_the_telephones_own_coding() {
    let scene = Scene::new().await;
    let mut ears = scene.open("de-DE").await.unwrap();
    assert_eq!(utter(&mut *ears).await.unwrap().text, "good morning");
    assert_eq!(scene.meter.usage()[0].model, "telephony-de-DE-asr-streaming");
    let fault = scene.open("fr-FR").await.err().expect("nobody speaks French");
    assert!(fault.to_string().contains("de-DE, en-US"), "{fault}");
}

#[tokio::test]
async fn parts_that_riva_takes_for_complete_are_hints_and_are_appended() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    ears.start();
    speak(&mut *ears);
    be_silent(&mut *ears);
    while !matches!(next(&mut *ears).await, RecognitionEvent::EndOfSpeech) {}
    speak(&mut *ears);
    ears.finish();
    let heard = outcome(&mut *ears).await.unwrap();
    assert_eq!(heard.text, "good morning i would like to book a double room for two nights");
}

#[tokio::test]
async fn silence_is_an_utterance_without_words() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    ears.start();
    be_silent(&mut *ears);
    ears.finish();
    let heard = outcome(&mut *ears).await.unwrap();
    assert_eq!((heard.text.as_str(), heard.confidence), ("", 0.0));
}

#[tokio::test]
async fn an_utterance_that_is_given_up_ends_at_once() {
    let scene = Scene::new().await;
    let mut ears = scene.ears().await;
    for given_up in 1..=2 {
        ears.start();
        speak(&mut *ears);
        next(&mut *ears).await;
        assert_eq!(scene.seen().open, 1);
        if given_up == 1 {
            ears.cancel();
        } else {
            // A new one takes its place, and the call ends.
            drop(std::mem::replace(&mut ears, scene.ears().await));
        }
        let gone = || scene.seen().open == 0 && scene.seen().cancelled == given_up;
        let until = Instant::now() + Duration::from_millis(200);
        while !gone() {
            assert!(Instant::now() < until, "the stream is still open: {:?}", scene.seen());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    eventually("a place is lost", PATIENCE, || scene.riva.channels().view().in_use == 0 && scene.guard.view().in_use == 0).await;
    assert_eq!(scene.guard.view().counts.failed, 0);
}

#[tokio::test]
async fn a_check_proves_health_models_and_the_format() {
    let scene = Scene::new().await;
    within(scene.riva.check()).await.unwrap();
    assert!(scene.guard.view().counts.answered >= 3);
}
