//! What the model wants done: admitted or sent back, confirmed, called, and its outcome told.

use std::sync::Arc;

use flow::{Exit, MOST_UNREACHED, ToolOutcome};
use jiff::civil::Date;
use models::ToolCall;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Broken;
use super::talk::Talk;
use crate::BrainOutput;
use crate::builtin::{Control, Tones, Transfer};
use crate::toolset::{Does, Misuse};

/// Rounds of tools for one turn of the caller.
const MAX_ROUNDS: u32 = 5;
/// Calls that are no good are told to the model this often for one turn of the caller.
const MAX_MISTAKES: u32 = 2;
/// Tools that may be at work at once: as many as a session runs.
const AT_ONCE: usize = 4;

/// One wish of the model, and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Slot {
    call: ToolCall,
    /// The id of the tool call; 0 when it needs none.
    id: u32,
    effects: bool,
    arguments: Value,
    /// What the model is told; `None`: it is under way.
    answer: Option<String>,
    /// What is said of it in place of the model's words.
    #[serde(default)]
    spoken: Option<String>,
}

/// What a round comes to.
enum Round {
    Go(Vec<Slot>),
    /// The model made too many mistakes.
    Lost,
    /// The call is over.
    Over,
}

impl Talk {
    /// `spoke`: the model said something with it.
    pub(super) fn fulfil(&mut self, wishes: Vec<ToolCall>, spoke: bool) -> Result<(), Broken> {
        self.state.rounds += 1;
        if self.state.rounds > MAX_ROUNDS {
            tracing::warn!(limit = MAX_ROUNDS, "the model wanted more rounds of tools than it gets");
            return self.lost();
        }
        match self.sort(wishes, spoke) {
            Round::Over => {}
            Round::Lost => {
                tracing::warn!("the model went on calling tools in a way that does not work");
                return self.lost();
            }
            Round::Go(slots) => {
                self.state.round = slots;
                self.call_again();
                self.go_on();
            }
        }
        Ok(())
    }

    /// The model's tools lead nowhere. A session would wait for their answers for ever: it is given up, and whoever goes on begins anew.
    fn lost(&mut self) -> Result<(), Broken> {
        if self.is_live() {
            self.ready.clear();
            (self.state.rounds, self.state.mistakes) = (0, 0);
            return Err(Broken::Tools);
        }
        self.way_out();
        Ok(())
    }

    /// Puts out what is not answered. A call that is made again after a break has its old id, so it happens once.
    pub(super) fn call_again(&mut self) {
        let open: Vec<(u32, String, Value)> = self.state.round.iter().filter(|slot| slot.answer.is_none()).map(Slot::request).collect();
        for (id, tool, arguments) in open {
            self.put(BrainOutput::CallTool { id, tool, arguments });
        }
    }

    fn sort(&mut self, wishes: Vec<ToolCall>, spoke: bool) -> Round {
        let alone = wishes.len() == 1;
        let mut slots: Vec<Slot> = Vec::new();
        for call in wishes {
            let under_way = slots.iter().filter(|slot| slot.answer.is_none()).count();
            let slot = match self.persona.tools.admit(&call.name, &call.arguments) {
                Err(misuse) => {
                    self.state.mistakes += 1;
                    if self.state.mistakes > MAX_MISTAKES {
                        return Round::Lost;
                    }
                    Slot::told(call, error(&misuse))
                }
                Ok((Does::Control(control), arguments)) => match self.control(&control, arguments, alone, spoke) {
                    Some(answer) => Slot::told(call, answer),
                    None => return Round::Over,
                },
                Ok((Does::Tool(_), _)) if under_way >= AT_ONCE => {
                    Slot::told(call, json!({ "status": "not_called", "error": format!("at most {AT_ONCE} tools at once; call it again") }))
                }
                Ok((Does::Tool(tool), arguments)) if tool.effects() && !self.state.consents.take(&call.name, &arguments) => {
                    let read_back = in_words(&arguments);
                    Slot::told(call, json!({ "status": "confirm_first", "read_back": read_back }))
                }
                Ok((Does::Tool(tool), arguments)) => {
                    self.state.last_id += 1;
                    Slot { call, id: self.state.last_id, effects: tool.effects(), arguments, answer: None, spoken: None }
                }
            };
            slots.push(slot);
        }
        Round::Go(slots)
    }

    /// What the model is told of it; `None`: nothing more is to be told to anybody.
    fn control(&mut self, control: &Control, arguments: Value, alone: bool, spoke: bool) -> Option<Value> {
        let texts = &self.persona.texts;
        let (words, exit) = match control {
            Control::SendDtmf => {
                let Ok(Tones { digits }) = serde_json::from_value(arguments) else { return Some(json!({ "status": "failed" })) };
                self.put(BrainOutput::Dtmf { digits });
                return Some(json!({ "status": "ok" }));
            }
            _ if !alone => return Some(json!({ "status": "not_called", "error": "call it alone, after the other tools have answered" })),
            Control::EndCall => (texts.goodbye.clone(), Exit::Goodbye),
            Control::TransferCall(_) if self.state.unreached >= MOST_UNREACHED => {
                let error = "nobody was reached before, and nobody is called again: offer what you can do instead";
                return Some(json!({ "status": "failed", "error": error }));
            }
            Control::TransferCall(destinations) => {
                let wanted = serde_json::from_value::<Transfer>(arguments).ok();
                let to = wanted.and_then(|wanted| destinations.iter().find(|known| known.name == wanted.destination));
                let Some(to) = to else { return Some(json!({ "status": "failed", "error": "there is no such destination" })) };
                (texts.transfer.clone(), Exit::Transfer { to: to.number.clone() })
            }
        };
        if !spoke {
            self.say_last(words);
        }
        self.end(exit);
        None
    }

    pub(super) fn tool_answered(&mut self, id: u32, outcome: ToolOutcome) {
        let tools = Arc::clone(&self.persona.tools);
        // An answer to an older call, or to none: nobody waits for it.
        let Some(slot) = self.state.round.iter_mut().find(|slot| slot.id == id && slot.answer.is_none()) else { return };
        let answer = match &outcome {
            ToolOutcome::Ok(fields) => {
                slot.spoken = tools.spoken(&slot.call.name, fields);
                json!({ "status": "ok", "result": fields })
            }
            ToolOutcome::Refused { code, fields } => json!({ "status": "refused", "why": code, "details": fields }),
            ToolOutcome::Failed => json!({ "status": "failed" }),
        };
        slot.answer = Some(answer.to_string());
        let happened = slot.effects && matches!(outcome, ToolOutcome::Ok(_));
        self.state.untold_effect |= happened;
        self.go_on();
    }

    /// Once all have answered, the model goes on; or what is to be said of the answer is said.
    fn go_on(&mut self) {
        if self.state.round.is_empty() || self.state.round.iter().any(|slot| slot.answer.is_none()) {
            return;
        }
        let round = std::mem::take(&mut self.state.round);
        let alone = round.len() == 1;
        let spoken = round.first().and_then(|slot| slot.spoken.clone()).filter(|_| alone && !self.has_notes());
        let answers: Vec<(ToolCall, String)> = round.into_iter().map(|slot| (slot.call, slot.answer.unwrap_or_default())).collect();
        let live = self.live_tools(&answers);
        self.state.history.tools(answers);
        match spoken {
            // It speaks for itself.
            _ if live => {}
            Some(text) => {
                self.say(text);
                self.listen();
            }
            None => self.ask(),
        }
    }
}

impl Slot {
    fn told(call: ToolCall, answer: Value) -> Self {
        Self { call, id: 0, effects: false, arguments: Value::Null, answer: Some(answer.to_string()), spoken: None }
    }

    pub(super) fn is_open_effect(&self) -> bool {
        self.effects && self.answer.is_none()
    }

    pub(super) fn is_effect(&self, id: u32) -> bool {
        self.id == id && self.effects
    }

    fn request(&self) -> (u32, String, Value) {
        (self.id, self.call.name.clone(), self.arguments.clone())
    }
}

fn error(misuse: &Misuse) -> Value {
    json!({ "status": "not_called", "error": misuse.to_string() })
}

/// Arguments as they are to be read back: names in words, dates with their weekday.
fn in_words(arguments: &Value) -> Value {
    let fields = arguments.as_object().into_iter().flatten();
    let words = fields.map(|(name, value)| (name.replace('_', " "), date_in_words(value))).collect::<serde_json::Map<_, _>>();
    Value::Object(words)
}

fn date_in_words(value: &Value) -> Value {
    let date = value.as_str().filter(|text| text.len() == 10).and_then(|text| text.parse::<Date>().ok());
    date.map_or_else(|| value.clone(), |date| date.strftime("%A, %B %-d, %Y").to_string().into())
}
