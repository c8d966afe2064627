//! Google's SDK in a Live session.

use simulator::{Simulator, Vendor};

use crate::judge::judge;

#[tokio::test]
async fn the_sdk_holds_a_conversation() {
    let simulator = Simulator::quick().await.unwrap();
    judge("gemini.py", &[&simulator.url(Vendor::Gemini)]).await.unwrap();
}
