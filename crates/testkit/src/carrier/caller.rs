//! A caller at work: does the moves of the plan one after the other, over however many streams the call has.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::Value;
use tokio::time::{Instant, interval, sleep, timeout};

use super::line::{Line, Utterance};
use super::plan::Move;
use super::web::Web;

/// After this much silence the agent has finished: its sentences have shorter pauses between them.
const QUIET: Duration = Duration::from_millis(700);
/// How often a caller looks up.
const GLANCE: Duration = Duration::from_millis(50);
/// Between two keys.
const KEY_GAP: Duration = Duration::from_millis(120);
/// How long the record of what the agent has just said may take to appear.
const RECORD_LIMIT: Duration = Duration::from_secs(3);
/// How often it is looked for.
const RECORD_GLANCE: Duration = Duration::from_millis(250);
/// The menu's keys without those that end the call.
const MENU: [char; 4] = ['1', '2', '3', '4'];

/// The one who called.
pub(super) struct Caller<'a> {
    pub(super) line: &'a Line,
    http: Client,
    record: Option<Url>,
    /// From here on, what the agent says counts as an answer.
    since: Instant,
    /// Agent turns read so far.
    turns: usize,
}

impl<'a> Caller<'a> {
    pub(super) fn new(web: &Web, line: &'a Line) -> Self {
        let record = web.server.join(&format!("/api/v1/calls/{}", web.call_id)).ok();
        Self { line, http: web.http.clone(), record, since: Instant::now(), turns: 0 }
    }

    /// Does everything that was planned.
    pub(super) async fn act(mut self, moves: &[Move]) {
        for what in moves {
            match what {
                Move::Listen => self.listen().await,
                Move::Press(keys) => self.press(keys).await,
                Move::Say(samples) => self.say(samples).await,
                Move::Stay(time) => sleep(*time).await,
                Move::Until(told) => told.cancelled().await,
                Move::Book(errand) => errand.run(&mut self).await,
                Move::Browse => self.browse().await,
            }
        }
    }

    /// Waits until the agent has spoken and is quiet again.
    pub(super) async fn listen(&mut self) {
        let mut glance = interval(GLANCE);
        while !self.line.journal().finished_since(self.since, QUIET, Instant::now()) {
            glance.tick().await;
        }
        self.since = Instant::now();
    }

    pub(super) async fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.line.utter(Utterance::Key(key));
            sleep(KEY_GAP).await;
        }
        self.spoken().await;
    }

    pub(super) async fn say(&mut self, samples: &Arc<[i16]>) {
        self.line.utter(Utterance::Words { samples: Arc::clone(samples), at: 0 });
        self.spoken().await;
    }

    /// Waits until everything is out (or the line died with it).
    async fn spoken(&mut self) {
        let mut glance = interval(GLANCE);
        while !self.line.has_spoken() {
            glance.tick().await;
        }
        self.since = Instant::now();
    }

    async fn browse(&mut self) {
        for key in MENU.iter().cycle() {
            self.listen().await;
            self.press(&key.to_string()).await;
        }
    }

    /// What the agent has just said, from the server's record of the call. A caller understands words, this one reads them. `None` when the
    /// record does not have them: then it is as if they were not understood.
    pub(super) async fn understood(&mut self) -> Option<String> {
        timeout(RECORD_LIMIT, self.new_turn()).await.ok()?;
        Some(self.line.journal().booked.last_words.clone())
    }

    async fn new_turn(&mut self) {
        let mut glance = interval(RECORD_GLANCE);
        loop {
            glance.tick().await;
            let Some(turns) = self.agent_turns().await else { continue };
            let Some(last) = turns.last().filter(|_| turns.len() > self.turns) else { continue };
            self.turns = turns.len();
            self.line.journal().booked.last_words.clone_from(last);
            return;
        }
    }

    async fn agent_turns(&self) -> Option<Vec<String>> {
        let answer = self.http.get(self.record.clone()?).timeout(RECORD_LIMIT).send().await.ok()?;
        let record: Value = answer.json().await.ok()?;
        let turns = record["turns"].as_array()?.iter().filter(|turn| turn["speaker"] == "agent");
        // Of what was cut off, only the part that was heard.
        Some(turns.filter_map(|turn| turn["heard"].as_str().map(str::to_owned)).collect())
    }
}
