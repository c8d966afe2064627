//! `voicenoob bench registry|queue|admission`: live state on Redis, beside what the server and a bare client can do in the same minutes.

mod bare;
mod operations;
mod server;
mod sides;
mod verdicts;

use std::process::ExitCode;
use std::time::Duration;

use live::Rules;

use crate::{say, say_error};
use operations::Operation;
use server::Server;
use sides::Sides;

/// Operations under way at once.
const AT_ONCE: usize = 50;

/// Operations on live state, 50 at a time.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A Redis server to measure with (redis://host:port); without one, a redis-server of this machine is started for the time. Keys begin with
    /// voicenoob-bench and are removed.
    #[arg(long)]
    redis_url: Option<String>,
    /// How often each operation is done.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1000..=1_000_000))]
    operations: u32,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Registered calls.
    Registry,
    /// Waiting callers.
    Queue,
    /// Permits.
    Admission,
}

impl Subject {
    const fn operations(self) -> [Operation; 2] {
        match self {
            Self::Registry => [Operation::Register, Operation::Unregister],
            Self::Queue => [Operation::Enqueue, Operation::Dequeue],
            Self::Admission => [Operation::Admit, Operation::Release],
        }
    }
}

pub(super) async fn run(subject: Subject, args: &Args) -> anyhow::Result<ExitCode> {
    let server = Server::find(args.redis_url.as_deref()).await?;
    // Nothing may run out or fill up while it is measured.
    let rules = Rules {
        instance_lease: Duration::from_secs(3600),
        registry_ttl: Duration::from_secs(3600),
        grant_lease: Duration::from_secs(3600),
        queue_capacity: u64::from(args.operations),
        ..Rules::default()
    };
    let sides = Sides::prepare(&server, &rules).await?;
    say(&format!("Live state: {} operations of each kind, {AT_ONCE} at a time, {}.", args.operations, server.told()));
    let benchmark = server.redis_benchmark(AT_ONCE, args.operations).await;
    if benchmark.is_none() {
        say("Note: redis-benchmark is not on the path; its column stays empty.");
    }
    let mut measured = Vec::new();
    for operation in subject.operations() {
        say_error(&format!("measuring {} ...", operation.name()));
        measured.push(sides.measure(operation, AT_ONCE, args.operations as usize, benchmark).await?);
    }
    say(&format!("\n{}", verdicts::rates(&measured)));
    let reading = if subject == Subject::Registry { Some(sides.measure_reading().await?) } else { None };
    if let Some(reading) = &reading {
        say(&verdicts::reading(reading).to_string());
    }
    if subject == Subject::Admission {
        say("Admission has no target of its own.");
    } else {
        say(&verdicts::judgement(&measured, reading.as_ref()).to_string());
    }
    sides.clean_up().await?;
    server.stop().await?;
    Ok(ExitCode::SUCCESS)
}
