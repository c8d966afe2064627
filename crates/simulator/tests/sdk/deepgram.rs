//! Deepgram's SDK.

use simulator::{Simulator, Vendor};

use crate::judge::{judge, page};

#[tokio::test]
async fn deepgrams_own_sdk_understands_the_simulator() {
    let simulator = Simulator::quick().await.unwrap();
    judge("deepgram.py", &[&simulator.url(Vendor::Deepgram), &page(&simulator, Vendor::Deepgram)]).await.unwrap();
    assert_eq!(simulator.seen(Vendor::Deepgram).troubled, 7, "each was met once: nothing was tried again");
}
