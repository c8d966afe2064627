//! Whatever a model does and a caller says: no effect without a read-back and a yes.

use proptest::prelude::*;

use super::*;

/// One answer of a model.
fn answer() -> impl Strategy<Value = Vec<Line>> {
    let line = prop_oneof![
        Just(Line::Say("So two nights, is that right? ")),
        Just(Line::Say("One moment. ")),
        (1u32..3).prop_map(|nights| Line::Call("book", json!({ "nights": nights }))),
        Just(Line::Call("look", json!({ "nights": 1 }))),
        Just(Line::Raw("book", "{")),
        Just(Line::Fail),
    ];
    proptest::collection::vec(line, 0..4)
}

#[derive(Debug, Clone)]
enum Turn {
    Words(&'static str, f32),
    Cut,
    Keys,
    Silence,
    Break,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        4 => prop_oneof![Just("yes"), Just("yes please"), Just("no"), Just("what does it cost"), Just("yes no wait")].prop_map(|words| Turn::Words(words, 0.9)),
        1 => Just(Turn::Words("yes", 0.3)),
        1 => Just(Turn::Cut),
        1 => Just(Turn::Keys),
        1 => Just(Turn::Silence),
        1 => Just(Turn::Break),
    ]
}

/// What an onlooker knows: which bookings were read back to the caller since the last turn, and which the last turn agreed to.
#[derive(Default)]
struct Onlooker {
    proposed: Vec<String>,
    agreed: Vec<String>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_effect_without_a_read_back_and_a_yes(script in proptest::collection::vec(answer(), 60), turns in proptest::collection::vec(turn(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async move {
            let model = Scripted::new(script);
            let mut call = talking(&model);
            call.tell(BrainInput::Started).await;
            let mut onlooker = Onlooker::default();
            for turn in turns {
                let mut input = match turn {
                    Turn::Words(text, confidence) => {
                        let yes = confidence > 0.5 && matches!(text, "yes" | "yes please");
                        onlooker.agreed = if yes { std::mem::take(&mut onlooker.proposed) } else { Vec::new() };
                        onlooker.proposed.clear();
                        Some(BrainInput::Heard { text: text.into(), confidence })
                    }
                    Turn::Cut => {
                        onlooker.proposed.clear();
                        Some(BrainInput::Interrupted { heard: String::new(), sound_ms: 0 })
                    }
                    Turn::Keys => {
                        onlooker = Onlooker::default();
                        call.brain.handle(BrainInput::Key('1'), NOW);
                        Some(BrainInput::KeysDone)
                    }
                    Turn::Silence => Some(BrainInput::Silence { count: 1 }),
                    Turn::Break => {
                        let stored = call.brain.snapshot();
                        call.brain = ModelBrain::resume(Arc::clone(&model) as _, persona(), Meter::default(), stored).unwrap();
                        Some(BrainInput::Resumed { missed: false })
                    }
                };
                while let Some(told) = input.take() {
                    for output in call.tell(told).await {
                        if let Some(asked) = output.strip_prefix('#').and_then(|text| text.split_once(" book ")) {
                            let (id, arguments) = (asked.0.parse().unwrap(), asked.1.to_owned());
                            let at = onlooker.agreed.iter().position(|agreed| *agreed == arguments);
                            prop_assert!(at.is_some(), "{arguments} was not agreed to");
                            onlooker.agreed.remove(at.unwrap());
                            input = Some(BrainInput::ToolAnswered { id, outcome: ToolOutcome::Ok(json!({})) });
                        } else if let Some((id, _)) = output.strip_prefix('#').and_then(|text| text.split_once(" look ")) {
                            let id = id.parse().unwrap();
                            call.brain.handle(BrainInput::ToolAnswered { id, outcome: ToolOutcome::Failed }, NOW);
                        } else if output.starts_with("So two") || output.starts_with("One moment") {
                            // A wish that was answered with "confirm_first" before these words is read back with them.
                            let asked = model.asked.lock().unwrap();
                            let last = asked.last().map(|request| request.messages.clone()).unwrap_or_default();
                            let wishes = last.iter().flat_map(|message| match message { Message::Agent { calls, .. } => calls.clone(), _ => Vec::new() });
                            onlooker.proposed.extend(wishes.filter(|call| call.name == "book").map(|call| call.arguments));
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
}
