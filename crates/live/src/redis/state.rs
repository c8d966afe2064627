//! The operations: arguments in, one step, its answer out.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use redis::{Pipeline, Value};
use tokio::sync::watch;

use super::reply::{self, read};
use super::script::SCRIPTS;
use super::{COMMAND_LIFE, RedisState, micros, millis};
use crate::{
    Beat, CallEntry, Command, Enqueued, Grant, Inbox, InstanceInfo, InstanceName, Leaving, Limit, LiveError, LiveState, NewQueueEntry,
    PermitRequest, Place, Pulse, QueueEntry, QueueStats, Rules, Verdict,
};

/// Calls or entries that are read in one step, so that nobody else waits long for the server.
const CHUNK: usize = 100;
/// How often entering a caller is tried.
const TRIES: u32 = 3;
/// Steps of a long list that are under way at once.
const CHUNKS_AT_ONCE: usize = 4;

#[async_trait]
impl LiveState for RedisState {
    async fn beat(&self, beat: &Beat) -> Result<Pulse, LiveError> {
        const DOING: &str = "send a heartbeat";
        let mut step = self.step(&SCRIPTS.beat);
        step.arg(beat.instance.as_str()).arg(beat.limit).arg(u8::from(beat.draining)).arg(beat.url.as_deref().unwrap_or_default());
        step.arg(micros(self.rules.instance_lease)).arg(millis(self.rules.registry_ttl)).arg(micros(self.rules.resume_window));
        step.arg(Rules::DEAD_AT_ONCE);
        let answer = self.take_step(DOING, &SCRIPTS.beat, step).await?;
        let (known, lost, given_up, abandoned): (bool, Texts, Texts, Texts) = read(DOING, answer)?;
        let (lost, given_up) = (reply::kept_calls(lost), reply::kept_calls(given_up));
        Ok(Pulse { known, lost, given_up, abandoned: reply::entries(abandoned) })
    }

    async fn leave(&self, instance: &InstanceName) -> Result<(), LiveError> {
        let mut step = self.step(&SCRIPTS.leave);
        step.arg(instance.as_str());
        self.take_step("leave", &SCRIPTS.leave, step).await.map(drop)
    }

    async fn instances(&self) -> Result<Vec<InstanceInfo>, LiveError> {
        const DOING: &str = "list instances";
        let answer = self.take_step(DOING, &SCRIPTS.instances, self.step(&SCRIPTS.instances)).await?;
        let listed: Vec<reply::InstanceReply> = read(DOING, answer)?;
        let mut listed: Vec<_> = listed.into_iter().filter_map(reply::instance).collect();
        listed.sort_by(|a, b| a.instance.cmp(&b.instance));
        Ok(listed)
    }

    async fn register(&self, entry: &CallEntry) -> Result<(), LiveError> {
        self.take_step("register a call", &SCRIPTS.register, self.register_step(entry)).await.map(drop)
    }

    async fn unregister(&self, call_id: &str, instance: &InstanceName) -> Result<bool, LiveError> {
        const DOING: &str = "unregister a call";
        read(DOING, self.take_step(DOING, &SCRIPTS.unregister, self.unregister_step(call_id, instance)).await?)
    }

    async fn active_calls(&self) -> Result<Vec<CallEntry>, LiveError> {
        const DOING: &str = "list calls";
        let mut command = redis::cmd("ZRANGE");
        command.arg(&self.live).arg(0).arg(-1);
        let ids: Vec<Vec<u8>> = read(DOING, self.run(DOING, &command, true).await?)?;
        let pipelines: Vec<_> = ids.chunks(CHUNK).map(|ids| self.hashes(ids)).collect();
        let answers = stream::iter(pipelines).map(|pipeline| async move { self.read_all(DOING, &pipeline).await });
        let answers: Vec<Value> = answers.buffered(CHUNKS_AT_ONCE).try_collect().await?;
        let mut calls = Vec::with_capacity(ids.len());
        for answer in answers {
            if let Value::Array(answers) = answer {
                calls.extend(reply::calls(answers));
            }
        }
        Ok(calls)
    }

    async fn call_count(&self) -> Result<u64, LiveError> {
        const DOING: &str = "count calls";
        let mut step = self.step(&SCRIPTS.count);
        step.arg(micros(self.rules.registry_ttl).saturating_sub(micros(self.rules.instance_lease)));
        read(DOING, self.take_step(DOING, &SCRIPTS.count, step).await?)
    }

    async fn interrupt(&self, call_id: &str, instance: &InstanceName) -> Result<bool, LiveError> {
        const DOING: &str = "note that a call lost its stream";
        let mut step = self.step(&SCRIPTS.interrupt);
        step.arg(call_id).arg(instance.as_str());
        read(DOING, self.take_step(DOING, &SCRIPTS.interrupt, step).await?)
    }

    async fn recover(&self, calls: &[CallEntry]) -> Result<(), LiveError> {
        for calls in calls.chunks(CHUNK) {
            let mut step = self.step(&SCRIPTS.recover);
            for call in calls {
                let fields: serde_json::Map<_, _> =
                    reply::call_fields(call).map(|(name, value)| (name.into_owned(), value.into())).collect();
                step.arg(&call.call_id).arg(call.instance.as_str()).arg(serde_json::Value::Object(fields).to_string());
            }
            self.take_step("open calls for resume", &SCRIPTS.recover, step).await?;
        }
        Ok(())
    }

    async fn set_shutting_down(&self, on: bool, ttl: Duration) -> Result<(), LiveError> {
        let mut command = redis::cmd(if on { "SET" } else { "DEL" });
        command.arg(self.key("shutdown"));
        if on {
            command.arg("1").arg("PX").arg(millis(ttl).max(1));
        }
        self.run("tell that this instance stops", &command, true).await.map(drop)
    }

    async fn admit(&self, request: &PermitRequest) -> Result<Verdict, LiveError> {
        const DOING: &str = "take a permit";
        let answer: String = read(DOING, self.take_step(DOING, &SCRIPTS.admit, self.admit_step(request)).await?)?;
        let full = [Limit::Instance, Limit::Agent, Limit::Tenant].into_iter().find(|limit| limit.as_str() == answer);
        Ok(full.map_or(Verdict::Admitted, Verdict::Full))
    }

    async fn hold(&self, request: &PermitRequest) -> Result<(), LiveError> {
        let mut step = self.step(&SCRIPTS.hold);
        step.arg(&request.call_id).arg(request.instance.as_str()).arg(&request.agent_id).arg(&request.tenant);
        step.arg(micros(self.rules.instance_lease)).arg(micros(self.rules.service_threshold));
        self.take_step("enter a permit", &SCRIPTS.hold, step).await.map(drop)
    }

    async fn release(&self, call_id: &str, instance: &InstanceName) -> Result<bool, LiveError> {
        const DOING: &str = "give a permit back";
        read(DOING, self.take_step(DOING, &SCRIPTS.release, self.release_step(call_id, instance)).await?)
    }

    async fn enqueue(&self, entry: &NewQueueEntry) -> Result<Enqueued, LiveError> {
        const DOING: &str = "enter a caller into the queue";
        // What has run out is put right first; between that and the next try something else may run out, but not for ever.
        for _ in 0..TRIES {
            match read(DOING, self.take_step(DOING, &SCRIPTS.enqueue, self.enqueue_step(entry)).await?)? {
                EnqueueReply::Word(word) if word == "full" => return Ok(Enqueued::Full),
                EnqueueReply::Word(_) => {}
                EnqueueReply::Place(word, place) if word == "queued" => return Ok(Enqueued::Queued(reply::place(place))),
                EnqueueReply::Place(_, place) => return Ok(Enqueued::Already(reply::place(place))),
            }
        }
        Err(LiveError::Unexpected { doing: DOING, why: "leases run out faster than they are put right".to_owned() })
    }

    async fn serve_queue(&self) -> Result<u64, LiveError> {
        const DOING: &str = "serve the queue";
        let mut step = self.step(&SCRIPTS.serve);
        step.arg(Rules::SCAN).arg(micros(self.rules.grant_lease));
        read(DOING, self.take_step(DOING, &SCRIPTS.serve, step).await?)
    }

    async fn inbox(&self, instance: &InstanceName) -> Result<Inbox, LiveError> {
        const DOING: &str = "read the inbox";
        let mut step = self.step(&SCRIPTS.inbox);
        step.arg(instance.as_str());
        let answer = self.take_step(DOING, &SCRIPTS.inbox, step).await?;
        let (grants, commands): (Vec<(Vec<u8>, String)>, Texts) = read(DOING, answer)?;
        let grants = grants.into_iter().filter_map(|(entry, remaining)| {
            let entry = crate::read_entry(&entry)?;
            Some(Grant { entry, remaining: Duration::from_micros(remaining.parse().unwrap_or(0)) })
        });
        let commands = commands.iter().filter_map(|command| serde_json::from_slice::<Command>(command).ok());
        Ok(Inbox { grants: grants.collect(), commands: commands.collect() })
    }

    async fn take_up(&self, call_id: &str, instance: &InstanceName) -> Result<Option<Duration>, LiveError> {
        const DOING: &str = "take up a grant";
        let mut step = self.step(&SCRIPTS.take_up);
        step.arg(call_id).arg(instance.as_str()).arg(micros(self.rules.service_threshold));
        let waited: Option<u64> = read(DOING, self.take_step(DOING, &SCRIPTS.take_up, step).await?)?;
        Ok(waited.map(Duration::from_micros))
    }

    async fn dequeue(&self) -> Result<Option<QueueEntry>, LiveError> {
        const DOING: &str = "take the first waiting caller";
        let entry: Option<Vec<u8>> = read(DOING, self.take_step(DOING, &SCRIPTS.dequeue, self.dequeue_step()).await?)?;
        Ok(entry.and_then(|entry| crate::read_entry(&entry)))
    }

    async fn confirm(&self, call_id: &str) -> Result<bool, LiveError> {
        const DOING: &str = "confirm a waiting caller";
        let mut step = self.step(&SCRIPTS.confirm);
        step.arg(call_id).arg(micros(self.rules.service_threshold));
        read(DOING, self.take_step(DOING, &SCRIPTS.confirm, step).await?)
    }

    async fn peek(&self, count: usize) -> Result<Vec<QueueEntry>, LiveError> {
        const DOING: &str = "look at the queue";
        let most = if count == 0 { usize::MAX } else { count };
        let mut entries = Vec::new();
        for from in (0..most).step_by(CHUNK) {
            let to = most.min(from.saturating_add(CHUNK)) - 1;
            let mut step = self.step(&SCRIPTS.peek);
            step.arg(from).arg(to);
            let texts: Texts = read(DOING, self.take_step(DOING, &SCRIPTS.peek, step).await?)?;
            let last = texts.len() < to - from + 1;
            entries.extend(reply::entries(texts));
            if last {
                break;
            }
        }
        Ok(entries)
    }

    async fn depth(&self) -> Result<u64, LiveError> {
        const DOING: &str = "count waiting callers";
        read(DOING, self.take_step(DOING, &SCRIPTS.depth, self.step(&SCRIPTS.depth)).await?)
    }

    async fn places(&self, instance: &InstanceName) -> Result<Vec<(String, Place)>, LiveError> {
        const DOING: &str = "find the places of waiting callers";
        let mut step = self.step(&SCRIPTS.places);
        step.arg(instance.as_str());
        let places: Vec<(String, PlaceReply)> = read(DOING, self.take_step(DOING, &SCRIPTS.places, step).await?)?;
        Ok(places.into_iter().map(|(call_id, place)| (call_id, reply::place(place))).collect())
    }

    async fn stats(&self) -> Result<QueueStats, LiveError> {
        const DOING: &str = "read the queue's numbers";
        let names =
            ["total_queued", "total_dequeued", "abandoned", "callbacks", "lapsed", "wait_total_ms", "wait_max_ms", "within_threshold"];
        let mut step = self.step(&SCRIPTS.stats);
        step.arg(&names);
        let (depth, oldest_ms, totals): (u64, u64, Vec<u64>) = read(DOING, self.take_step(DOING, &SCRIPTS.stats, step).await?)?;
        let total = |name: &str| names.iter().zip(&totals).find(|(other, _)| **other == name).map_or(0, |(_, total)| *total);
        Ok(QueueStats {
            depth,
            max_size: self.rules.queue_capacity,
            total_queued: total("total_queued"),
            total_dequeued: total("total_dequeued"),
            abandoned: total("abandoned"),
            callbacks: total("callbacks"),
            lapsed: total("lapsed"),
            wait_total_ms: total("wait_total_ms"),
            wait_max_ms: total("wait_max_ms"),
            within_threshold: total("within_threshold"),
            oldest_ms,
        })
    }

    async fn remove(&self, call_id: &str, why: Leaving) -> Result<bool, LiveError> {
        const DOING: &str = "take a caller out of the queue";
        let counted = match why {
            Leaving::Abandoned => "abandoned",
            Leaving::Callback => "callbacks",
            Leaving::Removed => "",
        };
        let mut step = self.step(&SCRIPTS.remove);
        step.arg(call_id).arg(counted);
        read(DOING, self.take_step(DOING, &SCRIPTS.remove, step).await?)
    }

    async fn clear(&self) -> Result<u64, LiveError> {
        const DOING: &str = "clear the queue";
        read(DOING, self.take_step(DOING, &SCRIPTS.clear, self.step(&SCRIPTS.clear)).await?)
    }

    async fn share_offer(&self, key: &str, offer: &str, ttl: Duration) -> Result<(), LiveError> {
        let mut command = redis::cmd("SET");
        command.arg(self.key(&format!("offers:{key}"))).arg(offer).arg("PX").arg(millis(ttl).max(1));
        self.run("keep an offer", &command, true).await.map(drop)
    }

    async fn offer(&self, key: &str) -> Result<Option<String>, LiveError> {
        const DOING: &str = "read an offer";
        let mut command = redis::cmd("GET");
        command.arg(self.key(&format!("offers:{key}")));
        read(DOING, self.run(DOING, &command, true).await?)
    }

    async fn take_offer(&self, key: &str) -> Result<Option<String>, LiveError> {
        const DOING: &str = "take an offer";
        let mut command = redis::cmd("GETDEL");
        command.arg(self.key(&format!("offers:{key}")));
        read(DOING, self.run(DOING, &command, false).await?)
    }

    async fn send(&self, instance: &InstanceName, command: &Command) -> Result<(), LiveError> {
        const DOING: &str = "send a command";
        let text = serde_json::to_string(command).map_err(|fault| LiveError::Unexpected { doing: DOING, why: fault.to_string() })?;
        let mut step = self.step(&SCRIPTS.send);
        step.arg(instance.as_str()).arg(text).arg(millis(COMMAND_LIFE)).arg(Rules::COMMANDS);
        self.take_step(DOING, &SCRIPTS.send, step).await.map(drop)
    }

    fn hints(&self, instance: &InstanceName) -> watch::Receiver<u64> {
        self.hints.of(instance, &self.link, &self.key("hints"))
    }

    async fn check(&self) -> Result<(), LiveError> {
        const DOING: &str = "check live state";
        let written = format!("{:016x}", fastrand::u64(..));
        let mut step = self.step(&SCRIPTS.check);
        step.arg(&written);
        let back: String = read(DOING, self.take_step(DOING, &SCRIPTS.check, step).await?)?;
        if back == written { Ok(()) } else { Err(LiveError::Unexpected { doing: DOING, why: "it read something else back".to_owned() }) }
    }

    fn kind(&self) -> &'static str {
        "redis"
    }
}

impl RedisState {
    /// Reads these calls. Not a script: a server answers a script's lists at twice the price, and one call more or less is no matter here.
    fn hashes(&self, ids: &[Vec<u8>]) -> Pipeline {
        let (mut pipeline, calls) = (redis::pipe(), self.key("calls:"));
        for id in ids {
            pipeline.cmd("HGETALL").arg([calls.as_bytes(), id].concat());
        }
        pipeline
    }
}

/// JSON or other bytes that are not ours to trust.
type Texts = Vec<Vec<u8>>;
/// See [`reply::place`].
type PlaceReply = (u64, u64, String);

/// What `enqueue` answers.
enum EnqueueReply {
    Word(String),
    Place(String, PlaceReply),
}

impl redis::FromRedisValue for EnqueueReply {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        match &value {
            Value::Array(items) if items.len() == 1 => <(String,)>::from_redis_value(value).map(|(word,)| Self::Word(word)),
            _ => <(String, PlaceReply)>::from_redis_value(value).map(|(word, place)| Self::Place(word, place)),
        }
    }
}
