//! What is kept, for whom, and what never is.

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use call::{Meter, Unit};
use futures_util::FutureExt as _;
use speech::TextToSpeech;
use speech::ladder::Rung;
use speech::phrases::{FileStore, LevelView, PhraseSetup, PhraseStore, Phrases};
use tokio::time::sleep;

use crate::kept::Shelf;
use crate::speaker::{Act, Speaker};
use crate::voices::{House, heard, house, request};

const GREETING: &str = "Good morning, this is the hotel.";

fn fixed() -> [String; 1] {
    [GREETING.to_owned()]
}

fn level(phrases: &Phrases, level: &str) -> LevelView {
    phrases.views().into_iter().find(|view| view.level == level).unwrap()
}

/// Another process over the same store, with the first engine alone.
fn again(house: &House) -> Phrases {
    over(&house.first, house.shelf.clone(), 1 << 20)
}

fn over(engine: &Arc<Speaker>, store: Arc<dyn PhraseStore>, memory_bytes: usize) -> Phrases {
    let voices = vec![Rung::outside(engine.clone() as Arc<dyn TextToSpeech>, || true)];
    Phrases::open(PhraseSetup { voices, store: Some(store), memory_bytes, pack: None, on_change: Arc::new(|_| {}) })
}

/// Until what is written beside is written.
async fn settled() {
    sleep(Duration::from_millis(100)).await;
}

#[test]
fn a_phrase_that_is_wanted_while_the_program_ends_holds_nothing_up() {
    /// Tells when a task is dropped.
    struct Told(mpsc::Sender<()>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ((begun, begins), (told, ends), (said, answer)) = (mpsc::channel(), mpsc::channel(), mpsc::channel());
    let told = Told(told);
    runtime.spawn(async move {
        let _told = told;
        std::future::pending::<()>().await;
    });
    runtime.spawn(async move {
        let house = house();
        begun.send(()).unwrap();
        ends.recv().unwrap(); // The runtime has dropped the other one, and will take no task any more.
        let _ = house.phrases.speak(request(GREETING), &Meter::default()).now_or_never();
        said.send(()).unwrap();
    });
    begins.recv().unwrap();
    runtime.shutdown_background();
    answer.recv_timeout(Duration::from_secs(10)).expect("it waits for itself");
}

#[tokio::test(start_paused = true)]
async fn two_hundred_who_want_the_same_phrase_cause_one_synthesis() {
    let house = house();
    house.first.will(&[Act::Slow(Duration::from_millis(500))]);
    let wanted = (0..200).map(|_| async {
        let mut stream = house.phrases.speak_fixed(request(GREETING)).await.unwrap();
        let mut samples = 0;
        while let Some(piece) = stream.recv().await {
            samples += piece.unwrap().len();
        }
        samples
    });
    let heard: Vec<usize> = futures_util::future::join_all(wanted).await;
    assert!(heard.iter().all(|samples| *samples == heard[0] && *samples > 16_000));
    assert_eq!(house.first.asked().len(), 1);
    assert_eq!(house.shelf.reads.load(Ordering::SeqCst), 1, "and one look into the store");
    let memory = level(&house.phrases, "memory");
    assert_eq!((memory.hits, memory.misses), (199, 1));
    assert_eq!(level(&house.phrases, "engine").hits, 1);
    assert!(level(&house.phrases, "engine").loading >= Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn what_one_key_is_refused_is_not_refused_to_another_and_what_was_said_is_shared() {
    let (ours, theirs) = (Speaker::new("vendor", 1_000, "en-US"), Speaker::new("vendor", 2_000, "en-US"));
    let rung = |engine: &Arc<Speaker>| vec![Rung::outside(engine.clone() as Arc<dyn TextToSpeech>, || true)];
    let phrases = Phrases::new(None, None, 1 << 20);
    let (our_phrases, their_phrases) = (phrases.with_voices(rung(&ours)), phrases.with_voices(rung(&theirs)));
    theirs.will(&[Act::Slow(Duration::from_millis(200)), Act::Refuse]);
    ours.will(&[Act::Slow(Duration::from_millis(300)), Act::Slow(Duration::from_millis(300))]);
    let ask = |phrases: &Phrases, text: &str| {
        let (voice, request) = (phrases.for_call(Meter::default()), request(text));
        async move { voice.speak(request).await }
    };
    // Both at once: each is answered by its own.
    let (mut one, mut other) = (ask(&their_phrases, GREETING).await.unwrap(), ask(&our_phrases, GREETING).await.unwrap());
    while other.recv().await.is_some_and(|piece| piece.is_ok()) {}
    while one.recv().await.is_some() {}
    assert_eq!((ours.asked().len(), theirs.asked().len()), (1, 1));
    // What is there is there for both.
    drop(ask(&their_phrases, GREETING).await.unwrap());
    assert_eq!(theirs.asked().len(), 0);
    // A refusal is one's own.
    let (refused, said) = (ask(&their_phrases, "No.").await, ask(&our_phrases, "No.").await);
    let mut said = said.unwrap();
    assert!(said.recv().await.unwrap().is_ok());
    let refused = match refused {
        Ok(mut stream) => stream.recv().await.is_none_or(|piece| piece.is_err()),
        Err(_) => true,
    };
    assert!(refused, "their key was refused, and nothing else was there then");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_in_a_call_is_never_stored_and_is_forgotten_within_the_hour() {
    let house = house();
    let one = house.phrases.for_call(Meter::default());
    let said = "Thank you, Wilhelmina Quickbeam.";
    heard(&one, request(said)).await;
    heard(&one, request(said)).await;
    settled().await;
    assert_eq!(house.first.asked().len(), 1);
    assert!(house.shelf.entries.lock().unwrap().is_empty());
    assert_eq!(house.shelf.reads.load(Ordering::SeqCst), 0, "not even asked for");
    sleep(Duration::from_secs(3_600)).await;
    heard(&one, request(said)).await;
    assert_eq!(house.first.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn fixed_phrases_are_made_by_the_best_engine_and_by_this_machine_and_kept_for_a_month() {
    let house = house();
    assert_eq!(house.phrases.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap(), 1);
    settled().await;
    assert_eq!((house.first.asked().len(), house.second.asked().len(), house.here.asked().len()), (1, 0, 1));
    let lives: Vec<u64> = house.shelf.entries.lock().unwrap().values().map(|(_, life)| life.as_secs() / 86_400).collect();
    assert!(lives.len() == 2 && lives.iter().all(|days| (26..=30).contains(days)), "{lives:?}");
    // The vendors are gone: this machine's is there, and nobody makes it.
    house.gate.set(false);
    assert_eq!(heard(&house.phrases.for_call(Meter::default()), request(GREETING)).await.0[0].0, 3_000);
    assert!(house.here.asked().is_empty());
    // Another process finds what this one made.
    let later = again(&house);
    later.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    assert!(house.first.asked().is_empty());
    let redis = level(&later, "redis");
    assert_eq!((redis.hits, redis.misses, redis.errors), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_simulator_said_is_not_found_once_the_vendor_itself_is_asked() {
    let shelf = Shelf::new();
    let simulator = Speaker::at("http://127.0.0.1:8400/openai/v1", "vendor", 1_000, "en-US");
    over(&simulator, shelf.clone(), 1 << 20).prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    settled().await;
    assert_eq!(shelf.entries.lock().unwrap().len(), 1);
    let vendor = Speaker::at("https://api.example.com/v1", "vendor", 2_000, "en-US");
    let phrases = over(&vendor, shelf.clone(), 1 << 20);
    phrases.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    assert_eq!(heard(&phrases.for_call(Meter::default()), request(GREETING)).await.0[0].0, 2_000);
    settled().await;
    assert_eq!((vendor.asked().len(), shelf.entries.lock().unwrap().len()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_fixed_phrase_that_the_best_engine_cannot_say_is_said_by_the_next_and_one_nobody_can_is_an_error() {
    let house = house();
    house.first.will(&[Act::Refuse]);
    house.here.will(&[Act::Refuse]);
    house.phrases.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    settled().await;
    assert_eq!((house.second.asked().len(), house.shelf.entries.lock().unwrap().len()), (1, 1));
    assert_eq!(house.changes.take(), [""; 0], "no call changed its voice");
    // The first call after the best engine is back makes it, and it is kept as what it is.
    assert_eq!(heard(&house.phrases.for_call(Meter::default()), request(GREETING)).await.0[0].0, 1_000);
    settled().await;
    assert_eq!(house.shelf.entries.lock().unwrap().len(), 2);
    house.gate.set(false);
    house.here.will(&[Act::Refuse, Act::Refuse]);
    assert!(house.phrases.prerender(&["Never said.".to_owned()], "slt", "en-US", 8_000).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn failures_silence_and_what_was_cut_never_come_into_the_cache() {
    let house = house();
    let phrases = again(&house);
    let broken = [Act::Refuse, Act::Break(Duration::from_secs(1)), Act::Silence(Duration::from_secs(4)), Act::Cut(Duration::ZERO)];
    let hanging = [Act::Hang(Duration::ZERO), Act::Hang(Duration::from_secs(1))];
    for act in broken.into_iter().chain(hanging) {
        house.first.will(&[act]);
        assert!(phrases.prerender(&fixed(), "slt", "en-US", 8_000).await.is_err(), "{act:?}");
        settled().await;
        assert_eq!(phrases.memory_bytes(), 0, "{act:?}");
    }
    // It looks like an end, and is none: nobody speaks that fast.
    house.first.will(&[Act::Cut(Duration::from_millis(300))]);
    phrases.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    settled().await;
    assert_eq!(phrases.memory_bytes(), 0);
    assert!(house.shelf.entries.lock().unwrap().is_empty());
    let engine = level(&phrases, "engine");
    assert_eq!((engine.hits, engine.errors), (0, 7));
}

#[tokio::test(start_paused = true)]
async fn a_broken_entry_is_dropped_and_the_phrase_is_made_again() {
    let house = house();
    again(&house).prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    settled().await;
    let spoil: [fn(&mut Vec<u8>); 4] = [|entry| entry[100] ^= 1, |entry| entry.truncate(99), Vec::clear, |entry| entry.push(0)];
    for spoil in spoil {
        house.first.asked();
        house.shelf.spoil(spoil);
        let later = again(&house);
        later.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
        settled().await;
        assert_eq!(house.first.asked().len(), 1);
        assert_eq!(level(&later, "redis").errors, 1);
    }
    let last = again(&house);
    last.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    assert!(house.first.asked().is_empty(), "what replaced it is whole");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_a_miss() {
    let house = house();
    house.shelf.down.store(true, Ordering::SeqCst);
    let phrases = again(&house);
    assert_eq!(phrases.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap(), 1);
    settled().await;
    assert_eq!(level(&phrases, "redis").errors, 2, "one to read, one to write");
    assert!(phrases.memory_bytes() > 0);
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_a_fixed_phrase_that_made_room_is_found_in_the_store() {
    let house = house();
    let phrases = over(&house.first, house.shelf.clone(), 60_000);
    phrases.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    let one = phrases.for_call(Meter::default());
    for number in 0..20 {
        heard(&one, request(&format!("This is sentence number {number}."))).await;
        assert!(phrases.memory_bytes() <= 60_000);
    }
    house.first.asked();
    assert_eq!(heard(&one, request(GREETING)).await.0[0].0, 1_000);
    assert!(house.first.asked().is_empty());
    let memory = level(&phrases, "memory");
    assert!(memory.holding.evictions >= 18, "{memory:?}");
    assert_eq!(memory.holding.bytes, Some(phrases.memory_bytes() as u64));
}

#[tokio::test(start_paused = true)]
async fn who_makes_a_phrase_pays_for_it_and_the_others_do_not() {
    let house = house();
    let (maker, listener) = (Meter::new(), Meter::new());
    heard(&house.phrases.for_call(maker.clone()), request("Shall I book it?")).await;
    heard(&house.phrases.for_call(listener.clone()), request("Shall I book it?")).await;
    house.phrases.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    heard(&house.phrases.for_call(listener.clone()), request(GREETING)).await;
    assert_eq!(listener.usage(), []);
    let usage = maker.usage();
    assert_eq!((usage.len(), usage[0].unit, usage[0].amount), (1, Unit::Characters, 16));
}

#[tokio::test]
async fn a_phrase_on_disk_that_was_changed_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Speaker::new("first", 1_000, "en-US");
    let open = || over(&engine, Arc::new(FileStore::new(dir.path(), 1 << 20)), 1 << 20);
    let phrases = open();
    phrases.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    let file = || std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path()).find(|path| path.extension().unwrap() == "pcm");
    while level(&phrases, "file").holding.entries != Some(1) {
        tokio::task::yield_now().await;
    }
    let path = file().unwrap();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    engine.asked();
    let later = open();
    later.prerender(&fixed(), "slt", "en-US", 8_000).await.unwrap();
    assert_eq!((engine.asked().len(), level(&later, "file").errors), (1, 1));
}
