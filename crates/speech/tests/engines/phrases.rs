//! Stories of the phrase cache, before an engine that counts how often it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use call::Meter;
use speech::ladder::Rung;
use speech::local::{LocalSynthesizer, LocalSynthesizerConfig};
use speech::phrases::{PackPhrase, PhrasePack, PhraseSetup, Phrases};
use speech::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

use crate::support::{collect, request, voices};

/// The real voices behind a counter.
struct Counted {
    voices: LocalSynthesizer,
    asked: AtomicUsize,
}

#[async_trait]
impl TextToSpeech for Counted {
    fn name(&self) -> &'static str {
        self.voices.name()
    }
    fn voices(&self) -> Vec<String> {
        self.voices.voices()
    }
    async fn speak(&self, request: SpeakRequest, meter: &Meter) -> Result<SpeechStream, SpeechError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.voices.speak(request, meter).await
    }
    async fn check(&self) -> Result<(), SpeechError> {
        self.voices.check().await
    }
}

async fn counted() -> Arc<Counted> {
    Arc::new(Counted { voices: voices().await, asked: AtomicUsize::new(0) })
}

fn asked(engine: &Counted) -> usize {
    engine.asked.load(Ordering::SeqCst)
}

async fn heard(phrases: &Phrases, text: &str) -> Vec<i16> {
    collect(phrases.speak(request(text, "slt", 8_000), &Meter::default()).await.unwrap()).await.unwrap()
}

/// Until the phrase has landed in the cache: the end of the stream comes a moment before.
async fn landed(phrases: &Phrases) {
    while phrases.memory_bytes() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_phrase_is_made_once_for_all_who_ask() {
    let engine = counted().await;
    let phrases = Phrases::new(Some(engine.clone()), None, 1 << 20);
    let text = "Good morning to you. How can I help you?";
    let (one, two, three) = tokio::join!(heard(&phrases, text), heard(&phrases, text), heard(&phrases, text));
    assert!(one.len() > 8_000 && one == two && two == three);
    landed(&phrases).await;
    assert_eq!(heard(&phrases, text).await, one);
    assert_eq!(asked(&engine), 1);
    heard(&phrases, "Something else entirely.").await;
    assert_eq!(asked(&engine), 2);
}

#[tokio::test]
async fn a_listener_who_hangs_up_does_not_spoil_the_phrase() {
    let engine = counted().await;
    let phrases = Phrases::new(Some(engine.clone()), None, 1 << 20);
    drop(phrases.speak(request("Good morning to you. How can I help you?", "slt", 8_000), &Meter::default()).await.unwrap());
    landed(&phrases).await;
    heard(&phrases, "Good morning to you. How can I help you?").await;
    assert_eq!(asked(&engine), 1);
}

#[tokio::test]
async fn phrases_outlive_the_program_and_the_engine() {
    let dir = tempfile::tempdir().unwrap();
    let engine = counted().await;
    let phrases = Phrases::new(Some(engine.clone()), Some(dir.path().to_owned()), 1 << 20);
    assert_eq!(phrases.prerender(&["Good morning.".to_owned()], "slt", "en-US", 8_000).await.unwrap(), 1);
    let kept = || std::fs::read_dir(dir.path()).unwrap().any(|file| file.unwrap().path().extension().is_some_and(|kind| kind == "pcm"));
    while !kept() {
        tokio::task::yield_now().await;
    }
    let later = Phrases::new(None, Some(dir.path().to_owned()), 1 << 20);
    assert!(later.can_say("Good morning.", "slt") && !later.can_say("Good evening.", "slt"));
    assert!(heard(&later, "Good morning.").await.len() > 4_000);
    assert_eq!(asked(&engine), 1);
}

#[tokio::test]
async fn what_is_said_in_a_call_is_not_kept_on_disk_with_the_name_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = counted().await;
    let phrases = Phrases::new(Some(engine.clone()), Some(dir.path().to_owned()), 1 << 20);
    let said = "Thank you, Wilhelmina Quickbeam.";
    heard(&phrases, said).await;
    landed(&phrases).await;
    phrases.prerender(&["Good morning.".to_owned()], "slt", "en-US", 8_000).await.unwrap();
    let kept = || {
        std::fs::read_dir(dir.path()).unwrap().filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "pcm"))
    };
    // The fixed phrase came later and is written: what was to be written before is.
    while kept().count() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(kept().count(), 1);
    let later = Phrases::new(None, Some(dir.path().to_owned()), 1 << 20);
    assert!(later.can_say("Good morning.", "slt") && !later.can_say(said, "slt"));
    let error = later.speak(request(said, "slt", 8_000), &Meter::default()).await.err().unwrap().to_string();
    assert!(!error.contains("Quickbeam"), "what cannot be said is not repeated in the log: {error}");
}

#[tokio::test]
async fn without_an_engine_the_pack_speaks_and_nothing_else_does() {
    let pcm = collect(voices().await.speak(request("Please press one.", "slt", 8_000), &Meter::default()).await.unwrap()).await.unwrap();
    let bytes = PhrasePack::write(&[PackPhrase { text: "Please press one.".into(), voice: "slt".into(), pcm: pcm.clone() }]).unwrap();
    let phrases = Phrases::with_pack(None, None, 1 << 20, Some(PhrasePack::read(&bytes).unwrap()));
    assert!(phrases.can_say("Please press one.", "rms") && !phrases.can_say("Please press two.", "slt") && !phrases.has_engine());
    assert_eq!(heard(&phrases, "Please press one.").await.len(), pcm.len());
    let wide = collect(phrases.speak(request("Please press one.", "slt", 16_000), &Meter::default()).await.unwrap()).await.unwrap();
    assert!(wide.len().abs_diff(2 * pcm.len()) < 8, "{} {}", wide.len(), pcm.len());
    let error = phrases.speak(request("Please press two.", "slt", 8_000), &Meter::default()).await.err().unwrap();
    assert!(matches!(error, SpeechError::Unsayable { .. }), "{error}");
}

#[tokio::test]
async fn an_error_is_handed_on_and_not_kept() {
    let engine = counted().await;
    let phrases = Phrases::new(Some(engine.clone()), None, 1 << 20);
    for time in 1..=2 {
        let silent = collect(phrases.speak(request("...", "slt", 8_000), &Meter::default()).await.unwrap()).await;
        assert!(matches!(silent, Err(SpeechError::SilentAudio { .. })), "{silent:?}");
        while asked(&engine) < time {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(phrases.memory_bytes(), 0);
}

#[tokio::test]
async fn voices_whose_programs_vanish_are_replaced_by_the_next_engine() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("flite");
    std::os::unix::fs::symlink("/bin/true", &program).unwrap();
    let config = LocalSynthesizerConfig { flite: program.clone(), espeak: "/nowhere".into(), ..Default::default() };
    let vanishes: Arc<dyn TextToSpeech> = Arc::new(LocalSynthesizer::start(config).await.unwrap());
    std::fs::remove_file(program).unwrap();
    let stays: Arc<dyn TextToSpeech> = Arc::new(voices().await);
    let changes = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&changes);
    let phrases = Phrases::open(PhraseSetup {
        voices: vec![Rung::here(vanishes), Rung::here(stays)],
        store: None,
        memory_bytes: 1 << 20,
        pack: None,
        on_change: Arc::new(move |_| {
            told.fetch_add(1, Ordering::SeqCst);
        }),
    });
    let call = phrases.for_call(Meter::default());
    for text in ["Good morning to you. How can I help you?", "We have many rooms."] {
        let pcm = collect(call.speak(request(text, "slt", 8_000)).await.unwrap()).await.unwrap();
        assert!(pcm.len() > 8_000, "{}", pcm.len());
    }
    assert_eq!(changes.load(Ordering::SeqCst), 1);
}
