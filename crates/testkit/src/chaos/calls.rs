//! The live calls of a scenario: how they begin, what has become of them, and what they leave.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Zoned;
use tokio::time::{Instant, interval, sleep, timeout};

use super::books::{Customer, compare};
use super::faults::Way;
use super::metrics::Scrape;
use super::voice::{Words, words};
use super::{Outcome, Scenario};
use crate::Cluster;
use crate::carrier::{Break, CallPlan, CarrierSimulator, Errand, Journal, LiveCall, Move, Wish};

/// Calls that ring in a second.
const RING_RATE: f64 = 5.0;
/// Every caller has answered a question after this time, or never will.
const UNDER_WAY_LIMIT: Duration = Duration::from_secs(90);
/// Bookings one caller has in mind: more than a run has time for.
const WISHES: usize = 6;
/// The first arrival is this many days ahead; the hotel's day may be another than ours.
const FIRST_DAY: usize = 3;
/// Arrivals lie within so many days: the hotel takes bookings for a year.
const DAYS: usize = 340;
/// What a call held is free after this time (the server promises 1 s, the carrier's goodbye comes on top).
const FREE_LIMIT: Duration = Duration::from_secs(3);
/// The carrier is done with a call after this time.
const END_LIMIT: Duration = Duration::from_secs(20);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// All callers of a scenario.
pub(super) struct Calls {
    carrier: CarrierSimulator,
    ways: &'static [Way],
    words: Words,
    callers: Vec<Caller>,
    /// Callers who rang before these.
    before: usize,
}

struct Caller {
    call: LiveCall,
    wishes: Vec<Wish>,
}

impl Calls {
    /// So many phones ring, one after the other.
    pub(super) async fn ring(cluster: &Cluster, ways: &'static [Way], calls: usize) -> Result<Self> {
        Self::ring_after(cluster, ways, calls, 0).await
    }

    /// The same after so many callers who rang before: each caller has a number of its own, by which the hotel's books are judged.
    pub(super) async fn ring_after(cluster: &Cluster, ways: &'static [Way], calls: usize, before: usize) -> Result<Self> {
        let mut all = Self { carrier: cluster.carrier()?, ways, words: words().await?, callers: Vec::new(), before };
        let mut tick = interval(Duration::from_secs_f64(1.0 / RING_RATE));
        for _ in 0..calls {
            tick.tick().await;
            all.join();
        }
        Ok(all)
    }

    /// One more phone rings.
    pub(super) fn join(&mut self) {
        let index = self.callers.len();
        let wishes = wishes(index);
        let errand = Errand { opening: self.words.opening.clone(), name: self.words.name.clone(), wishes: wishes.clone() };
        let way = self.ways[index % self.ways.len()];
        let plan = CallPlan { by_command: way.by_command, ..CallPlan::new(way.carrier) };
        let call = self.carrier.place(plan.from_number(self.before + index).then(Move::Book(errand)));
        self.callers.push(Caller { call, wishes });
    }

    /// Waits until every caller is in the middle of a booking.
    pub(super) async fn until_under_way(&self) -> Result<()> {
        let deadline = Instant::now() + UNDER_WAY_LIMIT;
        let mut tick = interval(LOOK);
        loop {
            tick.tick().await;
            let waiting: Vec<_> = self.callers.iter().filter(|caller| caller.call.look(|journal| journal.booked.answers == 0)).collect();
            let Some(one) = waiting.first() else { return Ok(()) };
            let shown = || one.call.look(story);
            ensure!(
                Instant::now() < deadline,
                "{} of {} calls never got under way, such as: {}",
                waiting.len(),
                self.callers.len(),
                shown()
            );
        }
    }

    /// True when every call that is not over has a stream.
    fn all_streaming(&self) -> bool {
        self.callers.iter().all(|caller| caller.call.look(|journal| journal.streaming || journal.end.is_some()))
    }

    /// What has become of the calls since the fault.
    pub(super) async fn outcome(&self, scenario: Scenario, struck: Instant) -> Result<Outcome> {
        let mut outcome = Outcome::new(scenario, self.callers.len());
        if !self.all_streaming() {
            sleep(super::BACK_LIMIT).await; // a break in this very moment has its time too
        }
        for caller in &self.callers {
            caller.call.look(|journal| live_story(journal, struck, &mut outcome));
        }
        outcome.back.sort();
        Ok(outcome)
    }

    /// Everybody hangs up; then nothing may be left over and the books must be right.
    pub(super) async fn leave(self, cluster: &Cluster, outcome: &mut Outcome) -> Result<()> {
        self.callers.iter().for_each(|caller| caller.call.hang_up());
        let mut stories = Vec::new();
        for caller in self.callers {
            let journal = timeout(END_LIMIT, caller.call.ended()).await.context("a call does not end")??;
            stories.push((journal, caller.wishes));
        }
        if let Err(left) = idle(cluster).await {
            outcome.problem(format!("{left:#}"));
        }
        for (journal, _) in &stories {
            whole_story(journal, outcome);
        }
        records(cluster, &stories, outcome).await?;
        let customers: Vec<_> = stories.iter().map(|(journal, wishes)| Customer { wishes, journal }).collect();
        outcome.problems.extend(compare(cluster, &customers).await?);
        Ok(())
    }
}

/// What served callers hear.
pub(super) struct Quality {
    /// From the ring to the agent's first sound, sorted.
    pub(super) first_audio: Vec<Duration>,
    /// How late audio came in the middle of speech, sorted; a call in which none was late counts with zero.
    pub(super) late: Vec<Duration>,
}

/// For an overload, where not everybody is served.
impl Calls {
    /// What the first so many callers hear.
    pub(super) fn quality(&self, callers: usize) -> Quality {
        let mut quality = Quality { first_audio: Vec::new(), late: Vec::new() };
        for caller in self.callers.iter().take(callers) {
            caller.call.look(|journal| {
                quality.first_audio.extend(journal.first_audio());
                quality.late.extend(journal.late_ms.iter().map(|ms| Duration::from_millis(u64::from(*ms))));
                if journal.late_ms.is_empty() {
                    quality.late.push(Duration::ZERO);
                }
            });
        }
        quality.first_audio.sort();
        quality.late.sort();
        quality
    }

    /// The first so many callers hang up.
    pub(super) fn first_leave(&self, callers: usize) {
        self.callers.iter().take(callers).for_each(|caller| caller.call.hang_up());
    }

    /// Callers who were told that there is no place, in words or by a sound, without a stream.
    pub(super) fn refused(&self) -> usize {
        let told = |journal: &Journal| journal.end.is_some() && journal.streams == 0 && !journal.said.is_empty();
        self.callers.iter().filter(|caller| caller.call.look(told)).count()
    }

    /// Everybody hangs up, and nothing is asked.
    pub(super) async fn all_leave(self) -> Result<()> {
        self.callers.iter().for_each(|caller| caller.call.hang_up());
        for caller in self.callers {
            timeout(END_LIMIT, caller.call.ended()).await.context("a call does not end")??;
        }
        Ok(())
    }
}

/// The wishes of one caller: no two callers want the same nights before the year is full.
fn wishes(index: usize) -> Vec<Wish> {
    let today = Zoned::now().date();
    let wish = |place: usize| {
        let day = FIRST_DAY + (index + place * 61) * 3 % DAYS;
        let arrival = today.saturating_add(jiff::Span::new().days(i64::try_from(day).unwrap_or(3)));
        Wish { arrival: arrival.strftime("%d%m").to_string(), nights: 2, guests: 2, room: 2 }
    };
    (0..WISHES).map(wish).collect()
}

/// A call in a line, for messages.
fn story(journal: &Journal) -> String {
    let verbs: Vec<_> = journal.followed.iter().map(|followed| followed.verb).collect();
    format!(
        "{} {} streams (open: {}, audio in: {}), did {verbs:?}, heard {:?}, said {:?}, troubles {:?}, end {:?}",
        journal.call_id,
        journal.streams,
        journal.streaming,
        journal.frames_in,
        journal.booked.last_words,
        journal.said,
        journal.troubles,
        journal.end
    )
}

/// What a call that should still be there has been through.
fn live_story(journal: &Journal, struck: Instant, outcome: &mut Outcome) {
    if journal.end.is_some() {
        outcome.lost += 1;
        return outcome.problem(format!("a call ended: {}", story(journal)));
    }
    let breaks: Vec<&Break> = journal.breaks.iter().filter(|broken| broken.at >= struck).collect();
    outcome.resumed += breaks.iter().filter(|broken| broken.talking.is_some()).count();
    outcome.handed_over += breaks.iter().filter(|broken| broken.code == Some(HANDED_OVER)).count();
    outcome.back.extend(breaks.iter().filter_map(|broken| Some(broken.talking?.duration_since(broken.at))));
    if breaks.iter().any(|broken| broken.talking.is_none()) {
        outcome.problem(format!("a call was not taken up again: {}", story(journal)));
    } else if journal.last_sound.is_none_or(|last| last < struck) {
        outcome.problem(format!("a call fell silent: {}", story(journal)));
    }
}

/// The stream is closed with this code when another instance shall go on with it.
const HANDED_OVER: u16 = 4010;

/// What a finished call says about its whole length.
fn whole_story(journal: &Journal, outcome: &mut Outcome) {
    outcome.bookings += journal.booked.told.len();
    if journal.dropped > 0 {
        outcome.problem("a journal overflowed");
    }
}

/// Waits until no instance has a live call or holds a place.
async fn idle(cluster: &Cluster) -> Result<()> {
    let deadline = Instant::now() + FREE_LIMIT;
    loop {
        let mut left = Vec::new();
        for text in cluster.texts("/api/v1/calls/active").await? {
            let active: serde_json::Value = serde_json::from_str(&text)?;
            let none = active["calls"].as_array().is_some_and(Vec::is_empty);
            let registered = active["registered"].as_array().is_none_or(|calls| !calls.is_empty());
            if !none || registered || active["taken"] != 0 {
                left.push(text);
            }
        }
        let gauge = Scrape::of(cluster).await.map(|scrape| scrape.sum("voicenoob_active_calls_current", &[]))?;
        if left.is_empty() && gauge == 0.0 {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "calls are left over: {} live by the metrics, {left:?}", gauge);
        sleep(LOOK).await;
    }
}

/// Who said what, for messages. What the caller did not hear to its end is marked.
fn conversation(record: &serde_json::Value) -> String {
    let line = |turn: &serde_json::Value| {
        let cut = if turn["interrupted"] == true { " [cut]" } else { "" };
        format!("{}: {}{cut}", turn["speaker"].as_str().unwrap_or_default(), turn["text"].as_str().unwrap_or_default())
    };
    record["turns"].as_array().map_or_else(String::new, |turns| turns.iter().map(line).collect::<Vec<_>>().join(" / "))
}

/// One record for each call, and each ended as its caller ended it.
async fn records(cluster: &Cluster, stories: &[(Journal, Vec<Wish>)], outcome: &mut Outcome) -> Result<()> {
    let mut ends = BTreeMap::<String, usize>::new();
    for (journal, _) in stories {
        let record = cluster.any_json(&format!("/api/v1/calls/{}", journal.call_id)).await?;
        let end = record["call"]["end_reason"].as_str().unwrap_or("open").to_owned();
        if journal.booked.forgotten > 0 {
            outcome.problem(format!("an agent forgot where it was: {}", conversation(&record)));
        }
        if !journal.is_lost() && end != "caller_hung_up" {
            *ends.entry(end).or_default() += 1;
        }
    }
    for (end, calls) in ends {
        outcome.problem(format!("{calls} records say {end:?} where the caller hung up"));
    }
    let all = cluster.any_json("/api/v1/calls?limit=200").await?;
    let mut seen = BTreeMap::<&str, usize>::new();
    for call in all["calls"].as_array().context("no calls in the answer")? {
        *seen.entry(call["carrier_call_id"].as_str().unwrap_or_default()).or_default() += 1;
    }
    if let Some((_, times)) = seen.iter().find(|(_, times)| **times > 1) {
        outcome.problem(format!("a call has {times} records"));
    }
    Ok(())
}
