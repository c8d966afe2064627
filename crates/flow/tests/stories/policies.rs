//! Silence, misunderstandings, doubts, commands.

use flow::{Dialogue, Exit, Input, Output, ToolOutcome};
use serde_json::json;

use super::hotel::{Call, hotel, now};

#[test]
fn silence_is_asked_about_and_then_ended() {
    let mut call = Call::new(None);
    call.say("book a room");
    call.input(Input::Silence { count: 1 });
    call.hears("Are you still there?").is_asked("stay.arrival");
    call.input(Input::Silence { count: 2 });
    call.hears("I can't hear you").is_asked("stay.arrival");
    call.input(Input::Silence { count: 3 });
    assert_eq!(call.end, Some(Exit::Silence));
}

#[test]
fn misunderstandings_get_help_then_keys_then_a_person() {
    let mut call = Call::new(None);
    call.say("book a room").is_asked("stay.arrival");
    call.say("purple elephants").is_asked("stay.arrival");
    call.input(Input::NotUnderstood);
    call.hears("keys on your phone").hears("for example").is_asked("stay.arrival");
    call.say("friday").is_asked("stay.nights");
    for _ in 0..3 {
        call.input(Input::NotUnderstood);
        call.is_asked("stay.nights");
    }
    call.input(Input::NotUnderstood);
    assert_eq!(call.end, Some(Exit::Transfer { to: "+12025550143".into() }));
}

#[test]
fn a_doubtful_value_is_asked_about() {
    let mut call = Call::new(None);
    call.say("book a room");
    call.mumble("friday").hears("Friday the twenty-seventh").is_asked("yes_no");
    call.say("no").is_asked("stay.arrival");
    call.mumble("saturday").is_asked("yes_no");
    call.say("yes").is_asked("stay.nights");
    call.mumble("two nights").say("no three nights").is_asked("guests");
    call.input(Input::Heard { text: "two".into(), confidence: 0.1 });
    call.is_asked("guests");
}

#[test]
fn a_doubtful_yes_books_nothing() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("a double room for two people for two nights from friday under the name smith").is_asked("confirm");
    call.mumble("yes").is_asked("yes_no");
    assert!(call.effects().is_empty());
    call.say("yes");
    assert_eq!(call.effects(), ["create_booking"]);
}

#[test]
fn repeat_start_over_never_mind_and_help() {
    let mut call = Call::new(None);
    call.say("book a double room");
    let question = call.text();
    call.say("can you repeat that please").hears(&question).is_asked("stay.arrival");
    call.keys("*").hears(&question).is_asked("stay.arrival");
    call.keys("**").hears("start over").is_asked("main");
    call.say("book a double room").say("friday").say("start over").hears("start over").is_asked("main");
    call.say("book a room").is_asked("stay.arrival");
    call.say("never mind").hears("dropped").is_asked("main");
    call.say("what can you do").hears("book a room").is_asked("main");
}

#[test]
fn a_person_is_one_word_or_one_key_away() {
    let mut call = Call::new(None);
    call.say("book a room").say("agent");
    assert_eq!(call.end, Some(Exit::Transfer { to: "+12025550143".into() }));
    let mut call = Call::new(None);
    call.say("book a room").say("friday").keys("0");
    assert!(matches!(call.end, Some(Exit::Transfer { .. })));
}

#[test]
fn danger_comes_first_even_when_it_is_mumbled() {
    let mut call = Call::new(None);
    call.input(Input::Heard { text: "i'd like to book a room there is a fire".into(), confidence: 0.1 });
    call.hears("right away");
    assert!(matches!(call.end, Some(Exit::Transfer { .. })));
}

#[test]
fn without_a_person_a_message_is_taken() {
    let text = include_str!("../../../../agents/hotel.toml").replace("transfer = \"+12025550143\"\n", "");
    let mut call = Call::with(std::sync::Arc::new(flow::Flow::parse(&text).unwrap()), None);
    call.say("i want to speak to a person").hears("take a message").is_asked("message");
    call.say("i need to talk to a human").hears("nobody");
    assert_eq!(call.end, Some(Exit::Goodbye));
}

#[test]
fn what_is_said_while_a_tool_works_waits_and_a_yes_does_not_count() {
    let mut dialogue = Dialogue::new(hotel(), 1, Some("+12025550199".into()));
    dialogue.handle(Input::Started, now());
    let heard = |text: &str| Input::Heard { text: text.into(), confidence: 0.9 };
    dialogue.handle(heard("a double room for two people for two nights from friday under the name smith"), now());
    let outputs: Vec<Output> = std::iter::from_fn(|| dialogue.poll_output()).collect();
    let Some(Output::CallTool { id, .. }) = outputs.last() else { panic!("{outputs:?}") };
    dialogue.handle(heard("yes"), now());
    dialogue.handle(heard("no three nights"), now());
    dialogue.handle(Input::Silence { count: 1 }, now());
    assert_eq!(dialogue.poll_output(), None);
    dialogue.handle(Input::ToolAnswered { id: id + 7, outcome: ToolOutcome::Failed }, now());
    assert_eq!(dialogue.poll_output(), None, "an answer that nobody asked for");
    dialogue.handle(
        Input::ToolAnswered { id: *id, outcome: ToolOutcome::Ok(json!({ "room_type": "double", "total": "200.00", "currency": "EUR" })) },
        now(),
    );
    let outputs: Vec<Output> = std::iter::from_fn(|| dialogue.poll_output()).collect();
    let Some(Output::CallTool { arguments, tool, .. }) = outputs.last() else { panic!("{outputs:?}") };
    assert_eq!((tool.as_str(), &arguments["nights"]), ("check_availability", &json!(3)));
}

#[test]
fn a_tool_that_fails_is_admitted() {
    let mut call = Call::new(Some("+12025550199"));
    call.answers.push(("check_availability".into(), ToolOutcome::Failed));
    call.say("a double room for two people for two nights from friday").hears("did not work").is_asked("main");
}

#[test]
fn a_conversation_is_stored_and_taken_up_again() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("a double room for two people from friday").is_asked("stay.nights");
    let snapshot = call.dialogue.snapshot();
    call.dialogue = Dialogue::restore(hotel(), serde_json::from_str(&snapshot.to_string()).unwrap()).unwrap();
    call.say("two nights").say("smith").is_asked("confirm").say("yes");
    assert_eq!(call.effects(), ["create_booking"]);
    assert!(Dialogue::restore(hotel(), json!({ "state": 1 })).is_err());
}

#[test]
fn time_is_up_says_goodbye() {
    let mut call = Call::new(None);
    call.input(Input::TimeIsUp);
    assert_eq!((call.said.len(), call.end.clone()), (1, Some(Exit::Goodbye)));
    call.say("book a room");
    assert!(call.said.is_empty(), "nothing comes after the end");
}

#[test]
fn without_recognition_the_menu_answers_keys() {
    let mut dialogue = Dialogue::new(hotel(), 1, None);
    dialogue.keypad_only();
    let mut call = Call::new(None);
    call.dialogue = dialogue;
    let fixed = hotel().fixed_texts();
    call.input(Input::Started);
    call.hears("press 1").is_asked("main");
    call.keys("2").hears("Breakfast").hears("press 1");
    assert!(call.said.iter().all(|text| fixed.contains(text)));
    call.input(Input::Silence { count: 1 });
    call.hears("press 1");
    assert!(call.said.iter().all(|text| fixed.contains(text)));
    call.say("book a room");
    assert!(call.said.is_empty());
    call.keys("0");
    assert!(matches!(call.end, Some(Exit::Transfer { .. })));
}
