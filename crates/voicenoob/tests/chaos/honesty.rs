//! The runner must be able to fail: without a second instance, a kill loses calls, and it says so.

use anyhow::{Result, ensure};
use call::Carrier;
use testkit::carrier::{CallEnd, CallPlan, Move};
use testkit::{BalancerOptions, Cluster, ClusterOptions, Stores};

use crate::program;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_instance_dies_for_good_is_seen_to_be_lost() -> Result<()> {
    let options = ClusterOptions {
        program: program(),
        instances: 1,
        stores: Stores::Embedded,
        settings: Vec::new(),
        clock_of: None,
        direct: false,
        balancer: BalancerOptions::default(),
    };
    let mut cluster = Cluster::start(options).await?;
    let call = cluster.carrier()?.place(CallPlan::new(Carrier::Twilio).then(Move::Listen).then(Move::Browse));
    let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
    while call.look(|journal| journal.first_sound.is_none()) {
        look.tick().await;
    }
    cluster.kill(0).await?;
    let journal = call.ended().await?;
    ensure!(journal.is_lost() && matches!(journal.end, Some((_, CallEnd::Failed(_)))), "{:?}", journal.end);
    ensure!(journal.retried >= 1, "the carrier asked the action once more: {}", journal.retried);
    ensure!(journal.breaks.len() == 1 && journal.breaks.iter().all(|broken| broken.code.is_none()), "{:?}", journal.breaks);
    Ok(())
}
