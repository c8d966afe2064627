//! The contract of Deepgram's voices.

use std::time::Duration;

use audio::level::Level;
use call::{Meter, Unit};
use outbound::Fault;
use privacy::Secret;
use resilience::{BreakerPolicy, Guard, Policy, Service, State, Why};
use simulator::{Behaviour, Seen, Simulator, Trouble, Vendor};
use speech::vendor::aura::{Aura, AuraConfig, NAME};
use speech::vendor::deepgram::setup;
use speech::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_millis(300);

struct Stage {
    simulator: Simulator,
    guard: Guard,
    voice: Aura,
}

impl Stage {
    async fn new(key: &str) -> Self {
        let simulator = Simulator::quick().await.unwrap();
        let policy = Service::DeepgramSpeak.policy();
        let breaker = BreakerPolicy { open_for: Duration::from_millis(50), ..policy.breaker };
        let guard = Guard::new(Service::DeepgramSpeak, Policy { breaker, ..policy });
        let setup = setup(simulator.url(Vendor::Deepgram), &Secret::from(key.to_owned()));
        let voice = Aura::new(&setup, guard.clone(), AuraConfig { first: LIMIT, stall: LIMIT }).unwrap();
        Self { simulator, guard, voice }
    }

    async fn troubled(trouble: Trouble) -> Self {
        let stage = Self::new("a-key").await;
        stage.simulator.behave(Vendor::Deepgram, Behaviour::with(trouble));
        stage
    }

    fn seen(&self) -> Seen {
        self.simulator.seen(Vendor::Deepgram)
    }

    async fn all_gone(&self) {
        let end = Instant::now() + PATIENCE;
        while self.seen().open > 0 {
            assert!(Instant::now() < end, "{:?}", self.seen());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// All sound of a text, and what went wrong.
    async fn say(&self, rate: u32, meter: &Meter) -> (Vec<i16>, Option<SpeechError>) {
        match self.voice.speak(request(rate), meter).await {
            Ok(stream) => all(stream).await,
            Err(error) => (Vec::new(), Some(error)),
        }
    }

    async fn fault(&self) -> Fault {
        match self.say(8000, &Meter::new()).await.1 {
            Some(SpeechError::Outside { fault, .. }) => fault,
            other => panic!("{other:?}"),
        }
    }
}

fn request(rate: u32) -> SpeakRequest {
    SpeakRequest { text: "Good morning.".into(), voice: "aura-2-thalia-en".into(), language: "en-US".into(), rate }
}

async fn all(mut stream: SpeechStream) -> (Vec<i16>, Option<SpeechError>) {
    let mut sound = Vec::new();
    while let Some(piece) = timeout(PATIENCE, stream.recv()).await.expect("it goes on") {
        match piece {
            Ok(piece) => sound.extend_from_slice(&piece),
            Err(error) => return (sound, Some(error)),
        }
    }
    (sound, None)
}

#[tokio::test]
async fn a_text_is_spoken_at_both_rates_and_its_letters_are_counted() {
    let stage = Stage::new("a-key").await;
    for rate in [8000, 16_000] {
        let meter = Meter::new();
        let (sound, fault) = stage.say(rate, &meter).await;
        assert!(fault.is_none(), "{fault:?}");
        assert_eq!(sound.len(), 13 * 60 * rate as usize / 1000, "60 ms a letter");
        assert!(Level::of(&sound).rms_dbfs > -20.0);
        let usage = meter.usage();
        assert_eq!((usage[0].service.as_str(), usage[0].unit, usage[0].amount), (NAME, Unit::Characters, 13));
    }
    assert_eq!(stage.seen(), Seen { requests: 2, open: 0, troubled: 0, cancelled: 0 });
    stage.voice.check().await.unwrap();
}

#[tokio::test]
async fn a_listener_who_goes_away_ends_the_request_at_once() {
    let stage = Stage::new("a-key").await;
    stage.simulator.behave(Vendor::Deepgram, Behaviour { pace: 1.0, ..Behaviour::default() });
    let mut stream = stage.voice.speak(request(8000), &Meter::new()).await.unwrap();
    stream.recv().await.unwrap().unwrap();
    let since = Instant::now();
    drop(stream);
    stage.all_gone().await;
    assert!(since.elapsed() < Duration::from_millis(200), "{:?}", since.elapsed());
    assert_eq!((stage.seen().cancelled, stage.guard.view().in_use), (1, 0));
}

#[tokio::test]
async fn a_listener_who_takes_his_time_hears_it_all() {
    let stage = Stage::new("a-key").await;
    let text = "a".repeat(400);
    let mut stream = stage.voice.speak(SpeakRequest { text, ..request(8000) }, &Meter::new()).await.unwrap();
    let first = stream.recv().await.unwrap().unwrap().len();
    // Longer than a stall, while more comes than may wait.
    tokio::time::sleep(LIMIT * 2).await;
    let (sound, fault) = all(stream).await;
    assert!(fault.is_none(), "{fault:?}");
    assert_eq!(first + sound.len(), 400 * 60 * 8);
}

#[tokio::test]
async fn each_trouble_has_its_name() {
    let table = [
        (Trouble::Stall { after: 0 }, Fault::NoAnswer(LIMIT)),
        (Trouble::Stall { after: 2 }, Fault::Stalled(LIMIT)),
        (Trouble::Silent, Fault::NoAnswer(LIMIT)),
        (Trouble::SlowFirst { ms: 60_000 }, Fault::NoAnswer(LIMIT)),
        (Trouble::WrongKey, Fault::Key(401)),
        (Trouble::Unavailable { status: 502 }, Fault::Unavailable(502)),
        (Trouble::Malformed { after: 0 }, Fault::Malformed("sound was asked for, and something else came")),
    ];
    for (trouble, fault) in table {
        let stage = Stage::troubled(trouble).await;
        assert_eq!(stage.fault().await, fault, "{trouble:?}");
    }
    for trouble in [Trouble::Cut { after: 2 }, Trouble::Error { after: 1 }] {
        let stage = Stage::troubled(trouble).await;
        assert!(matches!(stage.fault().await, Fault::Cut(_)), "{trouble:?}");
        assert_eq!(stage.guard.view().counts.failed, 1);
    }
}

#[tokio::test]
async fn a_wrong_key_and_wrong_use_are_no_outage() {
    let stage = Stage::new("wrong-key").await;
    for _ in 0..5 {
        assert_eq!(stage.fault().await, Fault::Key(401));
    }
    assert_eq!(stage.guard.view().state, State::Closed);
    let stage = Stage::new("a-key").await;
    for text in ["", " ", &"a".repeat(2001)] {
        let wrong = SpeakRequest { text: text.to_owned(), ..request(8000) };
        assert!(matches!(stage.voice.speak(wrong, &Meter::new()).await, Err(SpeechError::TextLength { .. })));
    }
    let wrong = SpeakRequest { voice: "nobody".into(), ..request(8000) };
    let Err(SpeechError::Outside { fault, .. }) = stage.voice.speak(wrong, &Meter::new()).await else { panic!("it was spoken") };
    assert_eq!(fault, Fault::Refused { status: 400, code: "INVALID_QUERY_PARAMETER".into() });
}

#[tokio::test]
async fn too_many_requests_pause_the_road_and_do_not_open_the_breaker() {
    let stage = Stage::troubled(Trouble::TooMany { retry_after: Some(7) }).await;
    assert_eq!(stage.fault().await, Fault::Throttled(Some(Duration::from_secs(7))));
    assert_ne!(stage.guard.view().state, State::Open);
    let Fault::NotAsked(rejected) = stage.fault().await else { panic!("it was asked") };
    assert_eq!((rejected.why, stage.seen().requests), (Why::Paused, 1));
}

#[tokio::test]
async fn the_breaker_opens_after_some_outages_and_a_check_closes_it_again() {
    let stage = Stage::troubled(Trouble::Unavailable { status: 503 }).await;
    for _ in 0..3 {
        assert_eq!(stage.fault().await, Fault::Unavailable(503));
    }
    assert_eq!(stage.guard.view().state, State::Open);
    stage.simulator.behave(Vendor::Deepgram, Behaviour::default());
    let end = Instant::now() + PATIENCE;
    while !stage.guard.wants_probe() {
        assert!(Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stage.voice.check().await.unwrap();
    assert_eq!(stage.guard.view().state, State::Closed);
}
