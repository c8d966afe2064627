//! `voicenoob serve`: answers calls until it is told to stop.

use std::process::ExitCode;

use anyhow::Context;
use call::Timestamp;
use server::settings::Settings;
use server::{App, Running};
use tokio::signal::unix::{SignalKind, signal};

use crate::{say, say_error};

/// Nothing of its own: everything is a setting (see `voicenoob config`).
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(_: Args, settings: Settings) -> anyhow::Result<ExitCode> {
    let data_dir = std::path::absolute(&settings.data_dir).unwrap_or_else(|_| settings.data_dir.clone());
    let mut running = server::start(settings, &crate::settings::worker()?).await?;
    // Before anybody is told that it runs: a database that is gone by now makes this a start that failed.
    let first_admin = first_admin(&running).await?;
    welcome(&running, &data_dir.display().to_string());
    if let Some(link) = first_admin {
        say(&link);
    }
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        fault = running.failed() => return Err(fault.into()),
    }
    let app = running.app.clone();
    say_error(&stopping(&app));
    let mut stop = std::pin::pin!(running.stop());
    loop {
        tokio::select! {
            () = &mut stop => return Ok(ExitCode::SUCCESS),
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // An operator may have called the stop off: then this signal is a first one.
        if !server::stop_again(&app).await {
            return Ok(ExitCode::from(130));
        }
        say_error(&stopping(&app));
    }
}

fn stopping(app: &App) -> String {
    let (live, centre) = (app.live.count(), &app.settings.call_centre);
    if !centre.draining {
        return format!("Stopping: draining is switched off, so {live} live calls end now.");
    }
    let limit = centre.drain.timeout.as_secs();
    format!(
        "Stopping: {live} live calls may go on for {limit} s, then they move to another instance or hear a last sentence. A second signal stops at once."
    )
}

fn welcome(running: &Running, data_dir: &str) {
    let address = running.address;
    let host = if address.ip().is_unspecified() { format!("127.0.0.1:{}", address.port()) } else { address.to_string() };
    let app = &running.app;
    let names: Vec<_> = app.directory.all().iter().map(|agent| agent.name.clone()).collect();
    say(&format!("voicenoob {} answers calls at http://{host}", env!("CARGO_PKG_VERSION")));
    say(&format!("  agents:    {}", names.join(", ")));
    say(&format!("  data:      {data_dir}"));
    if !app.keys.development.is_empty() {
        say(&format!(
            "  carriers:  {} not configured (development keys: only `voicenoob dial` can call)",
            app.keys.development.join(" and ")
        ));
    }
    for notice in app.notices() {
        say(&format!("  missing:   {notice}"));
    }
    let server = if address.port() == 8000 { String::new() } else { format!(" --server http://{host}") };
    say(&format!("Open http://{host} and talk to the agent, or in another terminal:"));
    say(&format!(
        "  {} dial{server} --say \"I'd like a double room for two nights from Friday\" --say \"two guests\" --say \"my name is Smith\" --say \"yes please\"",
        program()
    ));
}

/// While there is no account: the link by which the first is made. Each start prints a new one, and the ones before stop working.
async fn first_admin(running: &Running) -> anyhow::Result<Option<String>> {
    let app = &running.app;
    let Some(link) = app.api.people.first_admin_link(Timestamp::now()).await? else { return Ok(None) };
    let base = app.settings.public_url.clone().unwrap_or_else(|| format!("http://127.0.0.1:{}", running.address.port()));
    Ok(Some(format!("No accounts yet. Make the first administrator (once, within a day): {base}/first-admin#{}", link.token.expose())))
}

fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "voicenoob".into())
}
