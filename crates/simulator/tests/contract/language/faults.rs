//! What vendors do wrong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use models::{AnswerEvent, ChatRequest, ModelError, ToolSpec};
use outbound::Fault;
use resilience::{Rejected, State, Why};
use serde_json::json;
use simulator::{Behaviour, Simulator, Trouble};

use super::{Case, LIMIT, Scene, asking, caller, text};

/// A limit that a test can wait for.
const SHORT: Duration = Duration::from_millis(300);

fn breakfast() -> ChatRequest {
    asking(vec![caller("breakfast?")])
}

/// The fault of an answer under this trouble, and what was said before it.
async fn fault(case: &Case, trouble: Trouble, limit: Duration) -> (Scene, String, Fault) {
    let scene = Scene::behaving(case, Behaviour::with(trouble), limit).await;
    let (events, error) = scene.whole(breakfast()).await;
    assert!(!events.iter().any(|event| matches!(event, AnswerEvent::Done(_))), "{events:?}");
    match error {
        Some(ModelError::Service { model, fault }) => {
            assert_eq!(model, case.service.as_str());
            (scene, text(&events), fault)
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn an_answer_that_stops_is_given_up_after_the_limit(case: &Case) {
    let (scene, said, fault) = fault(case, Trouble::Stall { after: 2 }, SHORT).await;
    assert_eq!((said.as_str(), fault), ("Breakfast is", Fault::Stalled(SHORT)));
    assert_eq!(scene.guard.view().counts.failed, 1);
    scene.until(LIMIT, |seen| seen.open == 0).await;
}

pub(crate) async fn an_answer_that_breaks_off_is_an_error_and_nothing_is_made_up_for_the_bill(case: &Case) {
    let (scene, said, fault) = fault(case, Trouble::Cut { after: 2 }, LIMIT).await;
    assert_eq!(said, "Breakfast is");
    assert!(matches!(fault, Fault::Cut(_)), "{fault:?}");
    assert_eq!((scene.guard.view().counts.failed, scene.uncounted()), (1, 1));
}

pub(crate) async fn a_vendor_that_takes_no_key_says_so(case: &Case) {
    let (scene, _, by_trouble) = fault(case, Trouble::WrongKey, LIMIT).await;
    let wrong = Scene::with(case, Simulator::quick().await.unwrap(), "wrong-key", LIMIT);
    let (_, by_key) = wrong.whole(breakfast()).await;
    let wanted = ModelError::Service { model: case.service.as_str(), fault: Fault::Key(401) };
    assert_eq!((by_trouble, by_key), (Fault::Key(401), Some(wanted.clone())));
    assert_eq!(wrong.model.check().await, Err(wanted));
    assert_eq!((scene.guard.view().counts.failed, scene.guard.view().state), (0, State::Closed), "it works, and says no");
    assert_eq!((wrong.guard.view().counts.key_refused, wrong.uncounted()), (2, 0), "an operator sees it, and a refusal costs nothing");
}

pub(crate) async fn too_many_requests_pause_the_road_and_do_not_open_the_breaker(case: &Case) {
    let (scene, _, first) = fault(case, Trouble::TooMany { retry_after: Some(7) }, LIMIT).await;
    assert_eq!(first, Fault::Throttled(Some(Duration::from_secs(7))));
    let (_, again) = scene.whole(breakfast()).await;
    let Some(ModelError::Service { fault: Fault::NotAsked(Rejected { why, retry_after, .. }), .. }) = again else { panic!("{again:?}") };
    assert_eq!((why, scene.guard.view().state, scene.seen().requests), (Why::Paused, State::Closed, 1));
    assert!(retry_after > Duration::from_secs(4) && retry_after <= Duration::from_secs(7), "{retry_after:?}");
}

pub(crate) async fn a_vendor_out_of_order_is_told_apart(case: &Case) {
    for status in [500, 503, 529] {
        let (scene, _, fault) = fault(case, Trouble::Unavailable { status }, LIMIT).await;
        assert_eq!((fault, scene.guard.view().counts.failed), (Fault::Unavailable(status), 1));
    }
}

pub(crate) async fn nonsense_in_the_answer_ends_it(case: &Case) {
    let (scene, said, fault) = fault(case, Trouble::Malformed { after: 3 }, LIMIT).await;
    assert_eq!(said, "Breakfast is served");
    assert!(matches!(fault, Fault::Malformed(_)), "{fault:?}");
    assert_eq!(scene.guard.view().counts.failed, 1);
    scene.until(LIMIT, |seen| seen.open == 0).await;
}

pub(crate) async fn an_error_within_the_answer_ends_it(case: &Case) {
    let (scene, said, fault) = fault(case, Trouble::Error { after: 1 }, LIMIT).await;
    assert_eq!(said, "Breakfast");
    assert!(matches!(fault, Fault::Unavailable(500 | 529)), "{fault:?}");
    assert_eq!(scene.guard.view().counts.failed, 1);
}

pub(crate) async fn a_late_first_word_is_given_up_at_our_limit(case: &Case) {
    let began = Instant::now();
    let (scene, _, fault) = fault(case, Trouble::SlowFirst { ms: 60_000 }, SHORT).await;
    assert_eq!(fault, Fault::NoAnswer(SHORT));
    assert!(began.elapsed() < LIMIT);
    assert_eq!((scene.guard.view().counts.timed_out, scene.uncounted()), (1, 1));
    scene.until(LIMIT, |seen| seen.open == 0).await;
}

pub(crate) async fn a_vendor_that_says_nothing_is_given_up_at_our_limit(case: &Case) {
    let (scene, _, fault) = fault(case, Trouble::Silent, SHORT).await;
    assert_eq!(fault, Fault::NoAnswer(SHORT));
    scene.until(LIMIT, |seen| seen.open == 0).await;
}

/// Headers come, and the beginning of an answer, and a ping: the caller hears none of them.
pub(crate) async fn signs_of_life_are_no_first_word(case: &Case) {
    let (scene, said, fault) = fault(case, Trouble::Stall { after: 0 }, SHORT).await;
    assert_eq!((said.as_str(), fault), ("", Fault::NoAnswer(SHORT)));
    assert_eq!(scene.guard.view().counts.failed, 1);
}

/// A model that reasons has its time for the first word, however short the time between words is.
pub(crate) async fn the_first_word_has_its_own_limit(case: &Case) {
    let slow = Behaviour { tokens_per_second: 2.0, ..Behaviour::default() };
    let scene = Scene::patient(case, slow, LIMIT, SHORT).await;
    let (events, error) = scene.whole(breakfast()).await;
    let fault = Fault::Stalled(SHORT);
    assert_eq!((text(&events).as_str(), error), ("Breakfast", Some(ModelError::Service { model: case.service.as_str(), fault })));
}

pub(crate) async fn a_request_that_is_wrong_is_refused_and_says_nothing_about_the_vendor(case: &Case) {
    let scene = Scene::new(case).await;
    let tool = ToolSpec { name: "no such name!".into(), description: String::new(), parameters: json!({ "type": "object" }) };
    let (_, error) = scene.whole(ChatRequest { tools: Arc::new([tool]), ..breakfast() }).await;
    let Some(ModelError::Service { fault: Fault::Refused { status: 400, code }, .. }) = error else { panic!("{error:?}") };
    assert!(["invalid_value", "invalid_request_error"].contains(&code.as_str()), "{code}");
    assert_eq!((scene.guard.view().counts.failed, scene.guard.view().counts.answered), (0, 1));
}

pub(crate) async fn the_breaker_opens_and_a_check_closes_it_again(case: &Case) {
    let scene = Scene::behaving(case, Behaviour::with(Trouble::Unavailable { status: 500 }), LIMIT).await;
    for _ in 0..3 {
        assert!(scene.whole(breakfast()).await.1.is_some());
    }
    assert_eq!(scene.guard.view().state, State::Open);
    let (_, refused) = scene.whole(breakfast()).await;
    assert!(matches!(refused, Some(ModelError::Service { fault: Fault::NotAsked(_), .. })), "{refused:?}");
    assert_eq!(scene.seen().requests, 3, "it was not asked");
    scene.simulator.behave(case.vendor, Behaviour::default());
    let deadline = Instant::now() + LIMIT;
    while !scene.guard.wants_probe() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    scene.model.check().await.unwrap();
    assert_eq!(scene.guard.view().state, State::Closed);
    assert_eq!(scene.whole(breakfast()).await.1, None);
}
