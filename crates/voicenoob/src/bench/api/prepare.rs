//! A server with calls, an account, a token and a key; and its answers, for the bare one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use call::{AgentId, CallId, CallRecord, CallStatus, Carrier, Direction, EndReason, PhoneNumber, TenantId, Timestamp};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use store::{Database, Records, SqlRecords};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use uuid::Uuid;

use super::bare::Answer;
use super::cases::{self, With};
use crate::bench::process::surroundings;

/// Calls in the records.
pub(super) const CALLS: u32 = 2_000;
/// Where the answers are written, in the place of the measurement.
pub(super) const ANSWERS: &str = "answers.json";
/// The account. It is gone with the place.
const WHO: (&str, &str) = ("bench@example.com", "eleven quiet telephones in a row");
/// What limits the rate is out of the way.
pub(super) const SETTINGS: [(&str, &str); 4] =
    [("RATE_LIMIT_READ", "1000000"), ("RATE_LIMIT_WRITE", "1000000"), ("RATE_LIMIT_ADDRESS", "1000000"), ("RATE_LIMIT_LOGIN", "1000")];

/// Writes the calls into the records.
pub(super) async fn fill(data: &Path) -> anyhow::Result<()> {
    let database = Database::open(data).await?;
    let records = SqlRecords::new(database.clone());
    let now = Timestamp::now();
    for number in 0..CALLS {
        let at = now.checked_sub(Duration::from_secs(u64::from(CALLS - number) * 60))?;
        let record = CallRecord {
            id: CallId(Uuid::now_v7()),
            tenant: TenantId::DEFAULT,
            carrier: Carrier::Twilio,
            carrier_call_id: format!("CA{number:032}"),
            direction: Direction::Inbound,
            from: PhoneNumber::new(format!("+1500{number:07}")),
            to: PhoneNumber::new("+15010000000"),
            agent_id: AgentId(Uuid::nil()),
            agent_name: "receptionist".to_owned(),
            status: CallStatus::Completed,
            offered_at: at,
            answered_at: Some(at),
            ended_at: Some(at),
            end_reason: Some(EndReason::CallerHungUp),
            recording: None,
        };
        records.open_call(&record).await?;
    }
    database.close().await;
    Ok(())
}

/// The first account, as an operator makes it.
pub(super) async fn make_account(place: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["user", "create-admin", "--email", WHO.0]).env_clear().envs(surroundings()).envs(SETTINGS).current_dir(place);
    let mut making = command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
    let mut input = making.stdin.take().context("a child process has no input")?;
    input.write_all(WHO.1.as_bytes()).await?;
    drop(input);
    ensure!(making.wait().await?.success(), "the account could not be made; why is said above");
    Ok(())
}

/// Signs in, makes a key, finds a call, and writes down what the server answers.
pub(super) async fn sign_in(server: SocketAddr, place: &Path) -> anyhow::Result<With> {
    let http = Client::builder().no_proxy().build()?;
    let url = |path: &str| format!("http://{server}{path}");
    let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("{value} is no text"));
    let login: Value =
        http.post(url("/api/v1/auth/login")).json(&json!({ "email": WHO.0, "password": WHO.1 })).send().await?.json().await?;
    let token = text(&login["access_token"])?;
    let key = http.post(url("/api/v1/api-keys")).bearer_auth(&token).json(&json!({ "name": "Bench", "scopes": ["call:view"] }));
    let key: Value = key.send().await?.json().await?;
    let calls: Value = http.get(url("/api/v1/calls?limit=1")).bearer_auth(&token).send().await?.json().await?;
    let call = calls.as_object().and_then(|page| page.values().find_map(Value::as_array)).and_then(|calls| calls.first());
    let call = text(&call.context("there is no call in the list")?["id"])?;
    let with = With { token, key: text(&key["key"])?, call };
    let mut answers = HashMap::new();
    for case in cases::ALL {
        let method = if case.makes { Method::POST } else { Method::GET };
        let bearer = match case.by {
            cases::By::Token => with.token.as_str(),
            cases::By::Key => with.key.as_str(),
            cases::By::Nobody => "nobody",
        };
        let mut request = http.request(method, url(&case.path(&with))).bearer_auth(bearer);
        if case.makes {
            request = request.json(&json!({ "name": "Bench", "scopes": ["call:view"] }));
        }
        let answer = request.send().await?;
        let media_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let status = answer.status().as_u16();
        ensure!(status == case.status, "{} is answered with {status}", case.name);
        answers.insert(case.target(&with), Answer { status, media_type, body: answer.text().await? });
    }
    std::fs::write(place.join(ANSWERS), serde_json::to_vec(&answers)?).context("cannot write the answers")?;
    Ok(with)
}
