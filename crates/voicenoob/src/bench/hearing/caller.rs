//! The caller of a task: knows what it wants, answers what it is asked, and says yes only to what is right.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::{Map, Value};

/// A conversation with an aim; see `tasks.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Task {
    pub(super) name: String,
    pub(super) says: Vec<String>,
    #[serde(default)]
    pub(super) answers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) facts: Vec<Fact>,
    pub(super) booked: Option<Map<String, Value>>,
    #[serde(default)]
    pub(super) books: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) said: Vec<String>,
    #[serde(default)]
    pub(super) transferred: bool,
}

/// Something that a read-back must hold, and what the caller says when it does not.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fact {
    heard: String,
    say: String,
}

/// Every task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tasks {
    pub(super) tasks: Vec<Task>,
}

/// Words by which the agent says that it understood nothing, or not for sure.
const MISSED: [&str; 3] = ["didn't catch", "not understand", "say it again"];
/// Words by which the agent asks whether it heard right.
const DOUBTS: [&str; 2] = ["Did you", "I heard"];

/// A caller in the middle of a conversation.
pub(super) struct Caller<'a> {
    task: &'a Task,
    code: String,
    wishes: VecDeque<&'a str>,
    /// The last wish, until it is known that it was understood.
    wish: Option<&'a str>,
    read_back: String,
    /// Whether the agent took the last words for what they were.
    taken_right: bool,
}

impl<'a> Caller<'a> {
    /// `code`: the confirmation code of what is booked, if anything is.
    pub(super) fn new(task: &'a Task, code: Option<&str>) -> Self {
        let code = code.unwrap_or_default().chars().filter_map(digit).collect::<Vec<_>>().join(" ");
        Self { task, code, wishes: task.says.iter().map(String::as_str).collect(), wish: None, read_back: String::new(), taken_right: true }
    }

    /// Whether the agent's answer is the one that the caller's words deserved: how a person knows that "Did you say Friday?" is wrong.
    pub(super) fn was_taken_for(&mut self, what_was_said: bool) {
        self.taken_right = what_was_said;
    }

    /// What the caller says to this, when the agent listens in this state; `None` hangs up.
    pub(super) fn reply(&mut self, agent: &str, state: &str) -> Option<String> {
        let missed = MISSED.iter().any(|words| agent.contains(words));
        let words = match state {
            "main" => {
                if !missed {
                    self.wish = self.wishes.pop_front();
                }
                self.wish?.to_owned()
            }
            "confirm" => self.judge(agent),
            "yes_no" if DOUBTS.iter().any(|words| agent.contains(words)) => if self.taken_right { "yes" } else { "no" }.to_owned(),
            state => self.task.answers.get(state)?.clone(),
        };
        Some(words.replace("{code}", &self.code))
    }

    /// The answer to a read-back: yes, or the first thing that is not right in it.
    fn judge(&mut self, agent: &str) -> String {
        if self.task.facts.iter().any(|fact| agent.contains(&fact.heard)) {
            agent.clone_into(&mut self.read_back);
        }
        match self.task.facts.iter().find(|fact| !self.read_back.contains(&fact.heard)) {
            Some(fact) => format!("no {}", fact.say),
            None => "yes please".to_owned(),
        }
    }
}

fn digit(c: char) -> Option<&'static str> {
    const WORDS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(c.to_digit(10)? as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> Task {
        let text = r#"
            name = "t"
            says = ["a room", "bye"]
            answers = { code = "it's {code}" }
            facts = [{ heard = "two nights", say = "two nights" }, { heard = "Friday", say = "on friday" }]
        "#;
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_wish_is_said_again_until_it_is_understood_and_then_the_next_one() {
        let task = task();
        let mut caller = Caller::new(&task, None);
        assert_eq!(caller.reply("Hello!", "main").unwrap(), "a room");
        assert_eq!(caller.reply("Sorry, I didn't catch that.", "main").unwrap(), "a room");
        assert_eq!(caller.reply("Anything else?", "main").unwrap(), "bye");
        assert_eq!(caller.reply("Anything else?", "main"), None);
    }

    #[test]
    fn a_wrong_read_back_is_corrected_and_only_a_right_one_gets_a_yes() {
        let task = task();
        let mut caller = Caller::new(&task, None);
        assert_eq!(caller.reply("Three nights from Friday. Shall I?", "confirm").unwrap(), "no two nights");
        assert_eq!(caller.reply("Please say yes, or tell me what to change.", "confirm").unwrap(), "no two nights");
        assert_eq!(caller.reply("two nights from Friday. Shall I?", "confirm").unwrap(), "yes please");
    }

    #[test]
    fn a_doubt_is_answered_by_what_was_meant_and_a_code_digit_by_digit() {
        let task = task();
        let mut caller = Caller::new(&task, Some("407"));
        assert_eq!(caller.reply("Your code?", "code").unwrap(), "it's four zero seven");
        caller.was_taken_for(false);
        assert_eq!(caller.reply("Did you say four seven?", "yes_no").unwrap(), "no");
    }
}
