//! What can be switched off, and what a setting that is not understood leads to.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use reqwest::Method;
use serde_json::json;
use tokio::process::Command;

use crate::centre::{Centre, until};
use crate::program;

#[tokio::test]
async fn with_everything_at_its_default_a_live_call_is_registered_and_counted() -> Result<()> {
    let centre = Centre::open(&[]).await?;
    let caller = centre.talking("echo").await?;
    until("the call is registered", async || {
        let active = centre.server.json("/api/v1/calls/active").await?;
        Ok(active["registered"][0]["call_id"] == caller.id() && active["registered"][0]["phone_number"] == "+15005561000")
    })
    .await?;
    let detailed = centre.server.json("/health/detailed").await?;
    let features = json!({ "call_registry": true, "prometheus_metrics": true, "connection_draining": true, "call_queue": false });
    ensure!(detailed["status"] == "healthy" && detailed["features"] == features, "{detailed}");
    ensure!(detailed["calls"]["active"] == 1 && detailed["calls"]["shutting_down"] == false, "{detailed}");
    ensure!(centre.metric("voicenoob_active_calls_current", &[]).await? == 1.0);
    ensure!(centre.metric("voicenoob_calls_initiated_total", &[]).await? == 1.0);
    caller.leaves().await?;
    until("the call is gone", async || Ok(centre.server.json("/health/detailed").await?["calls"]["active"] == 0)).await?;
    ensure!(centre.metric("voicenoob_active_calls_current", &[]).await? == 0.0);
    ensure!(centre.metric("voicenoob_calls_completed_total", &[]).await? == 1.0);
    ensure!(centre.metric("voicenoob_call_duration_seconds_count", &[]).await? == 1.0);
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn without_the_registry_nothing_is_registered_and_calls_work() -> Result<()> {
    let centre = Centre::with_one_line(&[("ENABLE_CALL_REGISTRY", "false")]).await?;
    let caller = centre.talking("echo").await?;
    let waiting = centre.waiting(Carrier::Telnyx, "desk", 1).await?;
    let active = centre.server.json("/api/v1/calls/active").await?;
    ensure!(active["registered"] == json!([]) && active["calls"].as_array().is_some_and(|calls| calls.len() == 2), "{active}");
    let detailed = centre.server.json("/health/detailed").await?;
    ensure!(detailed["features"]["call_registry"] == false && detailed.get("calls").is_none(), "{detailed}");
    ensure!(centre.metric("voicenoob_active_calls_current", &[]).await? == 1.0, "the figure is of the calls and not of the registry");
    caller.leaves().await?;
    until("the next one is served", async || Ok(!centre.said(&waiting.id()).await?.is_empty())).await?;
    waiting.leaves().await?;
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn without_metrics_their_address_says_so_and_calls_work() -> Result<()> {
    let centre = Centre::open(&[("ENABLE_PROMETHEUS_METRICS", "false")]).await?;
    let caller = centre.talking("desk").await?;
    let answer = centre.server.http().get(centre.server.url().join("/metrics")?).send().await?;
    ensure!(answer.status() == 404 && answer.text().await?.contains("disabled"));
    ensure!(centre.server.json("/health/detailed").await?["features"]["prometheus_metrics"] == false);
    until("the agent greets", async || Ok(!centre.said(&caller.id()).await?.is_empty())).await?;
    let journal = caller.leaves().await?;
    centre.ended(&journal.call_id, "caller_hung_up").await?;
    centre.server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn without_the_queue_its_answers_are_those_of_an_empty_one() -> Result<()> {
    let centre = Centre::open(&[("ENABLE_CALL_QUEUE", "off")]).await?;
    ensure!(centre.get("/api/v1/queue/stats").await? == (200, json!({ "enabled": 0, "depth": 0 })));
    let (status, queue) = centre.get("/api/v1/queue").await?;
    ensure!(status == 200 && queue["enabled"] == false && queue["depth"] == 0 && queue["calls"] == json!([]), "{queue}");
    ensure!(centre.ask(Method::DELETE, "/api/v1/queue/CA1").await?.0 == 404);
    ensure!(centre.ask(Method::POST, "/api/v1/queue/clear").await? == (200, json!({ "removed": 0 })));
    ensure!(centre.get("/api/v1/queue?count=0").await?.0 == 422 && centre.get("/api/v1/queue?count=1001").await?.0 == 422);
    ensure!(centre.server.json("/health/detailed").await?["features"]["call_queue"] == false);
    Ok(())
}

/// Every setting of the call centre: a value that is not one, and what is allowed.
const MALFORMED: [(&str, &str, &str); 27] = [
    ("ENABLE_CALL_REGISTRY", "maybe", "true or false"),
    ("ENABLE_PROMETHEUS_METRICS", "2", "true or false"),
    ("ENABLE_CONNECTION_DRAINING", "", "true or false"),
    ("ENABLE_CALL_QUEUE", "enabled", "true or false"),
    ("SHUTDOWN_DRAIN_TIMEOUT", "two minutes", "seconds from 0 to 3600"),
    ("SHUTDOWN_DRAIN_TIMEOUT", "-1", "seconds from 0 to 3600"),
    ("DRAIN_SETTLE_TIME", "301", "seconds from 0 to 300"),
    ("CALLS_PER_MINUTE_PER_CALLER", "0", "a number from 1 to 100000, or nothing"),
    ("CALLS_PER_MINUTE_PER_TENANT", "many", "a number from 1 to 100000, or nothing"),
    ("CALL_REGISTRY_TTL", "59", "seconds from 60 to 86400"),
    ("RESUME_WINDOW", "4", "seconds from 5 to 600"),
    ("HEARTBEAT_INTERVAL", "0", "seconds from 1 to 60"),
    ("INSTANCE_LEASE", "2.5", "seconds from 3 to 600"),
    ("MAX_CALL_QUEUE_SIZE", "0", "a number from 1 to 100000"),
    ("QUEUE_AGEING", "120s", "seconds from 1 to 86400"),
    ("QUEUE_GRANT_LEASE", "1", "seconds from 2 to 60"),
    ("QUEUE_SERVICE_LEVEL", "80/20", "seconds from 1 to 3600"),
    ("MAX_CONCURRENT_CALLS", "100001", "a number from 1 to 100000"),
    ("MAX_CONCURRENT_CALLS_PER_AGENT", "0", "a number from 1 to 100000"),
    ("MAX_CONCURRENT_CALLS_PER_TENANT", "none", "a number from 1 to 100000"),
    ("INSTANCE_NAME", "two words", "1 to 64 letters, digits, '.', '_' and '-'"),
    ("INSTANCE_URL", "a.voice.example.com", "an address such as https://a.voice.example.com without a path"),
    ("REDIS_URL", "localhost:6379", "redis://, rediss://, redis+sentinel:// or redis+cluster:// with host and port"),
    ("REDIS_KEY_PREFIX", "{open", "1 to 64 letters, digits, '_', '-', ':', in {braces} on a cluster"),
    ("DATABASE_URL", "mysql://a", "postgres://user:password@host:port/name"),
    ("OPERATOR_TOKEN", "short", "16 or more letters"),
    ("TELNYX_API_URL", "telnyx", "an address such as https://api.telnyx.com/v2"),
];

struct Said {
    good: bool,
    out: String,
    err: String,
}

async fn run(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Result<Said> {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("DATA_DIR", folder).env("PORT", "0").envs(settings.iter().copied()).current_dir(folder);
    let output = command.kill_on_drop(true).output().await?;
    Ok(Said { good: output.status.success(), out: String::from_utf8(output.stdout)?, err: String::from_utf8(output.stderr)? })
}

#[tokio::test]
async fn a_value_that_is_not_understood_stops_the_start_with_one_line_that_helps() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (name, value, allowed) in MALFORMED {
        for subcommand in ["serve", "config"] {
            let said = run(folder.path(), &[subcommand], &[(name, value)]).await?;
            ensure!(!said.good && said.err.trim().lines().count() == 1, "{name}: {}{}", said.out, said.err);
            // Secrets and addresses with passwords are not repeated.
            let shown = if ["OPERATOR_TOKEN", "REDIS_URL"].contains(&name) { "********" } else { value };
            let line = format!("{name}={shown:?} (environment) is not allowed: use {allowed}");
            ensure!(said.err.contains(&line), "{line}\n{}", said.err);
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_settings_file_has_the_same_names_and_its_mistakes_are_told_likewise() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("voicenoob.toml");
    std::fs::write(&file, "enable_call_queue = true\nmax_call_queue_size = 7\nshutdown_drain_timeout = 30\n")?;
    let said = run(folder.path(), &["config"], &[]).await?;
    ensure!(said.good, "{}", said.err);
    for (name, value) in [("ENABLE_CALL_QUEUE", "true"), ("MAX_CALL_QUEUE_SIZE", "7"), ("SHUTDOWN_DRAIN_TIMEOUT", "30")] {
        let line = said.out.lines().find(|line| line.split_whitespace().next() == Some(name)).with_context(|| said.out.clone())?;
        ensure!(line.split_whitespace().collect::<Vec<_>>() == [name, value, "file"], "{line}");
    }
    for (text, complaint) in [
        ("max_call_queue_size = \"many\"\n", "MAX_CALL_QUEUE_SIZE=\"many\" (file) is not allowed: use a number from 1 to 100000"),
        ("max_queue_size = 7\n", "has the unknown key \"max_queue_size\"; did you mean \"max_call_queue_size\"?"),
        ("MAX_CALL_QUEUE_SIZE = 7\n", "has the unknown key \"MAX_CALL_QUEUE_SIZE\""),
        ("enable_call_queue = \n", "is not valid TOML"),
    ] {
        std::fs::write(&file, text)?;
        let said = run(folder.path(), &["serve"], &[]).await?;
        ensure!(!said.good && said.err.contains(complaint), "{text}{}", said.err);
    }
    Ok(())
}
