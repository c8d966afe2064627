//! What every request handler is given.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent::Agents;
use call::AgentId;
use dispatch::{Admission, Continuations, Drain, LiveCalls, Offers};
use session::Services;
use speech::{Domain, TextToSpeech};
use telephony::StreamOptions;
use tokio::sync::Semaphore;

use crate::keys::SignatureKeys;
use crate::settings::Settings;

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
    pub agents: Agents,
    /// What may be said to whom.
    pub domains: BTreeMap<AgentId, Arc<Domain>>,
    /// What calls need.
    pub services: Arc<Services>,
    /// The voice engine, when one is installed, for checks.
    pub voice: Option<Arc<dyn TextToSpeech>>,
    /// The hotel's books, for the console and the API.
    pub pms: Arc<dyn hotel::Pms>,
    /// Places for calls.
    pub admission: Admission,
    /// Calls whose stream is expected.
    pub offers: Offers,
    /// Live calls.
    pub live: LiveCalls,
    /// How calls go on after their stream.
    pub continuations: Continuations,
    /// The way to a stop.
    pub drain: Drain,
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
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
