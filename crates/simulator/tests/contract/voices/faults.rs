//! What goes wrong.

use std::time::Duration;

use outbound::Fault;
use resilience::Why;
use simulator::{Behaviour, Simulator, Trouble};

use super::{Case, LIMITS, Scene, TEXT, until};

fn why(fault: &Fault) -> Why {
    match fault {
        Fault::NotAsked(rejected) => rejected.why,
        other => panic!("it was asked: {other:?}"),
    }
}

pub(crate) async fn a_wrong_key_is_named_and_opens_no_breaker(case: &Case) {
    let scene = Scene::with(case, Simulator::quick().await.unwrap(), "wrong-key");
    for _ in 0..5 {
        assert_eq!(scene.fault().await, Fault::Key(401));
    }
    assert!(scene.meter.usage().is_empty(), "a refusal costs nothing");
    let scene = Scene::troubled(case, Trouble::WrongKey).await;
    assert_eq!(scene.fault().await, Fault::Key(401));
}

pub(crate) async fn a_vendor_that_wants_fewer_requests_is_left_alone_as_long_as_it_says(case: &Case) {
    let scene = Scene::troubled(case, Trouble::TooMany { retry_after: Some(1) }).await;
    assert_eq!(scene.fault().await, Fault::Throttled(Some(Duration::from_secs(1))));
    scene.simulator.behave(case.vendor, Behaviour::default());
    assert_eq!((why(&scene.fault().await), scene.seen().requests), (Why::Paused, 1));
}

pub(crate) async fn a_vendor_out_of_order_is_left_alone_until_a_check_finds_it_well(case: &Case) {
    let scene = Scene::troubled(case, Trouble::Unavailable { status: 503 }).await;
    for _ in 0..3 {
        assert_eq!(scene.fault().await, Fault::Unavailable(503));
    }
    assert_eq!((why(&scene.fault().await), scene.seen().requests), (Why::Open, 3));
    scene.simulator.behave(case.vendor, Behaviour::default());
    let began = tokio::time::Instant::now();
    while scene.voices.check().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(5), "no check was let through");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(scene.said(TEXT, 8000).await.1.is_none());
}

pub(crate) async fn an_answer_that_stops_or_breaks_off_ends_with_a_fault_after_what_was_heard(case: &Case) {
    let scene = Scene::troubled(case, Trouble::Stall { after: 3 }).await;
    let (sound, error) = scene.said(TEXT, 8000).await;
    // 300 ms; the resampler may still hold some samples.
    assert!((2300..=2400).contains(&sound.len()), "{}", sound.len());
    assert!(format!("{error:?}").contains("Stalled"), "{error:?}");
    until(|| scene.seen().open == 0).await;
    for trouble in [Trouble::Cut { after: 3 }, Trouble::Error { after: 3 }] {
        let scene = Scene::troubled(case, trouble).await;
        let (sound, error) = scene.said(TEXT, 8000).await;
        assert!(sound.len() <= 2400, "{}", sound.len());
        assert!(format!("{error:?}").contains("Cut"), "{error:?}");
    }
}

pub(crate) async fn a_first_sound_that_comes_too_late_is_not_waited_for(case: &Case) {
    let scene = Scene::troubled(case, Trouble::SlowFirst { ms: 200 }).await;
    assert!(scene.said(TEXT, 8000).await.1.is_none());
    for trouble in [Trouble::SlowFirst { ms: 3000 }, Trouble::Silent] {
        scene.simulator.behave(case.vendor, Behaviour::with(trouble));
        assert_eq!(scene.fault().await, Fault::NoAnswer(LIMITS.first));
    }
    until(|| scene.seen().open == 0).await;
}

pub(crate) async fn a_page_in_the_place_of_sound_is_not_played(case: &Case) {
    let scene = Scene::troubled(case, Trouble::Malformed { after: 0 }).await;
    for _ in 0..3 {
        assert_eq!(scene.fault().await, Fault::Malformed("a document instead of sound"));
    }
    assert_eq!(why(&scene.fault().await), Why::Open);
}
