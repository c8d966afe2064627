//! A model that hears the caller and speaks by itself: what it is told when its caller talks over its sound.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use agent::{Persona, Texts, ToolSet, Toolbox, VoiceRung};
use async_trait::async_trait;
use models::{ModelError, SpeechToSpeech, VoiceConfig, VoiceEvent, VoiceSession};
use session::{Ending, Minds, Session};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::far_end::{Caller, connect};
use super::house::{House, VOICE};
use super::talk_over::sentence;

/// Length of its answer.
const ANSWER: Duration = Duration::from_secs(3);

/// Answers every utterance with the same sound, and notes what it is told.
#[derive(Clone)]
struct Model(watch::Sender<Vec<String>>);

struct Talk {
    model: Model,
    events: VecDeque<VoiceEvent>,
}

#[async_trait]
impl SpeechToSpeech for Model {
    fn service(&self) -> &'static str {
        "model"
    }

    fn model(&self) -> &str {
        "of the story"
    }

    fn has_voice(&self, _: &str) -> bool {
        false
    }

    async fn open(&self, _: VoiceConfig) -> Result<Box<dyn VoiceSession>, ModelError> {
        self.note("open");
        Ok(Box::new(Talk { model: self.clone(), events: VecDeque::new() }))
    }

    async fn check(&self) -> Result<(), ModelError> {
        Ok(())
    }
}

impl Model {
    fn note(&self, what: &str) {
        self.0.send_modify(|noted| noted.push(what.to_owned()));
    }

    /// Waits until it was told this.
    async fn is_told(&self, what: &str) {
        let mut noted = self.0.subscribe();
        let told = tokio::time::timeout(Duration::from_secs(30), noted.wait_for(|noted| noted.iter().any(|told| told == what))).await;
        assert!(told.is_ok(), "it was told {:?}, and never {what:?}", self.0.borrow());
    }
}

#[async_trait]
impl VoiceSession for Talk {
    fn start(&mut self) {
        self.model.note("start");
    }

    fn push(&mut self, _: &[i16]) {}

    fn finish(&mut self) {
        self.model.note("finish");
        let samples = vec![VOICE; 8 * ANSWER.as_millis() as usize];
        let words = VoiceEvent::AgentText("we have a double room for two nights and it has a view of the harbour".into());
        self.events.extend([words, VoiceEvent::Audio(samples.into()), VoiceEvent::Answered { tools: false }]);
    }

    fn cancel(&mut self) {
        self.model.note("cancel");
    }

    fn interrupt(&mut self, heard_ms: u32) {
        self.events.clear();
        self.model.note(&format!("cut at {heard_ms}"));
    }

    fn tell(&mut self, _: &str, _: bool) {}

    fn tool_answered(&mut self, _: &str, _: &serde_json::Value) {}

    fn tool_dropped(&mut self, _: &str) {}

    async fn next(&mut self) -> VoiceEvent {
        match self.events.pop_front() {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}

fn persona() -> Arc<Persona> {
    Arc::new(Persona {
        name: "Hotel".into(),
        language: "en-US".into(),
        time_zone: "UTC".into(),
        prompt: None,
        greeting: Some("Good morning.".into()),
        tools: Arc::new(ToolSet::new(&Toolbox::new(), Vec::<&str>::new(), &[]).unwrap()),
        texts: Texts::of("en-US"),
        temperature: None,
        max_tokens: 100,
        caller_known: true,
        max_silences: 3,
        limits: agent::Limits::default(),
    })
}

/// A caller who has asked for a room and hears the model's answer; and what the ears beside it will understand then.
async fn answered(over_it: &'static str) -> (House, Model, Caller, JoinHandle<Ending>) {
    let house = House::open(Vec::new()).await;
    house.ears.lines.lock().unwrap().extend(["i would like a double room for two nights please", over_it]);
    let model = Model(watch::Sender::default());
    tokio::time::pause();
    let (socket, stream, mut caller) = connect();
    let (mut setup, _orders, _endings) = house.setup(socket, stream, None);
    let voice = VoiceRung { model: Arc::new(model.clone()), voice: None, open: Arc::new(|| true) };
    setup.minds = Some(Minds { voices: vec![voice], rungs: Vec::new(), persona: persona(), tools: Toolbox::new() });
    let served = tokio::spawn(Session::serve(setup, Arc::clone(&house.services)));
    model.is_told("open").await;
    let greeted = caller.hears(|ear| ear.marks == 1).await;
    caller.speaks(sentence());
    caller.hears(|ear| ear.speech > greeted.speech + 8000).await;
    (house, model, caller, served)
}

/// Time of the model's sound that the caller really heard, beginning with the second thing that was played.
fn heard(caller: &Caller) -> Duration {
    caller.ear.borrow().played.iter().skip(1).map(|(from, until)| *until - *from).sum()
}

#[tokio::test]
async fn a_model_that_is_cut_off_is_told_how_much_of_its_sound_was_heard() {
    let (_house, model, mut caller, served) = answered("no wait a moment").await;
    caller.speaks(sentence());
    let ear = caller.hears(|ear| ear.clears == 1).await;
    let [_, (from, until)] = ear.played[..] else { panic!("a greeting and an answer: {:?}", ear.played) };
    caller.hears(|ear| ear.played.len() == 3).await;
    let told = model.0.borrow().clone();
    let cut: u128 = told.iter().find_map(|told| told.strip_prefix("cut at ")).expect("it was not told").parse().unwrap();
    // What is on its way is not heard yet: up to 80 ms are left out for it.
    let played = (until - from).as_millis();
    assert!((played - 100..=played).contains(&cut), "{cut} ms, and {played} ms were played");
    assert_eq!(told.iter().filter(|told| *told == "finish").count(), 2, "and it answers what was said instead: {told:?}");
    caller.hangs_up();
    served.await.unwrap();
}

#[tokio::test]
async fn a_murmur_is_forgotten_by_the_model_and_the_rest_of_its_sound_is_heard() {
    let (_house, model, mut caller, served) = answered("mhm").await;
    caller.speaks(sentence().into_iter().take(320 * 8).collect());
    caller.hears(|ear| ear.clears == 1 && ear.played.len() == 3).await;
    model.is_told("cancel").await;
    caller.hears(|ear| ear.marks == 2).await;
    let lost = ANSWER.abs_diff(heard(&caller));
    assert!(lost <= Duration::from_millis(1), "nothing is left out and nothing is said twice: {lost:?}");
    assert_eq!(*model.0.borrow(), ["open", "start", "finish", "start", "cancel"]);
    caller.hangs_up();
    served.await.unwrap();
}
