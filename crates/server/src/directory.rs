//! Who answers which number, for whom: the agents of the program and its files, and those of the database, ready to take calls.
//!
//! Look-ups read a snapshot and never wait. It is replaced when something was changed here ([`AgentDirectory::changed`]), and when the database
//! says that something was changed elsewhere: that is asked every [`POLL`]. While the database is away, calls go on with what is there. A call
//! keeps the definition it began with.

mod hook;
mod keeper;
mod make;
mod row;
mod rows;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agent::AgentDefinition;
use arc_swap::ArcSwap;
use axum::body::Bytes;
use call::{AgentId, PhoneNumber, TenantId, Timestamp};
use session::Minds;
use speech::Domain;
use speech::ladder::ears::Ears;
use speech::phrases::Phrases;
use store::Database;
use store::tenants::RedactionLevel;
use telemetry::CallRecorder;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::keeper::Keeper;
pub(crate) use self::make::Maker;
pub(crate) use self::row::{House, missing_tools};
use self::rows::Rows;
use self::snapshot::Snapshot;
use crate::ServerError;
use crate::refusals::Refusal;
use crate::vendors::Outfit;

/// How often the database is asked whether something was changed. With what it takes to make an agent ready, a change is taken up within 5 s.
const POLL: Duration = Duration::from_secs(3);
/// While the database does not answer it is asked less and less, down to this.
const SLOWEST_POLL: Duration = Duration::from_secs(30);
/// Between two questions, whoever wants an answer.
const LEAST_GAP: Duration = Duration::from_millis(250);
/// Who asks for an agent that is not known here waits this long for a look into the database.
const LOOK_LIMIT: Duration = Duration::from_secs(1);
/// At start, the agents of the database are waited for this long; then calls are taken, and the rest follows.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The agents of this installation. Cheap to clone.
#[derive(Clone)]
pub struct AgentDirectory(Arc<Inner>);

struct Inner {
    snapshot: ArcSwap<Snapshot>,
    house: Arc<House>,
    maker: Arc<Maker>,
    keeper: Mutex<Keeper>,
    database: Option<Database>,
    nudge: Notify,
    /// What is here is known to be old.
    stale: AtomicBool,
    /// Counts the looks into the database.
    looks: watch::Sender<u64>,
}

/// Who answers a number.
pub(crate) enum Answers {
    /// This agent, should it be active.
    Agent(Arc<AgentDefinition>),
    /// The number is a workspace's, and has no agent that is ready.
    Nobody,
}

impl AgentDirectory {
    /// Makes every agent ready: those of the files, or it is an error; then those of the database, as far as that is possible.
    pub(crate) async fn open(house: House, maker: Maker, database: Option<Database>, recorder: CallRecorder) -> Result<Self, ServerError> {
        let (house, maker) = (Arc::new(house), Arc::new(maker));
        let mut files = Vec::new();
        for (agent, digest) in house.agents() {
            files.push(Arc::new(maker.make(Arc::clone(agent), digest, None).await?));
            info!(agent = agent.name, "agent ready");
        }
        let mut keeper = Keeper::new(Arc::clone(&house), Arc::clone(&maker), files, recorder);
        if let Some(database) = &database {
            keeper.take(Rows::read(database).await?).await;
            if tokio::time::timeout(START_LIMIT, keeper.all_built()).await.is_err() {
                warn!(limit = ?START_LIMIT, "some agents are not ready yet: calls are taken without them");
            }
        }
        let snapshot = ArcSwap::from_pointee(keeper.snapshot());
        let inner = Inner {
            snapshot,
            house,
            maker,
            keeper: Mutex::new(keeper),
            database,
            nudge: Notify::new(),
            stale: AtomicBool::new(false),
            looks: watch::Sender::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// By id.
    pub fn get(&self, id: AgentId) -> Option<Arc<AgentDefinition>> {
        self.0.snapshot.load().get(id).map(|ready| Arc::clone(&ready.definition))
    }

    /// By id; one that is not known here may have been made on another instance a moment ago.
    pub(crate) async fn find(&self, id: AgentId) -> Option<Arc<AgentDefinition>> {
        if let Some(agent) = self.get(id) {
            return Some(agent);
        }
        let mut looked = self.0.looks.subscribe();
        self.0.nudge.notify_one();
        // Whether it came in time or not: the answer is what is known then.
        let _ = tokio::time::timeout(LOOK_LIMIT, looked.changed()).await;
        self.get(id)
    }

    /// By id or name, as a person types it. Names are unique within a workspace only: one that several have finds none of them.
    pub(crate) fn named(&self, text: &str) -> Option<Arc<AgentDefinition>> {
        match text.parse() {
            Ok(id) => self.get(id),
            Err(_) => self.0.house.files.named(text).cloned().or_else(|| self.0.snapshot.load().named(text)),
        }
    }

    /// Who answers a called number: a workspace's number first, then the agents of files, then the default one.
    pub(crate) fn for_number(&self, number: &PhoneNumber) -> Option<Answers> {
        let snapshot = self.0.snapshot.load();
        match snapshot.number(number) {
            Some(agent) => {
                let ready = agent.and_then(|id| snapshot.get(id));
                Some(ready.map_or(Answers::Nobody, |ready| Answers::Agent(Arc::clone(&ready.definition))))
            }
            None => self.0.house.files.for_number(number).cloned().map(Answers::Agent),
        }
    }

    /// Every agent, those of files first.
    pub fn all(&self) -> Vec<Arc<AgentDefinition>> {
        self.0.snapshot.load().all()
    }

    /// The agents of a workspace.
    pub(crate) fn of(&self, tenant: TenantId) -> Vec<Arc<AgentDefinition>> {
        self.all().into_iter().filter(|agent| agent.tenant == tenant).collect()
    }

    /// What may be said to this agent, as it is or as it was when the call began.
    pub(crate) fn domain(&self, agent: &Arc<AgentDefinition>) -> Option<Arc<Domain>> {
        self.0.snapshot.load().domain(agent)
    }

    /// The models behind this agent, as it is or as it was when the call began; none for a dialogue.
    pub(crate) fn minds(&self, agent: &Arc<AgentDefinition>) -> Option<Minds> {
        self.0.snapshot.load().minds(agent)
    }

    /// What the workspace's own keys for vendors open, when it has some.
    pub(crate) fn outfit(&self, tenant: TenantId) -> Option<Arc<Outfit>> {
        self.0.snapshot.load().outfits.get(&tenant).cloned()
    }

    /// Who listens to this agent's callers and who speaks to them, by its tier and its workspace's keys; none where the installation's do for all.
    pub(crate) fn engines(&self, agent: &AgentDefinition) -> Option<(Option<Ears>, Phrases)> {
        self.0.maker.engines(agent, self.outfit(agent.tenant).as_deref())
    }

    /// The sound of a refusal in the agent's own voice, a WAV file.
    pub(crate) fn refusal(&self, agent: AgentId, kind: Refusal) -> Option<Bytes> {
        self.0.snapshot.load().get(agent)?.refusals.get(kind)
    }

    /// Calls a workspace may have at once, where it set a limit.
    pub(crate) fn max_calls(&self, tenant: TenantId) -> Option<u32> {
        self.0.snapshot.load().tenant(tenant)?.max_calls
    }

    /// True while a workspace takes calls: always, unless it has opening hours.
    pub(crate) fn is_open(&self, tenant: TenantId, now: Timestamp) -> bool {
        self.0.snapshot.load().tenant(tenant).is_none_or(|tenant| tenant.is_open(now))
    }

    /// What is masked in a workspace's transcripts.
    pub(crate) fn redaction(&self, tenant: TenantId) -> privacy::Level {
        let level = self.0.snapshot.load().tenant(tenant).map(|tenant| tenant.redaction).unwrap_or_default();
        match level {
            RedactionLevel::Cards => privacy::Level::Cards,
            RedactionLevel::All => privacy::Level::All,
        }
    }

    /// Agents that are not as their workspace wants them, in a sentence each.
    pub fn notices(&self) -> Vec<String> {
        self.0.snapshot.load().notices.clone()
    }

    /// Agents, numbers or workspaces were changed: take them up now.
    pub(crate) fn changed(&self) {
        self.0.stale.store(true, Ordering::Release);
        self.0.nudge.notify_one();
    }

    /// Keeps the snapshot fresh until the program stops.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        let mut keeper = self.0.keeper.lock().await;
        let (mut pause, mut looked) = (POLL, Instant::now());
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = keeper.built() => {
                    self.publish(&keeper);
                    continue;
                }
                () = self.0.nudge.notified() => tokio::time::sleep_until(looked + LEAST_GAP).await,
                () = tokio::time::sleep_until(looked + pause) => {}
            }
            looked = Instant::now();
            pause = self.look(&mut keeper, pause).await;
            self.0.looks.send_modify(|count| *count += 1);
        }
    }

    /// Takes up what was changed. The pause before the next look.
    async fn look(&self, keeper: &mut Keeper, pause: Duration) -> Duration {
        let Some(database) = &self.0.database else { return SLOWEST_POLL };
        let stale = self.0.stale.swap(false, Ordering::AcqRel);
        let seen = keeper.version().filter(|_| !stale);
        match Rows::newer(database, seen).await {
            Ok(Some(rows)) => {
                keeper.take(rows).await;
                self.publish(keeper);
            }
            Ok(None) => {
                keeper.retry();
                if keeper.let_go() {
                    self.publish(keeper);
                }
            }
            Err(fault) => {
                self.0.stale.fetch_or(stale, Ordering::AcqRel);
                if pause == POLL {
                    warn!(error = %fault, "agents and numbers stay as they are: the database does not answer");
                }
                return (pause * 2).min(SLOWEST_POLL);
            }
        }
        if pause != POLL {
            info!("the database answers again: agents and numbers are as it says");
        }
        POLL
    }

    fn publish(&self, keeper: &Keeper) {
        self.0.snapshot.store(Arc::new(keeper.snapshot()));
    }

    /// Agents of files only, with nothing made ready: for tests of what lies around.
    #[cfg(test)]
    pub(crate) fn of_files(agents: agent::Agents) -> Self {
        let (house, maker) = (Arc::new(House::without_bases(agents)), Arc::new(Maker::without_engines()));
        let files = house.agents().map(|(agent, _)| Arc::new(snapshot::ReadyAgent::bare(Arc::clone(agent)))).collect();
        let keeper = Keeper::new(Arc::clone(&house), Arc::clone(&maker), files, CallRecorder::new());
        Self(Arc::new(Inner {
            snapshot: ArcSwap::from_pointee(keeper.snapshot()),
            house,
            maker,
            keeper: Mutex::new(keeper),
            database: None,
            nudge: Notify::new(),
            stale: AtomicBool::new(false),
            looks: watch::Sender::default(),
        }))
    }
}
