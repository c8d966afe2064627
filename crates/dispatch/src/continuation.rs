//! What a carrier shall do when it asks, after our stream has ended, how the call goes on.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use call::Carrier;

/// How a call goes on after its media stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continuation {
    /// It does not.
    Hangup,
    /// With a person at this number.
    Dial {
        /// E.164.
        number: String,
        /// The agent's language, for the spoken line should nobody answer.
        language: String,
    },
}

/// Continuations by the carrier's call id. Bounded: the oldest is forgotten, and a forgotten call is hung up.
#[derive(Clone, Default)]
pub struct Continuations(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    by_call: HashMap<(Carrier, String), Continuation>,
    order: VecDeque<(Carrier, String)>,
}

impl Continuations {
    /// Most calls remembered. The carrier asks within seconds of the stream's end.
    pub const MAX: usize = 10_000;

    /// Remembers how a call goes on.
    pub fn set(&self, carrier: Carrier, carrier_call_id: &str, continuation: Continuation) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (carrier, carrier_call_id.to_owned());
        if table.by_call.insert(key.clone(), continuation).is_none() {
            table.order.push_back(key);
        }
        if table.order.len() > Self::MAX
            && let Some(oldest) = table.order.pop_front()
        {
            table.by_call.remove(&oldest);
        }
    }

    /// How the call goes on; asking twice gives the same answer (carriers repeat requests).
    pub fn get(&self, carrier: Carrier, carrier_call_id: &str) -> Continuation {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.by_call.get(&(carrier, carrier_call_id.to_owned())).cloned().unwrap_or(Continuation::Hangup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_call_is_hung_up_and_memory_is_bounded() {
        let continuations = Continuations::default();
        let dial = Continuation::Dial { number: "+15005550010".into(), language: "en-US".into() };
        for index in 0..=Continuations::MAX {
            continuations.set(Carrier::Twilio, &format!("CA{index}"), dial.clone());
        }
        assert_eq!(continuations.get(Carrier::Twilio, "CA0"), Continuation::Hangup);
        assert_eq!(continuations.get(Carrier::Twilio, "CA1"), dial);
        assert_eq!(continuations.get(Carrier::Twilio, "CA1"), dial);
    }
}
