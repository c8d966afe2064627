//! What reaches the recogniser.

use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<String>>>);

impl Tape {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

struct Scripted(Tape);

#[async_trait::async_trait]
impl Recognition for Scripted {
    fn expect(&mut self, state: &str) {
        self.0.note(format!("expect {state}"));
    }
    fn start(&mut self) {
        self.0.note("start".into());
    }
    fn push(&mut self, pcm: &[i16]) {
        self.0.note(format!("push {}", pcm.len()));
    }
    fn pause(&mut self) {}
    fn finish(&mut self) {
        self.0.note("finish".into());
    }
    fn cancel(&mut self) {
        self.0.note("cancel".into());
    }
    async fn next(&mut self) -> RecognitionEvent {
        std::future::pending().await
    }
}

#[test]
fn an_utterance_carries_the_moment_before_it() {
    let tape = Tape::default();
    let mut listener = Listener::new(8000, Some(Box::new(Scripted(tape.clone()))), Hearing::default()).unwrap();
    for _ in 0..200 {
        listener.frame(&[0; 160]);
    }
    listener.start(Duration::from_millis(120));
    listener.frame(&[0; 160]);
    listener.finish();
    listener.frame(&[0; 160]);
    let notes = tape.0.lock().unwrap().clone();
    let pushed: usize = notes.iter().filter_map(|note| note.strip_prefix("push ")).map(|count| count.parse::<usize>().unwrap()).sum();
    assert_eq!(pushed, 420 * 8 + 160);
    assert_eq!(notes.last().unwrap(), "finish");
}

#[test]
fn the_moment_before_is_as_long_as_the_agent_wants_it() {
    for (preroll, samples) in [(Duration::ZERO, 120 * 8), (Duration::from_millis(1000), 1120 * 8)] {
        let tape = Tape::default();
        let hearing = Hearing { preroll: Some(preroll), ..Hearing::default() };
        let mut listener = Listener::new(8000, Some(Box::new(Scripted(tape.clone()))), hearing).unwrap();
        for _ in 0..200 {
            listener.frame(&[0; 160]);
        }
        listener.start(Duration::from_millis(120));
        let notes = tape.0.lock().unwrap().clone();
        let pushed: usize = notes.iter().filter_map(|note| note.strip_prefix("push ")).map(|count| count.parse::<usize>().unwrap()).sum();
        assert_eq!(pushed, samples);
    }
}

#[test]
fn without_a_recogniser_voice_is_nothing_but_keys_are_heard() {
    let mut listener = Listener::new(8000, None, Hearing::default()).unwrap();
    let tone = dtmf::tone('7', 8000, 100).unwrap();
    let silence = vec![0i16; 800];
    let heard: Vec<char> = tone.chunks(160).chain(silence.chunks(160)).filter_map(|pcm| listener.frame(pcm).tone).collect();
    assert_eq!(heard, ['7']);
}
