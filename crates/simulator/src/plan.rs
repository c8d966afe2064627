//! What each vendor does with the next request, and what was seen of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::{Behaviour, Trouble, Vendor};

/// The behaviour of all vendors. Cheap to clone; all clones are one plan.
#[derive(Clone, Default)]
pub struct Plan(Arc<Mutex<BTreeMap<Vendor, Entry>>>);

#[derive(Default)]
struct Entry {
    behaviour: Behaviour,
    /// How often it was changed for streams under way too.
    changes: u64,
    seen: Seen,
    rng: fastrand::Rng,
}

/// What was seen of a vendor's users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Requests and sockets since the start.
    pub requests: u64,
    /// Those that are open now.
    pub open: usize,
    /// Those that trouble was made for.
    pub troubled: u64,
    /// Those that the user ended before the answer was complete.
    pub cancelled: u64,
}

/// What is done with one request. Dropped when the request is over; say [`Act::complete`] when it was answered to its end.
pub struct Act {
    plan: Plan,
    vendor: Vendor,
    /// How the vendor behaves in this request.
    pub behaviour: Behaviour,
    /// What goes wrong in it.
    pub trouble: Option<Trouble>,
    /// Time to its first byte.
    pub first: Duration,
    /// The plan's changes that are known here.
    changes: u64,
    pieces: u32,
    complete: bool,
}

/// What to do with the next piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send it.
    Send,
    /// Send nothing more, and keep the connection.
    Stall,
    /// Break the connection.
    Cut,
    /// Send something that is not of the protocol, then go on.
    Malformed,
    /// Report an error within the stream, and end.
    Error,
}

impl Plan {
    /// From now on; streams under way go on as they began.
    pub fn behave(&self, vendor: Vendor, behaviour: Behaviour) {
        let mut entries = self.entries();
        let entry = entries.entry(vendor).or_default();
        entry.behaviour = behaviour;
    }

    /// The same, and a stream that lasts a call takes it up (`Act::next_in_call`); answers under way go on as they began.
    pub fn strike(&self, vendor: Vendor, behaviour: Behaviour) {
        let mut entries = self.entries();
        let entry = entries.entry(vendor).or_default();
        (entry.behaviour, entry.changes) = (behaviour, entry.changes + 1);
    }

    /// How it behaves.
    pub fn behaviour(&self, vendor: Vendor) -> Behaviour {
        self.entries().entry(vendor).or_default().behaviour.clone()
    }

    /// What was seen.
    pub fn seen(&self, vendor: Vendor) -> Seen {
        self.entries().entry(vendor).or_default().seen
    }

    /// A request came in.
    pub fn begin(&self, vendor: Vendor) -> Act {
        let mut entries = self.entries();
        let entry = entries.entry(vendor).or_default();
        let (trouble, first) = entry.draw();
        entry.seen.requests += 1;
        entry.seen.open += 1;
        let (behaviour, changes) = (entry.behaviour.clone(), entry.changes);
        Act { plan: self.clone(), vendor, behaviour, trouble, first, changes, pieces: 0, complete: false }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Vendor, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// What goes wrong next, and the time to the first byte.
    fn draw(&mut self) -> (Option<Trouble>, Duration) {
        let trouble = self.behaviour.trouble.filter(|_| self.rng.f64() < self.behaviour.share);
        let first = Behaviour { trouble, ..self.behaviour.clone() }.first(&mut self.rng);
        self.seen.troubled += u64::from(trouble.is_some());
        (trouble, first)
    }
}

impl Act {
    /// The HTTP status of a refusal, and `Retry-After` in seconds. The vendor words the body.
    pub fn refusal(&self) -> Option<(u16, Option<u64>)> {
        match self.trouble? {
            Trouble::WrongKey => Some((401, None)),
            Trouble::TooMany { retry_after } => Some((429, retry_after)),
            Trouble::Unavailable { status } => Some((status, None)),
            _ => None,
        }
    }

    /// Waits as long as this request's first byte takes; for ever for a silent vendor.
    pub async fn wait_first(&self) {
        if self.trouble == Some(Trouble::Silent) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(self.first).await;
    }

    /// What to do with the next piece.
    pub(crate) fn next(&mut self) -> Next {
        let so_far = self.pieces;
        self.pieces += 1;
        match self.trouble {
            Some(Trouble::Stall { after }) if so_far >= after => Next::Stall,
            Some(Trouble::Cut { after }) if so_far >= after => Next::Cut,
            Some(Trouble::Malformed { after }) if so_far == after => Next::Malformed,
            Some(Trouble::Error { after }) if so_far >= after => Next::Error,
            _ => Next::Send,
        }
    }

    /// The same in a stream that lasts a whole call, for which behaviour that was changed since its begin counts too. A vendor that refuses from
    /// then on ends the stream; one that is silent says nothing more.
    pub(crate) fn next_in_call(&mut self) -> Next {
        self.follow();
        match self.trouble {
            Some(Trouble::WrongKey | Trouble::TooMany { .. } | Trouble::Unavailable { .. }) => Next::Cut,
            Some(Trouble::Silent) => Next::Stall,
            _ => self.next(),
        }
    }

    /// Takes up what was changed since the request began.
    pub(crate) fn follow(&mut self) {
        let mut entries = self.plan.entries();
        let entry = entries.entry(self.vendor).or_default();
        if entry.changes != self.changes {
            (self.trouble, self.first) = entry.draw();
            (self.behaviour, self.changes, self.pieces) = (entry.behaviour.clone(), entry.changes, 0);
        }
    }

    /// The request was answered to its end.
    pub fn complete(&mut self) {
        self.complete = true;
    }
}

impl Drop for Act {
    fn drop(&mut self) {
        let mut entries = self.plan.entries();
        let seen = &mut entries.entry(self.vendor).or_default().seen;
        seen.open = seen.open.saturating_sub(1);
        seen.cancelled += u64::from(!self.complete && self.trouble.is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_comes_when_it_was_asked_for_and_everything_is_counted() {
        let plan = Plan::default();
        let mut good = plan.begin(Vendor::Deepgram);
        assert_eq!((good.refusal(), good.next()), (None, Next::Send));
        plan.behave(Vendor::Deepgram, Behaviour::with(Trouble::Cut { after: 2 }));
        let mut cut = plan.begin(Vendor::Deepgram);
        assert_eq!([cut.next(), cut.next(), cut.next()], [Next::Send, Next::Send, Next::Cut]);
        assert_eq!(plan.seen(Vendor::Deepgram), Seen { requests: 2, open: 2, troubled: 1, cancelled: 0 });
        good.complete();
        drop((good, cut));
        drop(plan.begin(Vendor::OpenAi));
        assert_eq!(plan.seen(Vendor::Deepgram).open, 0);
        assert_eq!(plan.seen(Vendor::OpenAi).cancelled, 1);
    }

    #[test]
    fn what_is_changed_in_the_middle_of_a_call_reaches_a_stream_that_lasts_the_call_and_no_answer_under_way() {
        let plan = Plan::default();
        let (mut stream, mut answer) = (plan.begin(Vendor::Deepgram), plan.begin(Vendor::Deepgram));
        assert_eq!((stream.next_in_call(), answer.next()), (Next::Send, Next::Send));
        plan.strike(Vendor::Deepgram, Behaviour::with(Trouble::Cut { after: 1 }));
        assert_eq!([stream.next_in_call(), stream.next_in_call()], [Next::Send, Next::Cut], "counted from the change");
        assert_eq!([answer.next(), answer.next()], [Next::Send, Next::Send]);
        plan.strike(Vendor::Deepgram, Behaviour::with(Trouble::Unavailable { status: 503 }));
        assert_eq!(stream.next_in_call(), Next::Cut);
        plan.strike(Vendor::Deepgram, Behaviour::with(Trouble::Silent));
        assert_eq!(stream.next_in_call(), Next::Stall);
        assert_eq!(plan.seen(Vendor::Deepgram).troubled, 3);
        plan.strike(Vendor::Deepgram, Behaviour::default());
        assert_eq!(stream.next_in_call(), Next::Send);
        stream.complete();
        answer.complete();
    }
}
