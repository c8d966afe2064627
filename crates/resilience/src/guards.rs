//! All guards of the program.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Guard, Policy, Service, View};

/// The list of all guards. Cheap to clone; all clones are one list.
#[derive(Debug, Clone, Default)]
pub struct Guards(Arc<Mutex<BTreeMap<Service, Guard>>>);

impl Guards {
    /// The guard of a service, by its policy of the table.
    pub fn of(&self, service: Service) -> Guard {
        self.with(service, service.policy())
    }

    /// The guard of a service by another policy. Whoever asks first decides: a service has one guard.
    pub fn with(&self, service: Service, policy: Policy) -> Guard {
        let mut guards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guards.entry(service).or_insert_with(|| Guard::new(service, policy)).clone()
    }

    /// A service's guard, by its name, if the service is in use.
    pub fn named(&self, name: &str) -> Option<Guard> {
        let guards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guards.iter().find(|(service, _)| service.as_str() == name).map(|(_, guard)| guard.clone())
    }

    /// All of them, by service.
    pub fn views(&self) -> Vec<View> {
        let guards: Vec<Guard> = self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        guards.iter().map(Guard::view).collect()
    }
}
