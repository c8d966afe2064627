//! Changes of who listens, thinks and speaks in a call: told to the journal and the numbers, on the call's clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{OnRung, RungName};
use call::{Part, RungChange, RungWhy};
use speech::ladder::{OnChange, Side, Why};
use telemetry::{CallRecorder, SessionFact};
use tracing::Span;

use crate::journal::Rungs;

/// Tells of changes. They come from tasks of engines, so it keeps what a line and a row need.
pub(crate) struct Teller {
    pub(crate) rungs: Rungs,
    pub(crate) recorder: CallRecorder,
    pub(crate) span: Span,
    /// Where the call's clock stood, and when.
    pub(crate) origin: Instant,
    pub(crate) origin_ms: u64,
}

impl Teller {
    /// For a ladder of ears or voices.
    pub(crate) fn of_speech(self: &Arc<Self>) -> OnChange {
        let this = Arc::clone(self);
        Arc::new(move |change| {
            let part = match change.side {
                Side::Hearing => Part::Ears,
                Side::Speaking => Part::Voice,
            };
            this.tell(part, change.from.to_owned(), change.to.to_owned(), why_of_speech(change.why));
        })
    }

    /// For a brain with rungs.
    pub(crate) fn of_mind(self: &Arc<Self>) -> OnRung {
        let this = Arc::clone(self);
        Arc::new(move |change| this.tell(Part::Mind, name(&change.from), name(&change.to), why_of_mind(change.why)))
    }

    fn tell(&self, part: Part, from: String, to: String, why: RungWhy) {
        let since = crate::run::now().saturating_duration_since(self.origin);
        let change = RungChange { at_ms: self.origin_ms.saturating_add(millis(since)), part, from, to, why };
        self.span.in_scope(|| self.recorder.fact(SessionFact::Rung { change: &change }));
        self.rungs.note(change);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The service alone: models' names are many, and the price list has them.
fn name(rung: &RungName) -> String {
    match rung {
        RungName::Model { service, .. } => (*service).to_owned(),
        RungName::Dialogue => "dialogue".to_owned(),
    }
}

fn why_of_speech(why: Why) -> RungWhy {
    match why {
        Why::NotLetThrough => RungWhy::NotLetThrough,
        Why::NoVoice => RungWhy::NoVoice,
        Why::Failed => RungWhy::Failed,
        Why::Late => RungWhy::Late,
        Why::Silent => RungWhy::Silent,
        Why::Recovered => RungWhy::Recovered,
    }
}

fn why_of_mind(why: agent::RungWhy) -> RungWhy {
    use agent::RungWhy as Mind;
    match why {
        Mind::Failed => RungWhy::Failed,
        Mind::NotAsked => RungWhy::NotLetThrough,
        Mind::Late => RungWhy::Late,
        Mind::Stalled => RungWhy::Stalled,
        Mind::Empty => RungWhy::Silent,
        Mind::Back => RungWhy::Recovered,
        Mind::Deaf => RungWhy::Deaf,
    }
}
