//! What exists, and who is given what: one function, top to bottom.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{AgentDefinition, Toolbox};
use api::{ApiSettings, ApiState};
use axum::serve::ListenerExt;
use call::{CallStatus, EndReason, Timestamp};
use dispatch::Offer;
use hotel::{BuiltInPms, Pms, Property};
use live::{CallQueue, Leaving};
use resilience::{Guard, Guards, Service};
use session::{Recordings, Services};
use speech::SpeechToText;
use store::{Database, Records, SqlRecords};
use telemetry::{CallRecorder, Metrics};
use telephony::{ByteOrder, StreamOptions};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tools::{ScheduleCallback, TakeMessage};
use tracing::{error, info};
use trunk::{CallControl, TelnyxCallControl};

use crate::accounts::{self, Accounts};
use crate::api::events;
use crate::call_centre::CallCentre;
use crate::directory::{AgentDirectory, House, Maker, missing_tools};
use crate::keys::SignatureKeys;
use crate::minds::MindMaker;
use crate::orders::Orders;
use crate::prices::Prices;
use crate::routes::router;
use crate::settings::Settings;
use crate::speaking::engines;
use crate::state::{App, Parts};
use crate::vendors::{Kit, Outfitter, Probe, Probes, look_after};
use crate::{ServerError, stopping, upkeep};

/// The demo hotel's receptionist: answers every number that has no agent of its own.
const DEMO_HOTEL: &str = include_str!("../../../agents/hotel.toml");
/// Sockets that may stand open without having brought their `start`, beside the admitted calls.
const UNSTARTED_SOCKETS: usize = 256;
/// How often offers whose stream never came are swept out.
const SWEEP: Duration = Duration::from_secs(5);
/// At a stop, calls are stored to their end within this time.
const FLUSH_LIMIT: Duration = Duration::from_secs(10);
/// How often that is looked at.
const FLUSH_LOOK: Duration = Duration::from_millis(20);
/// At a stop, erasures under way are finished within this time.
const ERASURES_LIMIT: Duration = Duration::from_secs(5);
/// At a stop, requests under way are answered within this time.
const HTTP_LIMIT: Duration = Duration::from_secs(2);

/// The command that runs the recogniser's worker: this program with its hidden subcommand.
#[derive(Debug, Clone)]
pub struct WorkerCommand(pub Vec<OsString>);

/// A server at work.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its parts.
    pub app: App,
    stopping: JoinHandle<()>,
    stop_http: CancellationToken,
    http: JoinHandle<std::io::Result<()>>,
}

/// Builds everything.
pub async fn wire(settings: Settings, worker: &WorkerCommand) -> Result<App, ServerError> {
    // The roads to outside services.
    let guards = Guards::default();

    // Records first: without a place to write nothing else makes sense.
    let database = database_behind(guards.of(Service::Database), &settings).await?;
    let records: Arc<dyn Records> = Arc::new(SqlRecords::new(database.clone()));
    let recordings = settings.record_calls.then(|| Recordings::start(&settings.data_dir)).transpose()?;
    let keys = SignatureKeys::load(&settings)?;
    let metrics = settings.call_centre.metrics.then(Metrics::new);
    let recorder = metrics.clone().map_or_else(CallRecorder::new, CallRecorder::with);

    let prices = Prices::load(settings.prices_file.as_deref())?;

    // What agents can do, and who they are.
    let pms = open_hotel(&database).await?;
    let tools = toolbox(&pms, &records);
    let house = load_house(settings.agents_dir.as_deref(), &tools)?;

    // People, and the keys that open what they sealed.
    let accounts = accounts::open(&settings, &database, &guards)?;

    // Hearing, speaking and thinking, and with them the agents.
    let mut kit = Kit::build(&settings.vendors, &guards)?;
    let vendors: Arc<[Probe]> = std::mem::take(&mut kit.probes).into();
    let probes = Probes::default();
    probes.add(&vendors);
    let pool = kit.riva.clone();
    let kit = Arc::new(kit);
    let engines = engines(&settings, worker, &guards, &kit).await?;
    let recognizer = engines.ears.clone().map(|ears| Arc::new(ears) as Arc<dyn SpeechToText>);
    let outfitter = Outfitter {
        vendors: settings.vendors.clone(),
        guards: guards.clone(),
        kit: Arc::clone(&kit),
        recognizer: engines.recognizer.clone(),
        voice: engines.voice.clone(),
        phrases: engines.phrases.clone(),
        sealer: Arc::clone(&accounts.sealer),
        probes: probes.clone(),
    };
    let minds = MindMaker::new(
        kit,
        settings.vendors.models.clone(),
        with_messages(&tools, &records),
        settings.allow_private_tool_addresses,
        guards.clone(),
        Arc::clone(&accounts.sealer),
    )
    .knowing(settings.knowledge_dir.clone());
    let maker = Maker::new(recognizer, engines.phrases.clone(), engines.voices).with_minds(minds).with_outfits(outfitter);
    let directory = AgentDirectory::open(house, maker, Some(database.clone()), recorder.clone()).await?;

    // The call centre: who is on the phone, who waits, who may be answered, and how it all stops.
    let centre = CallCentre::build(&settings, &records, &recorder, &guards)?;

    // What the API is given.
    let api = api_state(&settings, &database, accounts, &directory, &centre);

    let price = prices.clone().into_price();
    let services = Services { ears: engines.ears, phrases: engines.phrases, tools, records, recordings, recorder, price };
    let stop = CancellationToken::new();
    tokio::spawn(look_after(probes, stop.clone()));
    let l16_byte_order = if settings.telnyx_l16_big_endian { ByteOrder::Big } else { ByteOrder::Little };
    Ok(App::new(Parts {
        unstarted: Arc::new(Semaphore::new(settings.max_concurrent_calls + UNSTARTED_SOCKETS)),
        call_control: call_control(&settings, &guards)?,
        guards,
        live_state: centre.heart.state.clone(),
        registry: centre.heart.registry.clone(),
        queue: CallQueue::new(centre.heart.state.clone(), settings.call_centre.queue),
        admission: centre.heart.admission.clone(),
        waiting: centre.heart.waiting.clone(),
        offers: centre.heart.offers.clone(),
        live: centre.heart.live.clone(),
        drain: centre.heart.drain.clone(),
        heart: centre.heart,
        orders: Orders::default(),
        stop,
        api,
        event_streams: Arc::new(Semaphore::new(events::STREAMS)),
        database: Some(database),
        prices,
        services: Arc::new(services),
        voice: engines.voice,
        recognizer: engines.recognizer,
        vendors,
        riva: pool,
        notices: engines.notices,
        stream_options: StreamOptions { l16_byte_order },
        keys,
        directory,
        pms,
        metrics,
        settings,
    }))
}

/// Builds everything and serves. The port is taken first: that it is not free is known at once.
pub async fn start(settings: Settings, worker: &WorkerCommand) -> Result<Running, ServerError> {
    let address = SocketAddr::new(settings.host, settings.port);
    let listener = TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| ServerError::Listen { address, source })?;
    let app = wire(settings, worker).await?;
    // Known to the others before the first call comes.
    app.heart.beat().await;
    let orders = app.orders.clone();
    // Set once; a second time there is nobody to set it.
    let _ = app.heart.pulse.let_go.set(Box::new(move |id| orders.let_go(id)));
    tokio::spawn(Arc::clone(&app.heart).run(app.stop.clone()));
    tokio::spawn(sweep(app.clone()));
    tokio::spawn(upkeep::run(app.clone()));
    tokio::spawn(app.directory.clone().watch(app.stop.clone()));
    if let Some(metrics) = &app.metrics {
        tokio::spawn(telemetry::watch_event_loop(metrics.clone()));
    }
    let stopping = tokio::spawn(stopping::drive(app.clone()));
    let stop_http = CancellationToken::new();
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    // Frames are small and every one counts: no waiting for more to send.
    let listener = listener.tap_io(|stream| {
        if let Err(fault) = stream.set_nodelay(true) {
            error!(error = %fault, "TCP_NODELAY could not be set");
        }
    });
    let http = tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(stop_http.clone().cancelled_owned()).into_future());
    Ok(Running { address, app, stopping, stop_http, http })
}

impl Running {
    /// Stops: live calls go on until they are over or the drain's time is up, and then move to another instance or hear a last sentence. With
    /// draining switched off every call ends at once.
    pub async fn stop(mut self) {
        let app = self.app.clone();
        if app.settings.call_centre.draining {
            stopping::begin(&app).await;
            if (&mut self.stopping).await.is_err() {
                error!("the drain broke down: every call is cut");
                stopping::cut_all(&app);
            }
        } else {
            stopping::cut_all(&app);
        }
        self.finish().await;
    }

    /// Everything is over, or is to be: records are flushed, others are told, the port is closed.
    async fn finish(self) {
        let app = &self.app;
        let flushed = async {
            while app.drain.tracked() > 0 {
                tokio::time::sleep(FLUSH_LOOK).await;
            }
        };
        if tokio::time::timeout(FLUSH_LIMIT, flushed).await.is_err() {
            error!(calls = app.drain.tracked(), limit = ?FLUSH_LIMIT, "some calls were not stored to their end");
        }
        app.stop.cancel();
        if !app.api.erasures.settle(ERASURES_LIMIT).await {
            error!(limit = ?ERASURES_LIMIT, "an erasure of a caller's data is not over: ask for it again, the rest is found then");
        }
        if let Err(fault) = app.live_state.leave(app.instance()).await {
            info!(error = %fault, "other instances were not told of the stop: they see it when the lease runs out");
        }
        self.stop_http.cancel();
        // Keep-alive connections may linger; nothing of ours depends on them.
        let _ = tokio::time::timeout(HTTP_LIMIT, self.http).await;
        // SQLite writes its journal back, and removes it with what was erased since.
        if let Some(database) = &app.database
            && tokio::time::timeout(HTTP_LIMIT, database.close()).await.is_err()
        {
            error!(limit = ?HTTP_LIMIT, "the database is still in use, and was not closed");
        }
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

/// The database that the settings name: PostgreSQL, or the file in the data directory.
pub async fn open_database(settings: &Settings) -> Result<Database, ServerError> {
    database_behind(Guards::default().of(Service::Database), settings).await
}

async fn database_behind(guard: Guard, settings: &Settings) -> Result<Database, ServerError> {
    Ok(match &settings.database_url {
        Some(url) => Database::connect_with(url.expose(), accounts::pool(settings), guard).await?,
        None => Database::open(&settings.data_dir).await?,
    })
}

/// What the API is given.
pub(crate) fn api_state(
    settings: &Settings,
    database: &Database,
    accounts: Accounts,
    directory: &AgentDirectory,
    centre: &CallCentre,
) -> ApiState {
    let Accounts { people, sealer, pseudonym_key, openid } = accounts;
    let under_tls = settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    ApiState::new(api::Parts {
        db: database.clone(),
        people,
        sealer,
        pseudonym_key,
        limits: api::Limits::new(centre.rates.clone(), accounts::rates(settings)),
        settings: ApiSettings {
            public_url: settings.public_url.clone(),
            trusted_proxies: settings.trusted_proxies.iter().copied().map(api::Network::from).collect(),
            operator_token: settings.operator_token.clone(),
            loopback_operator: !under_tls,
            cors_origins: settings.people.cors_origins.clone(),
            openid: openid.is_some(),
            private_tool_addresses: settings.allow_private_tool_addresses,
        },
        openid,
        directory: Arc::new(directory.clone()),
        recordings: Arc::new(upkeep::Files(settings.data_dir.clone())),
    })
}

fn call_control(settings: &Settings, guards: &Guards) -> Result<Option<Arc<dyn CallControl>>, ServerError> {
    let Some(key) = &settings.telnyx_api_key else { return Ok(None) };
    let client = TelnyxCallControl::new(&settings.telnyx_api_url, &trunk::ApiKey::new(key.expose()), guards.of(Service::Telnyx))?;
    Ok(Some(Arc::new(client)))
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

/// The tools that every agent with a model may be given.
fn with_messages(tools: &Toolbox, records: &Arc<dyn Records>) -> Toolbox {
    let mut all = tools.clone();
    all.add(Arc::new(TakeMessage::new(Arc::clone(records))));
    all.add(Arc::new(ScheduleCallback::new(Arc::clone(records))));
    all
}

/// The demo hotel, the echo agent, and every `*.toml` in the folder. A file with the demo hotel's id replaces it.
fn load_house(folder: Option<&Path>, tools: &Toolbox) -> Result<House, ServerError> {
    let demo = AgentDefinition::from_flow(DEMO_HOTEL, PathBuf::from("agents/hotel.toml"))?;
    let default = demo.id;
    let mut agents = folder.map(read_agents).transpose()?.unwrap_or_default();
    if agents.iter().all(|(agent, _)| agent.id != default) {
        agents.push((demo, DEMO_HOTEL.to_owned()));
    }
    agents.push((AgentDefinition::echo(), String::new()));
    for (agent, _) in &agents {
        if let Some(missing) = missing_tools(agent, tools) {
            let known = tools.names().collect::<Vec<_>>().join(", ");
            return Err(agent::AgentError::UnknownTools { agent: agent.name.clone(), tools: missing, known }.into());
        }
    }
    Ok(House::new(agents, Some(default), tools.clone())?)
}

fn read_agents(folder: &Path) -> Result<Vec<(AgentDefinition, String)>, ServerError> {
    let unreadable = |source| ServerError::AgentsDir { path: folder.into(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.into_iter().map(|path| read_agent(&path).map_err(ServerError::from)).collect()
}

fn read_agent(path: &Path) -> Result<(AgentDefinition, String), agent::AgentError> {
    let text = std::fs::read_to_string(path).map_err(|source| agent::AgentError::Read { path: path.into(), source })?;
    Ok((AgentDefinition::from_flow(&text, path.into())?, text))
}

/// Ends the calls whose stream never came, and frees their places.
async fn sweep(app: App) {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        for offer in app.offers.expire(Instant::now()) {
            never_came(&app, offer).await;
        }
    }
}

/// Ends a call whose stream never came.
pub(crate) async fn never_came(app: &App, offer: Offer) {
    let record = &offer.record;
    // A repeated webhook of a call that has its stream leaves an offer that nobody takes.
    if app.live.contains(record.id) {
        return;
    }
    // Nor does one who is being put through take it, or has hung up meanwhile.
    let now = app.services.records.call(record.id).await;
    if matches!(&now, Ok(Some(now)) if now.status == CallStatus::Transferring || now.ended_at.is_some()) {
        app.waiting.give_up(&record.carrier_call_id, Leaving::Abandoned).await;
        return;
    }
    // Its stream may have gone to another instance that could not tell.
    let elsewhere = app.services.records.claimed_by(record.id).await.ok().flatten().is_some_and(|name| name != app.instance().as_str());
    if elsewhere {
        app.waiting.leave(&record.carrier_call_id);
        return;
    }
    app.waiting.give_up(&record.carrier_call_id, Leaving::Abandoned).await;
    info!(call.id = %record.id, "the media stream of an answered call never came");
    crate::calls::end_record(app, record, EndReason::NotConnected).await;
}
