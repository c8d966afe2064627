//! Talk to an agent file in the terminal: `cargo run -p flow --example talk -- agents/hotel.toml`. Tools are answered by hand:
//! `{"total": "240.00"}` is an answer, `!unavailable` a refusal, an empty line a failure. `#123` presses keys, `.` is silence.

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "an example program for a person")]

use std::io::BufRead;
use std::sync::Arc;

use flow::{Dialogue, Flow, Input, Output, ToolOutcome};

fn main() {
    let path = std::env::args().nth(1).expect("usage: talk FILE");
    let flow = Flow::parse(&std::fs::read_to_string(path).unwrap()).unwrap_or_else(|problems| {
        problems.iter().for_each(|problem| println!("{problem}"));
        std::process::exit(1)
    });
    let now = jiff::civil::date(2026, 11, 21).at(12, 0, 0, 0);
    let mut dialogue = Dialogue::new(Arc::new(flow), 1, None);
    dialogue.handle(Input::Started, now);
    let mut pending = None;
    let mut lines = std::io::stdin().lock().lines();
    loop {
        while let Some(output) = dialogue.poll_output() {
            match output {
                Output::Say { text, .. } => println!("  agent: {text}"),
                Output::Listen { state, max_keys } => println!("         ({state}, {max_keys} keys)"),
                Output::CallTool { id, tool, arguments } => {
                    println!("  call {tool} {arguments}");
                    pending = Some(id);
                }
                Output::Dtmf { .. } | Output::Sound(_) | Output::Words(_) | Output::SoundOver | Output::CallerSaid(_) => {}
                Output::End(exit) => return println!("  end: {exit:?}"),
            }
        }
        let Some(Ok(line)) = lines.next() else { return };
        println!("> {line}");
        let input = match (pending.take(), line.strip_prefix('#')) {
            (Some(id), _) => Input::ToolAnswered { id, outcome: outcome(&line) },
            (None, Some(keys)) => {
                keys.chars().for_each(|key| dialogue.handle(Input::Key(key), now));
                Input::KeysDone
            }
            (None, None) if line == "." => Input::Silence { count: 1 },
            (None, None) => Input::Heard { text: line, confidence: 0.9 },
        };
        dialogue.handle(input, now);
    }
}

fn outcome(line: &str) -> ToolOutcome {
    let fields = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| serde_json::json!({}));
    match line.strip_prefix('!') {
        Some(code) => {
            let (code, rest) = code.split_once(' ').unwrap_or((code, "{}"));
            ToolOutcome::Refused { code: code.to_owned(), fields: fields(rest) }
        }
        None if line.is_empty() => ToolOutcome::Failed,
        None => ToolOutcome::Ok(fields(line)),
    }
}
