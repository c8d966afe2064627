//! Stories of models that fail, and of who goes on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model_brain::tests::{Line, Scripted, Talking, persona};

use super::*;
use crate::TransferWhy;

const HOTEL: &str = include_str!("../../../../agents/hotel.toml");

pub(super) struct Ladder {
    pub(super) call: Talking<LadderBrain>,
    changes: Arc<Mutex<Vec<String>>>,
}

pub(super) fn flow() -> Arc<Flow> {
    Arc::new(Flow::parse(HOTEL).unwrap())
}

pub(super) fn rung(model: &Arc<Scripted>, open: &Arc<AtomicBool>) -> Rung {
    let open = Arc::clone(open);
    Rung { model: Arc::clone(model) as _, open: Arc::new(move || open.load(Ordering::SeqCst)) }
}

impl Ladder {
    pub(super) fn changes(&self) -> Vec<String> {
        self.changes.lock().unwrap().clone()
    }
}

fn ladder(rungs: Vec<Rung>) -> Ladder {
    ladder_with(rungs, |brain| brain)
}

pub(super) fn ladder_with(rungs: Vec<Rung>, with: impl FnOnce(LadderBrain) -> LadderBrain) -> Ladder {
    let changes: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&changes);
    let on_rung: OnRung = Arc::new(move |change| seen.lock().unwrap().push(format!("{} {}", change.why.as_str(), change.to)));
    let brain = LadderBrain::new(rungs, FlowBrain::new(flow(), 3, Some("+12025550199".into())), persona(), Meter::default(), on_rung);
    Ladder { call: Talking { brain: with(brain) }, changes }
}

use Line::{Call, Fail, Hang, Say};

pub(super) fn open() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(true))
}

#[tokio::test(start_paused = true)]
async fn the_next_model_goes_on_in_the_same_turn_with_what_was_said() {
    let (first, second) = (Scripted::new([vec![Say("We have rooms. And"), Fail]]), Scripted::new([vec![Say("They cost ten euros.")]]));
    let mut ladder = ladder(vec![rung(&first, &open()), rung(&second, &open())]);
    assert_eq!(ladder.call.heard("rooms").await, ["We have rooms.", "They cost ten euros.", "(listens)"]);
    assert_eq!(
        second.last()[1..],
        ["agent: We have rooms.", "caller: [You were cut off after these words. Go on from there, without saying them again.]"]
    );
    assert_eq!(*ladder.changes.lock().unwrap(), ["empty scripted/script"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_whose_guard_is_shut_is_passed_over() {
    let (first, second) = (Scripted::new([vec![Hang]]), Scripted::new([]));
    let mut ladder = ladder(vec![rung(&first, &open()), rung(&second, &Arc::new(AtomicBool::new(false)))]);
    ladder.call.tell(BrainInput::Started).await;
    let said = ladder.call.heard("what time is breakfast").await;
    assert_eq!(said[0], "Sorry to keep you waiting.", "three seconds are noticed");
    assert!(said[1].contains("half past ten"), "{said:?}");
    assert_eq!((second.asked(), ladder.changes.lock().unwrap().clone()), (0, vec!["late dialogue".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn the_dialogue_knows_what_was_said_and_its_deeds_are_known_above() {
    let first = Scripted::new([vec![Say("For how many nights?")], vec![Fail], vec![Say("Anything else?")]]);
    let shut = open();
    let mut ladder = ladder(vec![rung(&first, &shut)]);
    ladder.call.tell(BrainInput::Started).await;
    ladder.call.heard("i need a double room from tomorrow for two people").await;
    let asked = ladder.call.heard("for two nights").await;
    let tool = format!("#{} check_availability", FLOW_IDS + 1);
    let call = asked.iter().find(|line| line.starts_with(&tool)).unwrap_or_else(|| panic!("{asked:?}"));
    assert!(call.contains(r#""arrival":"2027-01-15""#) && call.contains(r#""nights":2"#), "{call}");
    let free = json!({ "offers": [], "room_type": "double", "total": "240.00", "currency": "EUR", "nights": 2 });
    ladder.call.ok(FLOW_IDS + 1, free).await;
    assert_eq!(first.asked(), 2, "the model is left alone");
    tokio::time::advance(UP_AFTER).await;
    shut.store(false, Ordering::SeqCst);
    ladder.call.heard("what time is breakfast").await;
    assert_eq!(first.asked(), 2, "its guard is shut");
    shut.store(true, Ordering::SeqCst);
    assert_eq!(ladder.call.heard("thank you").await, ["Anything else?", "(listens)"]);
    let told = first.last().join("\n");
    assert!(told.contains("-> check_availability") && told.contains("240.00") && told.contains("half past ten"), "{told}");
    assert_eq!(*ladder.changes.lock().unwrap(), ["empty dialogue", "back scripted/script"]);
}

#[tokio::test(start_paused = true)]
async fn an_effect_is_never_left_unsaid() {
    let book = || Call("book", json!({ "nights": 2 }));
    let first = Scripted::new([vec![book()], vec![Say("Two nights?")], vec![book()], vec![Fail]]);
    let mut ladder = ladder(vec![rung(&first, &open())]);
    ladder.call.tell(BrainInput::Started).await;
    ladder.call.heard("book two nights").await;
    assert_eq!(ladder.call.heard("yes").await, [r#"#1 book {"nights":2}"#]);
    assert_eq!(ladder.call.ok(1, json!({ "code": "4711" })).await, ["Sorry to keep you waiting.", "That is done.", "(listens)"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_taken_up_on_the_rung_where_it_was() {
    let first = Scripted::new([vec![Fail]]);
    let mut before = ladder(vec![rung(&first, &open())]);
    before.call.tell(BrainInput::Started).await;
    before.call.heard("what time is breakfast").await;
    let stored = serde_json::from_str(&before.call.brain.snapshot().to_string()).unwrap();
    let brain = LadderBrain::resume(vec![rung(&first, &open())], flow(), persona(), Meter::default(), Arc::new(|_| {}), stored).unwrap();
    let mut after = Talking { brain };
    let said = after.tell(BrainInput::Resumed { missed: false }).await;
    assert_eq!(said[0], "Sorry, we were cut off for a moment.");
    assert!(after.heard("is there parking").await[0].contains("fifteen euros"));
    assert_eq!(first.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_whom_nobody_took_goes_on_with_the_dialogue_when_the_models_fail() {
    let first = Scripted::new([vec![Fail], vec![Fail]]);
    let mut before = ladder(vec![rung(&first, &open())]);
    before.call.tell(BrainInput::Started).await;
    let said = before.call.heard("can i speak to a person").await;
    assert!(said.last().is_some_and(|last| last.starts_with("(to ")), "{said:?}");
    let stored: serde_json::Value = before.call.brain.snapshot();
    let resumed = |rungs| LadderBrain::resume(rungs, flow(), persona(), Meter::default(), Arc::new(|_| {}), stored.clone()).unwrap();
    // On the dialogue, where the call was, and on a model, where there is one again by then.
    for mut after in [Talking { brain: resumed(vec![rung(&first, &open())]) }, Talking { brain: resumed(Vec::new()) }] {
        let said = after.tell(BrainInput::TransferFailed { why: TransferWhy::NoAnswer }).await;
        assert!(said[0].contains("nobody could be reached") && said.last().is_some_and(|last| last == "(listens)"), "{said:?}");
        assert!(after.heard("is there parking").await.iter().any(|text| text.contains("fifteen euros")));
    }
}

#[tokio::test(start_paused = true)]
async fn whom_the_model_has_tried_twice_in_vain_the_dialogue_does_not_try_again() {
    let message = || vec![Say("Shall I take a message?")];
    let model = Scripted::new([message(), message(), vec![Fail]]);
    let mut ladder = ladder(vec![rung(&model, &open())]);
    ladder.call.tell(BrainInput::Started).await;
    for _ in 0..2 {
        ladder.call.tell(BrainInput::TransferFailed { why: TransferWhy::NoAnswer }).await;
    }
    let said = ladder.call.heard("can i speak to a person").await;
    assert!(said.iter().all(|text| !text.starts_with("(to ")), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn without_models_or_ears_the_dialogue_talks() {
    let mut ladder = ladder(Vec::new());
    assert!(ladder.call.tell(BrainInput::Started).await[0].contains("Harbour View"));
    let mut deaf = super::tests::ladder(vec![rung(&Scripted::new([]), &open())]);
    deaf.call.brain.keypad_only();
    assert!(deaf.call.tell(BrainInput::Started).await.join(" ").contains("press 1"));
    assert_eq!(*deaf.changes.lock().unwrap(), ["deaf dialogue"]);
}
