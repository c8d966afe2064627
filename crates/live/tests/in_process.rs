//! Random interleavings on the in-process adapter: callers as tasks, against what must hold whatever happens.
#![expect(clippy::expect_used, reason = "a test that has no runtime fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use call::PhoneNumber;
use live::contract::{CROWD_RULES, Cut, ORDER_AGEING, Stage, crowd, popped_in_order};
use live::{CallQueue, CallRegistry, InProcess, InstanceName, LiveState, Rules};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::test_runner::Config;
use tokio::runtime::{Builder, Runtime};

struct Alone(Arc<InProcess>);

impl Alone {
    fn new(rules: Rules) -> Self {
        Self(Arc::new(InProcess::new(rules)))
    }
}

#[async_trait]
impl Stage for Alone {
    fn state(&self) -> Arc<dyn LiveState> {
        self.0.clone()
    }

    async fn second(&self) -> Arc<dyn LiveState> {
        self.0.clone()
    }

    async fn advance(&self, by: Duration) {
        tokio::time::advance(by).await;
    }
}

/// One thread: the order of steps is decided by the generated numbers, so that a failure can be shrunk and repeated.
fn paused() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn nobody_is_lost_doubled_or_one_too_many(natures in vec(any::<[u8; 4]>(), 0..40)) {
        paused().block_on(async { crowd(&Alone::new(CROWD_RULES), &natures, true).await });
    }

    /// Defect 10: priority decides, then time, and waiting makes up for priority.
    #[test]
    fn callers_come_out_as_a_plain_sort_says(arrivals in vec((-3..4_i8, 0..100_u8, any::<bool>()), 0..40)) {
        paused().block_on(async { popped_in_order(&Alone::new(Rules { ageing: ORDER_AGEING, ..Rules::default() }), &arrivals).await });
    }
}

proptest! {
    #![proptest_config(cases(20))]

    /// Several threads: the order of steps is the machine's.
    #[test]
    fn threads_change_nothing_about_it(natures in vec(any::<[u8; 4]>(), 30..60)) {
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
        runtime.block_on(async { crowd(&Alone::new(CROWD_RULES), &natures, false).await });
    }
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().map_err(|_| std::io::ErrorKind::Other)?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Tools look for the reference's event names; a number must never get into the log.
#[tokio::test(start_paused = true)]
async fn events_have_the_reference_names_and_no_number() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let cut = Arc::new(Cut::new(Arc::new(InProcess::new(Rules { queue_capacity: 1, ..Rules::default() }))));
    let calls = CallRegistry::new(cut.clone(), InstanceName::new("a").unwrap(), true, Duration::from_secs(120));
    let queue = CallQueue::new(cut.clone(), true);
    let number = || Some(PhoneNumber::new("+15005550006"));
    for is_cut in [false, true] {
        cut.cut(is_cut);
        calls.register_call("CA1", "desk", number(), None).await;
        calls.unregister_call("CA1").await;
        calls.unregister_call("CA1").await;
        queue.enqueue_call("CA1", "desk", number(), 0, None).await;
        queue.enqueue_call("CA2", "desk", number(), 0, None).await;
        tokio::time::advance(Duration::from_millis(1234)).await;
        queue.dequeue_call().await;
        queue.enqueue_call("CA3", "desk", number(), 0, None).await;
        queue.remove_from_queue("CA3").await;
        queue.remove_from_queue("CA3").await;
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let events = [
        "call_registered",
        "call_unregistered",
        "call_not_found",
        "queue_full",
        "call_dequeued",
        "call_removed_from_queue",
        "call_not_in_queue",
        "call_register_failed",
        "call_unregister_failed",
        "call_enqueue_failed",
        "call_dequeue_failed",
        "call_remove_failed",
    ];
    for event in events {
        assert!(log.contains(&format!("\"message\":\"{event}\"")), "{event} is not in {log}");
    }
    assert!(log.contains("\"wait_time_seconds\":"));
    assert!(!log.contains("5005550006") && !log.contains("..06"), "{log}");
}
