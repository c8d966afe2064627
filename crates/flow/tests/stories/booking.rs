//! Booking a room in every way callers do.

use flow::ToolOutcome;
use serde_json::json;

use super::hotel::Call;

#[test]
fn a_room_is_booked_in_one_sentence() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("i would like to book a double room for two nights from friday for two people under the name smith").is_asked("confirm");
    call.hears("a double room")
        .hears("Friday the twenty-seventh of November")
        .hears("two nights")
        .hears("Smith")
        .hears("two hundred euros");
    assert!(call.effects().is_empty());
    call.say("yes please").hears("four, two, seven, one, zero, nine").is_asked("main");
    call.called(
        "create_booking",
        json!({ "arrival": "2026-11-27", "nights": 2, "guests": 2, "room_type": "double", "name": "Smith", "phone": "+12025550199" }),
    );
    call.say("no thanks");
    assert_eq!(call.end, Some(flow::Exit::Goodbye));
}

#[test]
fn a_room_is_booked_step_by_step_by_a_caller_without_number() {
    let mut call = Call::new(Some("anonymous"));
    call.say("book a room").is_asked("stay.arrival");
    call.say("the third of december").is_asked("stay.nights");
    call.say("three").is_asked("guests");
    call.say("two adults and one child").is_asked("room_type");
    call.say("double").hears("three hundred euros").is_asked("name");
    call.say("s as in sierra m i t h").is_asked("phone");
    call.say("two oh two five five five zero one four three").is_asked("confirm").hears("Smith").hears("three guests");
    call.say("that's right").called(
        "create_booking",
        json!({ "arrival": "2026-12-03", "nights": 3, "guests": 3, "room_type": "double", "name": "Smith", "phone": "2025550143" }),
    );
}

/// What is said in reply to the read-back of a double room for two guests, two nights from Friday; and what changes.
#[test]
fn a_correction_changes_just_that_slot() {
    for (said, field, value) in [
        ("no three nights", "nights", json!(3)),
        ("actually a single room", "room_type", json!("single")),
        ("not friday saturday", "arrival", json!("2026-11-28")),
        ("no from saturday", "arrival", json!("2026-11-28")),
        ("make it a suite please", "room_type", json!("suite")),
        ("until monday", "nights", json!(3)),
        ("no for three people", "guests", json!(3)),
        ("the name is garcia", "name", json!("Garcia")),
        ("no i meant garcia", "name", json!("Garcia")),
        ("yes but three nights", "nights", json!(3)),
    ] {
        let mut call = Call::new(Some("+12025550199"));
        call.say("a double room for two people for two nights from friday under the name smith").is_asked("confirm");
        call.say(said).is_asked("confirm");
        assert!(call.effects().is_empty(), "{said}");
        call.say("yes");
        let mut booked =
            json!({ "arrival": "2026-11-27", "nights": 2, "guests": 2, "room_type": "double", "name": "Smith", "phone": "+12025550199" });
        booked[field] = value;
        assert_eq!(call.calls.last(), Some(&("create_booking".to_owned(), booked)), "{said}");
    }
}

#[test]
fn a_bare_no_is_asked_what_to_change_and_nothing_leads_back() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("a double room for two people for two nights from friday under the name smith").is_asked("confirm");
    call.say("no").hears("What would you like to change?").is_asked("confirm");
    call.say("the room a suite").hears("a suite").is_asked("confirm");
    call.say("no").say("nothing no").is_asked("confirm").hears("a suite");
    assert!(call.effects().is_empty());
    call.say("now").is_asked("confirm");
    assert!(call.effects().is_empty(), "now is not no, and surely not yes");
}

/// The stay as callers say it, on Saturday the 21st of November 2026.
#[test]
fn stays_are_understood_as_they_are_said() {
    for (said, arrival, nights) in [
        ("from friday to monday", "2026-11-27", 3),
        ("friday to sunday", "2026-11-27", 2),
        ("from friday two sunday", "2026-11-27", 2),
        ("two nights from friday", "2026-11-27", 2),
        ("friday for two nights", "2026-11-27", 2),
        ("next friday for a week", "2026-11-27", 7),
        ("from the third to the fifth of december", "2026-12-03", 2),
        ("december third until december fifth", "2026-12-03", 2),
        ("arriving tomorrow leaving on wednesday", "2026-11-22", 3),
        ("for tonight", "2026-11-21", 1),
        ("three nights from tonight", "2026-11-21", 3),
        ("next weekend", "2026-11-27", 2),
        ("in two weeks for two nights", "2026-12-05", 2),
        ("christmas for two nights", "2026-12-25", 2),
        ("on the thirtieth of december until the second of january", "2026-12-30", 3),
    ] {
        let mut call = Call::new(Some("+12025550199"));
        call.say("book a double room for two people").is_asked("stay.arrival");
        call.say(said).is_asked("name");
        let expected = json!({ "arrival": arrival, "nights": nights, "guests": 2, "room_type": "double" });
        assert_eq!(call.calls.last(), Some(&("check_availability".to_owned(), expected)), "{said}");
    }
}

#[test]
fn an_unavailable_room_is_answered_with_what_there_is() {
    let mut call = Call::new(Some("+12025550199"));
    let fields = json!({ "room_type": "double", "alternatives": "a single room or a suite" });
    call.answers.push(("check_availability".into(), ToolOutcome::Refused { code: "unavailable".into(), fields }));
    call.say("a double room for two people for two nights from friday")
        .hears("but we do have a single room or a suite")
        .is_asked("room_type");
    call.say("the suite then").hears("a suite").is_asked("name");

    let full = ToolOutcome::Refused { code: "unavailable".into(), fields: json!({}) };
    let mut call = Call::new(Some("+12025550199"));
    call.answers.push(("check_availability".into(), full));
    call.say("a double room for two people for two nights from friday").hears("no room left").is_asked("stay.arrival");
    call.say("saturday for one night").is_asked("name");
}

#[test]
fn values_that_cannot_be_are_answered_with_the_reason() {
    let mut call = Call::new(None);
    call.say("book a room from yesterday").hears("in the past").is_asked("stay.arrival");
    call.say("friday").say("ninety nights").hears("thirty nights").is_asked("stay.nights");
    call.say("two nights").say("twenty people").hears("six guests at most").is_asked("guests");
    call.answers
        .push(("check_availability".into(), ToolOutcome::Refused { code: "too_many_guests".into(), fields: json!({ "max_guests": 1 }) }));
    call.say("four").say("single").hears("that room takes one guest at most").is_asked("guests");
}

#[test]
fn keys_answer_every_question_that_has_keys() {
    let mut call = Call::new(None);
    call.say("book a room").is_asked("stay.arrival");
    assert_eq!(call.listens.clone().unwrap().1, 4);
    call.keys("0312").is_asked("stay.nights");
    call.keys("2#").is_asked("guests");
    call.keys("2").is_asked("room_type");
    call.keys("2").hears("a double room").is_asked("name");
    call.say("smith").is_asked("phone");
    call.keys("2025550143");
    assert_eq!(call.listens, None, "more digits may come");
    call.input(flow::Input::KeysDone);
    call.is_asked("confirm").keys("1");
    call.called(
        "create_booking",
        json!({ "arrival": "2026-12-03", "nights": 2, "guests": 2, "room_type": "double", "name": "Smith", "phone": "2025550143" }),
    );
}
