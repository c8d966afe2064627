//! Stories of the local recogniser.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use speech::ladder::ears::Ears;
use speech::ladder::{Patience, Rung};
use speech::local::{LocalRecognizer, LocalRecognizerConfig};
use speech::{Recognition, RecognitionEvent, SpeechError, SpeechToText, Transcript};

use crate::{hotel, support};

async fn recognizer(cache: &Path) -> LocalRecognizer {
    LocalRecognizer::start(support::config(cache)).await.unwrap()
}

async fn opened(recognizer: &LocalRecognizer) -> Box<dyn Recognition> {
    let mut recognition = recognizer.open(speech::Listening::plain(Arc::new(hotel::domain()), 8_000)).await.unwrap();
    recognition.expect("request");
    recognition
}

fn say(recognition: &mut dyn Recognition, pcm: &[i16]) {
    recognition.start();
    pcm.chunks(160).for_each(|frame| recognition.push(frame));
    recognition.finish();
}

async fn final_of(recognition: &mut dyn Recognition) -> Result<Transcript, SpeechError> {
    match recognition.next().await {
        RecognitionEvent::Final(heard) => Ok(heard),
        RecognitionEvent::Failed(error) => Err(error),
        other => panic!("a partial came out of the blue: {other:?}"),
    }
}

/// A worker command that runs the real worker through a shell, which notes its process id.
fn noted(cache: &Path) -> (LocalRecognizerConfig, std::path::PathBuf) {
    let mut config = support::config(cache);
    let note = cache.join("worker.pid");
    let script = format!("echo $$ > {}; exec {}", note.display(), config.worker_command[0].to_string_lossy());
    config.worker_command = ["sh", "-c", &script].map(Into::into).to_vec();
    config.workers = 1;
    (config, note)
}

fn kill(note: &Path, signal: &str) {
    let pid = fs::read_to_string(note).unwrap();
    assert!(std::process::Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
}

#[tokio::test]
async fn two_voices_are_understood_over_the_telephone() {
    let cache = tempfile::tempdir().unwrap();
    let recognizer = recognizer(cache.path()).await;
    let mut recognition = opened(&recognizer).await;
    for voice in ["rms", "awb"] {
        for sentence in ["i would like to book a double room for two nights from friday", "do you have parking"] {
            say(recognition.as_mut(), &support::telephone(voice, sentence).await);
            let heard = final_of(recognition.as_mut()).await.unwrap();
            assert_eq!(heard.text, sentence, "{voice}");
            assert!(heard.confidence > 0.5 && heard.words.len() == sentence.split(' ').count(), "{heard:?}");
        }
    }
}

#[tokio::test]
async fn strange_speech_is_not_trusted() {
    let cache = tempfile::tempdir().unwrap();
    let recognizer = recognizer(cache.path()).await;
    let mut recognition = opened(&recognizer).await;
    for sentence in &hotel::STRANGE[..4] {
        say(recognition.as_mut(), &support::telephone("rms", sentence).await);
        let heard = final_of(recognition.as_mut()).await.unwrap();
        assert!(heard.confidence < 0.5, "{sentence} became {heard:?}");
    }
}

#[tokio::test]
async fn a_pause_gives_a_partial_and_the_end_costs_nothing_more() {
    let cache = tempfile::tempdir().unwrap();
    let recognizer = recognizer(cache.path()).await;
    let mut recognition = opened(&recognizer).await;
    let pcm = support::telephone("rms", "a double room please").await;
    recognition.start();
    recognition.push(&pcm);
    recognition.pause();
    let RecognitionEvent::Partial(partial) = recognition.next().await else { panic!("a partial was due") };
    recognition.finish();
    let began = Instant::now();
    assert_eq!(final_of(recognition.as_mut()).await.unwrap(), partial);
    assert!(began.elapsed() < Duration::from_millis(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_caller_goes_on_after_a_pause_and_only_the_whole_counts() {
    let cache = tempfile::tempdir().unwrap();
    let recognizer = recognizer(cache.path()).await;
    let mut recognition = opened(&recognizer).await;
    recognition.start();
    recognition.push(&support::telephone("rms", "a double room").await);
    recognition.pause();
    recognition.push(&support::telephone("rms", "for two nights").await);
    recognition.finish();
    let heard = final_of(recognition.as_mut()).await.unwrap();
    assert!(heard.text.starts_with("a double room") && heard.text.ends_with("two nights"), "{heard:?}");
}

#[tokio::test]
async fn waiting_can_be_broken_off_and_nothing_follows_a_cancel() {
    let cache = tempfile::tempdir().unwrap();
    let recognizer = recognizer(cache.path()).await;
    let mut recognition = opened(&recognizer).await;
    let pcm = support::telephone("rms", "do you have parking").await;
    say(recognition.as_mut(), &pcm);
    // Polled once and dropped, as a select loop does.
    assert!(tokio::time::timeout(Duration::ZERO, recognition.next()).await.is_err());
    assert_eq!(final_of(recognition.as_mut()).await.unwrap().text, "do you have parking");
    say(recognition.as_mut(), &pcm);
    recognition.cancel();
    assert!(tokio::time::timeout(Duration::from_millis(1), recognition.next()).await.is_err());
}

#[tokio::test]
async fn a_killed_worker_loses_its_utterance_and_no_other() {
    let cache = tempfile::tempdir().unwrap();
    let (config, note) = noted(cache.path());
    let recognizer = LocalRecognizer::start(config).await.unwrap();
    let mut recognition = opened(&recognizer).await;
    let pcm = support::telephone("rms", "do you have parking").await;
    // Stopped first, so that it cannot answer before it is killed.
    kill(&note, "-STOP");
    say(recognition.as_mut(), &pcm);
    assert!(tokio::time::timeout(Duration::from_millis(1), recognition.next()).await.is_err());
    kill(&note, "-KILL");
    assert!(matches!(final_of(recognition.as_mut()).await, Err(SpeechError::Crashed { .. })));
    say(recognition.as_mut(), &pcm);
    assert_eq!(final_of(recognition.as_mut()).await.unwrap().text, "do you have parking");
}

#[tokio::test]
async fn a_worker_that_hangs_is_replaced_and_the_queue_is_bounded() {
    let cache = tempfile::tempdir().unwrap();
    let (mut config, note) = noted(cache.path());
    (config.deadline, config.queue_limit) = (Duration::from_secs(2), 1);
    let recognizer = LocalRecognizer::start(config).await.unwrap();
    let mut calls = [opened(&recognizer).await, opened(&recognizer).await, opened(&recognizer).await];
    let pcm = support::telephone("rms", "do you have parking").await;
    kill(&note, "-STOP");
    say(calls[0].as_mut(), &pcm);
    // Lets the worker take the first from the queue, so that one place is free.
    assert!(tokio::time::timeout(Duration::from_millis(1), calls[0].next()).await.is_err());
    say(calls[1].as_mut(), &pcm);
    say(calls[2].as_mut(), &pcm);
    assert!(matches!(final_of(calls[2].as_mut()).await, Err(SpeechError::Overloaded { waiting: 1, .. })));
    assert!(matches!(final_of(calls[0].as_mut()).await, Err(SpeechError::Timeout { .. })));
    say(calls[2].as_mut(), &pcm);
    assert_eq!(final_of(calls[2].as_mut()).await.unwrap().text, "do you have parking");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let missing = |change: fn(&mut LocalRecognizerConfig)| {
        let mut config = support::config(cache.path());
        change(&mut config);
        async { LocalRecognizer::start(config).await.err().map(|error| error.to_string()).unwrap_or_default() }
    };
    let error = missing(|config| config.acoustic_model = "/nowhere".into()).await;
    assert!(error.contains("pocketsphinx-en-us"), "{error}");
    let error = missing(|config| config.dictionary = "/nowhere".into()).await;
    assert!(error.contains("pocketsphinx-en-us"), "{error}");
    let error = missing(|config| config.worker_command = vec!["/nowhere".into()]).await;
    assert!(error.contains("worker program"), "{error}");
}

#[tokio::test]
async fn a_missing_library_is_named_by_its_package() {
    let cache = tempfile::tempdir().unwrap();
    let mut config = support::config(cache.path());
    // A file in the library's place that is no library: what a machine without the package looks like to the loader.
    fs::write(cache.path().join("libsphinxbase.so.3"), "no library").unwrap();
    let script = format!("LD_LIBRARY_PATH={} exec {}", cache.path().display(), config.worker_command[0].to_string_lossy());
    config.worker_command = ["sh", "-c", &script].map(Into::into).to_vec();
    let error = LocalRecognizer::start(config).await.err().unwrap();
    assert!(matches!(error, SpeechError::NotInstalled { package: "libpocketsphinx3", .. }), "{error}");
}

#[tokio::test]
async fn a_worker_ends_with_its_parent() {
    let worker = support::worker();
    let mut child = tokio::process::Command::new(&worker[0]).stdin(std::process::Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    drop(child.stdin.take());
    let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await.unwrap().unwrap();
    assert!(ended.success());
}

#[tokio::test]
async fn trained_models_are_kept_and_broken_ones_are_trained_again() {
    let cache = tempfile::tempdir().unwrap();
    let models = |cache: &Path| {
        let mut files: Vec<_> = fs::read_dir(cache)
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "arpa"))
            .collect();
        files.sort();
        files
    };
    let first = recognizer(cache.path()).await;
    first.prepare(&Arc::new(hotel::domain())).await.unwrap();
    let files = models(cache.path());
    assert_eq!(files.len(), 3, "two states and the check");
    for file in &files {
        fs::write(file, "cut of").unwrap();
    }
    let second = recognizer(cache.path()).await;
    let mut recognition = opened(&second).await;
    say(recognition.as_mut(), &support::telephone("rms", "do you have parking").await);
    assert_eq!(final_of(recognition.as_mut()).await.unwrap().text, "do you have parking");
    assert_eq!(models(cache.path()), files);
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_an_error() {
    let cache = tempfile::tempdir().unwrap();
    let file = cache.path().join("file");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let error = LocalRecognizer::start(support::config(&file)).await.err().unwrap();
    assert!(matches!(error, SpeechError::File { .. }), "{error}");
}

#[tokio::test]
async fn when_one_engine_hangs_the_next_hears_the_whole_utterance() {
    let (cache, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (config, note) = noted(cache.path());
    let hangs: Arc<dyn SpeechToText> = Arc::new(LocalRecognizer::start(config).await.unwrap());
    let hears: Arc<dyn SpeechToText> = Arc::new(recognizer(other.path()).await);
    let patience = Patience { begin: Duration::from_secs(30), go_on: Duration::from_millis(300) };
    let ears = Ears::new(vec![Rung::outside(hangs, || true).with_patience(patience), Rung::here(hears)]);
    let domain = Arc::new(hotel::domain());
    ears.prepare(&domain).await.unwrap();
    let mut recognition = ears.open(speech::Listening::plain(domain, 8_000)).await.unwrap();
    recognition.expect("request");
    let pcm = support::telephone("rms", "do you have parking").await;
    kill(&note, "-STOP");
    say(recognition.as_mut(), &pcm);
    let heard = final_of(recognition.as_mut()).await.unwrap();
    kill(&note, "-KILL");
    assert_eq!(heard.text, "do you have parking");
}
