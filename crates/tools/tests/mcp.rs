//! MCP against a server made with the protocol's official SDK (Python, `VOICENOOB_SDK_PYTHON`; `./test` installs it).
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use agent::{Auth, McpServer, Tool, ToolAnswer, ToolContext};
use call::{AgentId, CallId};
use resilience::{Guard, Service};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tools::McpSource;
use uuid::Uuid;

/// The server process, and where it is.
struct Server {
    _process: Child,
    url: String,
}

impl Server {
    async fn start(kind: &str) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(here.join("../../target/sdk-venv/bin/python"), PathBuf::from);
        let mut process = Command::new(&python)
            .arg(here.join("tests/mcp/server.py"))
            .arg(kind)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|fault| panic!("{} does not start ({fault}): ./test installs the SDKs", python.display()));
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await.expect("the server says no port").unwrap();
        let port: u16 = line.expect("the server has ended").parse().unwrap();
        Self { _process: process, url: format!("http://127.0.0.1:{port}/mcp") }
    }

    fn source(&self, tools: Option<&[&str]>, deadline_ms: u32) -> McpSource {
        let tools = tools.map(|tools| tools.iter().map(|tool| (*tool).to_owned()).collect());
        let server = McpServer { url: self.url.clone(), auth: Auth::None, tools, deadline_ms };
        McpSource::new("desk", &server, None, true, Guard::new(Service::Tools, Service::Tools.policy())).unwrap()
    }
}

fn context() -> ToolContext {
    let now = jiff::Timestamp::UNIX_EPOCH;
    ToolContext { call: CallId(Uuid::from_u128(1)), agent: AgentId(Uuid::from_u128(2)), caller: None, idempotency_key: "key".into(), now }
}

fn named(tools: &[Arc<dyn Tool>], name: &str) -> Arc<dyn Tool> {
    let known: Vec<&str> = tools.iter().map(|tool| tool.name()).collect();
    Arc::clone(tools.iter().find(|tool| tool.name() == name).unwrap_or_else(|| panic!("{known:?}")))
}

#[tokio::test]
async fn a_real_servers_tools_are_listed_and_called_with_events_and_with_json() {
    for kind in ["events", "json"] {
        let server = Server::start(kind).await;
        let source = server.source(None, 8_000);
        let tools = source.tools(&BTreeSet::new()).await.unwrap();
        assert_eq!(tools.len(), 3);
        assert!(tools.iter().all(|tool| !tool.keeps_keys()), "the protocol knows of none");
        let add = named(&tools, "add");
        let spec = add.spec().unwrap();
        assert_eq!((spec.description.as_str(), add.effects()), ("Adds two numbers.", false));
        assert_eq!(spec.parameters["required"], json!(["first", "second"]));
        assert_eq!(add.call(&context(), &json!({ "first": 2, "second": 3 })).await, ToolAnswer::Ok(json!({ "result": 5 })), "{kind}");
        let fail = named(&tools, "fail");
        assert!(fail.effects(), "who says nothing may change something");
        let answer = fail.call(&context(), &json!({ "reason": "rain" })).await;
        let ToolAnswer::Refused { code: "refused", fields } = &answer else { panic!("{answer:?}") };
        assert!(fields["text"].as_str().unwrap().contains("tool fail"), "{fields}");
    }
}

#[tokio::test]
async fn only_allowed_tools_are_taken_and_a_clash_gets_the_servers_name() {
    let server = Server::start("events").await;
    let source = server.source(Some(&["add"]), 8_000);
    let taken = BTreeSet::from(["add".to_owned()]);
    let tools = source.tools(&taken).await.unwrap();
    assert_eq!(tools.iter().map(|tool| tool.name()).collect::<Vec<_>>(), ["desk__add"]);
    assert_eq!(tools[0].call(&context(), &json!({ "first": 1, "second": 1 })).await, ToolAnswer::Ok(json!({ "result": 2 })));
}

#[tokio::test]
async fn a_slow_tool_is_given_up_and_a_server_that_is_gone_is_said_so() {
    let server = Server::start("events").await;
    let source = server.source(None, 1_500);
    let tools = source.tools(&BTreeSet::new()).await.unwrap();
    let began = std::time::Instant::now();
    let answer = named(&tools, "slow").call(&context(), &json!({})).await;
    assert!(matches!(&answer, ToolAnswer::Failed(why) if why.contains("no answer within") || why.contains("stopped for")), "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    drop(server);
    assert!(matches!(named(&tools, "add").call(&context(), &json!({ "first": 1, "second": 1 })).await, ToolAnswer::Failed(_)));
    assert_eq!(source.tools(&BTreeSet::new()).await.unwrap().len(), 3, "what it listed holds");
}

#[tokio::test]
async fn a_server_that_never_answered_has_no_tools() {
    let server = McpServer { url: "http://127.0.0.1:9/mcp".into(), auth: Auth::None, tools: None, deadline_ms: 1_000 };
    let guard = || Guard::new(Service::Tools, Service::Tools.policy());
    assert!(McpSource::new("desk", &server, None, true, guard()).unwrap().tools(&BTreeSet::new()).await.is_err());
    assert!(McpSource::new("desk", &server, None, false, guard()).is_err(), "private addresses are an operator's to allow");
}
