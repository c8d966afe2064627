//! Tools that a workspace declares, and what an operator wrote for an agent, in calls.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use simulator::{Config, Ears, Mind, Mouth, Simulator, Vendor};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::stage::{Stage, words};

/// What the shop's orders are asked for with.
const SECRET: &str = "key-of-the-order-desk";
/// The MCP server says its port within this time.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What the model does, and what simulated ears hear, when a caller asks for an order.
const ORDERS: &str = r#"
callers = ["where is my order seventy two", "thank you goodbye"]

[[line]]
when = ["order"]
tool = "find_order"
arguments = { number = "72" }

[[line]]
when = ["goodbye"]
say = "Thank you. Goodbye."
tool = "end_call"
"#;

/// The same of a caller who wants a sum, and to know what only the operator wrote down.
const QUESTIONS: &str = r#"
callers = ["what is two and three", "when does the observatory open", "thank you goodbye"]

[[line]]
after = "add"
say = "That makes five."

[[line]]
after = "look_up"
say = "It opens at nine."

[[line]]
when = ["two and three"]
tool = "add"
arguments = { first = 2, second = 3 }

[[line]]
when = ["observatory"]
tool = "look_up"
arguments = { question = "observatory" }

[[line]]
when = ["goodbye"]
say = "Thank you. Goodbye."
tool = "end_call"
"#;

/// Vendors that hear and think by this script.
async fn vendors(script: &str) -> Result<Simulator> {
    let (mind, local) = (Mind::parse(script)?, SocketAddr::from(([127, 0, 0, 1], 0)));
    let ears = Ears::script(mind.callers());
    Ok(Simulator::start(Config { address: local, riva: local, mouth: Mouth::Hum, ears, mind }).await?)
}

/// A shop's own server; and what stands before the model, and notes what it is asked.
struct Shop {
    orders: Mutex<Vec<(Uri, HeaderMap)>>,
    thoughts: Mutex<Vec<Value>>,
    http: reqwest::Client,
    model: String,
}

impl Shop {
    /// Its address, and what it sees.
    async fn open(vendors: &Simulator) -> Result<(String, Arc<Self>)> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let model = format!("{}/chat/completions", vendors.url(Vendor::OpenAi));
        let shop = Arc::new(Self { orders: Mutex::default(), thoughts: Mutex::default(), http, model });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = Router::new().route("/orders/{number}", get(order)).route("/v1/chat/completions", post(think));
        let app = app.with_state(Arc::clone(&shop));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok((url, shop))
    }
}

async fn order(State(shop): State<Arc<Shop>>, uri: Uri, headers: HeaderMap) -> Json<Value> {
    shop.orders.lock().await.push((uri, headers));
    Json(json!({ "status": "on its way" }))
}

/// Passes the question on as it is.
async fn think(State(shop): State<Arc<Shop>>, headers: HeaderMap, body: Bytes) -> Result<Response, StatusCode> {
    shop.thoughts.lock().await.push(serde_json::from_slice(&body).unwrap_or_default());
    let mut request = shop.http.post(&shop.model).body(body);
    for name in [AUTHORIZATION, CONTENT_TYPE] {
        if let Some(value) = headers.get(&name) {
            request = request.header(name, value.clone());
        }
    }
    let answer = request.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let kind = answer.headers().get(CONTENT_TYPE).cloned().unwrap_or(HeaderValue::from_static("text/event-stream"));
    let status = answer.status();
    let body = answer.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok((status, [(CONTENT_TYPE, kind)], body).into_response())
}

/// A real MCP server, made with the protocol's own SDK, and where it is.
async fn desk() -> Result<(Child, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = here.join("../../target/sdk-venv/bin/python");
    let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(made, PathBuf::from);
    let mut starting = Command::new(&python);
    starting.arg(here.join("../tools/tests/mcp/server.py")).arg("json").stdout(Stdio::piped()).kill_on_drop(true);
    let mut process = starting.spawn().with_context(|| format!("{} does not start: ./test installs it", python.display()))?;
    let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
    let line = tokio::time::timeout(START_LIMIT, lines.next_line()).await.context("the MCP server says no port")??;
    let port: u16 = line.context("the MCP server has ended")?.parse()?;
    Ok((process, format!("http://127.0.0.1:{port}/mcp")))
}

/// What is kept of the call's only use of a tool.
fn used<'a>(record: &'a Value, tool: &str) -> Result<&'a Value> {
    let mut all = record["tools"].as_array().into_iter().flatten().filter(|one| one["tool"] == tool);
    let first = all.next().with_context(|| format!("{tool} was not called: {}", record["tools"]))?;
    ensure!(all.next().is_none(), "{tool} was called again: {}", record["tools"]);
    ensure!(first["outcome"] == "ok", "{first}");
    Ok(first)
}

#[tokio::test]
async fn a_declared_tool_gets_its_secret_and_arguments_and_the_caller_hears_what_came_of_it() -> Result<()> {
    let vendors = vendors(ORDERS).await?;
    let (url, shop) = Shop::open(&vendors).await?;
    let model = format!("{url}/v1");
    let stage = Stage::with(vendors, &[("CEREBRAS_API_URL", model.as_str()), ("ALLOW_PRIVATE_TOOL_ADDRESSES", "true")]).await?;
    let definition = json!({
        "kind": "http", "description": "Looks an order up by its number.", "method": "GET", "url": format!("{url}/orders/{{number}}?lang=en"),
        "parameters": { "type": "object", "properties": { "number": { "type": "string" } }, "required": ["number"] },
        "auth": { "type": "bearer" }, "effects": false, "speak": "Your order is {status}."
    });
    stage.admin.post("/api/v1/tools", &json!({ "name": "find_order", "definition": definition, "secret": SECRET })).await?;
    let agent = json!({
        "name": "Shop", "tier": "budget", "greeting": "The harbour shop.", "system_prompt": "You help callers with their orders.",
        "temperature": 0.3, "max_tokens": 222, "tools": ["find_order", "end_call"]
    });
    let agent = stage.agent(agent).await?;
    let call = stage.call(&agent, &["Where is my order?", "Goodbye."]).await?;
    let record = stage.record(&call).await?;

    let orders = shop.orders.lock().await;
    let (address, headers) = orders.first().context("nobody asked the shop")?;
    ensure!(orders.len() == 1 && *address == "/orders/72?lang=en", "{orders:?}");
    let shown = headers.get(AUTHORIZATION).context("the shop was not told who asks")?;
    ensure!(shown.to_str()? == format!("Bearer {SECRET}"), "another secret");
    let said = words(&record, "agent");
    ensure!(said.contains("Your order is on its way."), "{said}");
    ensure!(used(&record, "find_order")?["arguments"] == json!({ "number": "72" }), "{}", record["tools"]);
    ensure!(!record.to_string().contains(SECRET), "the secret is in the record");

    let thoughts = shop.thoughts.lock().await;
    let asked: Vec<&Value> = thoughts.iter().filter(|thought| thought["tools"].is_array()).collect();
    ensure!(!asked.is_empty(), "the model was not asked: {thoughts:?}");
    for thought in asked {
        let (temperature, limit) = (&thought["temperature"], &thought["max_completion_tokens"]);
        ensure!(*temperature == 0.3 && *limit == 222, "the agent's own settings are not sent: {temperature} {limit}");
    }
    stage.close().await
}

#[tokio::test]
async fn an_agent_uses_the_tools_of_a_server_and_looks_up_what_its_operator_wrote() -> Result<()> {
    let (_process, url) = desk().await?;
    let private = ("ALLOW_PRIVATE_TOOL_ADDRESSES", "true");
    let stage = Stage::with(vendors(QUESTIONS).await?, &[private]).await?;
    let server = json!({ "kind": "mcp", "url": url, "tools": ["add"] });
    stage.admin.post("/api/v1/tools", &json!({ "name": "desk", "definition": server })).await?;
    let agent = json!({
        "name": "Desk", "tier": "budget", "greeting": "The harbour desk.", "system_prompt": "You answer callers' questions.",
        "tools": ["desk", "look_up", "end_call"]
    });
    let agent = stage.agent(agent).await?;
    let knowledge = tempfile::tempdir()?;
    let own = knowledge.path().join(&agent);
    std::fs::create_dir(&own)?;
    std::fs::write(own.join("house.md"), "# Observatory\nThe observatory on the roof opens at nine in the evening.\n")?;
    let folder = knowledge.path().to_str().context("path")?;
    let stage = stage.again(&[private, ("KNOWLEDGE_DIR", folder)]).await?;

    let call = stage.call(&agent, &["What is two and three?", "When does the observatory open?", "Goodbye."]).await?;
    let record = stage.record(&call).await?;
    ensure!(used(&record, "add")?["result"]["result"] == 5, "{}", record["tools"]);
    let found = used(&record, "look_up")?["result"].to_string();
    ensure!(found.contains("The observatory on the roof opens at nine"), "{found}");
    let said = words(&record, "agent");
    ensure!(said.contains("That makes five.") && said.contains("It opens at nine."), "{said}");
    stage.close().await
}
