//! Copies of the database of a server at work, and what comes of them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use serde_json::json;
use store::{Database, query};
use tempfile::TempDir;
use testkit::carrier::{CallPlan, CarrierSimulator, Move};
use testkit::{ApiClient, Server};
use tokio::process::Command;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::program;

/// People who write at once.
const WRITERS: usize = 3;
/// Nothing here takes longer to come about.
const LONG: Duration = Duration::from_secs(30);

/// Names of what the server said it has made.
type Made = Arc<Mutex<Vec<String>>>;

fn made(made: &Made) -> Vec<String> {
    made.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Makes one key after the other until told to stop.
async fn write(admin: ApiClient, writer: usize, done: Made, stop: CancellationToken) -> Result<()> {
    for number in 0.. {
        if stop.is_cancelled() {
            break;
        }
        let name = format!("key {number} of {writer}");
        admin.post("/api/v1/api-keys", &json!({ "name": name, "scopes": ["call:view"] })).await?;
        done.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }
    Ok(())
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let (deadline, mut look) = (Instant::now() + LONG, interval(Duration::from_millis(20)));
    while !is().await? {
        ensure!(Instant::now() < deadline, "never: {what}");
        look.tick().await;
    }
    Ok(())
}

/// Runs a command; whether it went well, and all it said.
async fn run(mut command: Command) -> Result<(bool, String)> {
    let output = tokio::time::timeout(LONG, command.output()).await.context("the command does not end")??;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// A command on a data directory that no server uses.
fn on(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env("DATA_DIR", folder).env("LOG_LEVEL", "error");
    command
}

/// The names of all keys there are.
async fn keys(admin: &ApiClient) -> Result<Vec<String>> {
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/api/v1/api-keys?limit=200{after}")).await?;
        let items = page["items"].as_array().context("no keys")?;
        names.extend(items.iter().filter_map(|key| key["name"].as_str().map(str::to_owned)));
        let Some(next) = page["next"].as_str() else { return Ok(names) };
        after = format!("&after={next}");
    }
}

/// A server on restored data: everything of before is there, each with its line in the trail, which is whole.
async fn serves(data: TempDir, expected: &[String]) -> Result<TempDir> {
    let server = Server::start_in(program(), data, &[]).await?;
    let admin = server.administrator_again().await?;
    let names = keys(&admin).await?;
    let lost: Vec<_> = expected.iter().filter(|name| !names.contains(name)).collect();
    ensure!(lost.is_empty(), "answered before the copy was begun, and not in it: {lost:?}");
    let (mut lines, mut before) = (0, String::new());
    loop {
        let page = admin.get(&format!("/api/v1/audit?action=key.create&limit=200{before}")).await?;
        lines += page["items"].as_array().context("no entries")?.len();
        let Some(next) = page["next"].as_i64() else { break };
        before = format!("&before={next}");
    }
    ensure!(lines == names.len(), "{} keys and {lines} lines of their making: the copy is not of one moment", names.len());
    let (whole, said) = run(server.command(&["audit", "verify"])).await?;
    ensure!(whole, "{said}");
    let calls = server.json("/api/v1/calls").await;
    ensure!(calls.is_err(), "who is not signed in sees nothing");
    let calls = admin.get("/api/v1/calls").await?;
    ensure!(calls["calls"].as_array().is_some_and(|calls| calls.len() == 1), "the call that was going on has its record: {calls}");
    Ok(server.stop().await?.data)
}

/// Unreadable, unknown, or of a program of the future: refused in words, and nothing is changed.
async fn refuses(data: &Path, copy: &Path, force: bool) -> Result<()> {
    let outside = tempfile::tempdir()?;
    let (letter, newer) = (outside.path().join("letter.txt"), outside.path().join("newer"));
    std::fs::write(&letter, "Dear Sir or Madam, this is no database.".repeat(100))?;
    std::fs::create_dir(&newer)?;
    std::fs::copy(copy, newer.join(Database::FILE))?;
    let database = Database::open(&newer).await?;
    let later =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)";
    query(later).execute(database.writer()).await?;
    database.close().await;
    let before = std::fs::read(data.join(Database::FILE)).ok();
    for (file, why) in [
        (letter.clone(), "is no backup that can be used"),
        (newer.join(Database::FILE), "version 9999"),
        (outside.path().join("nowhere"), "nowhere"),
    ] {
        let file = file.to_str().context("path")?;
        let arguments = if force { vec!["restore", file, "--force"] } else { vec!["restore", file] };
        let (done, said) = run(on(data, &arguments)).await?;
        ensure!(!done && said.contains(why), "{file}: {said}");
        ensure!(std::fs::read(data.join(Database::FILE)).ok() == before, "{file} was refused and has changed something");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_server_at_work_is_whole_and_starts() -> Result<()> {
    let server = Server::start(program()).await?;
    let admin = server.administrator().await?;
    let (done, stop) = (Made::default(), CancellationToken::new());
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(admin.clone(), writer, done.clone(), stop.clone()))).collect();
    let (leave, echo) = (CancellationToken::new(), CallPlan { agent: Some("echo".into()), ..CallPlan::new(Carrier::Twilio) });
    let call = CarrierSimulator::of(&server)?.place(echo.then(Move::Until(leave.clone())));
    let live = async || Ok(admin.get("/api/v1/calls/active").await?["calls"].as_array().is_some_and(|calls| calls.len() == 1));
    until("the call is live", live).await?;
    until("there is something to copy", async || Ok(made(&done).len() >= 20)).await?;

    let outside = tempfile::tempdir()?;
    let copy = outside.path().join("copy.db");
    let file = copy.to_str().context("path")?;
    let expected = made(&done);
    let (copied, said) = run(server.command(&["backup", file])).await?;
    ensure!(copied && said.contains("whole"), "{said}");
    let at_the_end = made(&done).len();
    until("the server goes on", async || Ok(made(&done).len() > at_the_end + WRITERS)).await?;
    ensure!(live().await? && !call.is_over(), "the call goes on");
    let (again, said) = run(server.command(&["backup", file])).await?;
    ensure!(!again && said.contains("already a file"), "a copy is not replaced unasked: {said}");

    let (restored, said) = run(server.command(&["restore", file, "--force"])).await?;
    ensure!(!restored && said.contains("another process holds"), "nothing is put in place of what a server uses: {said}");
    until("the server still goes on", async || Ok(made(&done).len() > at_the_end + 2 * WRITERS)).await?;
    stop.cancel();
    for writer in writers {
        writer.await??;
    }
    leave.cancel();
    call.ended().await?;
    let secrets = std::fs::read(server.data_dir().join("secrets.toml"))?;
    let stopped = server.stop().await?.data;

    let fresh = tempfile::tempdir()?;
    refuses(fresh.path(), &copy, false).await?;
    let (restored, said) = run(on(fresh.path(), &["restore", file])).await?;
    ensure!(restored, "{said}");
    std::fs::write(fresh.path().join("secrets.toml"), secrets)?;
    private(&fresh.path().join("secrets.toml"))?;
    serves(fresh, &expected).await?;

    refuses(stopped.path(), &copy, true).await?;
    let (restored, said) = run(on(stopped.path(), &["restore", file])).await?;
    ensure!(!restored && said.contains("already a file"), "nothing is replaced unasked: {said}");
    let all = made(&done);
    let (restored, said) = run(on(stopped.path(), &["restore", file, "--force"])).await?;
    ensure!(restored, "{said}");
    let stopped = serves(stopped, &expected).await?;
    // What was replaced is kept beside, and can be brought back.
    let before = stopped.path().join("voicenoob.db.before-restore");
    let (restored, said) = run(on(stopped.path(), &["restore", before.to_str().context("path")?, "--force"])).await?;
    ensure!(restored, "{said}");
    let server = Server::start_in(program(), stopped, &[]).await?;
    let admin = server.administrator_again().await?;
    let names = keys(&admin).await?;
    ensure!(all.iter().all(|name| names.contains(name)), "all of the stopped server is there again");
    server.stop().await?;
    Ok(())
}

fn private(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?)
}
