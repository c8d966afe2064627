//! Puts wishes for tools together from their pieces.

use outbound::Fault;
use serde::Deserialize;
use serde_json::Value;

use crate::ToolCall;
use crate::reading::{MAX_ARGUMENT_BYTES, MAX_CALLS};

/// A piece, as servers send it.
#[derive(Deserialize)]
pub(super) struct Piece {
    index: Option<u64>,
    id: Option<String>,
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
struct Function {
    name: Option<String>,
    /// Text in pieces; some servers send the object at once.
    arguments: Option<Value>,
}

/// The wishes so far.
#[derive(Default)]
pub(super) struct Pieces(Vec<Wish>);

struct Wish {
    index: Option<u64>,
    call: ToolCall,
}

impl Pieces {
    /// Adds a piece to the wish it belongs to: the one with its index; without an index the last one, unless a new one begins.
    pub(super) fn add(&mut self, piece: Piece) -> Result<(), Fault> {
        let arguments = match piece.function.arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
        };
        let (id, name) = (piece.id.unwrap_or_default(), piece.function.name.unwrap_or_default());
        let found = match piece.index {
            Some(index) => self.0.iter_mut().rev().find(|wish| wish.index == Some(index)),
            None => self.0.last_mut(),
        };
        // Servers repeat a wish's name, or number its pieces anew, or give all wishes one index: a new name under a new id is another wish.
        let another = |wish: &Wish| !name.is_empty() && !id.is_empty() && !wish.call.id.is_empty() && wish.call.id != id;
        let whole = |wish: &Wish| piece.index.is_none() && id.is_empty() && !name.is_empty() && !wish.call.arguments.is_empty();
        let wish = match found {
            Some(wish) if !another(wish) && !whole(wish) => wish,
            _ => self.begin(piece.index)?,
        };
        if wish.call.id.is_empty() {
            wish.call.id = id;
        }
        if wish.call.name.is_empty() {
            wish.call.name = name;
        }
        wish.call.arguments.push_str(&arguments);
        if wish.call.arguments.len() > MAX_ARGUMENT_BYTES { Err(Fault::TooLong(MAX_ARGUMENT_BYTES)) } else { Ok(()) }
    }

    fn begin(&mut self, index: Option<u64>) -> Result<&mut Wish, Fault> {
        if self.0.len() >= MAX_CALLS {
            return Err(Fault::Malformed("too many tools in one answer"));
        }
        let call = ToolCall { id: String::new(), name: String::new(), arguments: String::new() };
        self.0.push(Wish { index, call });
        self.0.last_mut().ok_or(Fault::Malformed("a piece of no tool"))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All wishes, complete. `number`: of the answer, for wishes without an id.
    pub(super) fn whole(&mut self, number: u64) -> Result<Vec<ToolCall>, Fault> {
        let name = |(at, wish): (usize, Wish)| {
            let mut call = wish.call;
            if call.name.is_empty() {
                return Err(Fault::Malformed("a tool without a name"));
            }
            if call.id.is_empty() {
                call.id = format!("call_{number}_{at}");
            }
            // A tool without parameters: some servers write nothing then.
            if call.arguments.is_empty() {
                call.arguments = "{}".to_owned();
            }
            Ok(call)
        };
        std::mem::take(&mut self.0).into_iter().enumerate().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put_together(pieces: &[Value]) -> Vec<(String, String, String)> {
        let mut all = Pieces::default();
        for piece in pieces {
            all.add(serde_json::from_value(piece.clone()).unwrap()).unwrap();
        }
        all.whole(7).unwrap().into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
    }

    fn wish(id: &str, name: &str, arguments: &str) -> (String, String, String) {
        (id.into(), name.into(), arguments.into())
    }

    #[test]
    fn pieces_find_their_wish_whatever_the_server_leaves_out() {
        let begin = |index: Value, id: Value, name: &str, text: &str| json!({ "index": index, "id": id, "type": "function", "function": { "name": name, "arguments": text } });
        let more = |index: Value, text: &str| json!({ "index": index, "function": { "arguments": text } });
        let null = || Value::Null;
        let two = [wish("a", "x", "{\"n\":1}"), wish("b", "y", "{}")];

        let by_index =
            [begin(json!(0), json!("a"), "x", ""), begin(json!(1), json!("b"), "y", "{"), more(json!(0), "{\"n\":1}"), more(json!(1), "}")];
        assert_eq!(put_together(&by_index), two, "mixed, by index");
        let no_index = [begin(null(), json!("a"), "x", "{\"n\""), more(null(), ":1}"), begin(null(), json!("b"), "y", "{}")];
        assert_eq!(put_together(&no_index), two, "no index");
        let repeated =
            [begin(json!(0), json!("a"), "x", "{\"n\""), begin(json!(0), json!("a"), "x", ":1}"), begin(json!(1), json!("b"), "y", "{}")];
        assert_eq!(put_together(&repeated), two, "id and name repeated");
        let one_index = [begin(json!(0), json!("a"), "x", "{\"n\":1}"), begin(json!(0), json!("b"), "y", "{}")];
        assert_eq!(put_together(&one_index), two, "whole wishes, all with index 0");
        let new_ids = [begin(json!(0), json!("a"), "x", "{\"n\""), json!({ "index": 0, "id": "zz", "function": { "arguments": ":1}" } })];
        assert_eq!(put_together(&new_ids), [wish("a", "x", "{\"n\":1}")], "a new id for every piece");
        let no_ids = [begin(null(), null(), "x", "{\"n\":1}"), json!({ "function": { "name": "y" } })];
        assert_eq!(put_together(&no_ids), [wish("call_7_0", "x", "{\"n\":1}"), wish("call_7_1", "y", "{}")], "no ids at all");
        let object = [json!({ "index": 0, "id": "a", "function": { "name": "x", "arguments": { "n": 1 } } })];
        assert_eq!(put_together(&object), [wish("a", "x", "{\"n\":1}")], "an object at once");
    }

    #[test]
    fn arguments_and_wishes_are_bounded() {
        let mut pieces = Pieces::default();
        let long = json!({ "index": 0, "function": { "name": "x", "arguments": "a".repeat(MAX_ARGUMENT_BYTES) } });
        pieces.add(serde_json::from_value(long.clone()).unwrap()).unwrap();
        assert_eq!(
            pieces.add(serde_json::from_value(json!({ "index": 0, "function": { "arguments": "a" } })).unwrap()),
            Err(Fault::TooLong(MAX_ARGUMENT_BYTES))
        );
        let mut pieces = Pieces::default();
        let many = (0..=MAX_CALLS)
            .map(|index| pieces.add(serde_json::from_value(json!({ "index": index, "function": { "name": "x" } })).unwrap()));
        assert_eq!(many.filter(Result::is_err).count(), 1);
    }
}
