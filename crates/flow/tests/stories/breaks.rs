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
