//! The in-process adapter keeps the contract.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::contract::{DRIVE_RULES, Op, Stage, Stages, drive};
use crate::{InProcess, LiveState, Rules};

struct InProcessStages;

struct InProcessStage(Arc<InProcess>);

#[async_trait]
impl Stages for InProcessStages {
    async fn open(&self, rules: Rules) -> Box<dyn Stage> {
        Box::new(InProcessStage(Arc::new(InProcess::new(rules))))
    }
}

#[async_trait]
impl Stage for InProcessStage {
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

crate::live_contract!(tokio::test(start_paused = true), InProcessStages);

/// A story that is written but not in the list of [`crate::live_contract`] would run nowhere.
#[test]
fn every_story_is_run() {
    let sources = [
        include_str!("../contract/facades.rs"),
        include_str!("../contract/grants.rs"),
        include_str!("../contract/instances.rs"),
        include_str!("../contract/mail.rs"),
        include_str!("../contract/permits.rs"),
        include_str!("../contract/queue.rs"),
        include_str!("../contract/registry.rs"),
        include_str!("../contract/resume.rs"),
    ];
    let written = sources.iter().flat_map(|source| source.lines()).filter_map(|line| line.strip_prefix("pub async fn "));
    let written: Vec<_> = written.filter_map(|rest| rest.split('(').next()).collect();
    for story in &written {
        assert!(STORIES.contains(story), "{story} is not in the list");
    }
    assert_eq!(written.len(), STORIES.len());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 150, failure_persistence: None, ..Default::default() })]

    /// The adapter adds a lock and a clock to the model, and nothing else.
    #[test]
    fn the_adapter_does_what_the_model_does(codes in proptest::collection::vec(proptest::prelude::any::<[u8; 4]>(), 0..120)) {
        let ops: Vec<_> = codes.into_iter().map(Op::new).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async { drive(&*InProcessStages.open(DRIVE_RULES).await, &ops).await });
    }
}
