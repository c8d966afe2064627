//! What one engine cannot say, or breaks off, is said by the next.

use std::sync::Arc;
use std::time::Duration;

use call::Meter;
use speech::ladder::Rung;
use speech::ladder::voices::CallVoice;
use speech::phrases::{PackPhrase, PhrasePack, PhraseSetup, PhraseStore, Phrases};
use speech::{SpeakRequest, SpeechError, TextToSpeech};
use tokio::time::Instant;

use crate::kept::Shelf;
use crate::speaker::{Act, Speaker};
use crate::{Changes, Gate};

/// Two vendors, of which the second speaks one language more, and this machine.
pub(crate) struct House {
    pub(crate) first: Arc<Speaker>,
    pub(crate) second: Arc<Speaker>,
    pub(crate) here: Arc<Speaker>,
    pub(crate) gate: Gate,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) changes: Changes,
    pub(crate) phrases: Phrases,
}

pub(crate) fn house() -> House {
    let (first, second) = (Speaker::new("first", 1_000, "en-US"), Speaker::new("second", 2_000, "en-US de-DE"));
    let (here, shelf) = (Speaker::new("here", 3_000, "en-US"), Shelf::new());
    let (gate, changes) = (Gate::open(), Changes::default());
    let setup = PhraseSetup {
        voices: vec![
            Rung::outside(first.clone() as Arc<dyn TextToSpeech>, gate.ask()),
            Rung::outside(second.clone() as Arc<dyn TextToSpeech>, gate.ask()),
            Rung::here(here.clone() as Arc<dyn TextToSpeech>),
        ],
        store: Some(shelf.clone() as Arc<dyn PhraseStore>),
        memory_bytes: 1 << 20,
        pack: None,
        on_change: changes.noting(),
    };
    House { first, second, here, gate, shelf, changes, phrases: Phrases::open(setup) }
}

pub(crate) fn request(text: &str) -> SpeakRequest {
    SpeakRequest { text: text.into(), voice: "slt".into(), language: "en-US".into(), rate: 8_000 }
}

/// What is heard: levels and how long each, in tenths of a second; and the error at the end.
pub(crate) async fn heard(call: &CallVoice, request: SpeakRequest) -> (Vec<(i16, usize)>, Option<String>) {
    let mut stream = match call.speak(request).await {
        Ok(stream) => stream,
        Err(fault) => return (Vec::new(), Some(fault.to_string())),
    };
    let mut parts: Vec<(i16, usize)> = Vec::new();
    while let Some(piece) = stream.recv().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(fault) => return (tenths(parts), Some(fault.to_string())),
        };
        for sample in piece.iter() {
            match parts.last_mut().filter(|(level, _)| level == sample) {
                Some((_, count)) => *count += 1,
                None => parts.push((*sample, 1)),
            }
        }
    }
    (tenths(parts), None)
}

fn tenths(parts: Vec<(i16, usize)>) -> Vec<(i16, usize)> {
    parts.into_iter().map(|(level, samples)| (level, (samples + 400) / 800)).collect()
}

const TEXT: &str = "Good morning to you and welcome here."; // 37 letters: 2.6 s

fn call(house: &House) -> CallVoice {
    house.phrases.for_call(Meter::default())
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_refuses_is_not_heard_and_the_call_stays_with_the_next() {
    let house = house();
    house.first.will(&[Act::Refuse]);
    let one = call(&house);
    assert_eq!(heard(&one, request(TEXT)).await, (vec![(2_000, 26)], None));
    assert_eq!(house.changes.take(), ["first -> second: failed"]);
    house.first.asked();
    heard(&one, request("Another sentence.")).await;
    assert_eq!(house.first.asked(), [""; 0], "a caller notices when a voice changes");
    assert_eq!(house.second.asked().pop().unwrap(), "second's voice: Another sentence.");
    assert_eq!(house.changes.take(), [""; 0]);
    assert_eq!(heard(&call(&house), request(TEXT)).await, (vec![(1_000, 26)], None), "a new call begins at the top");
}

#[tokio::test(start_paused = true)]
async fn a_first_sound_that_does_not_come_in_time_comes_from_the_next_engine() {
    let house = house();
    house.first.will(&[Act::Hang(Duration::ZERO)]);
    let began = Instant::now();
    let mut stream = call(&house).speak(request(TEXT)).await.unwrap();
    assert_eq!(stream.recv().await.unwrap().unwrap()[0], 2_000);
    assert_eq!(began.elapsed(), Duration::from_millis(1_500));
    assert_eq!(house.changes.take(), ["first -> second: late"]);
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_does_not_let_through_costs_no_time() {
    let house = house();
    house.gate.set(false);
    let began = Instant::now();
    let one = call(&house);
    assert_eq!(heard(&one, request(TEXT)).await, (vec![(3_000, 26)], None));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!((house.first.asked(), house.second.asked()), (vec![], vec![]));
    assert_eq!(house.changes.take(), ["first -> here: not_let_through"]);
    house.gate.set(true);
    assert_eq!(heard(&one, request("Next.")).await.0[0].0, 3_000);
    assert_eq!(heard(&call(&house), request("Next.")).await.0[0].0, 1_000);
}

#[tokio::test(start_paused = true)]
async fn what_breaks_off_in_the_middle_is_said_to_its_end_by_the_next_engine() {
    let house = house();
    let text = "The double room is free. Shall I book it for you?";
    // 2.4 s: in the middle of the second sentence, but not most of it.
    house.first.will(&[Act::Break(Duration::from_millis(2_400))]);
    assert_eq!(heard(&call(&house), request(text)).await, (vec![(1_000, 24), (2_000, 17)], None));
    assert_eq!(house.second.asked(), ["second's voice: Shall I book it for you?"]);
    assert_eq!(house.changes.take(), ["first -> second: failed"]);
    // 1.8 s: most of the first.
    house.first.will(&[Act::Hang(Duration::from_millis(1_800))]);
    heard(&call(&house), request(text)).await;
    assert_eq!(house.second.asked(), ["second's voice: free. Shall I book it for you?"]);
    assert_eq!(house.changes.take(), ["first -> second: late"]);
    // All of it, and only the end was not told.
    house.first.will(&[Act::Break(Duration::from_millis(4_200))]);
    assert_eq!(heard(&call(&house), request(text)).await, (vec![(1_000, 42)], None));
    assert_eq!(house.second.asked(), [""; 0]);
    // Nothing of this was kept: the first engine is asked again for all of it.
    house.first.asked();
    assert_eq!(heard(&call(&house), request(text)).await, (vec![(1_000, 35)], None));
    assert_eq!(house.first.asked(), [format!("first's voice: {text}")]);
}

#[tokio::test(start_paused = true)]
async fn each_engine_may_break_off() {
    let house = house();
    let text = "The double room is free. Shall I book it for you?";
    house.first.will(&[Act::Break(Duration::from_millis(2_400))]);
    house.second.will(&[Act::Break(Duration::from_millis(1_300))]);
    assert_eq!(heard(&call(&house), request(text)).await.0, [(1_000, 24), (2_000, 13), (3_000, 6)]);
    assert_eq!(house.here.asked(), ["here's voice: for you?"]);
    assert_eq!(house.changes.take(), ["first -> second: failed", "second -> here: failed"]);
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_fault_and_is_not_heard() {
    let house = house();
    house.first.will(&[Act::Silence(Duration::from_secs(4))]);
    assert_eq!(heard(&call(&house), request(TEXT)).await, (vec![(2_000, 26)], None));
    assert_eq!(house.changes.take(), ["first -> second: silent"]);
    house.first.will(&[Act::Silence(Duration::from_secs(2))]);
    assert_eq!(heard(&call(&house), request(TEXT)).await, (vec![(0, 20), (1_000, 26)], None), "two seconds are allowed");
    house.first.will(&[Act::Cut(Duration::ZERO)]);
    assert_eq!(heard(&call(&house), request("No sound at all.")).await.0[0].0, 2_000);
    assert_eq!(house.changes.take(), ["first -> second: silent"]);
}

#[tokio::test(start_paused = true)]
async fn each_engine_speaks_with_a_voice_of_its_own_for_the_language() {
    let house = house();
    let german = |text: &str| SpeakRequest { language: "de-DE".into(), ..request(text) };
    assert_eq!(heard(&call(&house), german("Guten Tag.")).await.0[0].0, 2_000);
    assert_eq!(house.changes.take(), ["first -> second: no_voice"]);
    let dutch = SpeakRequest { language: "nl-NL".into(), ..request("Goedendag.") };
    assert_eq!(heard(&call(&house), dutch).await.0[0].0, 1_000, "nobody knows it: said as well as it can be");
    assert_eq!(house.first.asked(), ["slt: Goedendag."]);
}

#[tokio::test(start_paused = true)]
async fn when_every_engine_fails_the_kept_phrases_and_the_pack_speak() {
    let house = house();
    let fail = || [&house.first, &house.second, &house.here].map(|engine| engine.will(&[Act::Refuse]));
    fail();
    let (sound, fault) = heard(&call(&house), request("My name is Wilson.")).await;
    assert_eq!((sound, fault.unwrap()), (vec![], "here was stopped".into()));
    assert_eq!(house.changes.take(), [""; 0], "nobody spoke");

    let sorry = "I am sorry, something is wrong here.".to_owned();
    house.phrases.prerender(std::slice::from_ref(&sorry), "slt", "en-US", 8_000).await.unwrap();
    // Another process over the same store: its engines are not let through, and it has a pack.
    let pack = PhrasePack::write(&[PackPhrase { text: "Please hold.".into(), voice: "slt".into(), pcm: vec![9_000; 8_000] }]).unwrap();
    let again = Phrases::open(PhraseSetup {
        voices: vec![Rung::outside(house.first.clone() as Arc<dyn TextToSpeech>, || false)],
        store: Some(house.shelf.clone() as Arc<dyn PhraseStore>),
        memory_bytes: 1 << 20,
        pack: Some(PhrasePack::read(&pack).unwrap()),
        on_change: house.changes.noting(),
    });
    let one = again.for_call(Meter::default());
    assert_eq!(heard(&one, request(&sorry)).await, (vec![(1_000, 26)], None));
    assert_eq!(house.changes.take(), ["first -> kept phrases: not_let_through"]);
    let mut stream = one.speak(request("Please hold.")).await.unwrap();
    assert!(stream.recv().await.unwrap().unwrap()[0] > 8_000);
    assert!(matches!(one.speak(request("Anything else.")).await, Err(SpeechError::NoEngine { .. })));
}

#[tokio::test(start_paused = true)]
async fn two_engines_of_one_name_and_model_stand_in_for_each_other() {
    let (one, other) = (Speaker::new("same", 1_000, "en-US"), Speaker::new("same", 2_000, "en-US"));
    one.will(&[Act::Refuse]);
    let voices = [&one, &other].map(|engine| Rung::outside(engine.clone() as Arc<dyn TextToSpeech>, || true)).to_vec();
    let on_change = Changes::default().noting();
    let phrases = Phrases::open(PhraseSetup { voices, store: None, memory_bytes: 1 << 20, pack: None, on_change });
    assert_eq!(heard(&phrases.for_call(Meter::default()), request(TEXT)).await, (vec![(2_000, 26)], None));
}
