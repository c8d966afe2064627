//! Ears that are asked once an utterance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use call::{Meter, Unit};
use outbound::Fault;
use resilience::{BreakerPolicy, Guard, Policy, Service, Why};
use simulator::{Behaviour, Simulator, Trouble, Vendor};
use speech::vendor::openai::{LISTEN_MODEL, LISTEN_NAME, OpenAiListen, OpenAiListenConfig};
use speech::{Domain, Listening, Recognition, RecognitionEvent, SpeechError, SpeechToText, Transcript};
use tokio::time::timeout;

use super::place;
use crate::voices::lines::Lines;
use crate::voices::until;

const LIMIT: Duration = Duration::from_millis(400);
/// What the script lets callers say second: a word of it is in nothing else.
const WORD: &str = "nights";

struct Scene {
    simulator: Simulator,
    ears: OpenAiListen,
    meter: Meter,
}

impl Scene {
    async fn new(behaviour: Behaviour) -> Self {
        Self::with(behaviour, |config| config).await
    }

    async fn with(behaviour: Behaviour, change: impl Fn(OpenAiListenConfig) -> OpenAiListenConfig) -> Self {
        let simulator = Simulator::quick().await.unwrap();
        simulator.behave(Vendor::OpenAi, behaviour);
        let config = OpenAiListenConfig { answer: LIMIT, ..OpenAiListenConfig::new(place(simulator.url(Vendor::OpenAi), "a-key")) };
        let table = Service::OpenAiListen.policy();
        let breaker = BreakerPolicy { open_for: Duration::from_millis(200), ..table.breaker };
        let guard = Guard::new(Service::OpenAiListen, Policy { breaker, ..table });
        let ears = OpenAiListen::new(change(config), guard).unwrap();
        Self { simulator, ears, meter: Meter::new() }
    }

    async fn open(&self) -> Box<dyn Recognition> {
        let states = BTreeMap::from([("ask".to_owned(), vec!["a double room for two nights".to_owned()])]);
        let domain = Arc::new(Domain { name: "hotel".into(), states, background: Vec::new() });
        let listening = Listening { meter: self.meter.clone(), ..Listening::plain(domain, 8000) };
        self.ears.open(listening).await.unwrap()
    }

    /// What becomes of one utterance of half a second.
    async fn hear(&self, recognition: &mut Box<dyn Recognition>) -> Result<Transcript, SpeechError> {
        recognition.start();
        recognition.push(&[1000; 4000]);
        recognition.finish();
        match next(recognition).await {
            RecognitionEvent::Final(heard) => Ok(heard),
            RecognitionEvent::Failed(error) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    async fn fault(&self) -> Fault {
        match self.hear(&mut self.open().await).await {
            Err(SpeechError::Outside { fault, .. }) => fault,
            other => panic!("no fault of a vendor: {other:?}"),
        }
    }

    fn seen(&self) -> simulator::Seen {
        self.simulator.seen(Vendor::OpenAi)
    }
}

async fn next(recognition: &mut Box<dyn Recognition>) -> RecognitionEvent {
    timeout(Duration::from_secs(5), recognition.next()).await.expect("no event came")
}

#[tokio::test]
async fn utterances_become_words_with_their_writing_and_how_sure_it_is() {
    let scene = Scene::new(Behaviour::default()).await;
    let mut recognition = scene.open().await;
    let heard = scene.hear(&mut recognition).await.unwrap();
    assert_eq!((heard.text.as_str(), heard.written.as_str()), ("good morning", "Good morning."));
    assert!((0.96..0.98).contains(&heard.confidence), "{heard:?}");
    assert_eq!((heard.words.len(), heard.words[1].text.as_str()), (2, "morning"));
    assert!(heard.took >= Duration::from_millis(20));
    let heard = scene.hear(&mut recognition).await.unwrap();
    assert_eq!(heard.text, "i would like to book a double room for two nights");
    let usage = scene.meter.usage();
    assert_eq!((usage.len(), usage[0].unit, usage[0].amount), (1, Unit::AudioMillis, 1000));
    assert_eq!((usage[0].service.as_str(), usage[0].model.as_str()), (LISTEN_NAME, LISTEN_MODEL));
    scene.ears.check().await.unwrap();
}

#[tokio::test]
async fn models_that_do_not_tell_how_sure_they_are_are_taken_for_fairly_sure() {
    for model in ["gpt-transcribe", "whisper-1"] {
        let scene = Scene::with(Behaviour::default(), |config| OpenAiListenConfig { model: model.into(), sureness: false, ..config }).await;
        let heard = scene.hear(&mut scene.open().await).await.unwrap();
        assert_eq!((heard.text.as_str(), heard.confidence), ("good morning", 0.8), "{model}");
    }
}

#[tokio::test]
async fn what_was_heard_up_to_a_pause_is_the_answer_when_nothing_more_is_said() {
    let scene = Scene::with(Behaviour::default(), |config| OpenAiListenConfig { at_pauses: true, ..config }).await;
    let mut recognition = scene.open().await;
    recognition.start();
    recognition.push(&[1000; 4000]);
    recognition.pause();
    let RecognitionEvent::Partial(partial) = next(&mut recognition).await else { panic!("no partial") };
    recognition.pause();
    recognition.finish();
    let RecognitionEvent::Final(heard) = next(&mut recognition).await else { panic!("no final") };
    assert_eq!((heard, scene.seen().requests), (partial, 1));
    // Whoever goes on speaking is heard as a whole.
    recognition.start();
    recognition.push(&[1000; 4000]);
    recognition.pause();
    recognition.push(&[1000; 4000]);
    recognition.finish();
    let RecognitionEvent::Final(_) = next(&mut recognition).await else { panic!("no final") };
    until(|| scene.seen().requests == 3 || scene.seen().open == 0).await;
    let off = Scene::new(Behaviour::default()).await;
    let mut recognition = off.open().await;
    recognition.start();
    recognition.push(&[1000; 4000]);
    recognition.pause();
    assert!(timeout(Duration::from_millis(100), recognition.next()).await.is_err(), "a pause is not asked about unless it is wished");
    assert_eq!(off.seen().requests, 0);
}

#[tokio::test]
async fn an_utterance_that_is_given_up_is_not_transcribed_any_longer() {
    let scene = Scene::new(Behaviour { first_ms: 5000, ..Behaviour::default() }).await;
    let mut recognition = scene.open().await;
    recognition.start();
    recognition.push(&[1000; 4000]);
    recognition.finish();
    assert!(timeout(Duration::from_millis(50), recognition.next()).await.is_err());
    until(|| scene.seen().open == 1).await;
    recognition.cancel();
    let took = until(|| scene.seen().open == 0).await;
    assert!(took < Duration::from_millis(200), "{took:?}");
    assert_eq!(scene.seen().cancelled, 1);
}

#[tokio::test]
async fn a_sound_too_short_for_a_word_is_not_sent() {
    let scene = Scene::new(Behaviour::default()).await;
    let mut recognition = scene.open().await;
    recognition.start();
    recognition.push(&[1000; 700]);
    recognition.finish();
    assert!(matches!(next(&mut recognition).await, RecognitionEvent::Failed(SpeechError::BadAudio { .. })));
    assert_eq!(scene.seen().requests, 0);
    assert!(scene.hear(&mut recognition).await.is_ok());
}

#[tokio::test]
async fn each_trouble_fails_one_utterance_by_its_name_and_the_next_one_may_work() {
    let table = [
        (Trouble::WrongKey, Fault::Key(401)),
        (Trouble::TooMany { retry_after: Some(2) }, Fault::Throttled(Some(Duration::from_secs(2)))),
        (Trouble::Unavailable { status: 500 }, Fault::Unavailable(500)),
        (Trouble::Silent, Fault::NoAnswer(LIMIT)),
        (Trouble::SlowFirst { ms: 2000 }, Fault::NoAnswer(LIMIT)),
        (Trouble::Stall { after: 0 }, Fault::Stalled(LIMIT)),
        (Trouble::Malformed { after: 0 }, Fault::Malformed("no transcript")),
    ];
    for (trouble, fault) in table {
        let scene = Scene::new(Behaviour::with(trouble)).await;
        assert_eq!(scene.fault().await, fault);
        if !matches!(trouble, Trouble::TooMany { .. }) {
            scene.simulator.behave(Vendor::OpenAi, Behaviour::default());
            assert!(scene.hear(&mut scene.open().await).await.is_ok(), "{trouble:?}");
        }
    }
    let scene = Scene::new(Behaviour::with(Trouble::Cut { after: 0 })).await;
    assert!(matches!(scene.fault().await, Fault::Cut(_)));
}

#[tokio::test]
async fn ears_out_of_order_are_left_alone_until_a_check_finds_them_well() {
    let scene = Scene::new(Behaviour::with(Trouble::Malformed { after: 0 })).await;
    for _ in 0..3 {
        assert_eq!(scene.fault().await, Fault::Malformed("no transcript"));
    }
    let Fault::NotAsked(rejected) = scene.fault().await else { panic!("it was asked") };
    assert_eq!((rejected.why, scene.seen().requests), (Why::Open, 3));
    scene.simulator.behave(Vendor::OpenAi, Behaviour::default());
    let began = tokio::time::Instant::now();
    while scene.ears.check().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(5), "no check was let through");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(scene.hear(&mut scene.open().await).await.is_ok());
}

#[tokio::test]
async fn what_callers_say_is_in_no_log_line_and_no_error() {
    let lines = Lines::default();
    let listening = lines.listen();
    let scene = Scene::new(Behaviour::default()).await;
    let mut recognition = scene.open().await;
    scene.hear(&mut recognition).await.unwrap();
    assert!(scene.hear(&mut recognition).await.unwrap().text.contains(WORD));
    let mut printed = String::new();
    for trouble in [Trouble::Cut { after: 0 }, Trouble::Malformed { after: 0 }, Trouble::WrongKey] {
        let scene = Scene::new(Behaviour::with(trouble)).await;
        printed += &format!("{:?}", scene.fault().await);
    }
    tracing::warn!("the subscriber listens");
    drop(listening);
    assert!(lines.text().contains("the subscriber listens"));
    assert!(!lines.text().contains(WORD) && !printed.contains(WORD), "{}", lines.text());
}
