//! What an operator's tools see: probes in every state of what the server depends on, and the numbers after calls.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use call::Carrier;
use serde_json::{Value, json};
use testkit::carrier::{CallPlan, CarrierSimulator};
use testkit::chaos::Scrape;
use testkit::{BalancerOptions, Cluster, ClusterOptions, Server, Stores};
use tokio::io::AsyncWriteExt;

use crate::hand::{Hand, until};
use crate::program;

/// Every probe answers within this time, whatever hangs.
const PROMISE: Duration = Duration::from_secs(1);
const PROBES: [&str; 6] = ["/health", "/health/live", "/health/ready", "/health/db", "/health/redis", "/health/detailed"];
const TOKEN: &str = "an-operators-token-of-these-tests";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Asks a probe. The answer must come in time.
async fn probe(server: &Server, path: &str, token: Option<&str>) -> Result<(u16, Value)> {
    let mut request = server.http().get(server.url().join(path)?);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let asked = Instant::now();
    let answer = request.send().await?;
    let (status, body) = (answer.status().as_u16(), answer.text().await?);
    ensure!(asked.elapsed() <= PROMISE, "{path} took {:?}: {body}", asked.elapsed());
    Ok((status, serde_json::from_str(&body).with_context(|| format!("{path}: {body}"))?))
}

async fn expect(server: &Server, path: &str, status: u16, body: Value) -> Result<()> {
    let seen = probe(server, path, None).await?;
    ensure!(seen == (status, body), "{path}: {seen:?}");
    Ok(())
}

/// Waits until a probe says so.
async fn eventually(server: &Server, path: &str, status: u16) -> Result<Value> {
    until(&format!("{path} answers {status}"), async || {
        let (seen, body) = probe(server, path, None).await?;
        Ok((seen == status).then_some(body))
    })
    .await
}

async fn always_the_same(server: &Server) -> Result<()> {
    expect(server, "/health", 200, json!({ "status": "healthy", "app": "voicenoob", "version": VERSION })).await?;
    expect(server, "/health/live", 200, json!({ "status": "alive" })).await
}

/// Without the token no probe tells where anything is; with it, the one that is asked does.
async fn tells_addresses_to_operators_only(server: &Server, path: &str, address: &str) -> Result<()> {
    for path in PROBES {
        for token in [None, Some("a-wrong-token-of-somebody")] {
            let (_, body) = probe(server, path, token).await?;
            ensure!(!body.to_string().contains(address) && !body.to_string().contains("127.0.0.1"), "{path} tells an address: {body}");
        }
    }
    let (_, body) = probe(server, path, Some(TOKEN)).await?;
    ensure!(body.to_string().contains(address), "{path} does not tell operators where: {body}");
    Ok(())
}

async fn text(server: &Server, path: &str) -> Result<String> {
    Ok(server.http().get(server.url().join(path)?).send().await?.error_for_status()?.text().await?)
}

async fn scrape(server: &Server) -> Result<Scrape> {
    let asked = Instant::now();
    let scrape = Scrape::read(&text(server, "/metrics").await?);
    ensure!(asked.elapsed() <= PROMISE, "a scrape took {:?}", asked.elapsed());
    Ok(scrape)
}

async fn instances(number: usize, settings: &[(&str, &str)]) -> Result<Cluster> {
    let own = [("HEARTBEAT_INTERVAL", "1"), ("INSTANCE_LEASE", "3")];
    Cluster::start(ClusterOptions {
        program: program().to_owned(),
        instances: number,
        stores: Stores::Shared,
        settings: own.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        clock_of: None,
        balancer: BalancerOptions::default(),
        direct: true,
    })
    .await
}

fn at(cluster: &Cluster, place: usize) -> Result<CarrierSimulator> {
    Ok(cluster.carrier()?.at(cluster.instance(place)?.url().clone()))
}

fn echo() -> CallPlan {
    CallPlan { agent: Some("echo".into()), ..CallPlan::new(Carrier::Twilio) }
}

/// A line test whose audio comes back.
async fn talking(carrier: &CarrierSimulator) -> Result<(String, Hand)> {
    let offered = carrier.offered(&echo()).await?;
    let mut stream = Hand::open(Carrier::Twilio, &offered.call_id, &offered.connect).await?;
    stream.audio().await?;
    Ok((offered.call_id, stream))
}

#[tokio::test]
async fn the_probes_of_an_instance_alone() -> Result<()> {
    let server = Server::start_with(program(), &[("MAX_CONCURRENT_CALLS", "1"), ("DRAIN_SETTLE_TIME", "60")]).await?;
    always_the_same(&server).await?;
    expect(&server, "/health/ready", 200, json!({ "status": "ready" })).await?;
    expect(&server, "/health/db", 200, json!({ "status": "healthy", "database": "connected" })).await?;
    expect(&server, "/health/redis", 200, json!({ "status": "not_configured", "redis": "not configured" })).await?;
    let (status, mut body) = probe(&server, "/health/detailed", None).await?;
    let drain = body.as_object_mut().and_then(|body| body.remove("drain")).context("drain")?;
    ensure!(drain["state"] == "running", "{drain}");
    let features = json!({ "call_registry": true, "prometheus_metrics": true, "connection_draining": true, "call_queue": false });
    let healthy = json!({
        "status": "healthy", "app": "voicenoob", "version": VERSION, "features": features,
        "services": { "database": "healthy", "redis": "not configured" },
        "calls": { "active": 0, "active_here": 0, "shutting_down": false },
    });
    ensure!((status, &body) == (200, &healthy), "{body}");

    let (_, stream) = talking(&CarrierSimulator::of(&server)?).await?;
    // Who calls now is told so, or waits: that is an answer.
    expect(&server, "/health/ready", 200, json!({ "status": "ready" })).await?;
    until("the call is counted", async || Ok((probe(&server, "/health/detailed", None).await?.1["calls"]["active"] == 1).then_some(())))
        .await?;

    server.http().post(server.url().join("/api/v1/drain")?).send().await?.error_for_status()?;
    expect(&server, "/health/ready", 503, json!({ "status": "not_ready", "reason": "shutdown_in_progress" })).await?;
    let (status, body) = probe(&server, "/health/detailed", None).await?;
    ensure!(status == 200 && body["calls"]["shutting_down"] == true && body["drain"]["state"] == "settling", "a stop is no fault: {body}");
    always_the_same(&server).await?;
    server.http().delete(server.url().join("/api/v1/drain")?).send().await?.error_for_status()?;
    stream.stop().await?;
    eventually(&server, "/health/ready", 200).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_switched_off_is_shown_as_off() -> Result<()> {
    let off = ["ENABLE_CALL_REGISTRY", "ENABLE_PROMETHEUS_METRICS", "ENABLE_CONNECTION_DRAINING"].map(|name| (name, "false"));
    let server = Server::start_with(program(), &[&off[..], &[("ENABLE_CALL_QUEUE", "true")]].concat()).await?;
    let (status, body) = probe(&server, "/health/detailed", None).await?;
    let features = json!({ "call_registry": false, "prometheus_metrics": false, "connection_draining": false, "call_queue": true });
    ensure!(status == 200 && body["features"] == features && body.get("calls").is_none(), "{body}");
    let metrics = server.http().get(server.url().join("/metrics")?).send().await?;
    ensure!(metrics.status() == 404);
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_calls_are_taken_and_counts_are_unknown() -> Result<()> {
    let mut cluster = instances(1, &[("OPERATOR_TOKEN", TOKEN)]).await?;
    let server = cluster.instance(0)?;
    always_the_same(server).await?;
    expect(server, "/health/redis", 200, json!({ "status": "healthy", "redis": "connected" })).await?;
    let (_, body) = probe(server, "/health/detailed", None).await?;
    ensure!(body["services"] == json!({ "database": "healthy", "redis": "healthy" }) && body["calls"]["active"] == 0, "{body}");
    let errors = scrape(server).await?.sum("voicenoob_registry_errors_total", &[]);
    ensure!(errors == 0.0, "{errors}");

    let address = cluster.redis_line(0)?.address().port().to_string();
    cluster.redis()?.stop();
    gone(&cluster, &address).await?;
    cluster.redis()?.restart().await?;
    back(&cluster).await?;

    // It hangs: nothing is refused, nothing is answered.
    cluster.redis()?.freeze()?;
    gone(&cluster, &address).await?;
    cluster.redis()?.thaw()?;
    back(&cluster).await
}

/// Redis is away: readiness stays, the probes say what is wrong, and a call goes on.
async fn gone(cluster: &Cluster, address: &str) -> Result<()> {
    let server = cluster.instance(0)?;
    let unhealthy = eventually(server, "/health/redis", 503).await?;
    ensure!(unhealthy["status"] == "unhealthy" && unhealthy["redis"].as_str().is_some_and(|why| why.starts_with("redis: ")), "{unhealthy}");
    let errors = scrape(server).await?.sum("voicenoob_registry_errors_total", &[]);
    always_the_same(server).await?;
    expect(server, "/health/ready", 200, json!({ "status": "ready" })).await?;
    expect(server, "/health/db", 200, json!({ "status": "healthy", "database": "connected" })).await?;
    let (_, stream) = talking(&at(cluster, 0)?).await?;
    let (status, body) = probe(server, "/health/detailed", None).await?;
    ensure!(status == 503 && body["status"] == "degraded" && body["services"]["database"] == "healthy", "{body}");
    ensure!(body["services"]["redis"].as_str().is_some_and(|why| why.starts_with("unhealthy: redis: ")), "{body}");
    ensure!(body["calls"]["active"] == "unknown" && body["calls"]["active_here"] == 1, "not known is not zero: {body}");
    tells_addresses_to_operators_only(server, "/health/redis", address).await?;
    tells_addresses_to_operators_only(server, "/health/detailed", address).await?;
    ensure!(stream.stop().await?.code == Some(1000));
    let after = scrape(server).await?;
    ensure!(after.sum("voicenoob_live_state_up", &[]) == 0.0, "{after:?}");
    ensure!(after.sum("voicenoob_registry_errors_total", &[]) > errors, "failures of live state are counted: {after:?}");
    Ok(())
}

async fn back(cluster: &Cluster) -> Result<()> {
    let server = cluster.instance(0)?;
    eventually(server, "/health/detailed", 200).await?;
    until("the count is known", async || Ok((probe(server, "/health/detailed", None).await?.1["calls"]["active"] == 0).then_some(())))
        .await?;
    expect(server, "/health/redis", 200, json!({ "status": "healthy", "redis": "connected" })).await?;
    until("it is up", async || Ok((scrape(server).await?.sum("voicenoob_live_state_up", &[]) == 1.0).then_some(()))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgres_an_instance_is_not_ready() -> Result<()> {
    let mut cluster = instances(1, &[("OPERATOR_TOKEN", TOKEN)]).await?;
    let address = cluster.postgres_line(0)?.address().port().to_string();
    cluster.postgres()?.stop().await?;
    no_records(&cluster, &address).await?;
    cluster.postgres()?.start_again().await?;
    eventually(cluster.instance(0)?, "/health/detailed", 200).await?;

    cluster.postgres_line(0)?.freeze();
    no_records(&cluster, &address).await?;
    cluster.postgres_line(0)?.heal().await;
    eventually(cluster.instance(0)?, "/health/ready", 200).await?;
    eventually(cluster.instance(0)?, "/health/detailed", 200).await?;
    Ok(())
}

async fn no_records(cluster: &Cluster, address: &str) -> Result<()> {
    let server = cluster.instance(0)?;
    let body = eventually(server, "/health/ready", 503).await?;
    ensure!(body["status"] == "not_ready" && body["reason"].as_str().is_some_and(|why| why.starts_with("database: ")), "{body}");
    always_the_same(server).await?;
    let (status, body) = probe(server, "/health/db", None).await?;
    ensure!(status == 503 && body["status"] == "unhealthy", "{body}");
    ensure!(body["database"].as_str().is_some_and(|why| why.starts_with("database: ")), "{body}");
    expect(server, "/health/redis", 200, json!({ "status": "healthy", "redis": "connected" })).await?;
    let (status, body) = probe(server, "/health/detailed", None).await?;
    ensure!(
        status == 503 && body["status"] == "degraded" && body["services"]["redis"] == "healthy" && body["calls"]["active"] == 0,
        "{body}"
    );
    tells_addresses_to_operators_only(server, "/health/db", address).await?;
    tells_addresses_to_operators_only(server, "/health/detailed", address).await
}

/// The families of the program this one replaces: dashboards are built on them.
const KEPT: [(&str, &str, &[&str]); 5] = [
    ("voicenoob_calls_initiated_total", "counter", &["agent_id"]),
    ("voicenoob_calls_completed_total", "counter", &["agent_id"]),
    ("voicenoob_calls_failed_total", "counter", &["agent_id", "error_type"]),
    ("voicenoob_call_duration_seconds", "histogram", &["agent_id"]),
    ("voicenoob_active_calls_current", "gauge", &[]),
];
const BUCKETS: [&str; 9] = ["5.0", "15.0", "30.0", "60.0", "120.0", "300.0", "600.0", "1800.0", "+Inf"];

#[tokio::test(flavor = "multi_thread")]
async fn numbers_after_calls_on_two_instances() -> Result<()> {
    let cluster = instances(2, &[]).await?;
    let (a, b) = (cluster.instance(0)?, cluster.instance(1)?);
    let (_, on_a) = talking(&at(&cluster, 0)?).await?;
    let (_, on_b) = talking(&at(&cluster, 1)?).await?;
    let active = |scrape: &Scrape| scrape.sum("voicenoob_active_calls_current", &[]);
    ensure!((active(&scrape(a).await?), active(&scrape(b).await?)) == (1.0, 1.0), "each instance counts its own");
    on_a.stop().await?;
    on_b.stop().await?;
    // One that fails: the stream breaks its rules.
    let mut offered = at(&cluster, 1)?.offered(&echo()).await?;
    let mut socket = offered.started().await?;
    for _ in 0..200 {
        socket.send("{ not json").await;
    }
    ensure!(socket.closed().await?.code == Some(4002));
    a.expect_idle().await?;
    b.expect_idle().await?;

    let all = Scrape::of(&cluster).await?;
    let sum = |name: &str| all.sum(name, &[]);
    ensure!(sum("voicenoob_calls_initiated_total") == 3.0 && sum("voicenoob_calls_completed_total") == 2.0, "{all:?}");
    ensure!(
        all.sum("voicenoob_calls_failed_total", &[("error_type", "websocket_error")]) == 1.0 && sum("voicenoob_calls_failed_total") == 1.0
    );
    ensure!(sum("voicenoob_call_duration_seconds_count") == 2.0 && sum("voicenoob_active_calls_current") == 0.0, "{all:?}");
    ensure!(sum("voicenoob_calls_ended_total") == 3.0 && sum("voicenoob_registry_errors_total") == 0.0, "{all:?}");
    ensure!(sum("voicenoob_permits_taken") == 0.0 && sum("voicenoob_audio_frames_received_total") > 0.0, "{all:?}");

    let text = text(b, "/metrics").await?;
    for (name, kind, labels) in KEPT {
        let family = if kind == "counter" { name.trim_end_matches("_total") } else { name };
        let types = [format!("# TYPE {name} {kind}"), format!("# TYPE {family} {kind}")];
        ensure!(text.lines().any(|line| types.iter().any(|wanted| line == wanted)), "{name} is no {kind}: {text}");
        let sample = text.lines().find(|line| !line.starts_with('#') && line.starts_with(name)).with_context(|| format!("no {name}"))?;
        for label in labels {
            ensure!(sample.contains(&format!("{label}=\"")), "{sample} has no {label}");
        }
        ensure!(sample.matches("=\"").count() == labels.len() + usize::from(kind == "histogram" && sample.contains("le=")), "{sample}");
    }
    let buckets: Vec<_> = text.lines().filter(|line| line.starts_with("voicenoob_call_duration_seconds_bucket")).collect();
    let bounds: Vec<_> = buckets.iter().filter_map(|line| line.split("le=\"").nth(1)?.split('"').next()).collect();
    ensure!(bounds == BUCKETS, "{bounds:?}");
    ensure!(text.contains("process_") && !text.contains("+1500"), "numbers of callers stand nowhere");
    promtool(&text).await
}

/// The official checker has nothing to say.
async fn promtool(text: &str) -> Result<()> {
    let mut checker = tokio::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("promtool is missing: install the Debian package prometheus")?;
    checker.stdin.take().context("stdin")?.write_all(text.as_bytes()).await?;
    let verdict = checker.wait_with_output().await?;
    let said = [verdict.stdout, verdict.stderr].concat();
    ensure!(verdict.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}
