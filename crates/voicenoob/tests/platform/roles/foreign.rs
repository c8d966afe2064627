//! What belongs to another workspace does not exist: not by its id, not in a list, not named in a body; and asking changes nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use call::Carrier;
use people::Permission;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::ApiClient;
use testkit::carrier::{CallPlan, CarrierSimulator, LiveCall, Move};
use tokio_util::sync::CancellationToken;

use super::house::{House, PASSWORD, Person, is, within};
use super::rows::Row;

/// A call is answered, and is over, within this time.
const SOON: Duration = Duration::from_secs(20);
/// The other workspace's number.
const NUMBER: &str = "+4930555010";
/// Rows whose parameter names no thing of a workspace.
const NOT_OF_A_WORKSPACE: [&str; 3] = ["/api/v1/settings/providers/", "/api/v1/accounts/", "/api/v1/services/"];

/// The other workspace: its owner, and one of everything that can be there, a caller who talks and one who waits among it.
struct Other {
    id: String,
    bob: Person,
    ids: Vec<(&'static str, Vec<String>)>,
    talking: LiveCall,
    waiting: LiveCall,
    leave: CancellationToken,
}

impl Other {
    async fn open(house: &House) -> Result<Self> {
        let made = house.ann.post("/api/v1/workspaces", &json!({ "name": "Other" })).await?;
        let workspace = text(&made, "id")?;
        house.ann.post("/api/v1/auth/workspace", &json!({ "workspace_id": workspace })).await?;
        let bob = house.joins(&house.ann, "bob@example.com", "owner").await?;
        let agent = bob.client.post("/api/v1/agents", &json!({ "name": "Foreign", "base": "hotel", "recording": true })).await?;
        let number = json!({ "number": NUMBER, "carrier": "twilio", "agent_id": agent["id"] });
        let number = bob.client.post("/api/v1/phone-numbers", &number).await?;
        let tool = json!({ "name": "foreign_tool", "definition": { "kind": "mcp", "url": "https://tools.example.com/mcp" } });
        let tool = bob.client.post("/api/v1/tools", &tool).await?;
        let (key, _) = house.key(&bob.client, &[Permission::CallView]).await?;
        let session = text(&bob.client.get("/api/v1/auth/me").await?, "session_id")?;
        let leave = CancellationToken::new();
        let carrier = CarrierSimulator::of(&house.server)?;
        let agent = text(&agent, "id")?;
        let ready = format!("/audio/refusals/{agent}/busy.wav");
        within(SOON, "the agent is ready", async || Ok(bob.client.request(Method::GET, &ready)?.send().await?.status().is_success()))
            .await?;
        let talking = caller(&bob.client, &carrier, &leave, &agent, false).await?;
        let waiting = caller(&bob.client, &carrier, &leave, &agent, true).await?;
        let call = bob.client.get(&format!("/api/v1/calls/{}", talking.id())).await?;
        let ids = vec![
            ("/api/v1/agents/", vec![agent]),
            ("/api/v1/users/", vec![bob.id.clone(), session.clone()]),
            ("/api/v1/api-keys/", vec![key]),
            ("/api/v1/workspaces/", vec![workspace.clone()]),
            ("/api/v1/auth/sessions/", vec![session]),
            ("/api/v1/phone-numbers/", vec![text(&number, "id")?]),
            ("/api/v1/calls/", vec![text(&call["call"], "id")?]),
            ("/api/v1/queue/", vec![waiting.id()]),
            ("/api/v1/tools/", vec![text(&tool, "id")?]),
        ];
        Ok(Self { id: workspace, bob, ids, talking, waiting, leave })
    }

    /// All that must stay as it is, as its owner sees it.
    async fn seen(&self) -> Result<Value> {
        let mut seen = Vec::new();
        for (place, ids) in &self.ids {
            if !["/api/v1/auth/sessions/", "/api/v1/queue/", "/api/v1/calls/"].contains(place) {
                seen.push(self.bob.client.get(&format!("{place}{}", ids[0])).await?);
            }
        }
        let call = self.bob.client.get(&format!("/api/v1/calls/{}", self.talking.id())).await?["call"].take();
        let queue = self.bob.client.get("/api/v1/queue").await?["calls"].take();
        Ok(json!([seen, call, queue]))
    }

    /// Every id that would give it away.
    fn marks(&self) -> Vec<String> {
        let ids = self.ids.iter().flat_map(|(_, ids)| ids.iter().cloned());
        ids.chain([self.talking.id(), NUMBER.to_owned(), self.bob.email.clone()]).collect()
    }
}

/// A caller of the other workspace's agent, who talks or waits until told to leave.
async fn caller(bob: &ApiClient, carrier: &CarrierSimulator, leave: &CancellationToken, agent: &str, waits: bool) -> Result<LiveCall> {
    let plan = CallPlan { agent: Some(agent.to_owned()), ..CallPlan::new(Carrier::Twilio) };
    let call = carrier.place(plan.from_number(usize::from(waits)).then(Move::Until(leave.clone())));
    within(SOON, "the caller is on the line", async || {
        let active = bob.get("/api/v1/calls/active").await?;
        let calls = active["calls"].as_array().context("no list of calls")?;
        Ok(calls.iter().any(|live| live["record"]["carrier_call_id"] == call.id() && live["waiting"] == waits))
    })
    .await?;
    Ok(call)
}

fn text(value: &Value, name: &str) -> Result<String> {
    Ok(value[name].as_str().with_context(|| format!("no {name} in {value}"))?.to_owned())
}

#[tokio::test]
async fn ids_of_another_workspace_are_ids_of_nothing_on_every_row_of_the_running_server() -> Result<()> {
    let house = House::open(&[("MAX_CONCURRENT_CALLS", "1"), ("ENABLE_CALL_QUEUE", "true"), ("HEARTBEAT_INTERVAL", "1")]).await?;
    let olga = house.joins(&house.ann, "olga@example.com", "owner").await?;
    let other = Other::open(&house).await?;
    let rows = house.rows().await?;
    let before = other.seen().await?;
    in_lists(&olga, &rows, &other).await?;

    let (mut asked, mut wrong) = (Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| row.path.contains('{') && !NOT_OF_A_WORKSPACE.iter().any(|place| row.path.starts_with(place))) {
        let (place, ids) = other.ids.iter().find(|(place, _)| row.path.starts_with(place)).with_context(|| {
            format!("{} names something of a workspace that this test knows nothing of: add one to the other workspace", row.path)
        })?;
        asked.push(*place);
        let path = row.filled(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        let (status, body) = row.ask(&olga.client, &path).await?;
        if status != 404 || body.to_string().contains(&ids[0]) {
            wrong.push(format!("{} {path}: {status} {:.200}", row.method, body.to_string()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(other.ids.iter().all(|(place, _)| asked.contains(place)), "every kind of thing is in the table: {asked:?}");
    by_the_carriers_id(&olga, &other).await?;
    on_pages(&olga, &other).await?;
    in_bodies(&house, &olga, &other).await?;
    let after = other.seen().await?;
    assert_eq!(before, after, "something of the other workspace was changed");
    recordings_stay_where_they_are(&olga, other).await
}

async fn by_the_carriers_id(olga: &Person, other: &Other) -> Result<()> {
    for (method, rest) in [(Method::GET, ""), (Method::GET, "/events"), (Method::GET, "/recording"), (Method::POST, "/hangup")] {
        let path = format!("/api/v1/calls/{}{rest}", other.talking.id());
        is(olga.client.send(method, &path, None).await?, 404, &path)?;
    }
    Ok(())
}

/// The console is no way around.
async fn on_pages(olga: &Person, other: &Other) -> Result<()> {
    for page in ["calls", "console/calls"] {
        let path = format!("/{page}/{}", other.ids[6].1[0]);
        is(other.bob.client.send(Method::GET, &path, None).await?, 200, &path)?;
        is(olga.client.send(Method::GET, &path, None).await?, 404, &path)?;
    }
    for page in ["/", "/console/live"] {
        let shown = is(olga.client.send(Method::GET, page, None).await?, 200, page)?.to_string();
        ensure!(!other.marks().iter().any(|mark| shown.contains(mark)), "{page}: {shown}");
    }
    Ok(())
}

/// No list shows any of it, and clearing one's own queue is not clearing theirs.
async fn in_lists(olga: &Person, rows: &[Row], other: &Other) -> Result<()> {
    let marks = other.marks();
    let lists = rows.iter().filter(|row| row.method == Method::GET && !row.path.contains('{') && !row.is_of_system() && !row.public);
    for row in lists {
        let shown = is(olga.client.send(Method::GET, &row.path, None).await?, 200, &row.path)?.to_string();
        // The administrator went over to the other workspace: that stands in the trail of the one she left.
        let went = |mark: &String| row.path == "/api/v1/audit" && *mark == other.id;
        let told: Vec<&String> = marks.iter().filter(|mark| shown.contains(*mark) && !went(mark)).collect();
        ensure!(told.is_empty(), "{} tells of {told:?}: {shown}", row.path);
    }
    for query in [format!("calls?agent_id={}", other.ids[0].1[0]), format!("audit?actor_id={}", other.bob.id)] {
        let (_, shown) = olga.client.send(Method::GET, &format!("/api/v1/{query}"), None).await?;
        let items = shown.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_array()).flatten().count();
        ensure!(items == 0, "{query}: {shown}");
    }
    is(olga.client.send(Method::POST, "/api/v1/queue/clear", None).await?, 200, "clearing one's own queue").map(drop)
}

/// Ids that stand in bodies.
async fn in_bodies(house: &House, olga: &Person, other: &Other) -> Result<()> {
    let agent = &other.ids[0].1[0];
    let number = json!({ "number": "+4930555011", "carrier": "twilio", "agent_id": agent });
    let refused = olga.client.send(Method::POST, "/api/v1/phone-numbers", Some(&number)).await?;
    ensure!(matches!(refused.0.as_u16(), 404 | 422), "a number that leads to a foreign agent: {refused:?}");
    let own = olga.client.post("/api/v1/phone-numbers", &json!({ "number": "+4930555012", "carrier": "twilio" })).await?;
    let path = format!("/api/v1/phone-numbers/{}", text(&own, "id")?);
    let refused = olga.client.send(Method::PATCH, &path, Some(&json!({ "agent_id": agent }))).await?;
    ensure!(matches!(refused.0.as_u16(), 404 | 422), "a number that is led to a foreign agent: {refused:?}");
    let enter = json!({ "workspace_id": other.id });
    is(olga.client.send(Method::POST, "/api/v1/auth/workspace", Some(&enter)).await?, 404, "entering a foreign workspace")?;
    let login = json!({ "email": olga.email, "password": PASSWORD, "workspace_id": other.id });
    let refused = house.with_token("").send(Method::POST, "/api/v1/auth/login", Some(&login)).await?;
    let nothing = json!({ "email": olga.email, "password": PASSWORD, "workspace_id": uuid::Uuid::now_v7() });
    let unknown = house.with_token("").send(Method::POST, "/api/v1/auth/login", Some(&nothing)).await?;
    ensure!(refused.0.is_client_error() && refused.0 == unknown.0 && refused.1["code"] == unknown.1["code"], "{refused:?} {unknown:?}");
    let caller = other.talking.look(|journal| journal.from.clone());
    for (what, body) in
        [("export", json!({ "phone_number": caller })), ("erase", json!({ "phone_number": caller, "confirmation": caller }))]
    {
        let path = format!("/api/v1/privacy/{what}");
        let told = is(olga.client.send(Method::POST, &path, Some(&body)).await?, 200, &path)?;
        ensure!(!told.to_string().contains(&other.ids[6].1[0]), "{path}: {told}");
    }
    Ok(())
}

/// After the call there is a recording, for its own workspace only.
async fn recordings_stay_where_they_are(olga: &Person, other: Other) -> Result<()> {
    let path = format!("/api/v1/calls/{}/recording", other.ids[6].1[0]);
    other.leave.cancel();
    other.talking.ended().await?;
    other.waiting.ended().await?;
    within(SOON, "the recording is there", async || Ok(other.bob.client.request(Method::GET, &path)?.send().await?.status().is_success()))
        .await?;
    is(olga.client.send(Method::GET, &path, None).await?, 404, &path)?;
    // So it was somebody's right and not a failing request that was refused.
    is(other.bob.client.send(Method::GET, "/api/v1/users", None).await?, 200, "the owner lives").map(drop)
}
