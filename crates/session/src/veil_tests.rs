//! What is left of a call's turns when they are stored.

use call::{AgentId, CallId, CallStatus, Carrier, Direction, PhoneNumber, TenantId, Timestamp};

use super::*;

fn record() -> CallRecord {
    CallRecord {
        id: CallId(uuid::Uuid::from_u128(1)),
        tenant: TenantId::DEFAULT,
        carrier: Carrier::Twilio,
        carrier_call_id: "CA1".into(),
        direction: Direction::Inbound,
        from: PhoneNumber::new("+12025550199"),
        to: PhoneNumber::new("+12025550100"),
        agent_id: AgentId(uuid::Uuid::from_u128(2)),
        agent_name: "hotel".into(),
        status: CallStatus::InProgress,
        offered_at: Timestamp::UNIX_EPOCH,
        answered_at: None,
        ended_at: None,
        end_reason: None,
        recording: None,
    }
}

/// What is stored of a call: a turn that comes again replaces the one before.
struct Stored {
    veil: Veil,
    turns: Vec<TurnRecord>,
}

impl Stored {
    fn new(level: Level) -> Self {
        Self { veil: Veil::new(level, &record()), turns: Vec::new() }
    }

    fn add(&mut self, speaker: Speaker, text: &str, heard: &str, digits: Option<&str>) {
        let index = u32::try_from(self.turns.len()).unwrap();
        let (text, heard, digits) = (text.to_owned(), heard.to_owned(), digits.map(str::to_owned));
        let turn =
            TurnRecord { index, speaker, text, heard, interrupted: false, start_ms: 0, end_ms: 1, confidence: None, digits, latency: None };
        let (turn, revised) = self.veil.cover(turn);
        self.turns.push(turn);
        self.replace(revised);
    }

    fn caller(&mut self, text: &str) {
        self.add(Speaker::Caller, text, text, None);
    }

    fn agent(&mut self, text: &str) {
        self.add(Speaker::Agent, text, text, None);
    }

    fn keys(&mut self, keys: &str) {
        self.add(Speaker::Caller, "", "", Some(keys));
    }

    fn replace(&mut self, turns: Vec<TurnRecord>) {
        for turn in turns {
            let index = turn.index as usize;
            self.turns[index] = turn;
        }
    }

    fn texts(&mut self) -> Vec<&str> {
        let last = self.veil.finish();
        self.replace(last);
        assert!(self.turns.iter().filter(|turn| turn.speaker == Speaker::Caller).all(|turn| turn.text == turn.heard));
        self.turns.iter().map(|turn| turn.digits.as_deref().unwrap_or(&turn.text)).collect()
    }
}

#[test]
fn a_card_said_between_the_agents_words_is_not_stored() {
    let mut call = Stored::new(Level::Cards);
    call.caller("my card is four one one one one one one one");
    call.agent("I cannot take card numbers, please use the link.");
    call.caller("one one one one");
    call.agent("Please do not say 4 digits more.");
    call.caller("one one one one okay");
    assert_eq!(
        call.texts(),
        [
            "my card is [card]",
            "I cannot take card numbers, please use the link.",
            "[card]",
            "Please do not say 4 digits more.",
            "[card] okay"
        ]
    );
}

#[test]
fn a_card_that_is_keyed_is_not_stored_whether_at_once_or_key_by_key() {
    let mut call = Stored::new(Level::Cards);
    call.keys("2");
    call.agent("Which room?");
    "4111111111111111".chars().for_each(|key| call.keys(&key.to_string()));
    let texts = call.texts();
    assert_eq!((texts[0], texts.len()), ("2", 18));
    assert!(texts[2..].iter().all(|text| *text == "[card]"), "{texts:?}");
    let mut call = Stored::new(Level::Cards);
    call.keys("4111111111111111#");
    assert_eq!(call.texts(), ["[card]#"]);
}

#[test]
fn numbers_of_a_booking_are_stored_as_they_were_said() {
    let mut call = Stored::new(Level::Cards);
    call.caller("two rooms for four nights");
    call.agent("Your confirmation code is four two seven one zero nine.");
    call.keys("427109");
    call.caller("call me at four one five five five five two six seven one");
    assert_eq!(
        call.texts(),
        [
            "two rooms for four nights",
            "Your confirmation code is four two seven one zero nine.",
            "427109",
            "call me at four one five five five five two six seven one"
        ]
    );
}

#[test]
fn what_the_agent_said_and_what_was_heard_of_it_are_both_masked() {
    let mut call = Stored::new(Level::Cards);
    call.add(Speaker::Agent, "It is 4111 1111 1111 1111, right?", "It is 4111 1111 1111", None);
    call.caller("yes");
    call.texts();
    assert_eq!((call.turns[0].text.as_str(), call.turns[0].heard.contains("4111")), ("It is [card], right?", false));
}

#[test]
fn persons_are_masked_where_the_workspace_says_so() {
    for (level, stored) in
        [(Level::Cards, "this is smith, call 202 555 0199 or ann@example.com"), (Level::All, "this is [name], call [phone] or [email]")]
    {
        let mut call = Stored::new(level);
        call.veil.learn(&["Smith".into()]);
        call.caller("this is smith, call 202 555 0199 or ann@example.com");
        assert_eq!(call.texts(), [stored]);
    }
}
