//! What exists, and who is given what: one function, top to bottom.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{AgentDefinition, Agents, Toolbox};
use axum::serve::ListenerExt;
use call::{EndReason, Timestamp};
use dispatch::{Admission, Continuations, Drain, LiveCalls, Offers};
use hotel::{BuiltInPms, Pms, Property};
use session::{Recordings, Services};
use store::{Database, Records, SqliteRecords};
use telemetry::CallRecorder;
use telephony::{ByteOrder, StreamOptions};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::ServerError;
use crate::keys::SignatureKeys;
use crate::routes::router;
use crate::settings::Settings;
use crate::speaking::{domains, engines, prepare};
use crate::state::{App, Parts};

/// The demo hotel's receptionist: answers every number that has no agent of its own.
const DEMO_HOTEL: &str = include_str!("../../../agents/hotel.toml");
/// Sockets that may stand open without having brought their `start`, beside the admitted calls.
const UNSTARTED_SOCKETS: usize = 256;
/// How often offers whose stream never came are swept out.
const SWEEP: Duration = Duration::from_secs(5);

/// The command that runs the recogniser's worker: this program with its hidden subcommand.
#[derive(Debug, Clone)]
pub struct WorkerCommand(pub Vec<OsString>);

/// A server at work.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its parts.
    pub app: App,
    stop_http: CancellationToken,
    http: JoinHandle<std::io::Result<()>>,
}

/// Builds everything.
pub async fn wire(settings: Settings, worker: &WorkerCommand) -> Result<App, ServerError> {
    // Records first: without a place to write nothing else makes sense.
    let database = Database::open(&settings.data_dir).await?;
    let records: Arc<dyn Records> = Arc::new(SqliteRecords::new(database.clone()));
    let left_open = records.close_left_open(Timestamp::now(), EndReason::Failed).await?;
    if left_open > 0 {
        info!(calls = left_open, "calls that the last run left open are closed in the records");
    }
    let recordings = settings.record_calls.then(|| Recordings::start(&settings.data_dir)).transpose()?;
    let keys = SignatureKeys::load(&settings)?;

    // What agents can do, and who they are.
    let pms = open_hotel(&database).await?;
    let tools = toolbox(&pms, &records);
    let agents = load_agents(settings.agents_dir.as_deref())?;
    check_tools(&agents, &tools)?;

    // Hearing and speaking.
    let domains = tokio::task::spawn_blocking({
        let agents = agents.clone();
        move || domains(&agents)
    });
    let engines = engines(&settings, worker).await?;
    let domains = domains.await.map_err(|fault| ServerError::Serve(std::io::Error::other(fault)))?;
    prepare(&agents, &domains, &engines).await?;

    let services =
        Services { recognizer: engines.recognizer, phrases: engines.phrases, tools, records, recordings, recorder: CallRecorder::new() };
    let l16_byte_order = if settings.telnyx_l16_big_endian { ByteOrder::Big } else { ByteOrder::Little };
    Ok(App::new(Parts {
        admission: Admission::new(settings.max_concurrent_calls),
        unstarted: Arc::new(Semaphore::new(settings.max_concurrent_calls + UNSTARTED_SOCKETS)),
        keys,
        agents,
        domains,
        services: Arc::new(services),
        voice: engines.voice,
        pms,
        offers: Offers::default(),
        live: LiveCalls::default(),
        continuations: Continuations::default(),
        drain: Drain::default(),
        stream_options: StreamOptions { l16_byte_order },
        notices: engines.notices,
        settings,
    }))
}

/// Builds everything and serves. The port is taken first: that it is not free is known at once.
pub async fn start(settings: Settings, worker: &WorkerCommand) -> Result<Running, ServerError> {
    let address = SocketAddr::new(settings.host, settings.port);
    let listener = TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| ServerError::Listen { address, source })?;
    let app = wire(settings, worker).await?;
    tokio::spawn(sweep(app.clone()));
    let stop_http = CancellationToken::new();
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    // Frames are small and every one counts: no waiting for more to send.
    let listener = listener.tap_io(|stream| {
        if let Err(fault) = stream.set_nodelay(true) {
            error!(error = %fault, "TCP_NODELAY could not be set");
        }
    });
    let http = tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(stop_http.clone().cancelled_owned()).into_future());
    Ok(Running { address, app, stop_http, http })
}

impl Running {
    /// Stops: no new calls, a last sentence to the live ones, records flushed. True when every call ended by itself.
    pub async fn stop(self) -> bool {
        let limit = self.app.settings.drain_timeout;
        self.app.drain.request();
        let all_over = self.app.drain.wait(limit).await;
        if !all_over {
            for live in self.app.live.list() {
                live.hangup.cancel();
            }
            self.app.drain.wait(Duration::from_secs(5)).await;
        }
        self.stop_http.cancel();
        // Keep-alive connections may linger; nothing of ours depends on them.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.http).await;
        all_over
    }

    /// Serves until the server fails.
    pub async fn failed(&mut self) -> ServerError {
        match (&mut self.http).await {
            Ok(Err(fault)) => ServerError::Serve(fault),
            Ok(Ok(())) => ServerError::Serve(std::io::Error::other("the listener was closed")),
            Err(fault) => ServerError::Serve(std::io::Error::other(fault)),
        }
    }
}

async fn open_hotel(database: &Database) -> Result<Arc<dyn Pms>, ServerError> {
    let no_zone = || hotel::PmsError::Config("no time zone data for Europe/Lisbon: install tzdata".into());
    let property = Property::harbour_view().ok_or_else(no_zone)?;
    let clock: hotel::Clock = Arc::new(Timestamp::now);
    Ok(Arc::new(BuiltInPms::open(database.clone(), clock, fastrand::Rng::new(), &property).await?))
}

fn toolbox(pms: &Arc<dyn Pms>, records: &Arc<dyn Records>) -> Toolbox {
    let mut tools = Toolbox::new();
    for tool in hotel::toolbox(Arc::clone(pms), Arc::clone(records)) {
        tools.add(tool);
    }
    tools
}

/// The demo hotel, the echo agent, and every `*.toml` in the folder. A file with the demo hotel's id replaces it.
fn load_agents(folder: Option<&Path>) -> Result<Agents, ServerError> {
    let demo = AgentDefinition::from_flow(DEMO_HOTEL, PathBuf::from("agents/hotel.toml"))?;
    let default = demo.id;
    let mut agents = folder.map(read_agents).transpose()?.unwrap_or_default();
    if agents.iter().all(|agent| agent.id != default) {
        agents.push(demo);
    }
    agents.push(AgentDefinition::echo());
    Ok(Agents::new(agents, Some(default))?)
}

fn read_agents(folder: &Path) -> Result<Vec<AgentDefinition>, ServerError> {
    let unreadable = |source| ServerError::AgentsDir { path: folder.into(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.into_iter().map(|path| read_agent(&path).map_err(ServerError::from)).collect()
}

fn read_agent(path: &Path) -> Result<AgentDefinition, agent::AgentError> {
    let text = std::fs::read_to_string(path).map_err(|source| agent::AgentError::Read { path: path.into(), source })?;
    AgentDefinition::from_flow(&text, path.into())
}

fn check_tools(agents: &Agents, tools: &Toolbox) -> Result<(), ServerError> {
    for agent in agents.iter() {
        let agent::AgentKind::Flow(flow) = &agent.kind else { continue };
        let missing: Vec<_> = flow.tools().filter(|tool| !tools.has(tool)).collect();
        if !missing.is_empty() {
            let known = tools.names().collect::<Vec<_>>().join(", ");
            return Err(agent::AgentError::UnknownTools { agent: agent.name.clone(), tools: missing.join(", "), known }.into());
        }
    }
    Ok(())
}

/// Ends the calls whose stream never came, and frees their places.
async fn sweep(app: App) {
    let mut tick = tokio::time::interval(SWEEP);
    while !app.drain.is_requested() || !app.offers.is_empty() {
        tick.tick().await;
        for offer in app.offers.expire(Instant::now()) {
            info!(call.id = %offer.record.id, "the media stream of an answered call never came");
            if let Err(fault) = app.services.records.end_call(offer.record.id, Timestamp::now(), EndReason::NotConnected).await {
                error!(call.id = %offer.record.id, error = %fault, "the end of the call could not be stored");
            }
        }
    }
}
