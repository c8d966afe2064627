//! Google's SDK in a Live session.

use super::python;

#[tokio::test]
async fn the_sdk_holds_a_conversation() {
    python::run("gemini.py", simulator::Vendor::Gemini).await;
}
