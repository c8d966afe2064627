//! The journal of a call: turns are stored as they end, and where the conversation stands with them, in order, by a task of their own, so that a
//! slow database never delays audio. What it is given goes through the call's veil first: nothing else reaches the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use call::{CallId, RungChange, TurnRecord};
use store::{Progress, Records};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{Instrument, error, warn};

use crate::veil::Veil;

/// Entries that may wait for the database. A conversation makes a turn and its progress every few seconds.
const WAITING_ENTRIES: usize = 128;
/// With fewer places left than this, progress is left out: it is replaced by the next one, a turn is not.
const KEPT_FOR_TURNS: usize = 64;
/// At the end of a call its turns are waited for this long.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);
/// A call that goes on elsewhere is kept waiting this long for its last entries.
const HAND_OVER_LIMIT: Duration = Duration::from_secs(2);

enum Entry {
    Turn(TurnRecord),
    /// Where the conversation stands; who waits for it is told once it is stored.
    Progress(Progress, Option<oneshot::Sender<()>>),
    /// Another engine or model took over.
    Rung(RungChange),
    /// Everything before it is stored.
    Flush(oneshot::Sender<()>),
}

/// Where a call's turns go.
pub(crate) struct Journal {
    entries: mpsc::Sender<Entry>,
    writer: JoinHandle<()>,
    next_index: u32,
    /// What was said is stored; else only who spoke, when, and how fast.
    words: bool,
    veil: Veil,
}

impl Journal {
    /// `turns`: how many the call has already. `words`: store what is said.
    pub(crate) fn open(records: Arc<dyn Records>, id: CallId, turns: u32, words: bool, veil: Veil) -> Self {
        let (entries, waiting) = mpsc::channel(WAITING_ENTRIES);
        let writer = tokio::spawn(write(records, id, waiting).in_current_span());
        Self { entries, writer, next_index: turns, words, veil }
    }

    /// Stores a turn under the next index.
    pub(crate) fn add(&mut self, mut turn: TurnRecord) {
        turn.index = self.next_index;
        self.next_index += 1;
        if !self.words {
            return self.send(without_words(turn));
        }
        let (turn, revised) = self.veil.cover(turn);
        // Those before it first: what it completes must not be readable in them.
        revised.into_iter().chain([turn]).for_each(|turn| self.send(turn));
    }

    fn send(&self, turn: TurnRecord) {
        let index = turn.index;
        if self.entries.try_send(Entry::Turn(turn)).is_err() {
            error!(turn = index, limit = WAITING_ENTRIES, "turn not stored: the database is too far behind");
        }
    }

    /// Names and numbers became known in the call.
    pub(crate) fn learn(&mut self, known: &[String]) {
        self.veil.learn(known);
    }

    /// How much is masked in what is kept.
    pub(crate) fn redaction(&self) -> privacy::Level {
        self.veil.level()
    }

    /// For those who tell of changes of rung: they work in tasks of their own.
    pub(crate) fn rungs(&self) -> Rungs {
        Rungs { entries: self.entries.downgrade(), left: Arc::new(AtomicUsize::new(RungChange::MAX)) }
    }

    /// Stores where the conversation stands, behind the turns so far.
    pub(crate) fn save(&self, progress: Progress) {
        if self.entries.capacity() < KEPT_FOR_TURNS || self.entries.try_send(Entry::Progress(progress, None)).is_err() {
            warn!("where the conversation stands was not stored: the database is behind");
        }
    }

    /// As [`Self::save`], and says when it is done; an error means that it was not stored.
    pub(crate) fn save_first(&self, progress: Progress) -> oneshot::Receiver<()> {
        let (done, saved) = oneshot::channel();
        // When there is no place the sender is dropped, which tells the receiver.
        let _ = self.entries.try_send(Entry::Progress(progress, Some(done)));
        saved
    }

    /// How many turns there were.
    pub(crate) fn count(&self) -> u32 {
        self.next_index
    }

    /// Waits until everything so far is stored, before another instance reads it.
    pub(crate) async fn flush(&self) {
        let flush = async {
            let (done, flushed) = oneshot::channel();
            let _ = self.entries.send(Entry::Flush(done)).await; // Without a writer `flushed` is an error at once.
            flushed.await
        };
        if !matches!(tokio::time::timeout(HAND_OVER_LIMIT, flush).await, Ok(Ok(()))) {
            error!(limit = ?HAND_OVER_LIMIT, "the call goes on elsewhere without its last turn: the database did not answer in time");
        }
    }

    /// Waits until everything is stored. `over`: the call does not go on elsewhere, so what looked like the beginning of a card was none.
    pub(crate) async fn close(mut self, over: bool) {
        if over {
            self.veil.finish().into_iter().for_each(|turn| self.send(turn));
        }
        drop(self.entries);
        if tokio::time::timeout(FLUSH_LIMIT, self.writer).await.is_err() {
            error!(limit = ?FLUSH_LIMIT, "turns not stored at the end of the call: the database did not answer in time");
        }
    }
}

/// Where changes of rung are told. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Rungs {
    /// Those who tell may outlive the call, and must not keep its journal open.
    entries: mpsc::WeakSender<Entry>,
    left: Arc<AtomicUsize>,
}

impl Rungs {
    /// Stores a change; never waits. A call that changes again and again is not worth every line.
    pub(crate) fn note(&self, change: RungChange) {
        let some_left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        let Some(entries) = self.entries.upgrade().filter(|_| some_left) else { return };
        if entries.try_send(Entry::Rung(change)).is_err() {
            warn!("a change of rung was not stored: the database is behind");
        }
    }
}

/// That keys were pressed stays known, which ones does not.
fn without_words(turn: TurnRecord) -> TurnRecord {
    TurnRecord { text: String::new(), heard: String::new(), digits: turn.digits.map(|_| String::new()), ..turn }
}

async fn write(records: Arc<dyn Records>, id: CallId, mut waiting: mpsc::Receiver<Entry>) {
    while let Some(entry) = waiting.recv().await {
        match entry {
            Entry::Turn(turn) => {
                if let Err(fault) = records.add_turn(id, &turn).await {
                    error!(turn = turn.index, error = %fault, "turn not stored");
                }
            }
            Entry::Progress(progress, done) => match records.save_progress(id, &progress).await {
                Ok(()) => drop(done.map(|done| done.send(()))), // Who waited may be gone: the call is over then.
                Err(fault) => error!(error = %fault, "where the conversation stands was not stored"),
            },
            Entry::Rung(change) => {
                if let Err(fault) = records.add_rung(id, &change).await {
                    error!(error = %fault, "a change of rung was not stored");
                }
            }
            Entry::Flush(done) => drop(done.send(())), // As above.
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use call::{AgentId, CallRecord, CallStatus, Carrier, Direction, PhoneNumber, Speaker, Timestamp};
    use store::{Database, SqlRecords};

    use super::*;

    fn turn() -> TurnRecord {
        TurnRecord {
            index: 0,
            speaker: Speaker::Agent,
            text: "hello".into(),
            heard: "hello".into(),
            interrupted: false,
            start_ms: 0,
            end_ms: 1,
            confidence: None,
            digits: None,
            latency: None,
        }
    }

    fn record() -> CallRecord {
        CallRecord {
            id: CallId(uuid::Uuid::from_u128(1)),
            tenant: call::TenantId::DEFAULT,
            carrier: Carrier::Twilio,
            carrier_call_id: "CA1".into(),
            direction: Direction::Inbound,
            from: PhoneNumber::new("+12025550199"),
            to: PhoneNumber::new("+12025550100"),
            agent_id: AgentId(uuid::Uuid::from_u128(2)),
            agent_name: "hotel".into(),
            status: CallStatus::InProgress,
            offered_at: Timestamp::now(),
            answered_at: None,
            ended_at: None,
            end_reason: None,
            recording: None,
        }
    }

    fn veil() -> Veil {
        Veil::new(privacy::Level::Cards, &record())
    }

    /// Records with one call in them.
    pub(crate) async fn records() -> (Arc<dyn Records>, CallRecord) {
        let records = SqlRecords::new(Database::in_memory().await.unwrap());
        let call = records.open_call(&record()).await.unwrap();
        (Arc::new(records), call)
    }

    async fn call() -> (Arc<dyn Records>, CallId) {
        let (records, call) = records().await;
        (records, call.id)
    }

    fn progress(turns: u32) -> Progress {
        Progress { snapshot: serde_json::json!({ "turns": turns }), turns, elapsed_ms: 1 }
    }

    #[tokio::test]
    async fn a_database_that_is_behind_costs_progress_and_no_turn() {
        let (records, id) = call().await;
        let mut journal = Journal::open(Arc::clone(&records), id, 7, true, veil());
        // Nothing is awaited here: on this one thread the writer has no chance.
        (0..200).for_each(|count| journal.save(progress(count)));
        (0..KEPT_FOR_TURNS - 1).for_each(|_| journal.add(turn()));
        assert_eq!(journal.count(), 7 + 63);
        journal.close(true).await;
        let turns = records.turns(id).await.unwrap();
        assert_eq!((turns.len(), turns[0].index), (63, 7));
    }

    #[tokio::test]
    async fn without_a_transcript_no_word_and_no_key_is_stored_and_the_latencies_are() {
        let (records, id) = call().await;
        let mut journal = Journal::open(Arc::clone(&records), id, 0, false, veil());
        let latency = Some(call::LatencyParts { endpoint_ms: 600, ..Default::default() });
        journal.add(TurnRecord { digits: Some("4271".into()), latency, ..turn() });
        journal.close(true).await;
        let turns = records.turns(id).await.unwrap();
        let [stored] = turns.as_slice() else { panic!("{turns:?}") };
        assert_eq!((stored.text.as_str(), stored.heard.as_str(), stored.digits.as_deref()), ("", "", Some("")));
        assert_eq!((stored.latency, stored.end_ms), (latency, 1));
    }

    #[tokio::test]
    async fn who_waits_for_progress_is_told_when_it_is_there_and_when_it_will_not_be() {
        let (records, id) = call().await;
        let journal = Journal::open(Arc::clone(&records), id, 0, true, veil());
        journal.save_first(progress(3)).await.unwrap();
        assert_eq!(records.progress(id).await.unwrap(), Some(progress(3)));
        let waiting: Vec<_> = (0..=WAITING_ENTRIES as u32).map(|count| journal.save_first(progress(count))).collect();
        let told = futures_util::future::join_all(waiting).await;
        assert_eq!(told.iter().filter(|told| told.is_err()).count(), 1, "the one that found no place");
        journal.flush().await;
        assert_eq!(records.progress(id).await.unwrap(), Some(progress(WAITING_ENTRIES as u32 - 1)));
    }
}
