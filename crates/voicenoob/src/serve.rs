//! `voicenoob serve`: answers calls until it is told to stop.

use std::process::ExitCode;

use anyhow::Context;
use server::Running;
use server::settings::Settings;
use tokio::signal::unix::{SignalKind, signal};

use crate::{say, say_error};

/// Nothing of its own: everything is a setting (see `voicenoob config`).
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(_: Args, settings: Settings) -> anyhow::Result<ExitCode> {
    let data_dir = std::path::absolute(&settings.data_dir).unwrap_or_else(|_| settings.data_dir.clone());
    let mut running = server::start(settings, &crate::settings::worker()?).await?;
    welcome(&running, &data_dir.display().to_string());
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        fault = running.failed() => return Err(fault.into()),
    }
    let live = running.app.live.count();
    say_error(&format!("Stopping: {live} live calls get a last sentence. A second signal stops at once."));
    tokio::select! {
        all_over = running.stop() => {
            if !all_over {
                say_error("Some calls did not end in time and were cut.");
            }
            Ok(ExitCode::SUCCESS)
        }
        _ = terminate.recv() => Ok(ExitCode::from(130)),
        _ = interrupt.recv() => Ok(ExitCode::from(130)),
    }
}

fn welcome(running: &Running, data_dir: &str) {
    let address = running.address;
    let host = if address.ip().is_unspecified() { format!("127.0.0.1:{}", address.port()) } else { address.to_string() };
    let app = &running.app;
    let names: Vec<_> = app.agents.iter().map(|agent| agent.name.as_str()).collect();
    say(&format!("voicenoob {} answers calls at http://{host}", env!("CARGO_PKG_VERSION")));
    say(&format!("  agents:    {}", names.join(", ")));
    say(&format!("  data:      {data_dir}"));
    if !app.keys.development.is_empty() {
        say(&format!(
            "  carriers:  {} not configured (development keys: only `voicenoob dial` can call)",
            app.keys.development.join(" and ")
        ));
    }
    for notice in &app.notices {
        say(&format!("  missing:   {notice}"));
    }
    let server = if address.port() == 8000 { String::new() } else { format!(" --server http://{host}") };
    say(&format!("Open http://{host} and talk to the agent, or in another terminal:"));
    say(&format!(
        "  {} dial{server} --say \"I'd like a double room for two nights from Friday\" --say \"two guests\" --say \"my name is Smith\" --say \"yes please\"",
        program()
    ));
}

fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "voicenoob".into())
}
