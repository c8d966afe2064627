//! OpenAI's SDK in a Realtime session.

use super::python;

#[tokio::test]
async fn the_sdk_holds_a_conversation() {
    python::run("realtime.py", simulator::Vendor::OpenAi).await;
}
