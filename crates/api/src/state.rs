//! What every handler of the API is given.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use people::{OpenId, People};
use secrets::Sealer;
use serde::Serialize;
use store::Database;
use store::agents::StoredAgent;
use utoipa::ToSchema;

use crate::handlers::{Erasures, RecordingFiles};
use crate::limits::Limits;
use crate::problem::FieldProblem;
use crate::settings::ApiSettings;

/// What handlers of the API are given. Cheap to clone. A bigger state gives it out with `FromRef`.
#[derive(Clone)]
pub struct ApiState(Arc<Shared>);

/// The parts of an [`ApiState`].
pub struct Parts {
    /// Where everything is kept.
    pub db: Database,
    /// Accounts and who signs in.
    pub people: People,
    /// Sign-in with an OpenID provider, where one is set.
    pub openid: Option<OpenId>,
    /// Seals what must not be read in the database.
    pub sealer: Arc<dyn Sealer>,
    /// Key of the names that stand for callers in the log of erasures.
    pub pseudonym_key: [u8; 32],
    /// How often who may ask.
    pub limits: Limits,
    /// How the API was set up.
    pub settings: ApiSettings,
    /// What agents are made of here.
    pub directory: Arc<dyn DirectoryHook>,
    /// The files of recorded calls.
    pub recordings: Arc<dyn RecordingFiles>,
}

/// An [`ApiState`]'s parts, and what it learns.
pub struct Shared {
    parts: Parts,
    /// Accounts were seen: from then on nobody is the operator just by being on this machine.
    pub(crate) accounts_seen: AtomicBool,
    /// Erasures of callers' data that are under way.
    pub erasures: Erasures,
}

impl Deref for Shared {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl ApiState {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared { parts, accounts_seen: AtomicBool::new(false), erasures: Erasures::default() }))
    }
}

impl Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What the API must know of the agents that run here, without knowing calls.
pub trait DirectoryHook: Send + Sync {
    /// Agents, numbers or workspaces were changed: take them up soon.
    fn changed(&self);
    /// Voices that can be chosen in a workspace with keys of its own for these providers.
    fn voices(&self, keys: &[String]) -> Vec<String>;
    /// Languages that are understood.
    fn languages(&self) -> Vec<String>;
    /// What an agent can be built on.
    fn bases(&self) -> Vec<Base>;
    /// Whether an agent of these settings can answer here; every bad field. `declared` names the tools of its workspace,
    /// `keys` the providers it has keys of its own for.
    fn check(&self, agent: &StoredAgent, declared: &[String], keys: &[String]) -> Result<(), Vec<FieldProblem>>;
}

/// A call script that an agent can be built on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Base {
    /// Its name in an agent's `base`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The tools it can use.
    pub tools: Vec<String>,
    /// Its languages.
    pub languages: Vec<String>,
}
