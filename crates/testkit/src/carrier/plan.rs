//! What a caller is going to do.

use std::sync::Arc;
use std::time::Duration;

use call::{Carrier, PhoneNumber};
use tokio_util::sync::CancellationToken;

use super::booking::Errand;

/// One call, from the caller's side.
#[derive(Debug, Clone)]
pub struct CallPlan {
    /// Which carrier brings the call.
    pub carrier: Carrier,
    /// The agent's id or name; without it the called number decides.
    pub agent: Option<String>,
    /// The calling number. Different in each call, it tells their bookings apart.
    pub from: PhoneNumber,
    /// The called number.
    pub to: PhoneNumber,
    /// What the caller does, in this order; after the last one the caller hangs up.
    pub moves: Vec<Move>,
    /// How the caller hangs up.
    pub hang_up: HangUp,
    /// What those do to whom the caller is put through, one after the other; the last one stands for all that follow.
    pub people: Vec<Person>,
    /// How long a request that fails is made again. Zero: once more, at once, as a carrier does by itself; longer: as one with a fallback address.
    pub patience: Duration,
    /// True: the call is steered by command, not by documents (Telnyx only; the simulator needs a [`super::CallControl`]).
    pub by_command: bool,
}

/// One thing that a caller does.
#[derive(Debug, Clone)]
pub enum Move {
    /// Waits until the agent has spoken after the last move and is quiet again.
    Listen,
    /// Presses these keys.
    Press(String),
    /// Speaks: samples at 8000 Hz.
    Say(Arc<[i16]>),
    /// Stays on the line for this long.
    Stay(Duration),
    /// Goes on when this is cancelled.
    Until(CancellationToken),
    /// Books rooms, by listening to what is asked.
    Book(Errand),
    /// Presses the keys of the menu in turn (`1` to `4`), whenever the agent has finished, until the end of the call.
    Browse,
}

/// How a caller leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HangUp {
    /// Properly: the carrier sends `stop`, closes the stream and reports the call completed.
    #[default]
    Stop,
    /// The connection is reset, and nothing is reported: the carrier's machine is gone.
    Reset,
    /// The connection stays and nothing comes any more, nor is anything read or reported: the network is gone.
    HalfOpen,
}

/// Somebody who is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// Answers, and hangs up at once.
    Answers,
    /// Is talking.
    Busy,
    /// Does not hear the phone: the carrier gives up after this time.
    Misses(Duration),
    /// Does not hear it, and it rings until the caller hangs up.
    Rings,
}

impl CallPlan {
    /// A caller of the demo hotel who says nothing and hangs up at once; fill in the rest.
    pub fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            agent: None,
            from: PhoneNumber::new("+15005550006"),
            to: PhoneNumber::new("+15005550010"),
            moves: Vec::new(),
            hang_up: HangUp::Stop,
            people: vec![Person::Answers],
            patience: Duration::ZERO,
            by_command: false,
        }
    }

    /// The same, calling from the `index`-th number of a block that belongs to nobody.
    pub fn from_number(mut self, index: usize) -> Self {
        self.from = PhoneNumber::new(format!("+1500556{index:04}"));
        self
    }

    /// The same with one more move.
    pub fn then(mut self, what: Move) -> Self {
        self.moves.push(what);
        self
    }
}
