//! The demo hotel with its tools answered as the hotel would, and a caller who speaks, presses and waits.

use std::sync::Arc;

use flow::{Dialogue, Exit, Flow, Input, Output, ToolOutcome};
use jiff::civil::{Date, DateTime};
use serde_json::{Value, json};

/// A Saturday.
pub(super) fn now() -> DateTime {
    jiff::civil::date(2026, 11, 21).at(12, 0, 0, 0)
}

pub(super) fn hotel() -> Arc<Flow> {
    Arc::new(Flow::parse(include_str!("../../../../agents/hotel.toml")).unwrap_or_else(|problems| panic!("{problems:#?}")))
}

/// A call under way.
pub(super) struct Call {
    pub(super) dialogue: Dialogue,
    /// Since the caller's last words.
    pub(super) said: Vec<String>,
    pub(super) listens: Option<(String, u8)>,
    pub(super) end: Option<Exit>,
    /// Every tool call of the call.
    pub(super) calls: Vec<(String, Value)>,
    /// Tools that answer otherwise, once each.
    pub(super) answers: Vec<(String, ToolOutcome)>,
}

impl Call {
    pub(super) fn new(caller: Option<&str>) -> Self {
        Self::with(hotel(), caller)
    }

    pub(super) fn with(flow: Arc<Flow>, caller: Option<&str>) -> Self {
        let dialogue = Dialogue::new(flow, 3, caller.map(str::to_owned));
        let mut call = Self { dialogue, said: Vec::new(), listens: None, end: None, calls: Vec::new(), answers: Vec::new() };
        call.input(Input::Started);
        call
    }

    pub(super) fn input(&mut self, input: Input) {
        self.said.clear();
        self.listens = None;
        self.dialogue.handle(input, now());
        while let Some(output) = self.dialogue.poll_output() {
            match output {
                Output::Say { text, .. } => self.said.push(text),
                Output::Listen { state, max_keys } => self.listens = Some((state, max_keys)),
                other @ (Output::Dtmf { .. } | Output::Sound(_) | Output::Words(_) | Output::SoundOver | Output::CallerSaid(_)) => {
                    panic!("a dialogue does nothing else: {other:?}")
                }
                Output::End(exit) => self.end = Some(exit),
                Output::CallTool { id, tool, arguments } => {
                    let scripted = self.answers.iter().position(|(name, _)| *name == tool);
                    let outcome = match scripted {
                        Some(at) => self.answers.remove(at).1,
                        None => answer(&tool, &arguments),
                    };
                    self.calls.push((tool, arguments));
                    self.dialogue.handle(Input::ToolAnswered { id, outcome }, now());
                }
            }
        }
    }

    pub(super) fn say(&mut self, text: &str) -> &mut Self {
        self.input(Input::Heard { text: text.to_owned(), confidence: 0.9 });
        self
    }

    pub(super) fn mumble(&mut self, text: &str) -> &mut Self {
        self.input(Input::Heard { text: text.to_owned(), confidence: 0.35 });
        self
    }

    pub(super) fn keys(&mut self, keys: &str) -> &mut Self {
        keys.chars().for_each(|key| self.input(Input::Key(key)));
        self
    }

    /// Everything said since the caller's last words.
    pub(super) fn text(&self) -> String {
        self.said.join(" ")
    }

    #[track_caller]
    pub(super) fn hears(&mut self, part: &str) -> &mut Self {
        assert!(self.text().contains(part), "expected {part:?} in {:?}", self.text());
        self
    }

    #[track_caller]
    pub(super) fn hears_no(&mut self, part: &str) -> &mut Self {
        assert!(!self.text().contains(part), "unexpected {part:?} in {:?}", self.text());
        self
    }

    #[track_caller]
    pub(super) fn is_asked(&mut self, state: &str) -> &mut Self {
        assert_eq!(self.listens.as_ref().map(|listen| listen.0.as_str()), Some(state), "after {:?}", self.text());
        self
    }

    #[track_caller]
    pub(super) fn called(&mut self, tool: &str, arguments: Value) -> &mut Self {
        assert_eq!(self.calls.last(), Some(&(tool.to_owned(), arguments)));
        self
    }

    pub(super) fn effects(&self) -> Vec<&str> {
        self.calls.iter().map(|(tool, _)| tool.as_str()).filter(|tool| is_effect(tool)).collect()
    }
}

pub(super) fn is_effect(tool: &str) -> bool {
    matches!(tool, "create_booking" | "change_booking" | "cancel_booking" | "leave_message")
}

/// The hotel's answers: every room is free and costs 100 a night; one booking exists.
pub(super) fn answer(tool: &str, arguments: &Value) -> ToolOutcome {
    let text = |name: &str, or: &str| arguments[name].as_str().unwrap_or(or).to_owned();
    let number = |name: &str, or: i64| arguments[name].as_i64().unwrap_or(or);
    let nights = number("nights", 2);
    let known = text("code", "") == "427109" && text("name", "").to_lowercase().contains("smith");
    let stay = json!({
        "code": "427109", "name": text("name", "Smith"), "room_type": text("room_type", "double"), "arrival": text("arrival", "2026-11-27"),
        "departure": leaving(&text("arrival", "2026-11-27"), nights), "nights": nights, "guests": number("guests", 2),
        "total": format!("{}.00", nights * 100), "nightly": "100.00", "rooms_left": 3, "currency": "EUR", "status": "confirmed", "difference": "0.00",
    });
    match tool {
        "check_availability" | "create_booking" => ToolOutcome::Ok(stay),
        "find_booking" | "quote_change" | "change_booking" if known => ToolOutcome::Ok(stay),
        "cancel_booking" if known => ToolOutcome::Ok(json!({ "code": "427109", "fee": "0.00", "currency": "EUR" })),
        "leave_message" => ToolOutcome::Ok(json!({})),
        _ => ToolOutcome::Refused { code: "not_found".into(), fields: json!({}) },
    }
}

fn leaving(arrival: &str, nights: i64) -> String {
    let arrival: Date = arrival.parse().unwrap();
    arrival.checked_add(jiff::Span::new().days(nights)).unwrap().to_string()
}
