//! Servers of tools that come and go.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use resilience::Guards;
use secrets::{KeyFile, Sealer};
use serde_json::{Value, json};
use store::tools::StoredTool;

use super::*;
use crate::minds::MindMaker;
use crate::settings::Settings;
use crate::vendors::Kit;

/// An MCP server with one tool, while it is open.
async fn answer(State(open): State<Arc<AtomicBool>>, Json(asked): Json<Value>) -> Response {
    if !open.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let result = match asked["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-06-18", "capabilities": {} }),
        Some("tools/list") => json!({ "tools": [{ "name": "find_order", "inputSchema": { "type": "object" } }] }),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })).into_response()
}

async fn server() -> (String, Arc<AtomicBool>) {
    let open = Arc::new(AtomicBool::new(false));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(Arc::clone(&open));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, open)
}

fn shop(url: &str) -> StoredTool {
    StoredTool {
        id: Uuid::from_u128(7),
        tenant: ANNEX,
        name: "shop".into(),
        kind: "mcp".into(),
        definition: json!({ "kind": "mcp", "url": url }),
        secret: None,
        active: true,
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

/// What the agent's model is offered.
fn offered(town: &Town, agent: &StoredAgent) -> Option<Vec<String>> {
    let minds = town.directory.minds(&town.directory.get(agent.id)?)?;
    Some(minds.persona.tools.specs().iter().map(|spec| spec.name.clone()).collect())
}

#[tokio::test]
async fn an_agent_that_was_made_while_a_server_was_away_has_its_tools_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let environment = |name: &str| match name {
        "DATA_DIR" => Some(data_dir.to_owned()),
        "CEREBRAS_API_KEY" => Some("a-key".to_owned()),
        _ => None,
    };
    let (vendors, guards) = (Settings::load(None, environment).unwrap().vendors, Guards::default());
    let sealer: Arc<dyn Sealer> = Arc::new(KeyFile::load_or_create(&folder.path().join("secrets.toml"), Timestamp::UNIX_EPOCH).unwrap());
    let town = Town::with(|maker| {
        let kit = Arc::new(Kit::build(&vendors, &guards).unwrap());
        let minds = MindMaker::new(kit, Vec::new(), Toolbox::new(), true, guards.clone(), Arc::clone(&sealer));
        maker.with_minds(minds.asking_again_after(Duration::ZERO))
    })
    .await;
    let (url, open) = server().await;
    let mut tx = town.database.begin().await.unwrap();
    store::tools::create(&mut tx, &shop(&url)).await.unwrap();
    tx.commit().await.unwrap();
    let tools = Some(vec!["shop".to_owned()]);
    let desk = row(1, "annex desk", AgentSettings { tier: Some(Tier::Budget), tools, ..AgentSettings::default() });
    town.add(&desk).await;
    town.until("it is ready without them", || offered(&town, &desk).is_some_and(|names| names.is_empty())).await;
    let call = town.directory.get(desk.id).unwrap();
    assert_eq!(town.directory.notices(), Vec::<String>::new(), "it takes calls");

    open.store(true, Ordering::SeqCst);
    town.until("it has them", || offered(&town, &desk).is_some_and(|names| names == ["find_order"])).await;
    let before = town.directory.minds(&call).unwrap();
    assert!(before.persona.tools.specs().is_empty(), "a call that is under way goes on as it began");
}
