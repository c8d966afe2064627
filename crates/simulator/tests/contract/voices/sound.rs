//! What is heard.

use std::sync::Arc;
use std::time::Duration;

use audio::level::Level;
use call::Unit;
use simulator::{Behaviour, Mouth};
use speech::SpeechError;

use super::{Case, Mute, Scene, TEXT, drain, simulator_with, until};

pub(crate) async fn what_is_said_is_heard_at_both_rates_and_counted(case: &Case) {
    let scene = Scene::new(case).await;
    for rate in [8000, 16_000] {
        let (sound, error) = scene.said(TEXT, rate).await;
        assert!(error.is_none(), "{error:?}");
        // The hum takes 60 ms a letter.
        let (made, wanted) = (sound.len() as f64 / f64::from(rate), TEXT.chars().count() as f64 * 0.06);
        assert!((made - wanted).abs() < 0.02, "{made} s instead of {wanted} s");
        let level = Level::of(&sound).rms_dbfs;
        assert!((-20.0..-10.0).contains(&level), "{level} dBFS");
    }
    let usage = scene.meter.usage();
    assert_eq!((usage.len(), usage[0].unit, usage[0].amount), (1, Unit::Characters, 2 * TEXT.chars().count() as u64));
    assert_eq!((usage[0].service.as_str(), usage[0].model.as_str()), (scene.voices.name(), case.model));
    scene.voices.check().await.unwrap();
    until(|| scene.seen().open == 0).await;
    assert_eq!((scene.seen().requests, scene.seen().cancelled), (3, 0));
}

pub(crate) async fn sound_comes_while_it_is_made(case: &Case) {
    // Six seconds of sound, in three.
    let scene = Scene::behaving(case, Behaviour { pace: 2.0, ..Behaviour::default() }).await;
    let mut stream = scene.say(&"words ".repeat(17), 8000).await.unwrap();
    assert!(stream.recv().await.unwrap().is_ok());
    assert_eq!(scene.seen().open, 1, "the rest is still being made");
    let (rest, error) = drain(stream).await;
    assert!(error.is_none() && rest.len() > 5 * 8000, "{error:?} {}", rest.len());
}

pub(crate) async fn a_listener_who_goes_away_ends_the_request(case: &Case) {
    let scene = Scene::behaving(case, Behaviour { pace: 1.0, ..Behaviour::default() }).await;
    let mut stream = scene.say(&"words ".repeat(20), 8000).await.unwrap();
    assert!(stream.recv().await.unwrap().is_ok());
    drop(stream);
    let took = until(|| scene.seen().open == 0).await;
    assert!(took < Duration::from_millis(200), "{took:?}");
    assert_eq!(scene.seen().cancelled, 1);
    // Before the first sound, too.
    scene.simulator.behave(case.vendor, Behaviour { first_ms: 5000, ..Behaviour::default() });
    let waiting = tokio::time::timeout(Duration::from_millis(100), scene.say(TEXT, 8000)).await;
    assert!(waiting.is_err());
    assert!(until(|| scene.seen().open == 0).await < Duration::from_millis(200));
    assert_eq!(scene.seen().cancelled, 2);
    // What was asked is paid for, heard or not.
    let letters = "words ".repeat(20).trim().chars().count() + TEXT.chars().count();
    assert_eq!(scene.meter.usage()[0].amount, letters as u64);
}

pub(crate) async fn silence_is_no_speech(case: &Case) {
    for samples in [0, 8000, 100_000] {
        let scene = Scene::with(case, simulator_with(Mouth::Engine(Arc::new(Mute(samples)))).await, "a-key");
        for _ in 0..3 {
            let (sound, error) = scene.said(TEXT, 8000).await;
            assert!(sound.is_empty() && matches!(error, Some(SpeechError::SilentAudio { .. })), "{} {error:?}", sound.len());
        }
        // A vendor who is mute is out of order.
        assert!(matches!(scene.fault().await, outbound::Fault::NotAsked(_)));
    }
}

pub(crate) async fn only_what_can_be_said_is_sent(case: &Case) {
    let scene = Scene::new(case).await;
    for text in ["", " \n", "x".repeat(5001).as_str()] {
        assert!(matches!(scene.said(text, 8000).await.1, Some(SpeechError::TextLength { .. })));
    }
    assert!(matches!(scene.said(TEXT, 44_100).await.1, Some(SpeechError::Rate { rate: 44_100 })));
    assert_eq!(scene.seen().requests, 0);
    let (sound, error) = scene.said("Tom & \"Ann\" <b>, 3 < 4 \u{b}", 8000).await;
    assert!(!sound.is_empty() && error.is_none(), "{error:?}");
}
