//! OpenAI's SDK in a Realtime session.

use simulator::{Simulator, Vendor};

use crate::judge::{judge, page};

#[tokio::test]
async fn the_sdk_holds_a_conversation() {
    let simulator = Simulator::quick().await.unwrap();
    judge("realtime.py", &[&simulator.url(Vendor::OpenAi), &page(&simulator, Vendor::OpenAi)]).await.unwrap();
    assert_eq!(simulator.seen(Vendor::OpenAi).troubled, 6, "each was met once: nothing was tried again");
}
