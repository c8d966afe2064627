//! The caller was to be put through, and nobody was reached.

use flow::{Dialogue, Exit, Input, TransferWhy};

use super::hotel::{Call, hotel};

const SORRY: &str = "nobody could be reached";

impl Call {
    /// Put through in vain; another process may have the conversation by then.
    fn comes_back(&mut self, why: TransferWhy) -> &mut Self {
        assert!(matches!(self.end.take(), Some(Exit::Transfer { .. })), "not put through: {:?}", self.text());
        let stored = self.dialogue.snapshot().to_string();
        self.dialogue = Dialogue::restore(hotel(), serde_json::from_str(&stored).unwrap()).unwrap();
        self.input(Input::TransferFailed { why });
        self
    }
}

#[test]
fn a_caller_whom_nobody_takes_is_told_so_and_leaves_a_message() {
    for why in [TransferWhy::Busy, TransferWhy::NoAnswer, TransferWhy::Failed] {
        let mut call = Call::new(Some("+12025550199"));
        call.say("can i speak to the front desk").comes_back(why).hears(SORRY).hears("leave a message?").is_asked("yes_no");
        call.say("yes please").is_asked("message").say("please call me back about my booking").is_asked("name");
        call.say("miller").is_asked("confirm").say("yes");
        assert_eq!(call.effects(), ["leave_message"], "{why:?}");
    }
}

#[test]
fn who_wants_no_message_goes_on_with_anything_else() {
    let mut call = Call::new(None);
    call.say("a double room for two people from friday").is_asked("stay.nights").say("agent");
    call.comes_back(TransferWhy::Busy).say("no").hears("else").is_asked("main");
    call.say("what time is breakfast").hears("seven to half past ten");
    call.say("agent").comes_back(TransferWhy::NoAnswer).say("what time is check out").hears("eleven in the morning");
}

#[test]
fn a_person_is_tried_twice_in_vain_and_then_a_message_is_taken() {
    let mut call = Call::new(Some("+12025550199"));
    for _ in 0..2 {
        call.say("agent").comes_back(TransferWhy::NoAnswer);
    }
    call.say("agent").hears("take a message").is_asked("message");
    assert_eq!(call.end, None);
    call.say("start over").say("agent").hears("take a message");
    call.say("this is an emergency").comes_back(TransferWhy::Busy).hears(SORRY).hears("call the emergency number");
}

#[test]
fn by_keys_alone_the_menu_comes_again_and_in_the_end_nobody_is_promised() {
    let mut call = Call::new(None);
    call.dialogue.keypad_only();
    for _ in 0..2 {
        call.keys("0");
        assert!(matches!(call.end.take(), Some(Exit::Transfer { .. })), "{:?}", call.text());
        call.input(Input::TransferFailed { why: TransferWhy::Busy });
        call.hears(SORRY).hears("press 1").is_asked("main");
    }
    call.keys("0").hears("nobody I can put you through to").hears("press 1");
    assert_eq!(call.end, None);
}

#[test]
fn a_line_that_breaks_meanwhile_tells_it_again_and_dials_no_second_time() {
    let mut call = Call::new(None);
    call.say("agent").comes_back(TransferWhy::Busy);
    let stored = call.dialogue.snapshot();
    call.dialogue = Dialogue::restore(hotel(), stored).unwrap();
    call.input(Input::Resumed { missed: true });
    call.hears("cut off").hears(SORRY).hears("leave a message?").is_asked("yes_no");
    assert_eq!(call.end, None);
}

#[test]
fn a_call_that_ended_otherwise_is_over() {
    let mut call = Call::new(None);
    call.say("goodbye");
    call.end = None;
    call.input(Input::TransferFailed { why: TransferWhy::Failed });
    assert_eq!((call.end.clone(), call.said.len()), (Some(Exit::Goodbye), 0));
}
