//! Every promise, on one server; and random steps beside the model.

use live::Rules;
use live::contract::{CROWD_RULES, DRIVE_RULES, Op, crowd, drive, popped_in_order};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, proptest};
use proptest::test_runner::Config;
use testkit::redis::RedisServer;
use tokio::runtime::{Builder, Runtime};

use super::stage::{OnServer, Place};

live::live_contract!(tokio::test, OnServer);

#[test]
fn every_story_has_run() {
    assert!(STORIES.len() > 60);
}

fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// One server for all cases of a test; each case begins with nothing in it.
async fn fresh(server: &RedisServer, rules: Rules) -> Place {
    server.ask("FLUSHALL").await.unwrap();
    Place::new(server.url(), server.url(), "voicenoob".into(), rules, None)
}

#[test]
fn the_adapter_does_what_the_model_does() {
    let runtime = threads();
    let server = runtime.block_on(RedisServer::start()).unwrap();
    proptest!(cases(60), |(codes in vec(any::<[u8; 4]>(), 0..80))| {
        let ops: Vec<_> = codes.into_iter().map(Op::new).collect();
        runtime.block_on(async { drive(&fresh(&server, DRIVE_RULES).await, &ops).await });
    });
}

/// One of two waiting callers has a permit already; the other one gets the last place. Found by random steps.
#[test]
fn when_the_last_place_is_granted_nobody_behind_is_looked_at() {
    let runtime = threads();
    let server = runtime.block_on(RedisServer::start()).unwrap();
    let ops = [[16, 209, 251, 19], [57, 206, 11, 15], [186, 224, 63, 241], [105, 50, 75, 2], [32, 232, 102, 122]].map(Op::new);
    runtime.block_on(async { drive(&fresh(&server, DRIVE_RULES).await, &ops).await });
}

#[test]
fn nobody_is_lost_doubled_or_one_too_many() {
    let runtime = threads();
    let server = runtime.block_on(RedisServer::start()).unwrap();
    proptest!(cases(15), |(natures in vec(any::<[u8; 4]>(), 20..50), clock in any::<bool>())| {
        runtime.block_on(async { crowd(&fresh(&server, CROWD_RULES).await, &natures, clock).await });
    });
}

/// Defect 10: priority decides, then time, and waiting makes up for priority.
#[test]
fn callers_come_out_as_a_plain_sort_says() {
    let runtime = threads();
    let server = runtime.block_on(RedisServer::start()).unwrap();
    // Between callers of different priority the server's clock decides, and it may be set meanwhile: none of them come within two seconds.
    let arrivals = vec((-3..4_i8, 0..100_u8, any::<bool>()), 0..25).prop_filter("too close", |arrivals| {
        let mut now = 0;
        let scores = arrivals.iter().map(|(priority, pause, _)| {
            now += i64::from(*pause);
            (now - i64::from(*priority) * 120, priority)
        });
        let scores: Vec<_> = scores.collect();
        scores.iter().enumerate().all(|(index, a)| scores[..index].iter().all(|b| a.1 == b.1 || a.0.abs_diff(b.0) > 2))
    });
    proptest!(cases(20), |(arrivals in arrivals)| {
        runtime.block_on(async { popped_in_order(&fresh(&server, Rules::default()).await, &arrivals).await });
    });
}
