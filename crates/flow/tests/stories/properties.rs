//! Whatever is said and pressed: no panic, no effect without a read-back and a yes, always an end of the turn.

use std::sync::{Arc, LazyLock};

use flow::{Dialogue, Exit, Flow, Input, Output, ToolOutcome};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::json;

use super::hotel::{answer, hotel, is_effect, now};

static HOTEL: LazyLock<Arc<Flow>> = LazyLock::new(hotel);

const SALAD: &[&str] = &[
    "book",
    "a",
    "double",
    "room",
    "for",
    "two",
    "nights",
    "from",
    "friday",
    "to",
    "monday",
    "yes",
    "no",
    "not",
    "cancel",
    "my",
    "booking",
    "change",
    "smith",
    "four two seven one zero nine",
    "and",
    "is",
    "breakfast",
    "included",
    "the",
    "third",
    "of",
    "december",
    "people",
    "repeat",
    "start over",
    "never mind",
    "help",
    "message",
    "name",
    "under",
    "s m i t h",
    "tonight",
    "suite",
    "actually",
    "correct",
    "wait",
    "purple",
    "until",
    "may",
    "second",
    "hundred",
    "at",
    "dot",
    "plus",
    "next",
    "weekend",
    "in",
    "weeks",
    "double",
    "oh",
    "x",
    "ray",
];

fn input() -> impl Strategy<Value = Input> {
    let words = prop::collection::vec(prop::sample::select(SALAD), 0..10).prop_map(|words| words.join(" "));
    let sentence = prop::sample::select(
        &[
            "a double room for two people for two nights from friday under the name smith",
            "cancel my booking four two seven one zero nine",
            "yes",
            "yes",
            "yes",
            "no",
            "smith",
            "i'd like to leave a message",
            "change my booking to three nights",
        ][..],
    );
    prop_oneof![
        4 => (words, 0.0..1.0_f32).prop_map(|(text, confidence)| Input::Heard { text, confidence }),
        6 => sentence.prop_map(|text| Input::Heard { text: text.to_owned(), confidence: 0.9 }),
        1 => any::<String>().prop_map(|text| Input::Heard { text, confidence: 0.9 }),
        2 => prop::sample::select(&['1', '2', '3', '0', '*', '#', 'x'][..]).prop_map(Input::Key),
        1 => Just(Input::KeysDone),
        1 => Just(Input::NotUnderstood),
        1 => (1..3_u32).prop_map(|count| Input::Silence { count }),
        1 => Just(Input::Interrupted { heard: String::new(), sound_ms: 0 }),
    ]
}

/// Words that may stand for a yes, and the key for it.
fn agrees(input: &Input) -> bool {
    match input {
        Input::Heard { text, .. } => {
            let words: Vec<&str> = text.split_whitespace().collect();
            words.iter().any(|word| matches!(*word, "yes" | "correct"))
                && !words.iter().take(5).any(|word| matches!(*word, "no" | "not" | "wait"))
        }
        Input::Key('1') | Input::KeysDone | Input::Silence { .. } => true,
        _ => false,
    }
}

/// Enough to meet every state; 20,000 take a minute in release.
const CASES: u32 = 150;

/// What makes the answers to tools vary.
fn outcome(tool: &str, arguments: &serde_json::Value, kind: u8) -> ToolOutcome {
    match kind {
        0 => ToolOutcome::Failed,
        1 => ToolOutcome::Refused { code: "unavailable".into(), fields: json!({}) },
        2 => ToolOutcome::Refused { code: "unheard_of".into(), fields: json!(null) },
        _ => answer(tool, arguments),
    }
}

/// A line that breaks now and then.
struct Line {
    dialogue: Dialogue,
    /// The open question is a read-back.
    confirming: bool,
    /// The caller's present words may be a yes.
    agreed: bool,
    /// The tool call whose answer is awaited.
    pending: Option<(u32, String, serde_json::Value)>,
    last_id: u32,
    ended: Option<Exit>,
}

impl Default for Line {
    fn default() -> Self {
        let dialogue = Dialogue::new(HOTEL.clone(), 0, None);
        Self { dialogue, confirming: false, agreed: false, pending: None, last_id: 0, ended: None }
    }
}

impl Line {
    fn tell(&mut self, input: Input) -> Result<(), TestCaseError> {
        self.dialogue.handle(input, now());
        while let Some(output) = self.dialogue.poll_output() {
            match output {
                Output::Say { text, .. } => prop_assert!(!text.contains('{') && !text.is_empty(), "{text:?}"),
                Output::Listen { state, .. } => self.confirming = state == "confirm" || (state == "yes_no" && self.confirming),
                Output::CallTool { id, tool, arguments } => {
                    prop_assert_eq!(id, self.last_id + 1, "an id stands for one request");
                    prop_assert!(!is_effect(&tool) || (self.confirming && self.agreed), "{tool} without a yes");
                    self.confirming = false;
                    self.last_id = id;
                    self.pending = Some((id, tool, arguments));
                }
                Output::Dtmf { .. } | Output::Sound(_) | Output::Words(_) | Output::SoundOver | Output::CallerSaid(_) => {
                    prop_assert!(false, "a dialogue does nothing else")
                }
                Output::End(exit) => self.ended = Some(exit),
            }
        }
        Ok(())
    }

    /// The line breaks and another process takes the conversation up.
    fn cut(&mut self, missed: bool) -> Result<(), TestCaseError> {
        let stored = self.dialogue.snapshot().to_string();
        self.dialogue = Dialogue::restore(HOTEL.clone(), serde_json::from_str(&stored).unwrap()).unwrap();
        self.dialogue.handle(Input::Resumed { missed }, now());
        let mut outputs: Vec<Output> = std::iter::from_fn(|| self.dialogue.poll_output()).collect();
        let last = outputs.pop();
        prop_assert!(outputs.iter().all(|output| matches!(output, Output::Say { .. })), "{outputs:?}");
        match (last, &self.ended, self.pending.clone()) {
            (Some(Output::End(exit)), Some(ended), _) => prop_assert_eq!(&exit, ended),
            (Some(Output::CallTool { id, tool, arguments }), None, pending) => prop_assert_eq!(Some((id, tool, arguments)), pending),
            (Some(Output::Listen { state, .. }), None, None) => {
                self.confirming = state == "confirm" || (state == "yes_no" && self.confirming)
            }
            other => prop_assert!(false, "{other:?}"),
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_done_without_a_read_back_and_a_yes(inputs in prop::collection::vec((input(), 0..8_u8), 1..25), seed: u64) {
        let mut dialogue = Dialogue::new(HOTEL.clone(), seed, Some("+12025550199".into()));
        dialogue.handle(Input::Started, now());
        while dialogue.poll_output().is_some() {}
        let mut confirming = false;
        let mut ended = false;
        let mut queue: Vec<Input> = Vec::new();
        for (given, kind) in inputs {
            queue.push(given);
            let mut rounds = 0;
            while let Some(input) = queue.pop() {
                rounds += 1;
                prop_assert!(rounds < 40, "the dialogue goes in a circle");
                let caller = !matches!(input, Input::ToolAnswered { .. } | Input::Interrupted { .. } | Input::Key(_) | Input::KeysDone);
                let agreed = agrees(&input);
                dialogue.handle(input.clone(), now());
                let mut closed = false;
                while let Some(output) = dialogue.poll_output() {
                    prop_assert!(!ended, "{output:?} after the end");
                    match output {
                        Output::Say { text, .. } => prop_assert!(!text.contains('{') && !text.is_empty(), "{text:?}"),
                        Output::Listen { state, .. } => {
                            prop_assert!(!closed, "two ends of a turn");
                            closed = true;
                            // "Did you say yes?" belongs to the read-back before it.
                            confirming = state == "confirm" || (state == "yes_no" && confirming);
                        }
                        Output::CallTool { id, tool, arguments } => {
                            prop_assert!(!closed, "two ends of a turn");
                            closed = true;
                            if is_effect(&tool) {
                                prop_assert!(confirming && agreed, "{tool} after {input:?}");
                            }
                            confirming = false;
                            queue.push(Input::ToolAnswered { id, outcome: outcome(&tool, &arguments, kind) });
                        }
                        Output::Dtmf { .. } | Output::Sound(_) | Output::Words(_) | Output::SoundOver | Output::CallerSaid(_) => {
                    prop_assert!(false, "a dialogue does nothing else")
                }
                        Output::End(_) => {
                            closed = true;
                            ended = true;
                        }
                    }
                }
                prop_assert!(closed || !caller || ended, "no end of the turn after {input:?}");
                // A snapshot at any moment can be taken up.
                prop_assert!(Dialogue::restore(HOTEL.clone(), dialogue.snapshot()).is_ok());
            }
        }
    }

    #[test]
    fn a_break_at_any_moment_does_nothing_twice_and_nothing_unasked(
        inputs in prop::collection::vec((input(), 0..8_u8, 0..4_u8, any::<bool>()), 1..25),
        seed: u64,
    ) {
        let mut line = Line { dialogue: Dialogue::new(HOTEL.clone(), seed, Some("+12025550199".into())), ..Line::default() };
        line.tell(Input::Started)?;
        for (given, kind, breaks, missed) in inputs {
            let agreed = agrees(&given);
            if breaks == 1 {
                line.cut(missed)?;
            }
            line.agreed = agreed;
            line.tell(given)?;
            line.agreed = false;
            let mut rounds = 0;
            while let Some((id, tool, arguments)) = line.pending.clone() {
                rounds += 1;
                prop_assert!(rounds < 40, "the dialogue goes in a circle");
                // The process dies between asking for the tool and its answer: once, or again and again.
                for _ in 0..breaks.saturating_sub(1) {
                    line.cut(missed)?;
                    prop_assert_eq!(line.pending.as_ref(), Some(&(id, tool.clone(), arguments.clone())));
                }
                line.pending = None;
                line.tell(Input::ToolAnswered { id, outcome: outcome(&tool, &arguments, kind) })?;
            }
        }
    }

    #[test]
    fn any_file_loads_or_says_why(text in "\\PC{0,200}", cut in 0..20_000_usize) {
        let whole = include_str!("../../../../agents/hotel.toml");
        let cut = whole.char_indices().map(|(at, _)| at).take_while(|at| *at <= cut).last().unwrap_or(0);
        for text in [text.as_str(), &whole[..cut]] {
            if let Err(problems) = Flow::parse(text) {
                prop_assert!(!problems.is_empty());
                prop_assert!(problems.iter().all(|problem| problem.line >= 1 && problem.line <= text.lines().count() + 1));
            }
        }
    }
}
