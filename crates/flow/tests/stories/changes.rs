//! An agent as a workspace changed it: another greeting, fewer tools, another length.

use std::collections::BTreeSet;
use std::sync::Arc;

use flow::{ChangeProblem, Changes, Flow, Input, TurnTaking};

use super::hotel::{Call, hotel};

fn changed(changes: Changes) -> Result<Arc<Flow>, Vec<ChangeProblem>> {
    hotel().changed(changes).map(Arc::new)
}

/// The hotel's tools without these.
fn without(left_out: &[&str]) -> Changes {
    let hotel = hotel();
    let tools: BTreeSet<String> = hotel.tools().filter(|tool| !left_out.contains(tool)).map(str::to_owned).collect();
    Changes { tools: Some(tools), ..Changes::default() }
}

#[test]
fn another_greeting_is_said_first_and_the_rest_stays() {
    let flow = changed(Changes { greeting: Some("Good day, this is the annex.".into()), ..Changes::default() }).unwrap();
    let mut call = Call::with(Arc::clone(&flow), None);
    call.hears("Good day, this is the annex.").hears_no("Harbour View").is_asked("main");
    call.say("book a room").is_asked("stay.arrival");
    assert_eq!(flow.fixed_texts()[0], "Good day, this is the annex.", "it is rendered before the first call");
    Call::new(None).hears("Harbour View");
}

#[test]
fn a_request_whose_tool_is_left_out_is_declined_and_the_call_goes_on() {
    let flow = changed(without(&["cancel_booking"])).unwrap();
    let mut call = Call::with(flow, None);
    call.say("i want to cancel my booking").hears("I'm sorry, I can't cancel a booking.").hears("else").is_asked("main");
    call.say("what can you do").hears("book a room").hears_no("cancel a booking");
    call.say("book a room").is_asked("stay.arrival");
    assert!(call.calls.is_empty());
}

#[test]
fn a_tool_that_is_only_asked_closes_what_needs_its_answer() {
    let flow = changed(without(&["find_booking"])).unwrap();
    for request in ["look up my booking", "i'd like to change my booking", "cancel my booking"] {
        Call::with(Arc::clone(&flow), None).say(request).hears("I'm sorry, I can't").is_asked("main");
    }
    assert!(flow.tools().all(|tool| tool != "find_booking"));
}

#[test]
fn no_offer_is_made_of_what_is_left_out() {
    let stay = "is a double room free for two people for two nights from friday";
    Call::new(None).say(stay).hears("Would you like me to book it?");
    let flow = changed(without(&["create_booking"])).unwrap();
    Call::with(flow, None).say(stay).hears("euros").hears_no("book it").is_asked("main");
}

#[test]
fn a_conversation_that_was_about_to_do_it_when_the_tool_was_taken_away_does_not() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("a double room for two people for two nights from friday under the name smith").is_asked("confirm");
    let snapshot = call.dialogue.snapshot();
    let flow = changed(without(&["create_booking"])).unwrap();
    call.dialogue = flow::Dialogue::restore(flow, snapshot).unwrap();
    call.say("yes please").hears("I'm sorry, I can't book a room.").is_asked("main");
    assert!(call.effects().is_empty());
}

#[test]
fn the_same_sentences_are_understood_whatever_was_changed() {
    let changes = Changes { greeting: Some("Hello.".into()), ..without(&["cancel_booking"]) };
    let (one, other) = (hotel().domain(1), changed(changes).unwrap().domain(1));
    assert!(one == other, "language models are shared");
}

#[test]
fn changes_that_cannot_work_are_refused_together() {
    let problems = changed(Changes {
        greeting: Some("Hello {name}".into()),
        tools: Some(["create_booking".to_owned(), "fly".to_owned()].into()),
        turn_taking: None,
    })
    .unwrap_err();
    assert!(
        matches!(problems.as_slice(), [ChangeProblem::Placeholder, ChangeProblem::UnknownTool { tool, .. }] if tool == "fly"),
        "{problems:?}"
    );
    assert_eq!(changed(Changes { greeting: Some(" ".into()), ..Changes::default() }).unwrap_err(), [ChangeProblem::EmptyGreeting]);
}

#[test]
fn an_agent_that_could_do_nothing_is_refused() {
    let text = "id = \"0f5b7a52-6c1e-4d58-9a67-1d0c7f1e2a10\"\nname = \"desk\"\ngreeting = \"Hello.\"\n[[intents]]\nname = \"message\"\nlabel = \"leave a message\"\n\
        phrases = [\"a message\"]\n[intents.action]\ntool = \"leave_message\"\nconfirm = \"Shall I?\"\nok = \"Done.\"\n";
    let flow = Flow::parse(text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let nothing = Changes { tools: Some(BTreeSet::new()), ..Changes::default() };
    assert!(matches!(flow.changed(nothing.clone()).unwrap_err().as_slice(), [ChangeProblem::NothingLeft { .. }]));
    let knows = format!("{text}[[answers]]\nname = \"parking\"\nphrases = [\"where can i park\"]\nsay = \"Behind the house.\"\n");
    let flow = Flow::parse(&knows).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let flow = flow.changed(nothing).unwrap();
    Call::with(Arc::new(flow), None).say("where can i park").hears("Behind the house.");
}

#[test]
fn the_hint_that_time_gets_short_comes_once_with_the_next_words() {
    let mut call = Call::new(None);
    call.say("book a room").is_asked("stay.arrival");
    call.input(Input::TimeIsShort);
    assert!(call.said.is_empty(), "nobody is interrupted by it");
    call.say("friday").hears("less than a minute left").is_asked("stay.nights");
    assert!(call.said[0].contains("less than a minute"));
    call.input(Input::TimeIsShort);
    call.say("two nights").hears_no("less than a minute").is_asked("guests");
    let mut call = Call::new(None);
    call.input(Input::TimeIsShort);
    call.input(Input::TimeIsUp);
    call.hears("our time is up").hears_no("less than a minute");
    let mut call = Call::new(None);
    call.input(Input::TimeIsShort);
    call.say("there is a fire").hears_no("less than a minute");
}

#[test]
fn timing_is_the_workspaces_where_it_set_it() {
    let own = TurnTaking { end_silence_ms: 900, barge_in: false, max_duration_secs: 30, ..hotel().turn_taking() };
    let flow = changed(Changes { turn_taking: Some(own.clone()), ..Changes::default() }).unwrap();
    assert_eq!(flow.turn_taking(), own);
    assert_ne!(hotel().turn_taking(), own);
}
