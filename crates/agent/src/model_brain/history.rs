//! What was said and done so far, as the model is told of it. Bounded: of a long call the oldest is left out.

use std::collections::VecDeque;

use models::{Message, ToolCall};
use serde::{Deserialize, Serialize};

/// Most messages that are kept.
pub(crate) const MAX_MESSAGES: usize = 200;
/// Most bytes that are kept, as JSON.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
/// Longest answer of a tool that a model is shown, bytes.
pub(crate) const MAX_TOOL_ANSWER: usize = 16 * 1024;
/// Longest words of one caller's turn, bytes: minutes of speech.
const MAX_WORDS: usize = 8 * 1024;

/// Stands for words of the caller that only a model heard.
const UNWRITTEN: &str = "[The caller said something that was not written down.]";

/// The conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Message>", into = "Vec<Message>")]
pub(crate) struct History {
    /// Each with its size.
    messages: VecDeque<(Message, usize)>,
    bytes: usize,
}

impl History {
    /// Oldest first.
    pub(crate) fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().map(|(message, _)| message)
    }

    /// The last one.
    pub(crate) fn last(&self) -> Option<&Message> {
        self.messages.back().map(|(message, _)| message)
    }

    /// The caller's words, or the program's in square brackets. What follows without an answer in between is one message.
    pub(crate) fn caller(&mut self, words: &str) {
        let words = clip(words, MAX_WORDS);
        match self.take_last_if(|last| matches!(last, Message::Caller { .. })) {
            Some(Message::Caller { text }) => self.push(Message::Caller { text: clip(&format!("{text}\n{words}"), MAX_WORDS).to_owned() }),
            _ => self.push(Message::Caller { text: words.to_owned() }),
        }
    }

    /// The agent said this. What is said without a tool or the caller in between is one message.
    pub(crate) fn agent(&mut self, words: &str) {
        match self.take_last_if(|last| matches!(last, Message::Agent { calls, .. } if calls.is_empty())) {
            Some(Message::Agent { text, calls }) => self.push(Message::Agent { text: format!("{text} {words}"), calls }),
            _ => self.push(Message::Agent { text: words.to_owned(), calls: Vec::new() }),
        }
    }

    /// More of what the agent says now, as it is to be joined.
    pub(crate) fn agent_more(&mut self, words: &str) {
        match self.take_last_if(|last| matches!(last, Message::Agent { calls, .. } if calls.is_empty())) {
            Some(Message::Agent { text, calls }) => self.push(Message::Agent { text: text + words, calls }),
            _ => self.push(Message::Agent { text: words.trim_start().to_owned(), calls: Vec::new() }),
        }
    }

    /// The caller said something whose words may come later: [`Self::written`].
    pub(crate) fn unwritten(&mut self) {
        self.caller(UNWRITTEN);
    }

    /// The words of what the caller said last. False when none were awaited.
    pub(crate) fn written(&mut self, words: &str) -> bool {
        let awaited = |message: &Message| matches!(message, Message::Caller { text } if text.contains(UNWRITTEN));
        let Some((message, size)) = self.messages.iter_mut().rev().find(|(message, _)| awaited(message)) else { return false };
        if let Message::Caller { text } = message {
            *text = text.replacen(UNWRITTEN, clip(words, MAX_WORDS), 1);
        }
        self.bytes -= *size;
        *size = weight(message);
        self.bytes += *size;
        true
    }

    /// The words of what the caller said last are told in another way.
    pub(crate) fn forget_unwritten(&mut self) {
        if let Some(Message::Caller { text }) =
            self.take_last_if(|last| matches!(last, Message::Caller { text } if text.ends_with(UNWRITTEN)))
            && let before = text.trim_end_matches(UNWRITTEN).trim_end()
            && !before.is_empty()
        {
            self.push(Message::Caller { text: before.to_owned() });
        }
    }

    /// Tools were asked for, and all have answered.
    pub(crate) fn tools(&mut self, round: Vec<(ToolCall, String)>) {
        let (calls, answers): (Vec<ToolCall>, Vec<String>) = round.into_iter().unzip();
        let said = match self.take_last_if(|last| matches!(last, Message::Agent { calls, .. } if calls.is_empty())) {
            Some(Message::Agent { text, .. }) => text,
            _ => String::new(),
        };
        let named: Vec<(String, String)> = calls.iter().map(|call| (call.id.clone(), call.name.clone())).collect();
        self.push(Message::Agent { text: said, calls });
        for ((id, name), content) in named.into_iter().zip(answers) {
            self.push(Message::Tool { id, name, content: clip(&content, MAX_TOOL_ANSWER).to_owned() });
        }
    }

    /// The agent was cut off: the last so many characters of what it said were not heard.
    pub(crate) fn cut(&mut self, mut unheard: usize) {
        for (message, size) in self.messages.iter_mut().rev() {
            let Message::Agent { text, .. } = message else { if matches!(message, Message::Caller { .. }) { break } else { continue } };
            if unheard == 0 {
                break;
            }
            let length = text.chars().count();
            // Between two messages was a space.
            let heard = length.saturating_sub(unheard);
            unheard = unheard.saturating_sub(length + 1);
            *text = text.chars().take(heard).collect::<String>().trim_end().to_owned() + "…";
            self.bytes -= *size;
            *size = weight(message);
            self.bytes += *size;
        }
    }

    fn take_last_if(&mut self, wanted: impl FnOnce(&Message) -> bool) -> Option<Message> {
        let (message, size) = self.messages.pop_back_if(|(message, _)| wanted(message))?;
        self.bytes -= size;
        Some(message)
    }

    fn push(&mut self, message: Message) {
        let size = weight(&message);
        self.bytes += size;
        self.messages.push_back((message, size));
    }

    /// Leaves out the oldest until the rest is within the limits. A request for tools goes with its answers. Done between turns, when all tools have answered.
    pub(crate) fn trim(&mut self) {
        while self.messages.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            self.drop_oldest();
            while matches!(self.messages.front(), Some((Message::Tool { .. }, _))) {
                self.drop_oldest();
            }
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, size)) = self.messages.pop_front() {
            self.bytes -= size;
        }
    }
}

impl From<Vec<Message>> for History {
    fn from(messages: Vec<Message>) -> Self {
        let mut history = Self::default();
        messages.into_iter().for_each(|message| history.push(message));
        history.trim();
        history
    }
}

impl From<History> for Vec<Message> {
    fn from(mut history: History) -> Self {
        history.trim();
        history.messages.into_iter().map(|(message, _)| message).collect()
    }
}

/// As JSON, with the comma.
fn weight(message: &Message) -> usize {
    serde_json::to_string(message).map_or(0, |text| text.len() + 1)
}

fn clip(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.into(), name: "look".into(), arguments: "{}".into() }
    }

    fn texts(history: &History) -> Vec<String> {
        history
            .messages()
            .map(|message| match message {
                Message::Caller { text } => format!("c:{text}"),
                Message::Agent { text, calls } => format!("a:{text}/{}", calls.len()),
                Message::Tool { id, content, .. } => format!("t:{id}:{content}"),
            })
            .collect()
    }

    #[test]
    fn what_was_not_heard_is_cut_off_and_marked() {
        let mut history = History::default();
        history.caller("hello");
        history.agent("One moment.");
        history.tools(vec![(call("1"), "{}".into())]);
        history.agent("We have a room. It costs ten euros.");
        let mut nothing = history.clone();
        history.cut(" It costs ten euros.".len());
        assert_eq!(texts(&history), ["c:hello", "a:One moment./1", "t:1:{}", "a:We have a room.…/0"]);
        nothing.cut("One moment. We have a room. It costs ten euros.".len());
        assert_eq!(texts(&nothing), ["c:hello", "a:…/1", "t:1:{}", "a:…/0"]);
        history.caller("what");
        history.agent("Ten euros.");
        history.cut(0);
        assert_eq!(texts(&history).last().unwrap(), "a:Ten euros./0", "all of it was heard");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn however_long_the_call_it_stays_within_its_limits_and_pairs_stay_together(
            steps in proptest::collection::vec((0u8..4, prop_oneof![0usize..60, 0usize..9000]), 0..300),
        ) {
            let mut history = History::default();
            for (number, (kind, size)) in steps.into_iter().enumerate() {
                let words = "ä\"".repeat(size / 3);
                match kind {
                    0 => history.caller(&words),
                    1 => history.agent(&words),
                    2 => history.tools(vec![(call(&format!("{number}a")), words), (call(&format!("{number}b")), "{}".into())]),
                    _ => history.cut(size),
                }
                history.trim();
            }
            let json = serde_json::to_string(&history).unwrap();
            prop_assert!(json.len() <= MAX_BYTES + 2, "{}", json.len());
            prop_assert!(history.messages().count() <= MAX_MESSAGES);
            let mut waiting: Vec<String> = Vec::new();
            for message in history.messages() {
                match message {
                    Message::Agent { calls, .. } => {
                        prop_assert!(waiting.is_empty());
                        waiting = calls.iter().map(|call| call.id.clone()).collect();
                    }
                    Message::Tool { id, .. } => prop_assert_eq!(waiting.remove(0), id.clone()),
                    Message::Caller { .. } => prop_assert!(waiting.is_empty()),
                }
            }
            prop_assert!(waiting.is_empty());
            let back: History = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(back, history);
        }
    }
}
