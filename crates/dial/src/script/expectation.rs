//! What must be true after a call, and the comparison with what was.

use call::{EndReason, Speaker, ToolOutcome, TurnRecord};
use serde_json::{Map, Value};

use crate::report::ToolCall;

/// What must be true after the call. Empty means: nothing is asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expect {
    /// Why the call ended, as the server recorded it.
    pub end_reason: Option<EndReason>,
    /// Pieces of the agent's words, in this order. Case does not matter.
    pub agent_says: Vec<String>,
    /// Pieces of what the agent understood of the caller, in this order.
    pub caller_says: Vec<String>,
    /// Pieces of what the caller really heard of the agent's words (what was cut off does not count), in this order.
    pub caller_heard: Vec<String>,
    /// The number the call was handed over to.
    pub transferred_to: Option<String>,
    /// No reply took longer, measured on the audio, ms.
    pub max_reply_ms: Option<u32>,
    /// Tools that were used, each at least once.
    pub tools: Vec<ExpectTool>,
    /// Tools that were not used.
    pub no_tool: Vec<String>,
    /// Whether the agent was cut off in at least one turn.
    pub interrupted: Option<bool>,
}

/// One use of a tool. What is not named may be anything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpectTool {
    /// The tool's name.
    pub name: String,
    /// How it came out.
    pub outcome: Option<ToolOutcome>,
    /// Members that its arguments must have, among others.
    pub arguments: Map<String, Value>,
    /// Members that its result must have, among others.
    pub result: Map<String, Value>,
}

/// What is known of a finished call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome<'a> {
    pub(crate) end_reason: Option<EndReason>,
    pub(crate) turns: &'a [TurnRecord],
    pub(crate) tools: &'a [ToolCall],
    pub(crate) announcements: &'a [String],
    pub(crate) transferred_to: Option<&'a str>,
    pub(crate) replies_ms: &'a [u32],
}

impl Expect {
    /// Every expectation that is not met, in words; empty when all are.
    pub(crate) fn judge(&self, call: Outcome<'_>) -> Vec<String> {
        let mut failures = Vec::new();
        self.judge_end(call, &mut failures);
        self.judge_words(call, &mut failures);
        self.judge_replies(call, &mut failures);
        self.judge_tools(call.tools, &mut failures);
        failures
    }

    /// True when something is asked that only the server's record can tell.
    pub(crate) fn needs_record(&self) -> bool {
        let words = [&self.agent_says, &self.caller_says, &self.caller_heard].into_iter().any(|pieces| !pieces.is_empty());
        words || self.end_reason.is_some() || self.interrupted.is_some() || !self.tools.is_empty() || !self.no_tool.is_empty()
    }

    fn judge_end(&self, call: Outcome<'_>, failures: &mut Vec<String>) {
        if let Some(expected) = self.end_reason
            && call.end_reason != Some(expected)
        {
            let was = call.end_reason.map_or("unknown", EndReason::as_str);
            failures.push(format!("end_reason: expected {}, was {was}", expected.as_str()));
        }
        if let Some(expected) = &self.transferred_to
            && call.transferred_to != Some(expected)
        {
            failures.push(format!("transferred_to: expected {expected}, was {}", call.transferred_to.unwrap_or("not transferred")));
        }
    }

    fn judge_words(&self, call: Outcome<'_>, failures: &mut Vec<String>) {
        let announced = || call.announcements.iter().map(String::as_str);
        let agent = || call.turns.iter().filter(|turn| turn.speaker == Speaker::Agent);
        let caller = call.turns.iter().filter(|turn| turn.speaker == Speaker::Caller);
        in_order("agent_says", &self.agent_says, agent().map(|turn| turn.text.as_str()).chain(announced()), failures);
        in_order("caller_heard", &self.caller_heard, agent().map(|turn| turn.heard.as_str()).chain(announced()), failures);
        in_order("caller_says", &self.caller_says, caller.map(|turn| turn.text.as_str()), failures);
        let interrupted = agent().any(|turn| turn.interrupted);
        if let Some(expected) = self.interrupted
            && expected != interrupted
        {
            failures.push(format!("interrupted: expected {expected}, was {interrupted}"));
        }
    }

    fn judge_replies(&self, call: Outcome<'_>, failures: &mut Vec<String>) {
        let Some(limit) = self.max_reply_ms else { return };
        match call.replies_ms.iter().max() {
            None => failures.push("max_reply_ms: no reply was measured".to_owned()),
            Some(slowest) if *slowest > limit => {
                failures.push(format!("max_reply_ms: expected at most {limit}, the slowest took {slowest}"))
            }
            Some(_) => {}
        }
    }

    fn judge_tools(&self, used: &[ToolCall], failures: &mut Vec<String>) {
        for expected in &self.tools {
            if !used.iter().any(|call| expected.matches(call)) {
                let same: Vec<_> = used.iter().filter(|call| call.tool == expected.name).map(ToolCall::to_string).collect();
                let was = if same.is_empty() { "not used".to_owned() } else { same.join("; ") };
                failures.push(format!("tool {}: expected {expected}, was {was}", expected.name));
            }
        }
        for name in &self.no_tool {
            if let Some(call) = used.iter().find(|call| call.tool == *name) {
                failures.push(format!("no_tool: {name} was used: {call}"));
            }
        }
    }
}

impl ExpectTool {
    fn matches(&self, call: &ToolCall) -> bool {
        call.tool == self.name
            && self.outcome.is_none_or(|outcome| outcome == call.outcome)
            && contains(&call.arguments, &self.arguments)
            && contains(&call.result, &self.result)
    }
}

impl std::fmt::Display for ExpectTool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.outcome.map_or("any outcome", ToolOutcome::as_str))?;
        if !self.arguments.is_empty() {
            write!(f, ", arguments with {}", Value::Object(self.arguments.clone()))?;
        }
        if !self.result.is_empty() {
            write!(f, ", result with {}", Value::Object(self.result.clone()))?;
        }
        Ok(())
    }
}

/// Looks for the pieces one after the other, ignoring case; says which one is missing.
fn in_order<'a>(name: &str, pieces: &[String], texts: impl Iterator<Item = &'a str>, failures: &mut Vec<String>) {
    if pieces.is_empty() {
        return;
    }
    let said = texts.collect::<Vec<_>>().join(" | ").to_lowercase();
    let mut from = 0;
    for piece in pieces {
        let piece = piece.to_lowercase();
        match said[from..].find(&piece) {
            Some(at) => from += at + piece.len(),
            None => return failures.push(format!("{name}: {piece:?} is missing in {:?}", &said[from..])),
        }
    }
}

/// True when every wanted member is in `value`, objects compared the same way inside.
fn contains(value: &Value, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, wanted)| value.get(name).is_some_and(|found| same(found, wanted)))
}

fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(_), Value::Object(members)) => contains(found, members),
        // 2 and 2.0 are the same amount, whoever wrote them.
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn turn(speaker: Speaker, text: &str, heard: &str) -> TurnRecord {
        TurnRecord {
            index: 0,
            speaker,
            text: text.into(),
            heard: heard.into(),
            interrupted: text != heard,
            start_ms: 0,
            end_ms: 0,
            confidence: None,
            digits: None,
            latency: None,
        }
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_call_as_expected_has_no_failures() {
        let turns = [
            turn(Speaker::Agent, "Welcome to the Grand Hotel", "Welcome"),
            turn(Speaker::Caller, "a double room", "a double room"),
            turn(Speaker::Agent, "A Double Room for two nights. Shall I book?", "A Double Room for two nights. Shall I book?"),
        ];
        let tools = [ToolCall {
            tool: "create_booking".into(),
            arguments: json!({"nights": 2}),
            outcome: ToolOutcome::Ok,
            result: json!({"room": {"type": "double", "floor": 3}, "nights": 2.0}),
        }];
        let expect = Expect {
            end_reason: Some(EndReason::AgentHungUp),
            agent_says: vec!["grand hotel".into(), "double room".into(), "two nights".into()],
            caller_says: vec!["double".into()],
            max_reply_ms: Some(900),
            interrupted: Some(true),
            no_tool: vec!["cancel_booking".into()],
            tools: vec![ExpectTool {
                name: "create_booking".into(),
                outcome: Some(ToolOutcome::Ok),
                arguments: Map::new(),
                result: map(json!({"nights": 2, "room": {"type": "double"}})),
            }],
            ..Expect::default()
        };
        let call = Outcome {
            end_reason: Some(EndReason::AgentHungUp),
            turns: &turns,
            tools: &tools,
            announcements: &[],
            transferred_to: None,
            replies_ms: &[640, 900],
        };
        assert_eq!(expect.judge(call), Vec::<String>::new());
    }

    #[test]
    fn every_broken_expectation_is_named() {
        let turns = [turn(Speaker::Agent, "One. Two. Three.", "One.")];
        let tools = [ToolCall { tool: "a".into(), arguments: json!({}), outcome: ToolOutcome::Refused, result: json!(null) }];
        let expect = Expect {
            end_reason: Some(EndReason::AgentHungUp),
            agent_says: vec!["two".into(), "one".into()],
            caller_says: vec!["hello".into()],
            caller_heard: vec!["two".into()],
            transferred_to: Some("+1500".into()),
            max_reply_ms: Some(100),
            tools: vec![ExpectTool { name: "a".into(), outcome: Some(ToolOutcome::Ok), ..ExpectTool::default() }],
            no_tool: vec!["a".into()],
            interrupted: Some(false),
        };
        let call = Outcome { end_reason: None, turns: &turns, tools: &tools, announcements: &[], transferred_to: None, replies_ms: &[] };
        let failures = expect.judge(call);
        let names: Vec<_> = failures.iter().map(|text| text.split(':').next().unwrap_or_default()).collect();
        let all = [
            "end_reason",
            "transferred_to",
            "agent_says",
            "caller_heard",
            "caller_says",
            "interrupted",
            "max_reply_ms",
            "tool a",
            "no_tool",
        ];
        assert_eq!(names, all, "{failures:#?}");
    }
}
