//! Google's SDK in a Live session.

use simulator::{Simulator, Vendor};

use crate::judge::{judge, page};

#[tokio::test]
async fn the_sdk_holds_a_conversation() {
    let simulator = Simulator::quick().await.unwrap();
    judge("gemini.py", &[&simulator.url(Vendor::Gemini), &page(&simulator, Vendor::Gemini)]).await.unwrap();
    assert_eq!(simulator.seen(Vendor::Gemini).troubled, 4, "each was met once: nothing was tried again");
}
