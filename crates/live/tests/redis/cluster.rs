//! Every promise, on a cluster of three masters.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use live::contract::{DRIVE_RULES, Op, Stage, Stages, drive};
use live::{LiveError, LiveState, RedisState, Rules};
use testkit::redis::RedisCluster;

use super::stage::Place;

/// Addresses of the cluster that the stories run on.
static NODES: OnceLock<(String, [String; 3])> = OnceLock::new();

struct OnCluster;

#[async_trait]
impl Stages for OnCluster {
    async fn open(&self, rules: Rules) -> Box<dyn Stage> {
        static STAGES: AtomicU64 = AtomicU64::new(0);
        let number = STAGES.fetch_add(1, Ordering::SeqCst);
        let (url, nodes) = NODES.get().unwrap();
        // Three prefixes on three servers, in turn: {a}, {b} and {c} are in different parts of the cluster.
        let (tag, node) = [("a", 2), ("b", 0), ("c", 1)][usize::try_from(number % 3).unwrap()];
        Box::new(Place::new(url.clone(), nodes[node].clone(), format!("{{{tag}}}:stage{number}"), rules, None))
    }
}

live::live_contract!(allow(dead_code), OnCluster);

#[tokio::test]
async fn every_story_holds_on_a_cluster() {
    let cluster = RedisCluster::start().await.unwrap();
    let nodes = [0, 1, 2].map(|number| cluster.servers()[number].url());
    for (tag, number) in [("a", 2), ("b", 0), ("c", 1)] {
        assert_eq!(cluster.server_of(&format!("{{{tag}}}")).await.unwrap().url(), nodes[number]);
    }
    NODES.set((cluster.url(), nodes)).unwrap();
    assert!(STORIES.len() > 60);
    every_story().await;
    let codes = (0..400_u32).map(|step| (step.wrapping_mul(2_654_435_761)).to_be_bytes());
    drive(&*OnCluster.open(DRIVE_RULES).await, &codes.map(Op::new).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_cluster_without_the_server_of_our_keys_is_away_and_nobody_waits_for_it() {
    let mut cluster = RedisCluster::start().await.unwrap();
    let state = RedisState::connect(&cluster.url(), "{voicenoob}", Rules::default()).unwrap();
    state.check().await.unwrap();
    let ours = cluster.server_of("{voicenoob}").await.unwrap().port();
    cluster.stop(ours);
    for _ in 0..5 {
        let began = Instant::now();
        assert!(matches!(state.check().await, Err(LiveError::Unavailable { .. })));
        assert!(began.elapsed() < super::chaos::AT_MOST, "{:?}", began.elapsed());
    }
}
