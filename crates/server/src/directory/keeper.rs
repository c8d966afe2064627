//! Keeps the agents of the database ready: makes what is new or changed, beside everything else, and keeps what cannot be made as it was.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use agent::AgentDefinition;
use call::{AgentId, TenantId};
use store::agents::StoredAgent;
use store::numbers::PhoneNumberRow;
use store::tenants::Tenant;
use store::tools::StoredTool;
use store::{Database, Page, StoreError};
use telemetry::CallRecorder;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, info};

use super::make::{Digest, Maker};
use super::row::{House, definition};
use super::snapshot::{Former, ReadyAgent, Snapshot, TenantRules};

/// What could not be made is tried again after this time: an engine may have been too busy.
const RETRY: Duration = Duration::from_secs(60);
/// Workspaces read at once.
const PAGE: u32 = 200;

/// What the database says.
pub(super) struct Rows {
    version: i64,
    tenants: Vec<Tenant>,
    agents: Vec<StoredAgent>,
    numbers: Vec<PhoneNumberRow>,
    tools: Vec<StoredTool>,
}

impl Rows {
    pub(super) async fn read(database: &Database) -> Result<Self, StoreError> {
        // The version first: what changes meanwhile has a higher one and is read again.
        let version = store::directory::version(database).await?;
        Self::of(database, version).await
    }

    /// The rows, unless they are of the version that was seen.
    pub(super) async fn newer(database: &Database, seen: Option<i64>) -> Result<Option<Self>, StoreError> {
        let version = store::directory::version(database).await?;
        if seen == Some(version) { Ok(None) } else { Self::of(database, version).await.map(Some) }
    }

    async fn of(database: &Database, version: i64) -> Result<Self, StoreError> {
        let agents = store::agents::all(database).await?;
        let numbers = store::numbers::all(database).await?;
        let tools = store::tools::all(database).await?;
        Ok(Self { version, tenants: tenants(database).await?, agents, numbers, tools })
    }
}

async fn tenants(database: &Database) -> Result<Vec<Tenant>, StoreError> {
    let (mut all, mut page) = (Vec::new(), Page { limit: PAGE, after: None });
    loop {
        let part = store::tenants::list(database, None, &page).await?;
        all.extend(part.rows);
        match part.next {
            Some(next) => page.after = Some(next),
            None => return Ok(all),
        }
    }
}

/// An agent that is ready, and the row it was made of.
struct Made {
    row: StoredAgent,
    ready: Arc<ReadyAgent>,
    /// Its workspace's tools are others now.
    stale: bool,
}

/// An agent that could not be made.
struct Failure {
    row: StoredAgent,
    why: String,
    at: Instant,
}

type Built = (StoredAgent, Result<ReadyAgent, String>);

/// The agents and what is being done about them.
pub(super) struct Keeper {
    house: Arc<House>,
    maker: Arc<Maker>,
    files: Vec<Arc<ReadyAgent>>,
    rows: Option<Rows>,
    /// The tools that workspaces declared.
    declared: HashMap<TenantId, Arc<Vec<StoredTool>>>,
    made: HashMap<AgentId, Made>,
    /// The rows that are being made.
    building: HashMap<AgentId, StoredAgent>,
    builds: JoinSet<Built>,
    failed: HashMap<AgentId, Failure>,
    former: Vec<Former>,
    recorder: CallRecorder,
}

impl Keeper {
    pub(super) fn new(house: Arc<House>, maker: Arc<Maker>, files: Vec<Arc<ReadyAgent>>, recorder: CallRecorder) -> Self {
        Self {
            house,
            maker,
            files,
            rows: None,
            declared: HashMap::new(),
            made: HashMap::new(),
            building: HashMap::new(),
            builds: JoinSet::new(),
            failed: HashMap::new(),
            former: Vec::new(),
            recorder,
        }
    }

    /// The version of what was read last.
    pub(super) fn version(&self) -> Option<i64> {
        self.rows.as_ref().map(|rows| rows.version)
    }

    /// Takes up what the database says. Numbers, workspaces and what is switched off count at once; changed agents when they are made.
    pub(super) fn take(&mut self, rows: Rows) {
        let known: HashSet<AgentId> = rows.agents.iter().map(|row| row.id).collect();
        let gone: Vec<AgentId> = self.made.keys().filter(|id| !known.contains(*id)).copied().collect();
        for made in gone.iter().filter_map(|id| self.made.remove(id)) {
            self.former.push(Former::of(&made.ready));
        }
        self.building.retain(|id, _| known.contains(id));
        self.failed.retain(|id, _| known.contains(id));
        self.declare(&rows.tools);
        for row in &rows.agents {
            self.want(row);
        }
        self.former.retain(Former::is_used);
        self.rows = Some(rows);
    }

    /// Takes up what workspaces declared. What was made of other tools than there are now is made again.
    fn declare(&mut self, tools: &[StoredTool]) {
        let mut declared: HashMap<TenantId, Vec<StoredTool>> = HashMap::new();
        for tool in tools {
            declared.entry(tool.tenant).or_default().push(tool.clone());
        }
        let declared: HashMap<_, _> = declared.into_iter().map(|(tenant, tools)| (tenant, Arc::new(tools))).collect();
        let before = std::mem::replace(&mut self.declared, declared);
        let changed = |row: &StoredAgent| row.settings.tier.is_some() && before.get(&row.tenant) != self.declared.get(&row.tenant);
        self.made.values_mut().filter(|made| changed(&made.row)).for_each(|made| made.stale = true);
        self.failed.retain(|_, failure| !changed(&failure.row));
        self.building.retain(|_, row| !changed(row));
    }

    fn want(&mut self, row: &StoredAgent) {
        if let Some(made) = self.made.get_mut(&row.id)
            && made.ready.definition.active != row.active
        {
            self.former.push(Former::of(&made.ready));
            made.ready = Arc::new(made.ready.switched(row.active));
        }
        let is = |other: &StoredAgent| same(other, row);
        if self.made.get(&row.id).is_some_and(|made| !made.stale && is(&made.row)) {
            // What was being made, or could not be made, is not wanted any more.
            self.building.remove(&row.id);
            self.failed.remove(&row.id);
            return;
        }
        if self.building.get(&row.id).is_some_and(is) || self.failed.get(&row.id).is_some_and(|failure| is(&failure.row)) {
            return;
        }
        self.failed.remove(&row.id);
        self.build(row.clone());
    }

    fn build(&mut self, row: StoredAgent) {
        let (house, maker) = (Arc::clone(&self.house), Arc::clone(&self.maker));
        let declared = self.declared.get(&row.tenant).cloned().unwrap_or_default();
        self.building.insert(row.id, row.clone());
        self.builds.spawn(async move {
            let read = tokio::task::spawn_blocking({
                let (maker, row) = (Arc::clone(&maker), row.clone());
                let names: Vec<String> = declared.iter().map(|tool| tool.name.clone()).collect();
                move || definition(&row, &names, &house, &maker)
            });
            let ready = match read.await {
                Ok(Ok((definition, digest))) => ready(&maker, Arc::new(definition), digest, &declared).await,
                Ok(Err(problems)) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
                Err(fault) => Err(fault.to_string()),
            };
            (row, ready)
        });
    }

    /// Tries again what could not be made some time ago.
    pub(super) fn retry(&mut self) {
        let due: Vec<StoredAgent> =
            self.failed.values().filter(|failure| failure.at.elapsed() >= RETRY).map(|failure| failure.row.clone()).collect();
        for row in due {
            if let Some(failure) = self.failed.get_mut(&row.id) {
                failure.at = Instant::now();
            }
            self.build(row);
        }
    }

    /// Waits until something is made, and takes it and what else is; for ever when nothing is being made. May be dropped and called again.
    pub(super) async fn built(&mut self) {
        let first = match self.builds.join_next().await {
            Some(built) => built,
            None => return std::future::pending().await,
        };
        let mut next = Some(first);
        while let Some(built) = next {
            match built {
                Ok((row, ready)) => self.took(row, ready),
                Err(fault) => error!(error = %fault, "the task that makes an agent ready broke down"),
            }
            next = self.builds.try_join_next();
        }
    }

    /// Waits until nothing is being made.
    pub(super) async fn all_built(&mut self) {
        while !self.builds.is_empty() {
            self.built().await;
        }
    }

    fn took(&mut self, row: StoredAgent, ready: Result<ReadyAgent, String>) {
        // It was changed again meanwhile: that is being made too.
        if self.building.get(&row.id).is_none_or(|wanted| !same(wanted, &row)) {
            return;
        }
        self.building.remove(&row.id);
        match ready {
            Ok(ready) => {
                let active = self.row(row.id).map_or(row.active, |now| now.active);
                let ready = if ready.definition.active == active { ready } else { ready.switched(active) };
                info!(agent = row.name, agent.id = %row.id, "agent ready");
                self.failed.remove(&row.id);
                if let Some(before) = self.made.insert(row.id, Made { row, ready: Arc::new(ready), stale: false }) {
                    self.former.push(Former::of(&before.ready));
                }
            }
            Err(why) => {
                let kept = if self.made.contains_key(&row.id) { "it stays as it was" } else { "it takes no calls" };
                error!(agent = row.name, agent.id = %row.id, error = why, "an agent cannot be made ready: {kept}");
                self.recorder.agent_not_ready();
                self.failed.insert(row.id, Failure { row, why, at: Instant::now() });
            }
        }
    }

    fn row(&self, id: AgentId) -> Option<&StoredAgent> {
        self.rows.as_ref()?.agents.iter().find(|row| row.id == id)
    }

    /// What look-ups shall see.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut own: Vec<Arc<ReadyAgent>> = self.made.values().map(|made| Arc::clone(&made.ready)).collect();
        own.sort_by(|one, other| key(&one.definition).cmp(&key(&other.definition)));
        // Those of files first: an id is never taken from them.
        let mut snapshot = Snapshot::with_agents(self.files.iter().cloned().chain(own).collect());
        snapshot.former = self.former.clone();
        snapshot.notices = self.failed.values().map(Failure::notice).collect();
        if let Some(rows) = &self.rows {
            snapshot.numbers = rows.numbers.iter().map(|row| (row.number.digits(), row.agent)).collect();
            for tenant in &rows.tenants {
                let (rules, problem) = TenantRules::of(tenant);
                snapshot.tenants.insert(tenant.id, rules);
                snapshot.notices.extend(problem);
            }
        }
        snapshot.notices.sort();
        snapshot
    }
}

impl Failure {
    fn notice(&self) -> String {
        format!("The agent {} is not as its workspace wants it: {}", self.row.name, self.why)
    }
}

fn key(definition: &AgentDefinition) -> (&str, AgentId) {
    (&definition.name, definition.id)
}

async fn ready(maker: &Maker, definition: Arc<AgentDefinition>, digest: Digest, declared: &[StoredTool]) -> Result<ReadyAgent, String> {
    let minds = maker.minds(&definition, declared).await?;
    let ready = maker.make(definition, digest).await.map_err(|fault| fault.to_string())?;
    Ok(ReadyAgent { minds, ..ready })
}

/// True when both rows make the same agent; whether it is switched on is no matter of making.
fn same(one: &StoredAgent, other: &StoredAgent) -> bool {
    let key = |row: &StoredAgent| (row.tenant, row.name.clone(), row.flow.clone(), row.base.clone(), row.settings.clone());
    key(one) == key(other)
}
