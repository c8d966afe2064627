//! The contract of voices that answer HTTP with sound: one set of stories, tried with each of them.

pub(crate) mod faults;
pub(crate) mod lines;
pub(crate) mod sound;

use std::sync::Arc;
use std::time::Duration;

use call::Meter;
use outbound::Fault;
use resilience::{Guard, Policy, Service};
use simulator::{Behaviour, Config, Ears, Mind, Mouth, Simulator, Trouble, Vendor};
use speech::vendor::VoiceLimits;
use speech::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};
use tokio::time::{Instant, sleep};

/// Short, so that what comes too late is waited for briefly.
pub(crate) const LIMITS: VoiceLimits = VoiceLimits { first: Duration::from_millis(400), stall: Duration::from_millis(300) };
/// What is said: a word that nothing else says is in it.
pub(crate) const TEXT: &str = "Good morning, Mister Rhododendron, and welcome.";
pub(crate) const WORD: &str = "hododendron";

/// A voice, and where its vendor is simulated.
pub(crate) struct Case {
    pub(crate) vendor: Vendor,
    pub(crate) service: Service,
    pub(crate) model: &'static str,
    /// The adapter at this address, with this key.
    pub(crate) make: fn(String, &str, Guard, VoiceLimits) -> Box<dyn TextToSpeech>,
}

/// A simulated vendor and the adapter in front of it.
pub(crate) struct Scene {
    pub(crate) simulator: Simulator,
    pub(crate) voices: Box<dyn TextToSpeech>,
    pub(crate) meter: Meter,
    vendor: Vendor,
}

impl Scene {
    pub(crate) async fn new(case: &Case) -> Self {
        Self::with(case, Simulator::quick().await.unwrap(), "a-key")
    }

    pub(crate) async fn behaving(case: &Case, behaviour: Behaviour) -> Self {
        let scene = Self::new(case).await;
        scene.simulator.behave(case.vendor, behaviour);
        scene
    }

    pub(crate) async fn troubled(case: &Case, trouble: Trouble) -> Self {
        Self::behaving(case, Behaviour::with(trouble)).await
    }

    pub(crate) fn with(case: &Case, simulator: Simulator, key: &str) -> Self {
        let table = case.service.policy();
        let breaker = resilience::BreakerPolicy { open_for: Duration::from_millis(200), ..table.breaker };
        let guard = Guard::new(case.service, Policy { breaker, ..table });
        let voices = (case.make)(simulator.url(case.vendor), key, guard, LIMITS);
        Self { simulator, voices, meter: Meter::new(), vendor: case.vendor }
    }

    pub(crate) async fn say(&self, text: &str, rate: u32) -> Result<SpeechStream, SpeechError> {
        let language = "en-US".to_owned();
        let voice = self.voices.voice_for("nobody", &language).unwrap();
        self.voices.speak(SpeakRequest { text: text.to_owned(), voice, language, rate }, &self.meter).await
    }

    /// All that comes of a text.
    pub(crate) async fn said(&self, text: &str, rate: u32) -> (Vec<i16>, Option<SpeechError>) {
        match self.say(text, rate).await {
            Ok(stream) => drain(stream).await,
            Err(error) => (Vec::new(), Some(error)),
        }
    }

    /// The fault that a text ends with.
    pub(crate) async fn fault(&self) -> Fault {
        match self.said(TEXT, 8000).await.1 {
            Some(SpeechError::Outside { fault, .. }) => fault,
            other => panic!("no fault of a vendor: {other:?}"),
        }
    }

    pub(crate) fn seen(&self) -> simulator::Seen {
        self.simulator.seen(self.vendor)
    }
}

pub(crate) async fn drain(mut stream: SpeechStream) -> (Vec<i16>, Option<SpeechError>) {
    let mut sound = Vec::new();
    while let Some(piece) = stream.recv().await {
        match piece {
            Ok(piece) => sound.extend_from_slice(&piece),
            Err(error) => return (sound, Some(error)),
        }
    }
    (sound, None)
}

/// Looks again and again until it holds; gives how long that took.
pub(crate) async fn until(holds: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(5), "it never came to hold");
        sleep(Duration::from_millis(2)).await;
    }
    began.elapsed()
}

/// A simulator with another mouth.
pub(crate) async fn simulator_with(mouth: Mouth) -> Simulator {
    let local = ([127, 0, 0, 1], 0).into();
    let mind = Mind::parse("").unwrap();
    Simulator::start(Config { address: local, riva: local, mouth, ears: Ears::script(Vec::new()), mind }).await.unwrap()
}

/// A voice that says nothing, for a second or not at all.
pub(crate) struct Mute(pub(crate) usize);

#[async_trait::async_trait]
impl TextToSpeech for Mute {
    fn name(&self) -> &'static str {
        "mute"
    }

    fn voices(&self) -> Vec<String> {
        Vec::new()
    }

    async fn speak(&self, _: SpeakRequest, _: &Meter) -> Result<SpeechStream, SpeechError> {
        let (pieces, stream) = tokio::sync::mpsc::channel(1);
        pieces.send(Ok(Arc::from(vec![0; self.0]))).await.map_err(|_| SpeechError::Stopped { engine: "mute" })?;
        Ok(stream)
    }

    async fn check(&self) -> Result<(), SpeechError> {
        Ok(())
    }
}

/// The stories, as tests of one voice.
macro_rules! contract {
    ($case:expr; $($module:ident :: $story:ident)*) => {
        $(#[tokio::test]
        async fn $story() {
            crate::voices::$module::$story(&$case).await;
        })*
    };
    ($case:expr) => {
        crate::voices::contract! { $case;
            sound::what_is_said_is_heard_at_both_rates_and_counted
            sound::sound_comes_while_it_is_made
            sound::a_listener_who_goes_away_ends_the_request
            sound::silence_is_no_speech
            sound::only_what_can_be_said_is_sent
            faults::a_wrong_key_is_named_and_opens_no_breaker
            faults::a_vendor_that_wants_fewer_requests_is_left_alone_as_long_as_it_says
            faults::a_vendor_out_of_order_is_left_alone_until_a_check_finds_it_well
            faults::an_answer_that_stops_or_breaks_off_ends_with_a_fault_after_what_was_heard
            faults::a_first_sound_that_comes_too_late_is_not_waited_for
            faults::a_page_in_the_place_of_sound_is_not_played
            lines::what_is_said_is_in_no_log_line_and_no_error
        }
    };
}
pub(crate) use contract;
