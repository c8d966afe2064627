//! Who may hear about a booking: whoever knows its code and the last name, or calls from its number and knows the last name. Guessing ends after some tries.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use agent::{ToolAnswer, ToolContext};
use call::CallId;
use lru::LruCache;
use serde_json::json;

use super::answer::{refusal, refused, said};
use crate::{Pms, Reservation, ReservationQuery, ReservationStatus};

/// Finds bookings for callers who may know of them.
pub(super) struct Verifier {
    pms: Arc<dyn Pms>,
    failed: Mutex<LruCache<CallId, u32>>,
}

impl Verifier {
    /// Failed tries of one call; after them every further one is refused unseen.
    pub(super) const MAX_FAILED: u32 = 5;
    /// Calls whose failed tries are remembered: far more than live at once, so that no call forgets its own.
    const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

    pub(super) fn new(pms: Arc<dyn Pms>) -> Self {
        Self { pms, failed: Mutex::new(LruCache::new(Self::REMEMBERED)) }
    }

    /// The booking, or the answer for a caller who may not hear of one: `not_found`, `locked`, or a fault.
    pub(super) async fn identify(&self, context: &ToolContext, code: Option<&str>, name: Option<&str>) -> Result<Reservation, ToolAnswer> {
        // A try counts before it is made: two at once are two.
        if !self.spend(context.call) {
            return Err(refused("locked", json!({})));
        }
        match self.search(context, code, name).await {
            Ok(Some(reservation)) => {
                self.give_back(context.call);
                Ok(reservation)
            }
            Ok(None) => Err(refused("not_found", json!({}))),
            Err(fault) => {
                self.give_back(context.call);
                Err(refusal(fault))
            }
        }
    }

    async fn search(&self, context: &ToolContext, code: Option<&str>, name: Option<&str>) -> Result<Option<Reservation>, crate::PmsError> {
        let Some(name) = said(name) else { return Ok(None) };
        let code: Option<String> = said(code).map(|code| code.chars().filter(|symbol| symbol.is_alphanumeric()).collect());
        let query = match (&code, &context.caller) {
            (Some(code), _) => ReservationQuery::Code(code.clone()),
            (None, Some(caller)) => ReservationQuery::Phone(caller.clone()),
            (None, None) => return Ok(None),
        };
        let same = if code.is_some() { sounds_like } else { is_same };
        let found = self.pms.find_reservations(&query).await?;
        let mut theirs: Vec<Reservation> = found.into_iter().filter(|reservation| same(&reservation.name, name)).collect();
        // Without a code the next stay is meant, if there is one.
        let today = context.now.to_zoned(self.pms.property().await?.time_zone).date();
        theirs.sort_by_key(|reservation| {
            let gone = reservation.stay.departure <= today;
            (reservation.status != ReservationStatus::Confirmed, gone, reservation.stay.arrival)
        });
        Ok(theirs.into_iter().next())
    }

    /// Counts a try; false when there are none left.
    fn spend(&self, call: CallId) -> bool {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failed.get_or_insert_mut(call, || 0);
        let allowed = *count < Self::MAX_FAILED;
        if allowed {
            *count += 1;
        }
        allowed
    }

    fn give_back(&self, call: CallId) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = failed.get_mut(&call) {
            *count = count.saturating_sub(1);
        }
    }
}

/// The last word of a name in small letters, without anything that is not a letter or digit.
fn last_name(name: &str) -> String {
    let plain = |word: &str| word.chars().filter(|symbol| symbol.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    name.split_whitespace().map(plain).rfind(|word| !word.is_empty()).unwrap_or_default()
}

fn is_same(booked: &str, said: &str) -> bool {
    let (booked, said) = (last_name(booked), last_name(said));
    !booked.is_empty() && booked == said
}

/// Allows for what a recogniser does to a name: one letter in four to seven, two in longer names, none in short ones.
fn sounds_like(booked: &str, said: &str) -> bool {
    let (booked, said) = (last_name(booked), last_name(said));
    let allowed = match booked.chars().count().max(said.chars().count()) {
        0 => return false,
        1..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    strsim::damerau_levenshtein(&booked, &said) <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_their_last_word() {
        assert!(is_same("Ann Mary Smith", "smith"));
        assert!(is_same("Ann O'Neill", "ONEILL."));
        assert!(!is_same("Ann Smith", "Ann"));
        assert!(!is_same("Ann Smith", "Smyth"));
        assert!(!is_same("?", "!"));
    }

    #[test]
    fn a_misheard_letter_is_forgiven_but_not_another_name() {
        for (booked, said) in [("Ann Smith", "Smyth"), ("João Pereira", "Periera"), ("Ann Featherstone", "Fetherston")] {
            assert!(sounds_like(booked, said), "{booked} {said}");
        }
        for (booked, said) in [("Bob Lee", "Leo"), ("Ann Smith", "Schmidt"), ("Ann Brown", "Braun"), ("Ann", "")] {
            assert!(!sounds_like(booked, said), "{booked} {said}");
        }
    }
}
