//! The program as a person at a terminal meets it.

use std::process::Output;

use anyhow::Result;
use call::Carrier;
use testkit::Server;
use testkit::carrier::{CallPlan, CarrierSimulator};
use tokio::process::Command;

use crate::program;

async fn run(folder: &std::path::Path, arguments: &[&str], settings: &[(&str, &str)]) -> Result<Output> {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DATA_DIR", folder)
        .envs(settings.iter().copied());
    Ok(command.kill_on_drop(true).output().await?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_taken_port_is_said_in_one_line_that_helps() -> Result<()> {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = taken.local_addr()?.port().to_string();
    let folder = tempfile::tempdir()?;
    let output = run(folder.path(), &["serve"], &[("PORT", &port)]).await?;
    let said = text(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")) && said.contains("PORT"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written_is_said_with_its_path() -> Result<()> {
    let output = run(std::path::Path::new("/proc/voicenoob"), &["serve"], &[("PORT", "0")]).await?;
    let said = text(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("/proc/voicenoob"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_malformed_setting_stops_the_start() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = run(folder.path(), &["serve"], &[("PORT", "many")]).await?;
    assert!(text(&output.stderr).contains("PORT=\"many\" (environment) is not allowed: use a port from 0 to 65535"));
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, "prot = 1\n")?;
    let output = run(folder.path(), &["--config", file.to_str().unwrap_or_default(), "config"], &[]).await?;
    assert!(text(&output.stderr).contains("did you mean \"port\"?"), "{}", text(&output.stderr));
    Ok(())
}

#[tokio::test]
async fn settings_are_shown_with_their_source_and_secrets_masked() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = run(folder.path(), &["config"], &[("TWILIO_AUTH_TOKEN", "canary-token")]).await?;
    let shown = text(&output.stdout);
    assert!(shown.contains("********") && shown.contains("environment") && !shown.contains("canary-token"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_call_from_the_command_line_shows_the_conversation_and_is_in_the_list() -> Result<()> {
    let server = Server::start(program()).await?;
    let arguments = ["dial", "--server", server.url().as_str(), "--say", "what time is breakfast"];
    let output = run(server.data_dir(), &arguments, &[]).await?;
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}\n{}", text(&output.stderr));
    assert!(shown.to_lowercase().contains("breakfast"), "{shown}");
    let listed = text(&run(server.data_dir(), &["calls", "list"], &[]).await?.stdout);
    let id = listed.split_whitespace().next().unwrap_or_default();
    let call = text(&run(server.data_dir(), &["calls", "show", id], &[]).await?.stdout);
    assert!(call.contains("caller") && call.contains("agent") && call.contains("recording"), "{call}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_shown_from_where_the_server_keeps_them() -> Result<()> {
    let url = testkit::postgres::PostgresServer::shared().await?.database().await?;
    let settings = [("DATABASE_URL", url.as_str())];
    store::Database::migrate(&url).await?;
    let server = Server::start_with(program(), &settings).await?;
    CarrierSimulator::of(&server)?.ask_voice(&CallPlan::new(Carrier::Twilio), "CA-in-postgres").await?;
    let output = run(server.data_dir(), &["calls", "show", "CA-in-postgres"], &settings).await?;
    assert!(text(&output.stdout).contains("CA-in-postgres"), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(std::fs::read(server.data_dir().join("voicenoob.db")).is_err(), "nothing is kept in a file beside it");
    Ok(())
}

#[tokio::test]
async fn a_call_that_goes_wrong_ends_with_an_error_status() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let nobody = run(folder.path(), &["dial", "--server", "http://127.0.0.1:9", "--say", "hello"], &[]).await?;
    assert!(!nobody.status.success());
    assert!(text(&nobody.stderr).contains("./run") || text(&nobody.stderr).contains("serve"), "{}", text(&nobody.stderr));
    let silent = run(folder.path(), &["dial"], &[]).await?;
    assert!(text(&silent.stderr).contains("nothing to say"));
    Ok(())
}

#[tokio::test]
async fn every_part_is_checked_by_using_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = run(folder.path(), &["check"], &[("CACHE_DIR", "../../target/testkit-cache")]).await?;
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    for part in ["ok  records", "ok  hotel", "ok  hearing", "ok  voice"] {
        assert!(said.contains(part), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_machine_without_speech_engines_says_so_and_serves_keys() -> Result<()> {
    // Neither voices nor the recogniser's model can be found; the cache of rendered phrases is empty too.
    let empty = tempfile::tempdir()?;
    let cache = empty.path().to_str().unwrap_or_default();
    let hidden = [("PATH", "/nonexistent"), ("SPEECH_MODEL_DIR", "/nonexistent"), ("CACHE_DIR", cache)];
    let server = Server::start_with(program(), &hidden).await?;
    let page = server.http().get(server.url().clone()).send().await?.text().await?;
    assert!(page.contains("pre-rendered phrases only") && page.contains("key presses only"), "the console says what is missing");

    let call = r#"
        step = [{ wait_for_agent = true }, { press = "2" }, { wait_for_agent = true, quiet_ms = 1500 }, { press = "9" }, { wait_for_end = true }]
        [expect]
        end_reason = "agent_hung_up"
        agent_says = ["press 1", "Breakfast is included", "Goodbye"]
        caller_heard = ["Breakfast is included", "Goodbye"]
    "#;
    let report = server.call(dial::Script::parse(call, std::path::Path::new("")).map_err(anyhow::Error::msg)?).await?;
    assert!(report.first_audio_ms.is_some(), "the phrases that the program carries along are heard");
    Ok(())
}
