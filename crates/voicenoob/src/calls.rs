//! `voicenoob calls list|show`: what the records say.

use std::process::ExitCode;

use anyhow::{Context, bail};
use call::{CallId, CallRecord, Carrier, Speaker, ToolRecord, TurnRecord};
use clap::{Args as ClapArgs, Subcommand};
use server::settings::Settings;
use store::{CallFilter, Records, SqlRecords};

use crate::say;

#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The last calls, newest first.
    List {
        /// How many, 1 to 200.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
    /// One call: its turns, latencies and tool calls.
    Show {
        /// Our id, the first letters of it, or the carrier's id.
        id: String,
    },
}

pub(crate) async fn run(args: Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    let records = SqlRecords::new(server::wiring::open_database(settings).await?);
    match args.command {
        Command::List { limit } => list(&records, limit).await?,
        Command::Show { id } => show(&records, &id).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(records: &dyn Records, limit: u32) -> anyhow::Result<()> {
    let calls = records.calls(&CallFilter { limit, before: None }).await?;
    if calls.is_empty() {
        say("No calls yet.");
    }
    for call in calls {
        let ended = call.end_reason.map_or("live", |why| why.as_str());
        let from = call.from.expose();
        say(&format!(
            "{}  {}  {:<7} {:<16} {:<22} {ended:<15} {}",
            call.id,
            call.offered_at.strftime("%F %T"),
            call.carrier,
            from,
            call.agent_name,
            length(&call)
        ));
    }
    Ok(())
}

async fn show(records: &dyn Records, id: &str) -> anyhow::Result<()> {
    let call = find(records, id).await?;
    let ended = call.end_reason.map_or("live", |why| why.as_str());
    say(&format!("call      {} ({} {})", call.id, call.carrier, call.carrier_call_id));
    say(&format!("numbers   {} -> {} ({})", call.from.expose(), call.to.expose(), call.direction.as_str()));
    say(&format!("agent     {}", call.agent_name));
    say(&format!("status    {}, {ended}, {}", call.status.as_str(), length(&call)));
    say(&format!("offered   {}", call.offered_at));
    if let Some(recording) = &call.recording {
        say(&format!("recording {recording}"));
    }
    let (turns, tools) = (records.turns(call.id).await?, records.tools(call.id).await?);
    let mut tools = tools.iter().peekable();
    say("");
    for turn in &turns {
        while let Some(tool) = tools.next_if(|tool| tool.start_ms <= turn.start_ms) {
            say(&tool_line(tool));
        }
        say(&turn_line(turn));
    }
    tools.for_each(|tool| say(&tool_line(tool)));
    Ok(())
}

async fn find(records: &dyn Records, id: &str) -> anyhow::Result<CallRecord> {
    if let Ok(id) = id.parse::<CallId>() {
        return records.call(id).await?.with_context(|| format!("there is no call {id}"));
    }
    for carrier in [Carrier::Twilio, Carrier::Telnyx] {
        if let Some(call) = records.call_by_carrier(carrier, id).await? {
            return Ok(call);
        }
    }
    let recent = records.calls(&CallFilter { limit: 200, before: None }).await?;
    let mut matching = recent.into_iter().filter(|call| call.id.to_string().starts_with(id));
    match (matching.next(), matching.next()) {
        (Some(call), None) => Ok(call),
        (Some(_), Some(_)) => bail!("more than one call begins with {id}: give more of the id"),
        (None, _) => bail!("there is no call {id}: `voicenoob calls list` shows the last ones"),
    }
}

fn turn_line(turn: &TurnRecord) -> String {
    let at = format!("{:>6.1}s", turn.start_ms as f64 / 1000.0);
    match turn.speaker {
        Speaker::Caller => {
            let words = match (&turn.digits, turn.text.as_str()) {
                (Some(digits), _) => format!("[keys {digits}]"),
                (None, "") => "[not understood]".to_owned(),
                (None, text) => text.to_owned(),
            };
            let confidence = turn.confidence.map_or_else(String::new, |value| format!("  ({value:.2})"));
            format!("{at}  caller  {words}{confidence}")
        }
        Speaker::Agent => {
            let latency = turn.latency.map_or_else(String::new, |parts| {
                let (total, first) = (parts.total_ms(), parts.first_audio_ms);
                format!(
                    "  [{total} ms: endpoint {}, recognition {}, brain {}, audio {first}]",
                    parts.endpoint_ms, parts.recognition_ms, parts.brain_ms
                )
            });
            let cut = if turn.interrupted { format!("  [interrupted; heard: {:?}]", turn.heard) } else { String::new() };
            format!("{at}  agent   {}{latency}{cut}", turn.text)
        }
    }
}

fn tool_line(tool: &ToolRecord) -> String {
    format!(
        "{:>6.1}s  tool    {} {} -> {} {}",
        tool.start_ms as f64 / 1000.0,
        tool.tool,
        tool.arguments,
        tool.outcome.as_str(),
        tool.result
    )
}

fn length(call: &CallRecord) -> String {
    match (call.answered_at, call.ended_at) {
        (Some(from), Some(to)) => format!("{} s", to.duration_since(from).as_secs()),
        _ => "-".into(),
    }
}
