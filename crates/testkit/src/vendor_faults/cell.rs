//! One cell of the matrix: a server, its vendors, a call, and a fault in the middle of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use dial::{CallReport, DialEvent, Script, Step};
use serde_json::{Value, json};
use simulator::{Behaviour, Config, Ears, Mind, Mouth, Simulator};

use super::sound::{AskedTurn, Voice, asked_turns};
use super::{Fault, FaultOptions, LONGEST_SILENCE, Part, Row};
use crate::Server;
use crate::chaos::Scrape;

/// What is asked. The second is answered by a vendor that fails.
const QUESTIONS: [&str; 3] = [
    "I would like a double room for two nights",
    "I would like a single room for three nights",
    "I would like a double room for four nights",
];
/// Which of them the fault begins with.
const STRUCK: usize = 1;
/// What simulated ears hear, one line an utterance, so that no two answers are the same: what was said before is kept, and no vendor is asked.
const NIGHTS: [&str; 8] = ["two", "three", "four", "five", "six", "seven", "eight", "nine"];
/// Two sentences, so that a fault finds the agent in the middle of its words.
const ANSWER: &str = "[[line]]\nsay = \"You said {heard}. I have a look at our books for you now.\"\n";
/// The caller takes the agent's words for ended after so much silence: more than the agent may leave, less than the caller's own silence may last.
const QUIET: Duration = Duration::from_millis(3_500);
/// An answer that does not come within this time does not come.
const ANSWER_LIMIT: Duration = Duration::from_secs(25);
/// Silence behind a turn, up to which its end is that of its sound: the way of the last mark.
const MARK_LIMIT: Duration = Duration::from_millis(600);

/// What came of a cell.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Whose adapter.
    pub row: &'static str,
    /// What went wrong.
    pub fault: &'static str,
    /// Who spoke the answer to the question that the fault began with.
    pub heard: String,
    /// And to the next.
    pub heard_next: String,
    /// Longest silence while the agent owed words, over the whole call.
    pub silence: Duration,
    /// The record's changes of rung.
    pub rungs: String,
    /// The caller asked once more, was answered, and hung up by itself.
    pub went_on: bool,
    /// Promises that were broken.
    pub problems: Vec<String>,
}

impl Outcome {
    /// True when every promise was kept.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }

    /// A cell that could not be run keeps no promise.
    pub fn not_run(row: &Row, fault: Fault, why: &str) -> Self {
        let none = || "-".to_owned();
        let problems = vec![format!("could not be run: {why}")];
        let (heard, heard_next, rungs) = (none(), none(), none());
        Self { row: row.title, fault: fault.name(), heard, heard_next, silence: Duration::ZERO, rungs, went_on: false, problems }
    }
}

/// Runs one cell. An error means that it could not be run; what it found is in the outcome.
pub async fn run(row: &Row, fault: Fault, options: &FaultOptions) -> Result<Outcome> {
    let vendors = Arc::new(vendors().await?);
    let settings = row.settings(&vendors);
    let mut settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.extend([("RECORD_CALLS", "false"), ("SPEECH_WORKERS", "1")]);
    let server = Server::start_with(&options.program, &settings).await?;
    let admin = server.administrator().await?;
    let agent = json!({
        "name": "Receptionist", "tier": row.tier(), "system_prompt": "You are the receptionist of a small hotel.", "greeting": "Good morning, Harbour View."
    });
    let agent = server.add_agent(&admin, &agent).await?;
    let report = call(&server, agent, &vendors, (row, fault), options).await?;
    let record = server.record(&admin, &report.carrier_call_id).await?;
    let scrape = Scrape::read(&server.http().get(server.url().join("/metrics")?).send().await?.text().await?);
    let outcome = outcome((row, fault), &report, &record, scrape.sum("voicenoob_fillers_total", &[]))?;
    server.stop().await?;
    Ok(outcome)
}

/// Vendors on an ordinary day, somewhat faster than real ones, so that a run ends.
async fn vendors() -> Result<Simulator> {
    let lines = NIGHTS.iter().enumerate().map(|(at, nights)| {
        let kind = if at % 2 == 0 { "double" } else { "single" };
        format!("i would like a {kind} room for {nights} nights")
    });
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config { address: free, riva: free, mouth: Mouth::Hum, ears: Ears::script(lines.collect()), mind: Mind::parse(ANSWER)? };
    let simulator = Simulator::start(config).await?;
    simulator::Vendor::ALL.iter().for_each(|vendor| simulator.behave(*vendor, ordinary()));
    Ok(simulator)
}

fn ordinary() -> Behaviour {
    Behaviour { first_ms: 150, pace: 4.0, tokens_per_second: 60.0, ..Behaviour::default() }
}

/// The call. The fault begins with the first sound of the second question.
async fn call(
    server: &Server,
    agent: String,
    vendors: &Arc<Simulator>,
    (row, fault): (&Row, Fault),
    options: &FaultOptions,
) -> Result<CallReport> {
    let wait = || Step::WaitForAgent { timeout: ANSWER_LIMIT, quiet: QUIET };
    let mut script = Script::new(Carrier::Twilio).step(Step::wait());
    for question in QUESTIONS {
        script = script.step(Step::say(question)).step(wait());
    }
    script = script.step(Step::HangUp);
    let (vendors, vendor, trouble) = (Arc::clone(vendors), row.vendor, fault.trouble(row.part));
    let said = AtomicUsize::new(0);
    let mut dialling = server.dial_options().await?;
    dialling.save_wav = options.keep.as_ref().map(|folder| folder.join(format!("{}-{}.wav", row.name, fault.name())));
    dialling.observer = Arc::new(move |event| {
        if matches!(event, DialEvent::Said { .. }) && said.fetch_add(1, Ordering::SeqCst) == STRUCK {
            vendors.strike(vendor, Behaviour { trouble: Some(trouble), ..ordinary() });
        }
    });
    Ok(dial::run(Script { agent: Some(agent), ..script }, dialling).await?)
}

fn outcome((row, fault): (&Row, Fault), report: &CallReport, record: &Value, fillers: f64) -> Result<Outcome> {
    let mut turns = asked_turns(report.audio.as_ref().context("the call has no sound")?);
    turns.iter_mut().for_each(|turn| wait_for_the_rest(turn, record));
    ensure!(!turns.is_empty(), "the caller said nothing: {:?}", report.failures);
    let silence = turns.iter().map(|turn| turn.silence).max().unwrap_or_default();
    let heard = |at: usize| turns.get(at).map_or_else(|| "not asked".to_owned(), voices);
    let went_on = turns.len() == QUESTIONS.len() && turns.iter().all(|turn| turn.last_sound.is_some()) && report.failures.is_empty();
    let mut problems: Vec<String> = report.failures.clone();
    if silence > LONGEST_SILENCE {
        let at = turns.iter().position(|turn| turn.silence == silence).unwrap_or_default() + 1;
        problems.push(format!("{:.2} s of silence owed after question {at}", silence.as_secs_f64()));
    }
    if !went_on {
        problems.push("the call did not go on".into());
    }
    let fillers = if fillers > 0.0 { format!(" (fillers: {fillers})") } else { String::new() };
    Ok(Outcome {
        row: row.title,
        fault: fault.name(),
        heard: heard(STRUCK) + &fillers,
        heard_next: heard(STRUCK + 1),
        silence,
        rungs: rungs(record, row.part),
        went_on,
        problems,
    })
}

/// What the agent had still to say when the sound ended was owed too: the record knows when its turn was over.
fn wait_for_the_rest(turn: &mut AskedTurn, record: &Value) {
    let Some(sounded) = turn.last_sound else { return };
    let turns = record["turns"].as_array().into_iter().flatten();
    let ends = turns.filter(|turn| turn["speaker"] == "agent").filter_map(|turn| turn["end_ms"].as_u64()).map(Duration::from_millis);
    // A turn that was cut by the caller's next words ends a little after these begin.
    let end = ends.filter(|end| *end > turn.asked && *end <= turn.until + MARK_LIMIT).max().unwrap_or(sounded).min(turn.until);
    if end > sounded + MARK_LIMIT {
        turn.silence = turn.silence.max(end - sounded);
    }
}

fn voices(turn: &AskedTurn) -> String {
    if turn.voices.is_empty() {
        return "**nothing**".to_owned();
    }
    let named = turn.voices.iter().map(|(voice, length)| {
        let voice = if *voice == Voice::Vendor { "vendor's voice" } else { "own voice" };
        format!("{voice} {:.1} s", length.as_secs_f64())
    });
    named.collect::<Vec<_>>().join(", ")
}

fn rungs(record: &Value, part: Part) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let own = match part {
        Part::Ears => "ears",
        Part::Mind | Part::Speech => "mind",
        Part::Voice => "voice",
    };
    let lines = record["rungs"].as_array().into_iter().flatten().map(|rung| {
        let named = if rung["part"] == own { String::new() } else { format!("{}: ", text(&rung["part"])) };
        format!("{named}{} -> {}, {}", text(&rung["from"]), text(&rung["to"]), text(&rung["why"]))
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { "no change".to_owned() } else { lines.join("; ") }
}
