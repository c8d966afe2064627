//! What is known at one moment: agents that are ready, numbers, workspaces.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use agent::AgentDefinition;
use call::{AgentId, PhoneNumber, TenantId, Timestamp};
use jiff::tz::TimeZone;
use session::Minds;
use speech::Domain;
use store::tenants::{OpeningHours, RedactionLevel, Tenant};
use tokio::time::Instant;

use crate::minds::Thinking;
use crate::refusals::Refusals;
use crate::vendors::Outfit;

/// An agent that can take calls: all that would make its caller wait is made.
pub(crate) struct ReadyAgent {
    pub(crate) definition: Arc<AgentDefinition>,
    /// What may be said in its calls; none for agents that do not listen to words.
    pub(crate) domain: Option<Arc<Domain>>,
    /// The models that speak in place of its dialogue, when it has some.
    pub(crate) minds: Option<Minds>,
    /// From then on the servers of its tools are to be asked again.
    pub(super) ask_again: Option<Instant>,
    pub(crate) refusals: Refusals,
}

impl ReadyAgent {
    /// The same, switched on or off.
    pub(super) fn switched(&self, active: bool) -> Self {
        let definition = AgentDefinition { active, ..(*self.definition).clone() };
        Self {
            definition: Arc::new(definition),
            domain: self.domain.clone(),
            minds: self.minds.clone(),
            ask_again: self.ask_again,
            refusals: self.refusals.clone(),
        }
    }

    /// The same with these models.
    pub(super) fn with(self, thinking: Option<Thinking>) -> Self {
        let (minds, after) = thinking.map_or((None, None), |thinking| (Some(thinking.minds), thinking.ask_again));
        Self { minds, ask_again: after.map(|after| Instant::now() + after), ..self }
    }

    #[cfg(test)]
    pub(super) fn bare(definition: Arc<AgentDefinition>) -> Self {
        Self { definition, domain: None, minds: None, ask_again: None, refusals: Refusals::default() }
    }
}

/// An agent as it was, while a call goes on with it.
#[derive(Clone)]
pub(super) struct Former {
    definition: Weak<AgentDefinition>,
    domain: Option<Arc<Domain>>,
    minds: Option<Minds>,
}

impl Former {
    pub(super) fn of(ready: &ReadyAgent) -> Self {
        Self { definition: Arc::downgrade(&ready.definition), domain: ready.domain.clone(), minds: ready.minds.clone() }
    }

    /// True while something holds it.
    pub(super) fn is_used(&self) -> bool {
        self.definition.strong_count() > 0
    }
}

/// What calls must know of a workspace.
#[derive(Debug, Clone)]
pub(crate) struct TenantRules {
    pub(crate) max_calls: Option<u32>,
    pub(crate) redaction: RedactionLevel,
    /// Hours and the zone they are in; none is always open.
    hours: Option<(OpeningHours, TimeZone)>,
}

impl TenantRules {
    /// The rules, and what is wrong with them.
    pub(super) fn of(tenant: &Tenant) -> (Self, Option<String>) {
        let zone = TimeZone::get(&tenant.time_zone);
        let problem = zone.as_ref().err().filter(|_| tenant.opening_hours.is_some()).map(|_| {
            let (name, zone) = (&tenant.name, &tenant.time_zone);
            format!("The workspace {name} is open all day: its time zone {zone} is not known here; give it another, or install tzdata")
        });
        let hours = tenant.opening_hours.clone().zip(zone.ok());
        (Self { max_calls: tenant.max_calls, redaction: tenant.redaction, hours }, problem)
    }

    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.hours.as_ref().is_none_or(|(hours, zone)| hours.is_open(now.to_zoned(zone.clone()).datetime()))
    }
}

/// One moment's knowledge; it does not change.
#[derive(Default)]
pub(crate) struct Snapshot {
    /// Those of files first, then by name.
    pub(super) agents: Vec<Arc<ReadyAgent>>,
    pub(super) by_id: HashMap<AgentId, usize>,
    /// By digits; `None`: a number that nobody answers.
    pub(super) numbers: HashMap<String, Option<AgentId>>,
    pub(super) tenants: HashMap<TenantId, TenantRules>,
    /// What workspaces' own keys for vendors open.
    pub(super) outfits: HashMap<TenantId, Arc<Outfit>>,
    pub(super) former: Vec<Former>,
    pub(super) notices: Vec<String>,
}

impl Snapshot {
    pub(super) fn with_agents(agents: Vec<Arc<ReadyAgent>>) -> Self {
        let by_id = agents.iter().enumerate().rev().map(|(place, ready)| (ready.definition.id, place)).collect();
        Self { agents, by_id, ..Self::default() }
    }

    pub(super) fn get(&self, id: AgentId) -> Option<&Arc<ReadyAgent>> {
        self.agents.get(*self.by_id.get(&id)?)
    }

    /// The only agent of this name.
    pub(super) fn named(&self, name: &str) -> Option<Arc<AgentDefinition>> {
        let mut found = self.agents.iter().filter(|ready| ready.definition.name.eq_ignore_ascii_case(name));
        let first = found.next()?;
        found.next().is_none().then(|| Arc::clone(&first.definition))
    }

    /// A workspace's number: its agent, should it have one.
    pub(super) fn number(&self, number: &PhoneNumber) -> Option<Option<AgentId>> {
        self.numbers.get(&number.digits()).copied()
    }

    pub(super) fn all(&self) -> Vec<Arc<AgentDefinition>> {
        self.agents.iter().map(|ready| Arc::clone(&ready.definition)).collect()
    }

    pub(super) fn domain(&self, agent: &Arc<AgentDefinition>) -> Option<Arc<Domain>> {
        let now = self.get(agent.id).filter(|ready| Arc::ptr_eq(&ready.definition, agent));
        match now {
            Some(ready) => ready.domain.clone(),
            None => self.former.iter().find(|former| former.definition.as_ptr() == Arc::as_ptr(agent))?.domain.clone(),
        }
    }

    pub(super) fn minds(&self, agent: &Arc<AgentDefinition>) -> Option<Minds> {
        let now = self.get(agent.id).filter(|ready| Arc::ptr_eq(&ready.definition, agent));
        match now {
            Some(ready) => ready.minds.clone(),
            None => self.former.iter().find(|former| former.definition.as_ptr() == Arc::as_ptr(agent))?.minds.clone(),
        }
    }

    pub(super) fn tenant(&self, id: TenantId) -> Option<&TenantRules> {
        self.tenants.get(&id)
    }
}
