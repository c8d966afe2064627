//! All guards of the program.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Guard, Policy, Service, View};

/// Most guards of parts: tools, and vendors by the keys of workspaces. At this number those that nobody holds any more go; what is beyond shares
/// one.
const MAX_PARTS: usize = 4096;

/// The list of all guards. Cheap to clone; all clones are one list.
#[derive(Debug, Clone, Default)]
pub struct Guards(Arc<Mutex<List>>);

#[derive(Debug, Default)]
struct List {
    services: BTreeMap<Service, Guard>,
    /// Those of services that are many, each of which fails on its own: a workspace's tools, a vendor by a workspace's key.
    parts: BTreeMap<(Service, String), Guard>,
}

impl Guards {
    /// The guard of a service, by its policy of the table.
    pub fn of(&self, service: Service) -> Guard {
        self.with(service, service.policy())
    }

    /// The guard of a service by another policy. Whoever asks first decides: a service has one guard.
    pub fn with(&self, service: Service, policy: Policy) -> Guard {
        self.list().services.entry(service).or_insert_with(|| Guard::new(service, policy)).clone()
    }

    /// The guard of one of the many that a service stands for, by a name of it.
    pub fn part(&self, service: Service, name: &str) -> Guard {
        let mut list = self.list();
        let key = (service, name.to_owned());
        if list.parts.len() >= MAX_PARTS {
            list.parts.retain(|_, guard| guard.is_held());
        }
        if !list.parts.contains_key(&key) && list.parts.len() >= MAX_PARTS {
            return list.services.entry(service).or_insert_with(|| Guard::new(service, service.policy())).clone();
        }
        list.parts.entry(key).or_insert_with(|| Guard::of_part(service, name)).clone()
    }

    /// A service's guard, by its name, if the service is in use: `telnyx`, or `tools/name` for one of many.
    pub fn named(&self, name: &str) -> Option<Guard> {
        let list = self.list();
        let service = list.services.iter().find(|(service, _)| service.as_str() == name).map(|(_, guard)| guard);
        let part = || {
            let (service, part) = name.split_once('/')?;
            list.parts.iter().find(|((of, name), _)| of.as_str() == service && name == part).map(|(_, guard)| guard)
        };
        service.or_else(part).cloned()
    }

    /// All services, in their order.
    pub fn views(&self) -> Vec<View> {
        let guards: Vec<Guard> = self.list().services.values().cloned().collect();
        guards.iter().map(Guard::view).collect()
    }

    /// Every part that is in use, by service and name.
    pub fn parts(&self) -> Vec<(String, View)> {
        let guards: Vec<_> =
            self.list().parts.iter().filter(|(_, guard)| guard.is_held()).map(|((_, name), guard)| (name.clone(), guard.clone())).collect();
        guards.into_iter().map(|(name, guard)| (name, guard.view())).collect()
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
