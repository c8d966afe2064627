//! What a server lists, and for how long that holds.

use std::sync::atomic::{AtomicUsize, Ordering};

use agent::Auth;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use resilience::Service;

use super::*;

/// A server with so many tools, or one that is away.
#[derive(Default)]
struct Shop {
    tools: AtomicUsize,
    asked: AtomicUsize,
}

async fn answer(State(shop): State<Arc<Shop>>, Json(asked): Json<Value>) -> Response {
    let result = match asked["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-06-18", "capabilities": {} }),
        Some("tools/list") => {
            shop.asked.fetch_add(1, Ordering::SeqCst);
            let tool = |index: usize| json!({ "name": format!("tool_{index}"), "inputSchema": { "type": "object" } });
            match shop.tools.load(Ordering::SeqCst) {
                0 => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
                count => json!({ "tools": (0..count).map(tool).collect::<Vec<_>>() }),
            }
        }
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })).into_response()
}

/// The list is as old as it may be.
async fn grow_old() {
    tokio::time::pause();
    tokio::time::advance(McpSource::LIST_AGE).await;
    tokio::time::resume();
}

#[tokio::test]
async fn new_tools_are_there_after_some_minutes_and_what_was_listed_holds_while_the_server_is_away() {
    let shop = Arc::new(Shop { tools: AtomicUsize::new(1), ..Shop::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(Arc::clone(&shop));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let server = McpServer { url, auth: Auth::None, tools: None, deadline_ms: 8_000 };
    let source = McpSource::new("shop", &server, None, true, Guard::new(Service::Tools, Service::Tools.policy())).unwrap();
    let names = BTreeSet::new();
    assert_eq!(source.tools(&names).await.unwrap().len(), 1);
    shop.tools.store(2, Ordering::SeqCst);
    assert_eq!(source.tools(&names).await.unwrap().len(), 1, "it is not asked for every call");
    grow_old().await;
    assert_eq!(source.tools(&names).await.unwrap().len(), 2);
    shop.tools.store(0, Ordering::SeqCst);
    grow_old().await;
    assert_eq!(source.tools(&names).await.unwrap().len(), 2);
    assert_eq!(shop.asked.load(Ordering::SeqCst), 3);
}
