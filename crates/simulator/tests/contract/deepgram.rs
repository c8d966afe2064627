//! The contract of Deepgram's ears.

mod rules;
mod stage;
mod trouble;

use std::time::Duration;

use call::{Meter, Unit};
use simulator::{Behaviour, Trouble, Vendor};
use speech::vendor::deepgram::{DeepgramConfig, NAME};
use speech::{RecognitionEvent, SpeechToText};

use stage::{Stage, event, final_words, heard, listening, push, quick};

#[tokio::test]
async fn utterances_are_heard_over_one_socket_with_partial_words_and_a_hint_of_their_end() {
    let stage = Stage::new(quick()).await;
    let meter = Meter::new();
    let mut recognition = stage.ears.open(listening(8000, &meter)).await.unwrap();
    recognition.start();
    push(&mut *recognition, 8000, 1200, 400);
    let (mut partial, mut end) = (false, false);
    while !end {
        match event(&mut *recognition).await {
            RecognitionEvent::Partial(words) => partial |= words.text.starts_with("good"),
            RecognitionEvent::EndOfSpeech => end = true,
            other => panic!("{other:?}"),
        }
    }
    assert!(partial);
    recognition.finish();
    let words = final_words(&mut *recognition).await;
    assert_eq!((words.text.as_str(), words.written.as_str()), ("good morning", "Good morning."));
    assert!(words.confidence > 0.9 && words.words.len() == 2);
    assert_eq!(heard(&mut *recognition, 8000).await, "i would like to book a double room for two nights");
    assert_eq!(stage.seen().requests, 1);
    let sent = 100 + (1200 + 400) + (600 + 200);
    let usage = meter.usage();
    assert_eq!((usage.len(), usage[0].amount, usage[0].unit, usage[0].service.as_str()), (1, sent, Unit::AudioMillis, NAME));
    drop(recognition);
    stage.all_gone().await;
    assert_eq!(stage.seen().cancelled, 0, "it was closed with CloseStream");
}

#[tokio::test]
async fn all_pieces_of_an_utterance_with_a_pause_are_its_words() {
    let stage = Stage::new(quick()).await;
    let mut recognition = stage.ears.open(listening(16_000, &Meter::new())).await.unwrap();
    recognition.start();
    push(&mut *recognition, 16_000, 600, 500);
    push(&mut *recognition, 16_000, 600, 100);
    recognition.finish();
    let words = final_words(&mut *recognition).await;
    assert_eq!(words.text, "good morning i would like to book a double room for two nights");
    assert!(words.written.starts_with("Good morning. I would"), "{}", words.written);
}

#[tokio::test]
async fn an_utterance_that_is_given_up_leaves_nothing_in_the_next() {
    let stage = Stage::new(quick()).await;
    let mut recognition = stage.ears.open(listening(8000, &Meter::new())).await.unwrap();
    recognition.start();
    push(&mut *recognition, 8000, 1500, 0);
    assert!(matches!(event(&mut *recognition).await, RecognitionEvent::Partial(_)));
    recognition.cancel();
    assert_eq!(heard(&mut *recognition, 8000).await, "i would like to book a double room for two nights");
    recognition.start();
    recognition.finish();
    assert_eq!(final_words(&mut *recognition).await.text, "", "nothing was said");
}

#[tokio::test]
async fn a_call_that_ends_in_the_middle_of_an_utterance_ends_its_socket_at_once() {
    let stage = Stage::new(quick()).await;
    let mut recognition = stage.ears.open(listening(8000, &Meter::new())).await.unwrap();
    recognition.start();
    push(&mut *recognition, 8000, 1500, 0);
    event(&mut *recognition).await;
    assert_eq!(stage.seen().open, 1);
    let since = tokio::time::Instant::now();
    drop(recognition);
    stage.all_gone().await;
    assert!(since.elapsed() < Duration::from_millis(200), "{:?}", since.elapsed());
    assert_eq!(stage.guard.view().in_use, 0);
}

#[tokio::test]
async fn a_socket_stands_by_for_the_next_call() {
    let config = DeepgramConfig { standby: DeepgramConfig::default().standby, ..quick() };
    let stage = Stage::new(config).await;
    let first = stage.ears.open(listening(8000, &Meter::new())).await.unwrap();
    stage.until("one stands by", |_| stage.ears.standing_by() == 1).await;
    // Whoever takes it does not wait for a new one.
    stage.simulator.behave(Vendor::Deepgram, Behaviour::with(Trouble::Silent));
    let mut second = stage.ears.open(listening(8000, &Meter::new())).await.unwrap();
    assert_eq!(heard(&mut *second, 8000).await, "good morning");
    drop(first);
}
