//! What instances leave for each other: offers and commands.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::{Model, micros};
use crate::{Command, Inbox, InstanceName, Rules};

#[derive(Debug, Clone, Default)]
pub(super) struct Mail {
    /// Text and end of life by key.
    offers: HashMap<String, (String, i64)>,
    /// The same keys, the next to run out first.
    ends: BTreeSet<(i64, String)>,
    /// With the end of life, oldest first.
    commands: BTreeMap<InstanceName, VecDeque<(i64, Command)>>,
}

impl Mail {
    fn keep_offer(&mut self, now: i64, key: &str, offer: &str, until: i64) {
        self.drop_offer(key);
        while let Some((end, _)) = self.ends.first()
            && (*end <= now || self.ends.len() >= Model::OFFERS)
            && let Some((_, first)) = self.ends.pop_first()
        {
            self.offers.remove(&first);
        }
        self.offers.insert(key.to_owned(), (offer.to_owned(), until));
        self.ends.insert((until, key.to_owned()));
    }

    fn drop_offer(&mut self, key: &str) -> Option<(String, i64)> {
        let (offer, until) = self.offers.remove(key)?;
        self.ends.remove(&(until, key.to_owned()));
        Some((offer, until))
    }

    fn drop_old_commands(&mut self, now: i64) {
        for commands in self.commands.values_mut() {
            commands.retain(|(until, _)| now < *until);
        }
        self.commands.retain(|_, commands| !commands.is_empty());
    }
}

impl Model {
    /// See [`crate::LiveState::share_offer`].
    pub fn share_offer(&mut self, now: i64, key: &str, offer: &str, ttl: Duration) {
        self.mail.keep_offer(now, key, offer, now.saturating_add(micros(ttl)));
    }

    /// See [`crate::LiveState::offer`].
    pub fn offer(&self, now: i64, key: &str) -> Option<String> {
        self.mail.offers.get(key).filter(|(_, until)| now < *until).map(|(offer, _)| offer.clone())
    }

    /// See [`crate::LiveState::take_offer`].
    pub fn take_offer(&mut self, now: i64, key: &str) -> Option<String> {
        self.mail.drop_offer(key).filter(|(_, until)| now < *until).map(|(offer, _)| offer)
    }

    /// See [`crate::LiveState::send`]. In a full inbox the oldest command makes room.
    pub fn send(&mut self, now: i64, instance: &InstanceName, command: &Command) {
        self.mail.drop_old_commands(now);
        let commands = self.mail.commands.entry(instance.clone()).or_default();
        commands.push_back((now.saturating_add(micros(Self::COMMAND_LIFE)), command.clone()));
        if commands.len() > Rules::COMMANDS {
            commands.pop_front();
        }
    }

    /// See [`crate::LiveState::inbox`].
    pub fn inbox(&mut self, now: i64, instance: &InstanceName) -> Inbox {
        self.settle(now);
        self.mail.drop_old_commands(now);
        let commands = self.mail.commands.remove(instance).unwrap_or_default();
        Inbox { grants: self.queue.grants(now, instance), commands: commands.into_iter().map(|(_, command)| command).collect() }
    }
}
