//! What a simulated voice model knows of a conversation, and how it comes to its answers.

use serde_json::Value;

use crate::Mind;

/// Letters of a token, roughly.
const LETTERS: usize = 4;

/// One conversation.
#[derive(Clone, Default)]
pub(crate) struct Talk {
    /// The caller's last words, or what the program told last.
    heard: String,
    /// The tool that answered since: name, answer.
    answered: Option<(String, String)>,
    /// Tools that were wished for: id, name.
    calls: Vec<(String, String)>,
    letters: usize,
}

/// An answer.
pub(crate) struct Plan {
    pub(crate) say: String,
    /// Tools and their arguments; several are called at once.
    pub(crate) calls: Vec<(String, Value)>,
}

impl Talk {
    pub(crate) fn heard(&mut self, words: &str) {
        self.letters += words.len();
        words.clone_into(&mut self.heard);
        self.answered = None;
    }

    pub(crate) fn said(&mut self, words: &str) {
        self.letters += words.len();
    }

    pub(crate) fn called(&mut self, id: &str, name: &str) {
        self.letters += name.len();
        self.calls.push((id.to_owned(), name.to_owned()));
    }

    /// A tool answered; false when nobody wished for it.
    pub(crate) fn answered(&mut self, id: &str, result: &str) -> bool {
        let Some((_, name)) = self.calls.iter().find(|(known, _)| known == id) else { return false };
        self.letters += result.len();
        self.answered = Some((name.clone(), result.to_owned()));
        true
    }

    /// Tokens of text so far.
    pub(crate) fn tokens(&self) -> u64 {
        (self.letters / LETTERS) as u64
    }

    /// A line of the script whose arguments are a list calls its tool once with each of them, at once.
    pub(crate) fn plan(&self, mind: &Mind, tools: &[String]) -> Plan {
        let answered = self.answered.as_ref().map(|(name, result)| (name.as_str(), result.as_str()));
        let reply = mind.answer(&self.heard, answered, tools);
        let calls = match reply.tool {
            None => Vec::new(),
            Some((name, Value::Array(all))) => all.into_iter().map(|one| (name.clone(), one)).collect(),
            Some((name, Value::Null)) => vec![(name, Value::Object(Default::default()))],
            Some(call) => vec![call],
        };
        Plan { say: reply.say, calls }
    }
}
