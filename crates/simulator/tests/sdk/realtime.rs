//! OpenAI's SDK in a Realtime session.

use simulator::{Simulator, Vendor};

use crate::judge::judge;

#[tokio::test]
async fn the_sdk_holds_a_conversation() {
    let simulator = Simulator::quick().await.unwrap();
    judge("realtime.py", &[&simulator.url(Vendor::OpenAi)]).await.unwrap();
}
