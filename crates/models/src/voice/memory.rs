//! What was said in a session, so that it can go on in another one.

use std::collections::VecDeque;

use crate::{Message, ToolCall};

/// Entries that are kept; the oldest go first. A call of an hour has some 300.
const MAX_ENTRIES: usize = 400;

/// What a model reads of a wish that was dropped.
pub(crate) const DROPPED: &str = r#"{"status":"not_called","error":"the caller spoke before it was called"}"#;

struct Entry {
    /// The vendor's name of the caller's item, whose words may come later.
    item: Option<String>,
    message: Message,
}

/// The conversation as the model knows it.
pub(crate) struct Memory {
    entries: VecDeque<Entry>,
    /// The last entry is the agent's, and more of it may come.
    open: bool,
}

impl Memory {
    pub(crate) fn new(history: &[Message]) -> Self {
        let mut memory = Self { entries: VecDeque::new(), open: false };
        for message in history {
            memory.put(None, message.clone());
        }
        memory
    }

    /// Everything that has words, oldest first. Answers of tools whose wish was forgotten are left out.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let mut known: Vec<&str> = Vec::new();
        let mut messages = Vec::new();
        for Entry { message, .. } in &self.entries {
            let wanted = match message {
                Message::Caller { text } => !text.is_empty(),
                Message::Agent { text, calls } => {
                    known.extend(calls.iter().map(|call| call.id.as_str()));
                    !(text.is_empty() && calls.is_empty())
                }
                Message::Tool { id, .. } => known.contains(&id.as_str()),
            };
            if wanted {
                messages.push(message.clone());
            }
        }
        messages
    }

    /// The caller said something; what, comes by [`Self::heard`].
    pub(crate) fn caller(&mut self, item: &str) {
        self.put(Some(item.to_owned()), Message::Caller { text: String::new() });
    }

    /// The caller's words.
    pub(crate) fn heard(&mut self, item: &str, words: &str) {
        let place = self.entries.iter_mut().rev().find(|entry| entry.item.as_deref() == Some(item));
        match place {
            Some(Entry { message: Message::Caller { text }, .. }) => text.push_str(words),
            _ => self.put(Some(item.to_owned()), Message::Caller { text: words.to_owned() }),
        }
    }

    pub(crate) fn told(&mut self, text: &str) {
        self.put(None, Message::Caller { text: text.to_owned() });
    }

    pub(crate) fn agent(&mut self, words: &str) {
        self.agents(|text, _| text.push_str(words));
    }

    pub(crate) fn called(&mut self, call: &ToolCall) {
        self.agents(|_, calls| calls.push(call.clone()));
    }

    pub(crate) fn answered(&mut self, id: &str, result: &str) {
        let name = self.entries.iter().rev().find_map(|entry| match &entry.message {
            Message::Agent { calls, .. } => calls.iter().find(|call| call.id == id).map(|call| call.name.clone()),
            _ => None,
        });
        self.put(None, Message::Tool { id: id.to_owned(), name: name.unwrap_or_default(), content: result.to_owned() });
    }

    /// The agent's answer is over.
    pub(crate) fn close(&mut self) {
        self.open = false;
    }

    /// Only the first `heard` of `received` milliseconds of the agent's last answer were heard: words are cut in proportion, which is as near as
    /// can be without their times.
    pub(crate) fn cut(&mut self, heard: u32, received: u32) {
        self.open = false;
        let last = self.entries.iter_mut().rev().find_map(|entry| match &mut entry.message {
            Message::Agent { text, .. } => Some(text),
            _ => None,
        });
        if let Some(text) = last.filter(|_| heard < received) {
            let keep = text.chars().count() * heard as usize / received.max(1) as usize;
            let end = text.char_indices().nth(keep).map_or(text.len(), |(at, _)| at);
            let whole = text[..end].rfind(char::is_whitespace).unwrap_or_default();
            text.truncate(whole);
        }
    }

    fn agents(&mut self, change: impl FnOnce(&mut String, &mut Vec<ToolCall>)) {
        if !self.open {
            self.put(None, Message::Agent { text: String::new(), calls: Vec::new() });
            self.open = true;
        }
        let mut entries = self.entries.iter_mut().rev();
        if let Some(Message::Agent { text, calls }) = entries.find_map(|entry| match &mut entry.message {
            message @ Message::Agent { .. } => Some(message),
            _ => None,
        }) {
            change(text, calls);
        }
    }

    fn put(&mut self, item: Option<String>, message: Message) {
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { item, message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(memory: &Memory) -> Vec<String> {
        let text = |message| match message {
            Message::Caller { text } | Message::Agent { text, .. } => text,
            Message::Tool { content, .. } => content,
        };
        memory.messages().into_iter().map(text).collect()
    }

    #[test]
    fn words_that_come_late_stand_where_they_were_said() {
        let mut memory = Memory::new(&[Message::Caller { text: "before".into() }]);
        memory.caller("item1");
        memory.agent("Breakfast is ");
        memory.agent("at seven");
        memory.heard("item1", "when is breakfast");
        memory.close();
        memory.agent("Anything else?");
        assert_eq!(texts(&memory), ["before", "when is breakfast", "Breakfast is at seven", "Anything else?"]);
    }

    #[test]
    fn an_answer_that_was_cut_off_keeps_what_was_heard() {
        let mut memory = Memory::new(&[]);
        memory.agent("one two three four");
        memory.cut(500, 1000);
        assert_eq!(texts(&memory), ["one two"]);
        memory.cut(0, 500);
        assert!(texts(&memory).is_empty());
    }

    #[test]
    fn the_oldest_are_forgotten_and_no_answer_stands_without_its_wish() {
        let mut memory = Memory::new(&[]);
        memory.called(&ToolCall { id: "c1".into(), name: "look".into(), arguments: "{}".into() });
        memory.answered("c1", "{\"free\":true}");
        assert_eq!(memory.messages().len(), 2);
        assert!(matches!(&memory.messages()[1], Message::Tool { name, .. } if name == "look"));
        (0..MAX_ENTRIES - 1).for_each(|_| memory.told("[silence]"));
        assert_eq!(memory.messages().len(), MAX_ENTRIES - 1, "the answer went with its wish");
    }
}
