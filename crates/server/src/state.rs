//! What every request handler is given.

use std::sync::Arc;

use agent::AgentDefinition;
use api::ApiState;
use axum::extract::FromRef;
use call::{CallRecord, TenantId};
use dispatch::{Admission, Drain, Heart, LiveCalls, Offers, Request, WaitingRoom};
use live::{CallQueue, CallRegistry, InstanceName, Limits, LiveState};
use resilience::Guards;
use session::Services;
use speech::vendor::riva::Channels;
use speech::{SpeechToText, TextToSpeech};
use store::Database;
use telemetry::Metrics;
use telephony::StreamOptions;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use trunk::CallControl;

use crate::directory::AgentDirectory;
use crate::keys::SignatureKeys;
use crate::orders::Orders;
use crate::prices::Prices;
use crate::settings::Settings;
use crate::vendors::Probe;

/// The parts of the running server. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
pub struct Parts {
    /// How it was set up.
    pub settings: Settings,
    /// Checks carriers' signatures.
    pub keys: SignatureKeys,
    /// Who answers.
    pub directory: AgentDirectory,
    /// What calls need.
    pub services: Arc<Services>,
    /// The voice engine, when one is installed, for checks.
    pub voice: Option<Arc<dyn TextToSpeech>>,
    /// The recogniser of this machine, when one is installed.
    pub recognizer: Option<Arc<dyn SpeechToText>>,
    /// The vendors that are configured.
    pub vendors: Arc<[Probe]>,
    /// Riva's connections, when it is configured.
    pub riva: Option<Channels>,
    /// The hotel's books, for the console and the API.
    pub pms: Arc<dyn hotel::Pms>,
    /// What the API is given.
    pub api: ApiState,
    /// Streams of events that may be opened.
    pub event_streams: Arc<Semaphore>,
    /// Where the records are.
    pub database: Option<Database>,
    /// What services charge.
    pub prices: Prices,
    /// Live state, shared by instances or in process.
    pub live_state: Arc<dyn LiveState>,
    /// The registry of live calls.
    pub registry: Arc<CallRegistry>,
    /// The queue by its reference's names.
    pub queue: CallQueue,
    /// Places for calls.
    pub admission: Admission,
    /// Callers of this instance who wait.
    pub waiting: WaitingRoom,
    /// Calls whose stream is expected.
    pub offers: Offers,
    /// Live calls.
    pub live: LiveCalls,
    /// What live calls are told from outside.
    pub orders: Orders,
    /// The way to a stop.
    pub drain: Drain,
    /// Heartbeat and a look at the queue.
    pub heart: Arc<Heart>,
    /// What stands before each outside service.
    pub guards: Guards,
    /// Cancelled when everything is over.
    pub stop: CancellationToken,
    /// Numbers, unless they are switched off.
    pub metrics: Option<Metrics>,
    /// Telnyx's Call Control, when it is configured.
    pub call_control: Option<Arc<dyn CallControl>>,
    /// Sockets that have not brought their `start` yet.
    pub unstarted: Arc<Semaphore>,
    /// What the wire leaves open.
    pub stream_options: StreamOptions,
    /// What is missing on this machine, in a sentence each.
    pub notices: Vec<String>,
}

impl App {
    /// Wraps the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// This process among those that share live state.
    pub fn instance(&self) -> &InstanceName {
        self.admission.instance()
    }

    /// True when there may be other instances.
    pub fn shares_live_state(&self) -> bool {
        self.settings.call_centre.redis_url.is_some()
    }

    /// True when a proxy with a certificate stands in front: what comes from this machine may come from anywhere.
    pub fn is_public(&self) -> bool {
        self.settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// What is missing, and what is not as it was wanted, in a sentence each.
    pub fn notices(&self) -> Vec<String> {
        self.notices.iter().cloned().chain(self.directory.notices()).collect()
    }

    /// What a call asks admission for.
    pub(crate) fn request(&self, record: &CallRecord, agent: &AgentDefinition) -> Request {
        Request {
            call_id: record.carrier_call_id.clone(),
            agent_id: agent.id.to_string(),
            tenant: record.tenant.to_string(),
            limits: self.limits(record.tenant),
        }
    }

    /// What calls with this agent are served by: ears and voices are those of its tier first, and where its workspace has keys of its own for vendors
    /// they are asked with those.
    pub(crate) fn services_of(&self, agent: &AgentDefinition) -> Arc<Services> {
        let Some((ears, phrases)) = self.directory.engines(agent) else { return Arc::clone(&self.services) };
        let all = &self.services;
        Arc::new(Services {
            ears,
            phrases,
            tools: all.tools.clone(),
            records: Arc::clone(&all.records),
            recordings: all.recordings.clone(),
            recorder: all.recorder.clone(),
            price: self.prices.clone().into_price(),
        })
    }

    /// How many calls there may be at once: a workspace may want fewer than the installation allows each, not more.
    pub(crate) fn limits(&self, tenant: TenantId) -> Limits {
        let ours = self.settings.call_centre.limits;
        let own = self.directory.max_calls(tenant);
        Limits { tenant: own.into_iter().chain(ours.tenant).min(), ..ours }
    }
}

impl FromRef<App> for ApiState {
    fn from_ref(app: &App) -> Self {
        app.api.clone()
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
