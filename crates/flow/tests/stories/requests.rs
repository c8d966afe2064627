//! Requests beside booking: changing, cancelling, knowledge, several at once.

use flow::{Exit, Flow};
use serde_json::json;

use super::hotel::{Call, hotel};

/// The utterances on which the reference's own engine was measured (most of them failed there), and others of its vocabulary.
#[test]
fn every_listed_utterance_leads_where_it_should() {
    for (said, state, part) in [
        ("book a room", "stay.arrival", ""),
        ("i'd like to book a room for tonight", "guests", ""),
        ("do you have a room available", "stay.arrival", ""),
        ("what time does the restaurant open", "main", "noon"),
        ("is breakfast included", "main", "Breakfast is included"),
        ("what's the wifi password", "main", "room key"),
        ("what is the wireless password", "main", "room key"),
        ("i need to cancel my booking", "code", ""),
        ("i want to cancel my stay", "code", ""),
        ("i want a refund", "code", ""),
        ("i no longer need the room", "code", ""),
        ("i'd like to change my reservation", "code", ""),
        ("can i extend my stay", "code", ""),
        ("i need different dates", "code", ""),
        ("how much is a double room for two nights from friday", "guests", ""),
        ("when is check in", "main", "three in the afternoon"),
        ("what time is check out", "main", "eleven"),
        ("do you have parking", "main", "fifteen euros"),
        ("i'd like to reserve a suite", "stay.arrival", ""),
        ("hello good morning", "main", "How can I help"),
        ("can you check my booking", "code", ""),
        ("i'd like to leave a message", "message", ""),
        ("can i bring my dog", "main", "Pets"),
        ("where are you", "main", "Harbour Street"),
        ("what is your cancellation policy", "main", "free of charge"),
    ] {
        let mut call = Call::new(None);
        call.say(said);
        assert_eq!(call.listens.as_ref().map(|listen| listen.0.as_str()), Some(state), "{said}: {}", call.text());
        assert!(call.text().contains(part), "{said}: {}", call.text());
    }
    for said in [
        "i need to speak to a human",
        "can i speak to the front desk",
        "connect me to the manager",
        "operator",
        "i have a complaint",
        "real person please",
    ] {
        let mut call = Call::new(None);
        call.say(said);
        assert_eq!(call.end, Some(Exit::Transfer { to: "+12025550143".into() }), "{said}");
    }
    for said in ["goodbye", "thanks bye", "that's all thank you", "no thank you goodbye"] {
        let mut call = Call::new(None);
        call.say(said);
        assert_eq!(call.end, Some(Exit::Goodbye), "{said}");
    }
}

/// What a recogniser makes of the same sentences: small words lost, swapped or misheard.
#[test]
fn small_words_may_be_lost_or_misheard() {
    for (said, state) in [
        ("like book double room two nights friday", "guests"),
        ("would like to book the double room four two nights from friday", "guests"),
        ("book room", "stay.arrival"),
        ("cancel booking", "code"),
        ("change the reservation", "code"),
        ("have a room available", "stay.arrival"),
        ("breakfast included", "main"),
        ("what time restaurant opens", "main"),
    ] {
        let mut call = Call::new(None);
        call.say(said);
        assert_eq!(call.listens.as_ref().map(|listen| listen.0.as_str()), Some(state), "{said}: {}", call.text());
        call.hears_no("understand").hears_no("catch");
    }
}

#[test]
fn a_price_question_leads_to_a_booking() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("how much is a room for two people from friday to sunday")
        .hears("two hundred euros")
        .hears("Would you like me to book it?")
        .is_asked("yes_no");
    call.say("yes please").is_asked("name");
    call.say("smith").is_asked("confirm").hears("a double room");
    call.say("yes").called(
        "create_booking",
        json!({ "arrival": "2026-11-27", "nights": 2, "guests": 2, "room_type": "double", "name": "Smith", "phone": "+12025550199" }),
    );
}

#[test]
fn a_booking_is_changed_after_it_was_found_and_read_back() {
    let mut call = Call::new(None);
    call.say("i'd like to change my booking").is_asked("code");
    call.say("four two seven one zero nine").is_asked("name");
    call.say("smith").hears("a double room for two nights").is_asked("changes");
    call.say("three nights").hears("three nights").hears("three hundred euros").is_asked("confirm");
    assert!(call.effects().is_empty());
    call.say("yes").called("change_booking", json!({ "code": "427109", "name": "Smith", "nights": 3 }));
}

#[test]
fn a_change_said_in_one_sentence_is_not_asked_again() {
    let mut call = Call::new(None);
    call.say("can you change my booking four two seven one zero nine to a suite").is_asked("name");
    call.say("smith").is_asked("confirm").hears("a suite");
    call.say("yes").called("change_booking", json!({ "code": "427109", "name": "Smith", "room_type": "suite" }));
}

#[test]
fn a_booking_is_cancelled_with_code_and_name() {
    let mut call = Call::new(None);
    call.say("i want to cancel my reservation").is_asked("code");
    call.keys("427109").is_asked("name");
    call.say("it's smith").hears("Shall I cancel").is_asked("confirm");
    call.say("yes").hears("is cancelled").called("cancel_booking", json!({ "code": "427109", "name": "Smith" }));
}

#[test]
fn a_no_keeps_the_booking() {
    let mut call = Call::new(None);
    call.say("cancel my booking four two seven one zero nine").say("smith").is_asked("confirm");
    call.say("no wait").hears("dropped").is_asked("main");
    assert!(call.effects().is_empty());
}

#[test]
fn a_wrong_code_is_asked_again() {
    let mut call = Call::new(None);
    call.say("cancel my booking").say("one two three").hears("six digits").is_asked("code");
    call.say("one two three four five six").say("smith").hears("can't find").is_asked("code");
    call.say("four two seven one zero nine").say("smith").is_asked("confirm");
}

#[test]
fn a_message_is_read_back_before_it_is_passed_on() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("i'd like to leave a message").is_asked("message");
    call.say("please tell anna that i will cancel dinner").is_asked("name");
    call.say("smith").is_asked("confirm").hears("please tell anna that i will cancel dinner");
    call.say("yes")
        .called("leave_message", json!({ "name": "Smith", "phone": "+12025550199", "text": "please tell anna that i will cancel dinner" }));
}

#[test]
fn a_question_in_the_middle_is_answered_and_the_booking_goes_on() {
    let mut call = Call::new(None);
    call.say("book a double room").is_asked("stay.arrival");
    call.say("is breakfast included").hears("Breakfast is included").is_asked("stay.arrival");
    call.say("friday").is_asked("stay.nights");
}

#[test]
fn several_requests_in_one_sentence_are_done_in_order() {
    let mut call = Call::new(None);
    call.say("is breakfast included and do you have parking").hears("Breakfast is included").hears("Parking".to_lowercase().as_str());

    let mut call = Call::new(Some("+12025550199"));
    call.say("i'd like to book a double room for two people for two nights from friday and leave a message").is_asked("name");
    call.say("smith").is_asked("confirm");
    call.say("yes").hears("confirmation code").is_asked("message");
    call.say("i will be late").is_asked("confirm").say("yes");
    assert_eq!(call.effects(), ["create_booking", "leave_message"]);
}

#[test]
fn another_request_in_the_middle_is_done_first() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("book a double room").is_asked("stay.arrival");
    call.say("i'd like to leave a message").is_asked("message");
    call.say("i will be late").say("smith").say("yes");
    assert_eq!(call.effects(), ["leave_message"]);
    call.is_asked("stay.arrival");
}

#[test]
fn the_code_of_a_fresh_booking_is_known_afterwards() {
    let mut call = Call::new(Some("+12025550199"));
    call.say("a double room for two people for two nights from friday under the name smith").say("yes");
    call.say("actually please cancel my booking").is_asked("confirm").hears("Shall I cancel");
}

#[test]
fn the_file_lists_its_tools_and_fixed_texts() {
    let flow: &Flow = &hotel();
    assert_eq!(
        flow.tools().collect::<Vec<_>>(),
        ["cancel_booking", "change_booking", "check_availability", "create_booking", "find_booking", "leave_message", "quote_change"]
    );
    let texts = flow.fixed_texts();
    assert_eq!(texts[0], "Harbour View Hotel, good day! How can I help you?");
    assert!(texts.iter().all(|text| !text.contains('{')));
    assert!(texts.iter().any(|text| text.contains("press 1")));
}
