//! `voicenoob bench api`: the API beside a bare axum handler that answers the same bytes, in the same minutes, under the same clients.

mod bare;
mod cases;
mod client;
mod prepare;
mod verdicts;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

pub(super) use self::bare::{BareArgs, run as run_bare};
use self::cases::Case;
use self::client::Load;
use super::place::Place;
use super::process::{Launch, Running};
use super::table::Verdict;
use crate::{say, say_error};

/// The server's core, and the clients'.
const SERVER_CORE: u32 = 0;
const LOAD_CORE: &str = "1";
/// Starting includes training the demo agent's language models.
const START_LIMIT: Duration = Duration::from_secs(180);
/// Most connections that are tried.
const MOST_CONNECTIONS: u64 = 512;
/// Open files beside one per connection.
const OTHER_FILES: u64 = 512;

/// The API over loopback, with connections that are kept open; server on one core, clients on the other.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Numbers of connections, one after the other; each has one request under way.
    #[arg(long, value_delimiter = ',', default_value = "1,16", value_parser = clap::value_parser!(u64).range(1..=MOST_CONNECTIONS))]
    connections: Vec<u64>,
    /// Length of each measurement, after a warm-up.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

/// One request under so many connections, at one of the two.
#[derive(Debug, Clone)]
struct Measured {
    load: Load,
    /// CPU time of the server's process for one request, microseconds.
    cpu_us: f64,
}

/// Ours and the bare one's.
#[derive(Debug, Clone)]
struct Pair {
    case: &'static Case,
    connections: u64,
    ours: Measured,
    bare: Measured,
}

pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let launch = Launch::prepare(args.connections.iter().max().copied().unwrap_or(1) + OTHER_FILES).await?;
    let place = Place::make("api")?;
    say(&format!(
        "API: {} s at each number of connections, after a warm-up. SQLite with {} calls; rate limits are set out of the way.",
        args.seconds,
        prepare::CALLS
    ));
    for notice in &launch.notices {
        say(&format!("Note: {notice}."));
    }
    if !keep_to(LOAD_CORE).await {
        say("Note: the clients could not be kept on a core of their own.");
    }
    prepare::fill(&place.path().join("data")).await?;
    prepare::make_account(place.path()).await?;
    let server = start(&launch, &["serve"], &place, &prepare::SETTINGS).await?;
    let with = prepare::sign_in(server.1, place.path()).await?;
    let bare = start(&launch, &["bench", "bare-api", "--answers", prepare::ANSWERS], &place, &[]).await?;
    let mut pairs = Vec::new();
    for case in cases::ALL {
        for &connections in &args.connections {
            say_error(&format!("measuring {} with {connections} connections ...", case.name));
            let seconds = Duration::from_secs(args.seconds);
            let ours = measured(&server, case, &with, connections, seconds).await?;
            let bare = measured(&bare, case, &with, connections, seconds).await?;
            pairs.push(Pair { case, connections, ours, bare });
        }
    }
    server.0.stop().await?;
    bare.0.stop().await?;
    say(&format!("\n{}", verdicts::figures(&pairs)));
    say(&verdicts::judgement(&pairs).to_string());
    Ok(ExitCode::SUCCESS)
}

async fn start(launch: &Launch, line: &[&str], place: &Place, settings: &[(&str, &str)]) -> anyhow::Result<(Running, SocketAddr)> {
    let mut server = launch.start(SERVER_CORE, line, place.path(), settings)?;
    let said = server.line(START_LIMIT).await?;
    let address = said.rsplit_once("http://").and_then(|(_, address)| address.trim().parse().ok());
    Ok((server, address.with_context(|| format!("a server did not say where it listens but {said:?}"))?))
}

async fn measured(
    server: &(Running, SocketAddr),
    case: &'static Case,
    with: &cases::With,
    connections: u64,
    window: Duration,
) -> anyhow::Result<Measured> {
    let (running, address) = server;
    let (mut before, mut after) = (Duration::ZERO, Duration::ZERO);
    let load = client::load(*address, case, with, connections, window, |is_over| {
        *(if is_over { &mut after } else { &mut before }) = running.cpu()?;
        Ok(())
    });
    let load = load.await.with_context(|| format!("{} with {connections} connections", case.name))?;
    let cpu_us = (after - before).as_secs_f64() * 1e6 / load.requests as f64;
    Ok(Measured { load, cpu_us })
}

/// Keeps all threads of this process on a core.
async fn keep_to(core: &str) -> bool {
    let pid = std::process::id().to_string();
    let mut taskset = Command::new("taskset");
    taskset.args(["-acp", core, &pid]).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    taskset.status().await.is_ok_and(|status| status.success())
}
