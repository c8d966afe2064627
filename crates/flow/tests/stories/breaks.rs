//! The line breaks, and another process takes the conversation up.

use flow::{Dialogue, Exit, Input, Output};
use serde_json::json;

use super::hotel::{Call, hotel, now};

impl Call {
    /// The process dies; another one has what was stored.
    fn cut(&mut self, missed: bool) -> &mut Self {
        let stored = self.dialogue.snapshot().to_string();
        self.dialogue = Dialogue::restore(hotel(), serde_json::from_str(&stored).unwrap()).unwrap();
        self.input(Input::Resumed { missed });
        self
    }
}

#[test]
fn a_resumed_caller_hears_of_the_break_and_is_asked_again() {
    let mut call = Call::new(Some("+12025550199"));
    call.cut(false).hears("cut off").hears("How can I help you?").hears_no("Harbour View").is_asked("main");
    call.say("a double room for two people from friday").is_asked("stay.nights");
    let question = call.said.last().cloned().unwrap();
    call.cut(false).hears("cut off").hears(&question).is_asked("stay.nights");
    call.say("two nights").say("smith").is_asked("confirm");
    call.cut(false).hears("cut off").hears("two hundred euros").is_asked("confirm");
    call.say("yes");
    assert_eq!(call.effects(), ["create_booking"]);
}

#[test]
fn what_was_missed_is_said_again() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("a double room for two people for two nights from friday under the name smith").say("yes").hears("Your confirmation code");
    call.cut(true).hears("cut off").hears("Your confirmation code is four, two").is_asked("main");
    call.cut(false).hears_no("confirmation code").is_asked("main");
    assert_eq!(call.effects(), ["create_booking"]);
}

#[test]
fn a_tool_that_was_being_called_is_called_again_under_its_id() {
    let mut dialogue = Dialogue::new(hotel(), 3, Some("+12025550199".into()));
    let outputs = |dialogue: &mut Dialogue, input| {
        dialogue.handle(input, now());
        std::iter::from_fn(|| dialogue.poll_output()).collect::<Vec<_>>()
    };
    outputs(&mut dialogue, Input::Started);
    let words = "a double room for two people for two nights from friday";
    let asked = outputs(&mut dialogue, Input::Heard { text: words.into(), confidence: 0.9 });
    let Some(Output::CallTool { .. }) = asked.last() else { panic!("{asked:?}") };
    let mut other = Dialogue::restore(hotel(), dialogue.snapshot()).unwrap();
    assert_eq!(outputs(&mut other, Input::Resumed { missed: false }).last(), asked.last());
}

#[test]
fn a_call_that_had_ended_ends_again() {
    let mut call = Call::new(None);
    call.say("goodbye");
    call.end = None;
    call.cut(true);
    assert_eq!((call.end.clone(), call.said.len()), (Some(Exit::Goodbye), 0));
    let mut call = Call::new(None);
    call.say("agent");
    call.end = None;
    call.cut(true);
    assert_eq!(call.end, Some(Exit::Transfer { to: "+12025550143".into() }));
}

#[test]
fn a_machine_without_recognition_goes_on_with_the_key_menu() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("a double room for two people from friday").is_asked("stay.nights");
    call.dialogue = Dialogue::restore(hotel(), call.dialogue.snapshot()).unwrap();
    call.dialogue.keypad_only();
    call.input(Input::Resumed { missed: false });
    call.hears("cut off").hears("press 1").is_asked("main");
    call.keys("2").hears("Breakfast");
    // Back on a machine that hears.
    call.cut(false).is_asked("main");
    call.say("is there parking").hears("parking");
}

#[test]
fn a_snapshot_of_another_file_is_refused() {
    let mut call = Call::new(None);
    call.say("book a room").is_asked("stay.arrival");
    let mut snapshot = call.dialogue.snapshot();
    snapshot["state"]["asked"] = json!({ "field": { "name": "shoe_size" } });
    assert!(Dialogue::restore(hotel(), snapshot).unwrap_err().to_string().contains("shoe_size"));
}

#[test]
fn a_stop_of_the_service_promises_a_call_only_to_a_number() {
    let mut call = Call::new(Some("+12025550199"));
    call.input(Input::Closing);
    call.hears("call you back");
    assert_eq!(call.end, Some(Exit::Goodbye));
    let mut call = Call::new(None);
    call.input(Input::Closing);
    call.hears("call again").hears_no("call you back");
}

/// The hotel, but the confirmation code is a secret.
fn secretive() -> std::sync::Arc<flow::Flow> {
    let text = include_str!("../../../../agents/hotel.toml").replace("[slots.code]\n", "[slots.code]\nsecret = true\n");
    std::sync::Arc::new(flow::Flow::parse(&text).unwrap())
}

#[test]
fn a_secret_stands_in_no_snapshot_and_is_asked_for_again() {
    let flow = secretive();
    assert!(flow.is_secret("code") && !flow.is_secret("name"));
    assert!(flow.secret_arguments("cancel_booking").contains("code"), "{:?}", flow.secret_arguments("cancel_booking"));
    let mut call = Call::with(std::sync::Arc::clone(&flow), None);
    call.say("cancel my booking").is_asked("code");
    for key in "427".chars() {
        call.input(Input::Key(key));
        assert!(!call.dialogue.snapshot().to_string().contains("42"), "half of it");
    }
    for key in "109".chars() {
        call.input(Input::Key(key));
    }
    let asked = call.listens.clone();
    let stored = call.dialogue.snapshot().to_string();
    for part in ["427109", "four, two", "four two"] {
        assert!(!stored.contains(part), "{part} in {stored}");
    }
    call.dialogue = Dialogue::restore(flow, serde_json::from_str(&stored).unwrap()).unwrap();
    call.input(Input::Resumed { missed: false });
    assert_eq!(asked.map(|(state, _)| state).as_deref(), Some("name"));
    call.is_asked("name").say("smith").is_asked("code");
}

#[test]
fn a_yes_to_a_question_that_nobody_heard_books_nothing() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("a double room for two people for two nights from friday under the name smith").is_asked("confirm");
    call.input(Input::Interrupted { heard: String::new(), sound_ms: 0 });
    call.say("yes").hears("two hundred euros").is_asked("confirm");
    assert!(call.effects().is_empty());
    call.say("yes").hears("Your confirmation code");
    assert_eq!(call.effects(), ["create_booking"]);
}

#[test]
fn what_was_done_is_told_again_when_nobody_heard_it() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("a double room for two people for two nights from friday under the name smith").say("yes").hears("Your confirmation code");
    call.input(Input::Interrupted { heard: String::new(), sound_ms: 0 });
    call.say("what time is breakfast").hears("Your confirmation code").hears("Breakfast");
    call.say("what time is breakfast").hears_no("confirmation code");
}

#[test]
fn a_reply_that_stalls_ends_at_a_person_and_an_effect_under_way_is_waited_for() {
    let mut call = Call::new(Some("+12025550199"));
    call.input(Input::Stalled);
    call.hears("can't get this done").hears("put you through");
    assert!(matches!(call.end, Some(Exit::Transfer { .. })));
}
