//! The live view of a call on a terminal: one line for each thing that happens, and a summary.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use call::{EndReason, LatencyParts, Speaker, TurnRecord};

use crate::options::Observer;
use crate::report::{CallReport, DialEvent};

/// Writes events as lines. Colours only where a person looks: never into a file or a pipe.
pub struct LiveView {
    out: Mutex<Box<dyn Write + Send>>,
    colour: bool,
}

#[derive(Clone, Copy)]
enum Tone {
    Caller,
    Agent,
    Aside,
}

impl LiveView {
    /// A view on the standard output.
    pub fn stdout() -> Self {
        let out = std::io::stdout();
        let colour = out.is_terminal();
        Self::new(Box::new(out), colour)
    }

    /// A view on anything.
    pub fn new(out: Box<dyn Write + Send>, colour: bool) -> Self {
        Self { out: Mutex::new(out), colour }
    }

    /// The view as an observer.
    pub fn observer(self) -> Observer {
        Arc::new(move |event| self.show(event))
    }

    /// Shows one event.
    pub fn show(&self, event: &DialEvent) {
        match event {
            DialEvent::Ringing { carrier_call_id } => self.aside(&format!("ringing, call {carrier_call_id}")),
            DialEvent::Connected => self.aside("connected"),
            DialEvent::AgentStarted => {}
            DialEvent::Said { text } => self.line(Tone::Caller, "caller>", text),
            DialEvent::Pressed { digits } => self.line(Tone::Caller, "caller>", &format!("[{digits}]")),
            DialEvent::Latency { ms } => self.aside(&format!("answer after {ms} ms")),
            DialEvent::Cleared => self.aside("the agent stopped talking: it was interrupted"),
            DialEvent::Turn(turn) => self.turn(turn),
            DialEvent::Announced { text } => self.line(Tone::Agent, "line  >", text),
            DialEvent::Transferred { number } => self.aside(&format!("transferred to {number}")),
            DialEvent::Unwatched { why } => self.aside(why),
            DialEvent::Ended { end_reason } => {
                self.aside(&format!("call over: {}", end_reason.map_or("no reason recorded", EndReason::as_str)))
            }
        }
    }

    fn turn(&self, turn: &TurnRecord) {
        match turn.speaker {
            Speaker::Agent => {
                self.line(Tone::Agent, "agent >", &turn.text);
                if turn.interrupted {
                    self.aside(&format!("cut off; the caller heard: {:?}", turn.heard));
                }
                if let Some(latency) = &turn.latency {
                    self.aside(&parts(latency));
                }
            }
            Speaker::Caller => {
                let heard = turn.digits.as_deref().unwrap_or(&turn.text);
                let sure = turn.confidence.map(|sure| format!(" (confidence {sure:.2})")).unwrap_or_default();
                self.aside(&format!("understood: {heard:?}{sure}"));
            }
        }
    }

    fn aside(&self, text: &str) {
        self.line(Tone::Aside, "       ", text);
    }

    /// A closed pipe is no reason to end the call, so a failed write is let go.
    fn line(&self, tone: Tone, head: &str, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // What the server sends is shown, never obeyed: no escape code of its own reaches the terminal.
        let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let _ = if self.colour {
            let code = match tone {
                Tone::Caller => 36,
                Tone::Agent => 32,
                Tone::Aside => 2,
            };
            writeln!(out, "\x1b[{code}m{head} {text}\x1b[0m")
        } else {
            writeln!(out, "{head} {text}")
        };
        let _ = out.flush();
    }
}

fn parts(latency: &LatencyParts) -> String {
    let LatencyParts { endpoint_ms, recognition_ms, brain_ms, first_audio_ms } = latency;
    let total = latency.total_ms();
    format!("{total} ms: endpoint {endpoint_ms}, recognition {recognition_ms}, brain {brain_ms}, first audio {first_audio_ms}")
}

/// The end of a call in a few lines: how long, how fast, which tools, what was not as expected.
pub fn summary(report: &CallReport) -> String {
    let mut lines = vec![format!(
        "call {}: {:.1} s, ended: {}{}",
        report.carrier_call_id,
        report.duration.as_secs_f64(),
        report.end_reason.map_or("no reason recorded", EndReason::as_str),
        report.closed_code.map(|code| format!(" (stream closed with {code})")).unwrap_or_default(),
    )];
    if let Some(ms) = report.first_audio_ms {
        lines.push(format!("greeting after {ms} ms"));
    }
    if let (Some(slowest), count @ 1..) = (report.replies_ms.iter().max(), report.replies_ms.len()) {
        let mut sorted = report.replies_ms.clone();
        sorted.sort_unstable();
        lines.push(format!("{count} answers: median {} ms, slowest {slowest} ms", sorted[count / 2]));
    }
    if report.busy {
        lines.push("the line was busy".to_owned());
    }
    lines.extend(report.transferred_to.iter().map(|number| format!("transferred to {number}")));
    lines.extend(report.tools.iter().map(|tool| format!("tool {tool}")));
    lines.extend(report.failures.iter().map(|failure| format!("FAILED {failure}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn shown(colour: bool) -> String {
        let page = Page::default();
        let view = LiveView::new(Box::new(page.clone()), colour);
        view.show(&DialEvent::Said { text: "a room\x1b[2J please".into() });
        view.show(&DialEvent::Turn(TurnRecord {
            index: 1,
            speaker: Speaker::Agent,
            text: "For how many nights?".into(),
            heard: "For how".into(),
            interrupted: true,
            start_ms: 0,
            end_ms: 900,
            confidence: None,
            digits: None,
            latency: Some(LatencyParts { endpoint_ms: 500, recognition_ms: 40, brain_ms: 5, first_audio_ms: 55 }),
        }));
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_pipe_gets_plain_lines() {
        let text = shown(false);
        assert!(!text.contains('\x1b'), "{text:?}");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..2], ["caller> a room [2J please", "agent > For how many nights?"]);
        assert!(lines[2].ends_with("cut off; the caller heard: \"For how\""));
        assert!(lines[3].ends_with("600 ms: endpoint 500, recognition 40, brain 5, first audio 55"));
        assert!(shown(true).contains("\x1b[36mcaller> a room [2J please\x1b[0m"));
    }

    #[test]
    fn the_summary_names_what_failed() {
        let report = CallReport {
            carrier_call_id: "CA1".into(),
            duration: Duration::from_millis(12_340),
            first_audio_ms: Some(180),
            replies_ms: vec![900, 600, 700],
            turns: vec![],
            tools: vec![],
            end_reason: Some(EndReason::AgentHungUp),
            closed_code: Some(1000),
            transferred_to: None,
            announcements: vec![],
            busy: false,
            frames_sent: 600,
            clears: 0,
            failures: vec!["agent_says: \"x\" is missing".into()],
            audio: None,
        };
        let text = summary(&report);
        assert!(text.contains("12.3 s, ended: agent_hung_up (stream closed with 1000)"), "{text}");
        assert!(text.contains("3 answers: median 700 ms, slowest 900 ms") && text.contains("FAILED agent_says"), "{text}");
    }
}
