//! Keeps the agents of the database ready: makes what is new or changed, beside everything else, and keeps what cannot be made as it was.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use agent::AgentDefinition;
use call::{AgentId, TenantId};
use store::agents::StoredAgent;
use store::sealed::{KeyOf, Sealed};
use store::tools::StoredTool;
use telemetry::CallRecorder;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, info};

use super::make::{Digest, Maker};
use super::row::{House, definition};
use super::rows::Rows;
use super::snapshot::{Former, ReadyAgent, Snapshot, TenantRules};
use crate::vendors::{Outfit, StoredKey};

/// What could not be made is tried again after this time: an engine may have been too busy.
const RETRY: Duration = Duration::from_secs(60);
/// An agent that is ready, and the row it was made of.
struct Made {
    row: StoredAgent,
    ready: Arc<ReadyAgent>,
    /// Its workspace's tools or keys are others now.
    stale: bool,
    /// Its workspace's keys are: it must not go on with those it has.
    rekeyed: bool,
}

/// A workspace's own keys for vendors, and what they open.
struct Keyed {
    keys: Vec<StoredKey>,
    /// Or why they open nothing, and when that was tried.
    outfit: Result<Option<Arc<Outfit>>, (String, Instant)>,
}

/// A row that is being made.
struct Building {
    row: StoredAgent,
    /// The making of it that counts: one that was begun before with other tools or keys does not.
    number: u64,
}

/// An agent that could not be made.
struct Failure {
    row: StoredAgent,
    why: String,
    at: Instant,
}

type Built = (u64, StoredAgent, Result<ReadyAgent, String>);

/// The agents and what is being done about them.
pub(super) struct Keeper {
    house: Arc<House>,
    maker: Arc<Maker>,
    files: Vec<Arc<ReadyAgent>>,
    rows: Option<Rows>,
    /// The tools that workspaces declared.
    declared: HashMap<TenantId, Arc<Vec<StoredTool>>>,
    /// What is done with the keys that workspaces have.
    keyed: HashMap<TenantId, Keyed>,
    made: HashMap<AgentId, Made>,
    building: HashMap<AgentId, Building>,
    /// Makings so far.
    begun: u64,
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
            keyed: HashMap::new(),
            made: HashMap::new(),
            building: HashMap::new(),
            begun: 0,
            builds: JoinSet::new(),
            failed: HashMap::new(),
            former: Vec::new(),
            recorder,
        }
    }

    /// The version of what was read last; none when it is to be read again, for a workspace's keys could not be opened.
    pub(super) fn version(&self) -> Option<i64> {
        let due = self.keyed.values().any(|keyed| keyed.outfit.as_ref().is_err_and(|(_, at)| at.elapsed() >= RETRY));
        self.rows.as_ref().filter(|_| !due).map(|rows| rows.version)
    }

    /// Takes up what the database says. Numbers, workspaces and what is switched off count at once; changed agents when they are made.
    pub(super) async fn take(&mut self, mut rows: Rows) {
        let known: HashSet<AgentId> = rows.agents.iter().map(|row| row.id).collect();
        let gone: Vec<AgentId> = self.made.keys().filter(|id| !known.contains(*id)).copied().collect();
        for made in gone.iter().filter_map(|id| self.made.remove(id)) {
            self.former.push(Former::of(&made.ready));
        }
        self.building.retain(|id, _| known.contains(id));
        self.failed.retain(|id, _| known.contains(id));
        self.declare(&rows.tools);
        self.open_keys(std::mem::take(&mut rows.keys)).await;
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
        self.building.retain(|_, building| !changed(&building.row));
    }

    /// Takes up the keys of workspaces. What was made with other keys than there are now is made again.
    async fn open_keys(&mut self, rows: Vec<Sealed<KeyOf>>) {
        let mut wanted: HashMap<TenantId, Vec<StoredKey>> = HashMap::new();
        for (tenant, key) in rows.into_iter().filter_map(|row| self.maker.key(row)) {
            wanted.entry(tenant).or_default().push(key);
        }
        let mut changed: HashSet<TenantId> = self.keyed.keys().filter(|tenant| !wanted.contains_key(tenant)).copied().collect();
        self.keyed.retain(|tenant, _| !changed.contains(tenant));
        for (tenant, keys) in wanted {
            let good = |keyed: &Keyed| keyed.keys == keys && keyed.outfit.as_ref().map_or_else(|(_, at)| at.elapsed() < RETRY, |_| true);
            if self.keyed.get(&tenant).is_some_and(good) {
                continue;
            }
            let outfit = self.maker.outfit(tenant, &keys).await.map_err(|why| {
                error!(%tenant, error = why, "a workspace's own keys for vendors cannot be used");
                (why, Instant::now())
            });
            self.keyed.insert(tenant, Keyed { keys, outfit });
            changed.insert(tenant);
        }
        let changed = |row: &StoredAgent| changed.contains(&row.tenant);
        self.made.values_mut().filter(|made| changed(&made.row)).for_each(|made| (made.stale, made.rekeyed) = (true, true));
        self.failed.retain(|_, failure| !changed(&failure.row));
        self.building.retain(|_, building| !changed(&building.row));
    }

    fn want(&mut self, row: &StoredAgent) {
        if let Some(made) = self.made.get_mut(&row.id)
            && made.ready.definition.active != row.active
        {
            self.former.push(Former::of(&made.ready));
            made.ready = Arc::new(made.ready.switched(row.active));
        }
        let is = |other: &StoredAgent| same(other, row);
        if self.made.get(&row.id).is_some_and(|made| made.is_of(row)) {
            // What was being made, or could not be made, is not wanted any more.
            self.building.remove(&row.id);
            self.failed.remove(&row.id);
            return;
        }
        if self.building.get(&row.id).is_some_and(|building| is(&building.row))
            || self.failed.get(&row.id).is_some_and(|failure| is(&failure.row))
        {
            return;
        }
        self.failed.remove(&row.id);
        self.build(row.clone());
    }

    fn build(&mut self, row: StoredAgent) {
        let (house, maker) = (Arc::clone(&self.house), Arc::clone(&self.maker));
        let declared = self.declared.get(&row.tenant).cloned().unwrap_or_default();
        let keyed = self.keyed.get(&row.tenant);
        let keys: Vec<String> = keyed.iter().flat_map(|keyed| &keyed.keys).map(|key| key.provider().to_owned()).collect();
        let outfit = keyed.map_or(Ok(None), |keyed| keyed.outfit.clone().map_err(|(why, _)| why));
        // Nothing of it has changed but, maybe, what its servers can do.
        let kept = self.made.get(&row.id).filter(|made| made.is_of(&row)).map(|made| Arc::clone(&made.ready));
        self.begun += 1;
        let number = self.begun;
        self.building.insert(row.id, Building { row: row.clone(), number });
        self.builds.spawn(async move {
            if let (Some(kept), Ok(outfit)) = (&kept, &outfit) {
                let ready = asked_again(&maker, kept, &declared, outfit.as_deref()).await;
                return (number, row, ready);
            }
            let read = tokio::task::spawn_blocking({
                let (maker, row) = (Arc::clone(&maker), row.clone());
                let names: Vec<String> = declared.iter().map(|tool| tool.name.clone()).collect();
                move || definition(&row, &names, &keys, &house, &maker)
            });
            let ready = match (read.await, outfit) {
                (Ok(Ok((definition, digest))), Ok(outfit)) => {
                    ready(&maker, Arc::new(definition), digest, &declared, outfit.as_deref()).await
                }
                (Ok(Err(problems)), _) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
                (Ok(Ok(_)), Err(why)) => Err(why),
                (Err(fault), _) => Err(fault.to_string()),
            };
            (number, row, ready)
        });
    }

    /// Tries again what could not be made some time ago, and asks the servers of agents' tools again.
    pub(super) fn retry(&mut self) {
        let due: Vec<StoredAgent> =
            self.failed.values().filter(|failure| failure.at.elapsed() >= RETRY).map(|failure| failure.row.clone()).collect();
        for row in due {
            if let Some(failure) = self.failed.get_mut(&row.id) {
                failure.at = Instant::now();
            }
            self.build(row);
        }
        let now = Instant::now();
        let due = self.made.values().filter(|made| made.ready.ask_again.is_some_and(|at| at <= now)).map(|made| &made.row);
        let due = due.filter(|row| !self.building.contains_key(&row.id) && !self.failed.contains_key(&row.id));
        for row in due.cloned().collect::<Vec<_>>() {
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
                Ok((number, row, ready)) => self.took(number, row, ready),
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

    fn took(&mut self, number: u64, row: StoredAgent, ready: Result<ReadyAgent, String>) {
        // It was changed again meanwhile, or its workspace's tools or keys were: that is being made too.
        if self.building.get(&row.id).is_none_or(|wanted| wanted.number != number) {
            return;
        }
        self.building.remove(&row.id);
        match ready {
            Ok(ready) => {
                let active = self.row(row.id).map_or(row.active, |now| now.active);
                let ready = if ready.definition.active == active { ready } else { ready.switched(active) };
                if self.made.get(&row.id).is_none_or(|made| !made.is_of(&row)) {
                    info!(agent = row.name, agent.id = %row.id, "agent ready");
                }
                self.failed.remove(&row.id);
                if let Some(before) = self.made.insert(row.id, Made { row, ready: Arc::new(ready), stale: false, rekeyed: false }) {
                    self.former.push(Former::of(&before.ready));
                }
            }
            Err(why) => {
                // A key that was taken away is not used any more.
                if self.made.get(&row.id).is_some_and(|made| made.rekeyed)
                    && let Some(made) = self.made.remove(&row.id)
                {
                    self.former.push(Former::of(&made.ready));
                }
                let kept = if self.made.contains_key(&row.id) { "it stays as it was" } else { "it takes no calls" };
                error!(agent = row.name, agent.id = %row.id, error = why, "an agent cannot be made ready: {kept}");
                self.recorder.agent_not_ready();
                self.failed.insert(row.id, Failure { row, why, at: Instant::now() });
            }
        }
    }

    /// Drops what no call goes on with any more; true when there was something.
    pub(super) fn let_go(&mut self) -> bool {
        let before = self.former.len();
        self.former.retain(Former::is_used);
        self.former.len() < before
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
        for (tenant, keyed) in &self.keyed {
            match &keyed.outfit {
                Ok(outfit) => snapshot.outfits.extend(outfit.iter().map(|outfit| (*tenant, Arc::clone(outfit)))),
                Err((why, _)) => snapshot.notices.push(format!("The workspace {tenant} has no vendors by its own keys: {why}")),
            }
        }
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

impl Made {
    /// True when it is what this row wants, with its workspace's tools and keys as they are.
    fn is_of(&self, row: &StoredAgent) -> bool {
        !self.stale && same(&self.row, row)
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

async fn ready(
    maker: &Maker,
    definition: Arc<AgentDefinition>,
    digest: Digest,
    declared: &[StoredTool],
    outfit: Option<&Outfit>,
) -> Result<ReadyAgent, String> {
    let thinking = maker.minds(&definition, declared, outfit).await?;
    let ready = maker.make(definition, digest, outfit).await.map_err(|fault| fault.to_string())?;
    Ok(ready.with(thinking))
}

/// The same agent with the tools that its servers list now. It is another to calls: one that is under way keeps what it began with.
async fn asked_again(maker: &Maker, kept: &ReadyAgent, declared: &[StoredTool], outfit: Option<&Outfit>) -> Result<ReadyAgent, String> {
    let thinking = maker.minds(&kept.definition, declared, outfit).await?;
    Ok(kept.switched(kept.definition.active).with(thinking))
}

/// True when both rows make the same agent; whether it is switched on is no matter of making.
fn same(one: &StoredAgent, other: &StoredAgent) -> bool {
    let key = |row: &StoredAgent| (row.tenant, row.name.clone(), row.flow.clone(), row.base.clone(), row.settings.clone());
    key(one) == key(other)
}
