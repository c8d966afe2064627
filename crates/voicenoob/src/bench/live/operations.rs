//! What is done, to which call, and by whose means.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use call::PhoneNumber;
use live::{CallEntry, Enqueued, InstanceName, Limits, LiveState, NewQueueEntry, PermitRequest, RawStep, RedisState, Verdict};
use redis::Cmd;

/// An operation whose rate is measured. The second of each pair undoes what the first has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Register,
    Unregister,
    Enqueue,
    Dequeue,
    Admit,
    Release,
}

impl Operation {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Unregister => "unregister",
            Self::Enqueue => "enqueue",
            Self::Dequeue => "dequeue",
            Self::Admit => "admit",
            Self::Release => "release",
        }
    }

    /// Does it, and sees that it had its effect.
    pub(super) async fn on(self, state: &dyn LiveState, call: &Call) -> anyhow::Result<()> {
        let done = match self {
            Self::Register => state.register(&call.entry).await.map(|()| true)?,
            Self::Unregister => state.unregister(&call.entry.call_id, &call.entry.instance).await?,
            Self::Enqueue => matches!(state.enqueue(&call.waiting).await?, Enqueued::Queued(_)),
            Self::Dequeue => state.dequeue().await?.is_some(),
            Self::Admit => state.admit(&call.permit).await? == Verdict::Admitted,
            Self::Release => state.release(&call.entry.call_id, &call.entry.instance).await?,
        };
        ensure!(done, "{} had no effect", self.name());
        Ok(())
    }

    /// The same script's command, without the adapter.
    pub(super) fn raw(self, state: &RedisState, call: &Call) -> Cmd {
        let (call_id, instance) = (&call.entry.call_id, &call.entry.instance);
        state.raw(match self {
            Self::Register => RawStep::Register(&call.entry),
            Self::Unregister => RawStep::Unregister(call_id, instance),
            Self::Enqueue => RawStep::Enqueue(&call.waiting),
            Self::Dequeue => RawStep::Dequeue,
            Self::Admit => RawStep::Admit(&call.permit),
            Self::Release => RawStep::Release(call_id, instance),
        })
    }
}

/// The instance that all calls of a measurement belong to.
pub(super) fn instance() -> anyhow::Result<InstanceName> {
    InstanceName::new("bench-1").context("the instance's name is none")
}

/// One call, as each operation needs it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) entry: CallEntry,
    waiting: NewQueueEntry,
    permit: PermitRequest,
}

impl Call {
    pub(super) fn new(number: usize) -> anyhow::Result<Self> {
        // As long as a carrier's.
        let call_id = format!("CA{number:032x}");
        let (agent_id, tenant, limits) = ("hotel".to_owned(), "default".to_owned(), Limits::default());
        let phone_number = Some(PhoneNumber::new("+15005550006"));
        let text = |text: &str| text.to_owned();
        let metadata =
            BTreeMap::from([(text("provider"), text("twilio")), (text("session_id"), text("01979a6e-0000-7000-8000-000000000000"))]);
        Ok(Self {
            entry: CallEntry {
                call_id: call_id.clone(),
                agent_id: agent_id.clone(),
                started_at: 1_790_000_000.25 + number as f64,
                phone_number: phone_number.clone(),
                metadata: Some(metadata),
                instance: instance()?,
            },
            waiting: NewQueueEntry {
                call_id: call_id.clone(),
                agent_id: agent_id.clone(),
                phone_number,
                priority: 0,
                metadata: None,
                holder: Some(instance()?),
                tenant: tenant.clone(),
                limits,
                queued_at: None,
            },
            permit: PermitRequest { call_id, instance: instance()?, agent_id, tenant, limits },
        })
    }
}

/// Does something once for each call, so many at once; operations a second.
pub(super) async fn rate<F, Done>(calls: &[Call], at_once: usize, work: F) -> anyhow::Result<f64>
where
    F: Fn(Vec<Call>) -> Done,
    Done: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    // Each worker has its calls before the clock runs.
    let shares: Vec<Vec<Call>> = (0..at_once).map(|worker| calls.iter().skip(worker).step_by(at_once).cloned().collect()).collect();
    let began = Instant::now();
    let workers: Vec<_> = shares.into_iter().map(|share| tokio::spawn(work(share))).collect();
    for worker in workers {
        worker.await.context("a worker of the measurement broke down")??;
    }
    Ok(calls.len() as f64 / began.elapsed().as_secs_f64())
}

/// The middle of several durations.
pub(super) fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_call_is_done_once() {
        let calls: Vec<Call> = (0..103).map(|number| Call::new(number).unwrap()).collect();
        let (sender, mut receiver) = tokio::sync::mpsc::channel(200);
        let work = |share: Vec<Call>| {
            let sender = sender.clone();
            async move {
                for call in share {
                    sender.send(call.entry.call_id).await?;
                }
                Ok(())
            }
        };
        assert!(rate(&calls, 50, work).await.unwrap() > 0.0);
        drop(sender);
        let mut seen = std::collections::BTreeSet::new();
        while let Some(call_id) = receiver.recv().await {
            assert!(seen.insert(call_id));
        }
        assert_eq!(seen.len(), 103);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([9, 1, 5].map(Duration::from_millis).to_vec()), Duration::from_millis(5));
        assert_eq!(median(vec![]), Duration::ZERO);
    }
}
