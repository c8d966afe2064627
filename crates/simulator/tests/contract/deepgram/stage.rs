//! A simulated Deepgram, and ears for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use call::Meter;
use outbound::StandbyPolicy;
use privacy::Secret;
use resilience::{BreakerPolicy, Guard, Policy, Service};
use simulator::{Seen, Simulator, Vendor};
use speech::vendor::deepgram::{Deepgram, DeepgramConfig, setup};
use speech::{Domain, Listening, Recognition, RecognitionEvent, SpeechToText, Transcript};
use tokio::time::{Instant, timeout};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Stage {
    pub(super) simulator: Simulator,
    pub(super) guard: Guard,
    pub(super) ears: Deepgram,
}

impl Stage {
    pub(super) async fn new(config: DeepgramConfig) -> Self {
        Self::with_key(config, "a-key").await
    }

    pub(super) async fn with_key(config: DeepgramConfig, key: &str) -> Self {
        let simulator = Simulator::quick().await.unwrap();
        let guard = guard(Service::DeepgramListen);
        let setup = setup(simulator.url(Vendor::Deepgram), &Secret::from(key.to_owned()));
        let ears = Deepgram::new(&setup, guard.clone(), config).unwrap();
        Self { simulator, guard, ears }
    }

    pub(super) fn seen(&self) -> Seen {
        self.simulator.seen(Vendor::Deepgram)
    }

    pub(super) async fn until(&self, what: &str, is: impl Fn(Seen) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is(self.seen()) {
            assert!(Instant::now() < end, "{what}: {:?}", self.seen());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub(super) async fn all_gone(&self) {
        self.until("all connections are gone", |seen| seen.open == 0).await;
    }

    /// Opens recognition, says something, and gives what comes at its end.
    pub(super) async fn outcome(&self) -> Result<Transcript, speech::SpeechError> {
        let mut recognition = self.ears.open(listening(8000, &Meter::new())).await?;
        recognition.start();
        push(&mut *recognition, 8000, 1500, 100);
        recognition.finish();
        outcome(&mut *recognition).await
    }
}

/// The policy of the table, with a breaker that opens for a moment only.
pub(super) fn guard(service: Service) -> Guard {
    let policy = service.policy();
    Guard::new(service, Policy { breaker: BreakerPolicy { open_for: Duration::from_millis(50), ..policy.breaker }, ..policy })
}

/// Short limits, and nobody stands by.
pub(super) fn quick() -> DeepgramConfig {
    let standby = StandbyPolicy { cap: 0, ..DeepgramConfig::default().standby };
    DeepgramConfig { connect: Duration::from_millis(300), check: Duration::from_millis(300), standby, ..DeepgramConfig::default() }
}

pub(super) fn listening(rate: u32, meter: &Meter) -> Listening {
    let states = BTreeMap::from([("request".to_owned(), vec!["book the bellevue suite".to_owned()])]);
    let domain = Arc::new(Domain { name: "hotel".into(), states, background: Vec::new() });
    Listening { meter: meter.clone(), ..Listening::plain(domain, rate) }
}

/// Pushes so many milliseconds of a voice and of silence, frame by frame.
pub(super) fn push(recognition: &mut dyn Recognition, rate: usize, voice: usize, silence: usize) {
    let frame = rate / 50;
    for at in 0..(voice + silence) / 20 {
        let loud = if at < voice / 20 { 8000 } else { 0 };
        let wave: Vec<i16> = (0..frame).map(|sample| if sample % 40 < 20 { loud } else { -loud }).collect();
        recognition.push(&wave);
    }
}

pub(super) async fn event(recognition: &mut dyn Recognition) -> RecognitionEvent {
    timeout(PATIENCE, recognition.next()).await.expect("an event was due")
}

pub(super) async fn outcome(recognition: &mut dyn Recognition) -> Result<Transcript, speech::SpeechError> {
    loop {
        match event(recognition).await {
            RecognitionEvent::Final(words) => return Ok(words),
            RecognitionEvent::Failed(error) => return Err(error),
            _ => {}
        }
    }
}

pub(super) async fn final_words(recognition: &mut dyn Recognition) -> Transcript {
    outcome(recognition).await.unwrap()
}

/// Says something, and gives what was heard.
pub(super) async fn heard(recognition: &mut dyn Recognition, rate: usize) -> String {
    recognition.start();
    push(recognition, rate, 600, 200);
    recognition.finish();
    final_words(recognition).await.text
}
