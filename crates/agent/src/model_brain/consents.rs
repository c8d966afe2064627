//! No effect without a read-back and a yes, whatever the model does. A first call is answered with the request to read it back; only a caller's
//! turn that is a yes to that lets exactly the same call through, once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Effects that may be read back at once.
const MAX_OPEN: usize = 4;

/// What was asked for and is not agreed to, or is and was not done yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Consents(Vec<Open>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Open {
    tool: String,
    arguments: Value,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// The model was told to read it back.
    Asked,
    /// The model spoke after that.
    ReadBack,
    /// The caller said yes to it.
    Agreed,
}

impl Consents {
    /// The model calls a tool with effects. True: it may be done now. False: it is to be read back first.
    pub(crate) fn take(&mut self, tool: &str, arguments: &Value) -> bool {
        let same = |open: &Open| open.tool == tool && open.arguments == *arguments;
        if let Some(at) = self.0.iter().position(|open| same(open) && open.stage == Stage::Agreed) {
            self.0.remove(at);
            return true;
        }
        // Another call than the one that was agreed to: that one starts over as well.
        self.0.retain(|open| !(same(open) || (open.tool == tool && open.stage == Stage::Agreed)));
        if self.0.len() >= MAX_OPEN {
            self.0.remove(0);
        }
        self.0.push(Open { tool: tool.to_owned(), arguments: arguments.clone(), stage: Stage::Asked });
        false
    }

    /// The model's own words went to the caller.
    pub(crate) fn said(&mut self) {
        self.0.iter_mut().filter(|open| open.stage == Stage::Asked).for_each(|open| open.stage = Stage::ReadBack);
    }

    /// The agent was cut off before most of it was heard: nothing was read back.
    pub(crate) fn not_heard(&mut self) {
        self.0.iter_mut().filter(|open| open.stage == Stage::ReadBack).for_each(|open| open.stage = Stage::Asked);
    }

    /// The caller's turn. Anything but a yes to what was read back starts over.
    pub(crate) fn heard(&mut self, yes: bool) {
        self.0.retain(|open| yes && open.stage == Stage::ReadBack);
        self.0.iter_mut().for_each(|open| open.stage = Stage::Agreed);
    }

    /// All of it starts over.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_effect_needs_its_read_back_and_a_yes_and_happens_once() {
        let (mut consents, ask) = (Consents::default(), json!({ "nights": 2 }));
        assert!(!consents.take("book", &ask));
        assert!(!consents.take("book", &ask), "twice is no yes");
        consents.heard(true);
        assert!(!consents.take("book", &ask), "a yes to nothing");
        consents.said();
        consents.heard(false);
        assert!(!consents.take("book", &ask), "no");
        consents.said();
        consents.not_heard();
        consents.heard(true);
        assert!(!consents.take("book", &ask), "not heard");
        consents.said();
        consents.heard(true);
        assert!(!consents.take("book", &json!({ "nights": 3 })), "other arguments");
        assert!(!consents.take("book", &ask), "and so the first again");
        consents.said();
        consents.heard(true);
        assert!(consents.take("book", &ask));
        assert!(!consents.take("book", &ask), "once");
    }
}
