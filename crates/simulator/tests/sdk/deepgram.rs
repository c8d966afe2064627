//! Deepgram's SDK.

use simulator::{Simulator, Vendor};

use crate::judge::judge;

#[tokio::test]
async fn deepgrams_own_sdk_understands_the_simulator() {
    let simulator = Simulator::quick().await.unwrap();
    judge("deepgram.py", &[&simulator.url(Vendor::Deepgram)]).await.unwrap();
}
