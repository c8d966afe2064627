//! A caller who books rooms in the demo hotel: one sentence by voice, everything else by key, each answer chosen by what was asked. A fault in
//! the middle is seen in the hotel's books: a booking that is missing, wrong or there twice; and in the questions: an agent that has forgotten.

use std::sync::Arc;

use super::caller::Caller;

/// What is to be booked, and the words for it.
#[derive(Debug, Clone)]
pub struct Errand {
    /// "I'd like to book a room", at 8000 Hz.
    pub opening: Arc<[i16]>,
    /// The last name, at 8000 Hz.
    pub name: Arc<[i16]>,
    /// One booking after the other.
    pub wishes: Vec<Wish>,
}

/// One booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Day and month, two digits each: what is keyed in.
    pub arrival: String,
    /// How many nights.
    pub nights: u32,
    /// How many guests.
    pub guests: u32,
    /// Key of the room type: `1` a single room, `2` a double room, `3` a suite.
    pub room: u32,
}

/// What the agent wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// How it can help.
    Opening,
    Arrival,
    Nights,
    Guests,
    Room,
    Name,
    /// Whether the booking is right.
    Confirm,
    /// Whether it has understood.
    Sure,
    /// Nothing: it told the code.
    Told,
    Unknown,
}

/// Words that only this question has, the more telling ones first: a sentence that confirms names everything else too.
const QUESTIONS: [(Question, &[&str]); 8] = [
    (Question::Confirm, &["shall i book it", "is that right?", "yes, or tell me what to change"]),
    (Question::Name, &["last name"]),
    (Question::Room, &["what kind of room", "which room would you like", "single, double, or suite"]),
    (Question::Guests, &["how many guests", "how many people"]),
    (Question::Nights, &["how many nights"]),
    (Question::Arrival, &["like to arrive", "will you arrive", "arrive?"]),
    (Question::Sure, &["did you say", "did you want", "i heard"]),
    (Question::Opening, &["how can i help", "what can i do for you", "anything else", "what would you like?", "say it again"]),
];

/// As they are spoken.
const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
/// Digits of a confirmation code.
const CODE_DIGITS: usize = 6;

impl Question {
    fn of(words: &str) -> Self {
        let words = words.to_lowercase();
        if tells_a_code(&words) {
            return Self::Told;
        }
        let asked = QUESTIONS.iter().find(|(_, signs)| signs.iter().any(|sign| words.contains(sign)));
        asked.map_or(Self::Unknown, |(question, _)| *question)
    }
}

/// True when a whole code is in it: half a code is no code.
fn tells_a_code(words: &str) -> bool {
    let digit = |word: &&str| DIGITS.contains(&word.trim_matches(|sign: char| !sign.is_alphanumeric()));
    words.split_once("confirmation code is").is_some_and(|(_, rest)| rest.split_whitespace().filter(digit).count() >= CODE_DIGITS)
}

impl Errand {
    /// Books everything, then stays on the line and says nothing more.
    pub(super) async fn run(&self, caller: &mut Caller<'_>) {
        for (place, wish) in self.wishes.iter().enumerate() {
            self.book(caller, place, wish).await;
        }
    }

    async fn book(&self, caller: &mut Caller<'_>, place: usize, wish: &Wish) {
        // True from the first answer to a question of this booking on.
        let mut under_way = false;
        if place > 0 {
            caller.say(&self.opening).await; // the agent has just asked whether there is anything else
        }
        loop {
            caller.listen().await;
            // What was not understood is not answered: the agent asks again.
            let Some(words) = caller.understood().await else { continue };
            let question = Question::of(&words);
            match question {
                Question::Told if under_way => {
                    caller.line.journal().booked.told.push(place);
                    return;
                }
                // The code of the booking before, and whether there is anything else.
                Question::Told => caller.say(&self.opening).await,
                Question::Opening => {
                    if std::mem::take(&mut under_way) {
                        caller.line.journal().booked.forgotten += 1;
                    }
                    caller.say(&self.opening).await;
                }
                Question::Arrival => caller.press(&format!("{}#", wish.arrival)).await,
                Question::Nights => caller.press(&format!("{}#", wish.nights)).await,
                Question::Guests => caller.press(&format!("{}#", wish.guests)).await,
                Question::Room => caller.press(&wish.room.to_string()).await,
                Question::Name => caller.say(&self.name).await,
                Question::Confirm => {
                    caller.line.journal().booked.confirm(place);
                    caller.press("1").await;
                }
                Question::Sure => caller.press("1").await,
                Question::Unknown => {}
            }
            if !matches!(question, Question::Opening | Question::Sure | Question::Unknown | Question::Told) {
                under_way = true;
                caller.line.journal().booked.answers += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_thing_asked_is_what_is_answered() {
        for (words, question) in [
            ("Harbour View Hotel, good day! How can I help you?", Question::Opening),
            ("What day will you arrive?", Question::Arrival),
            ("For how many nights?", Question::Nights),
            ("We have a double room for two nights, for 240 euros in total. May I have your last name?", Question::Name),
            (
                "So that is a double room for two guests, from Friday, for two nights, under the name Smith. Shall I book it?",
                Question::Confirm,
            ),
            ("Sorry, I didn't catch that. Please say single, double, or suite, or press 1, 2, or 3.", Question::Room),
            (
                "It is booked. Your confirmation code is one, two, three, four, five, six. Is there anything else I can do for you?",
                Question::Told,
            ),
            ("It is booked. Your confirmation code is one, two", Question::Unknown),
            ("Goodbye!", Question::Unknown),
        ] {
            assert_eq!(Question::of(words), question, "{words}");
        }
    }
}
