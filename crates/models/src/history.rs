//! Makes a conversation one that vendors take: every wish for a tool is followed by its answer, and by nothing else.

use crate::Message;

/// What a model reads where a tool's answer is missing: the call went on without it.
const UNANSWERED: &str = r#"{"error":"this was not answered"}"#;

/// The same conversation with each tool's answer directly after the wish for it. A caller who spoke meanwhile comes after the answers; an answer that
/// nobody wished for is left out.
pub(crate) fn in_order(messages: &[Message]) -> Vec<Message> {
    let mut ordered = Vec::with_capacity(messages.len());
    for (at, message) in messages.iter().enumerate() {
        match message {
            Message::Tool { .. } => {}
            Message::Caller { .. } => ordered.push(message.clone()),
            Message::Agent { calls, .. } => {
                ordered.push(message.clone());
                let later = messages.get(at + 1..).unwrap_or_default();
                ordered.extend(calls.iter().map(|call| Message::Tool {
                    id: call.id.clone(),
                    name: call.name.clone(),
                    content: answer(later, &call.id).unwrap_or(UNANSWERED).to_owned(),
                }));
            }
        }
    }
    ordered
}

/// The answer to a wish, unless a later wish has the same name: vendors count from one again.
fn answer<'a>(later: &'a [Message], wish: &str) -> Option<&'a str> {
    for message in later {
        match message {
            Message::Tool { id, content, .. } if id == wish => return Some(content),
            Message::Agent { calls, .. } if calls.iter().any(|call| call.id == wish) => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolCall;

    fn caller(text: &str) -> Message {
        Message::Caller { text: text.into() }
    }

    fn agent(ids: &[&str]) -> Message {
        let call = |id: &&str| ToolCall { id: (*id).to_owned(), name: "look".into(), arguments: "{}".into() };
        Message::Agent { text: String::new(), calls: ids.iter().map(call).collect() }
    }

    fn tool(id: &str, content: &str) -> Message {
        Message::Tool { id: id.into(), name: "look".into(), content: content.into() }
    }

    #[test]
    fn answers_follow_their_wishes_whatever_was_said_meanwhile() {
        let spoken =
            [caller("hi"), agent(&["a", "b"]), caller("hurry"), tool("b", "2"), tool("x", "nobody's"), agent(&["a"]), tool("a", "3")];
        let ordered = in_order(&spoken);
        let wanted =
            [caller("hi"), agent(&["a", "b"]), tool("a", UNANSWERED), tool("b", "2"), caller("hurry"), agent(&["a"]), tool("a", "3")];
        assert!(ordered == wanted, "{ordered:?}");
    }
}
