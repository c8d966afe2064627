//! The sides of the comparison, each with keys of its own: our adapter, its bare script, a bare command, and no server at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use live::{Beat, InProcess, LiveState, RedisState, Rules};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};

use super::operations::{Call, Operation, instance, median, rate};
use super::server::Server;
use super::{AT_ONCE, bare};

/// Live calls when they are counted, and when they are listed.
const COUNTED: usize = 10_000;
const LISTED: usize = 1000;
/// How often each is done.
const COUNTS: usize = 500;
const LISTS: usize = 50;
/// Room of the instance: more than is ever measured.
const ROOM: u32 = 2_000_000;

/// Operations a second of each side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) operation: Operation,
    pub(super) ours: f64,
    /// The same script, `EVALSHA` on one multiplexed connection.
    pub(super) script: f64,
    /// `SET` on one multiplexed connection.
    pub(super) plain: f64,
    /// `SET` by the server's own tool, one connection for each that is under way.
    pub(super) tool: Option<f64>,
    pub(super) in_process: f64,
}

/// Medians.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) count: Duration,
    pub(super) zcard: Duration,
    pub(super) list: Duration,
    pub(super) pipelined: Duration,
}

pub(super) struct Sides {
    prefix: String,
    ours: Arc<RedisState>,
    /// The same adapter under a prefix of its own: only its commands are used.
    script: Arc<RedisState>,
    connection: MultiplexedConnection,
    in_process: Arc<InProcess>,
}

impl Sides {
    pub(super) async fn prepare(server: &Server, rules: &Rules) -> anyhow::Result<Self> {
        let prefix = format!("voicenoob-bench-{}", std::process::id());
        let adapter = |side: &str| RedisState::connect(server.url(), &format!("{prefix}:{side}"), rules.clone());
        let (ours, script) = (Arc::new(adapter("ours")?), Arc::new(adapter("script")?));
        let in_process = Arc::new(InProcess::new(rules.clone()));
        let beat = Beat { instance: instance()?, limit: ROOM, draining: false, url: None };
        let states: [&dyn LiveState; 3] = [&*ours, &*script, &*in_process];
        for state in states {
            state.beat(&beat).await?;
            // Every script is known to the server before it is measured.
            let call = Call::new(usize::MAX)?;
            for operation in
                [Operation::Register, Operation::Unregister, Operation::Enqueue, Operation::Dequeue, Operation::Admit, Operation::Release]
            {
                operation.on(state, &call).await?;
                if operation == Operation::Dequeue {
                    ensure!(state.confirm(&call.entry.call_id).await?, "what was dequeued could not be confirmed");
                }
            }
        }
        Ok(Self { prefix, ours, script, connection: bare::connect(server.url()).await?, in_process })
    }

    pub(super) async fn measure(&self, operation: Operation, at_once: usize, count: usize, tool: Option<f64>) -> anyhow::Result<Measured> {
        let calls: Vec<Call> = (0..count).map(Call::new).collect::<anyhow::Result<_>>()?;
        let (script, prefix) = (Arc::clone(&self.script), self.prefix.clone());
        Ok(Measured {
            operation,
            ours: self.through(Arc::clone(&self.ours), operation, &calls, at_once).await?,
            script: self.commands(&calls, at_once, move |call| operation.raw(&script, call)).await?,
            plain: self.commands(&calls, at_once, move |call| plain(&prefix, call)).await?,
            tool,
            in_process: self.through(Arc::clone(&self.in_process), operation, &calls, at_once).await?,
        })
    }

    async fn through<S: LiveState>(&self, state: Arc<S>, operation: Operation, calls: &[Call], at_once: usize) -> anyhow::Result<f64> {
        let work = |share: Vec<Call>| {
            let state = Arc::clone(&state);
            async move {
                for call in &share {
                    operation.on(&*state, call).await?;
                }
                Ok(())
            }
        };
        rate(calls, at_once, work).await
    }

    async fn commands<F>(&self, calls: &[Call], at_once: usize, command: F) -> anyhow::Result<f64>
    where
        F: Fn(&Call) -> Cmd + Clone + Send + Sync + 'static,
    {
        let work = |share: Vec<Call>| {
            let (connection, command) = (self.connection.clone(), command.clone());
            async move {
                for call in &share {
                    bare::send(&connection, &command(call)).await?;
                }
                Ok(())
            }
        };
        rate(calls, at_once, work).await
    }

    /// Counts and lists live calls, beside the server's own count and a pipelined read of the same hashes.
    pub(super) async fn measure_reading(&self) -> anyhow::Result<Reading> {
        let calls: Vec<Call> = (0..COUNTED).map(Call::new).collect::<anyhow::Result<_>>()?;
        self.through(Arc::clone(&self.ours), Operation::Register, &calls, AT_ONCE).await?;
        let mut zcard = redis::cmd("ZCARD");
        zcard.arg(format!("{}:ours:live", self.prefix));
        let (mut ours, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..COUNTS {
            ours.push(
                timed(async {
                    ensure!(self.ours.call_count().await? == COUNTED as u64, "the count is wrong");
                    Ok(())
                })
                .await?,
            );
            plain.push(timed(async { bare::send(&self.connection, &zcard).await.map(drop) }).await?);
        }
        let (count, zcard) = (median(ours), median(plain));
        self.through(Arc::clone(&self.ours), Operation::Unregister, &calls[LISTED..], AT_ONCE).await?;
        let (mut ours, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..LISTS {
            ours.push(
                timed(async {
                    ensure!(self.ours.active_calls().await?.len() == LISTED, "the list is wrong");
                    Ok(())
                })
                .await?,
            );
            plain.push(timed(self.pipelined(&calls[..LISTED])).await?);
        }
        Ok(Reading { count, zcard, list: median(ours), pipelined: median(plain) })
    }

    async fn pipelined(&self, calls: &[Call]) -> anyhow::Result<()> {
        let mut pipeline = redis::pipe();
        for call in calls {
            pipeline.cmd("HGETALL").arg(format!("{}:ours:calls:{}", self.prefix, call.entry.call_id));
        }
        let hashes: Vec<std::collections::HashMap<String, String>> = pipeline.query_async(&mut self.connection.clone()).await?;
        ensure!(hashes.iter().all(|hash| hash.len() >= 5), "a registered call is not what it should be");
        Ok(())
    }

    /// Removes every key of the measurement.
    pub(super) async fn clean_up(&self) -> anyhow::Result<()> {
        let mut cursor = "0".to_owned();
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(format!("{}:*", self.prefix)).arg("COUNT").arg(1000);
            let (next, keys): (String, Vec<Value>) = redis::FromRedisValue::from_redis_value(bare::send(&self.connection, &scan).await?)?;
            let names: Vec<Vec<u8>> = keys.into_iter().map(redis::FromRedisValue::from_redis_value).collect::<Result<_, _>>()?;
            if !names.is_empty() {
                let mut unlink = redis::cmd("UNLINK");
                unlink.arg(names);
                bare::send(&self.connection, &unlink).await.context("the keys of the measurement could not be removed")?;
            }
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }
}

async fn timed(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<Duration> {
    let began = Instant::now();
    work.await?;
    Ok(began.elapsed())
}

/// As many bytes as a registered call has.
fn plain(prefix: &str, call: &Call) -> Cmd {
    let mut command = redis::cmd("SET");
    command.arg(format!("{prefix}:plain:{}", call.entry.call_id)).arg(&[b'x'; 150][..]).arg("EX").arg(3600);
    command
}
