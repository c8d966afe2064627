//! The same by Telnyx Call Control: what becomes of the person's leg comes as events, each of them twice.

use anyhow::{Result, ensure};
use call::Carrier;
use serde_json::json;
use testkit::Server;
use testkit::carrier::{CallControl, CallEnd, CallPlan, CarrierSimulator, Move, Person};
use testkit::telnyx_api::ApiFault;

use super::{DESK, SORRY, came_back, leaves_a_message, said, status, wants_a_person};
use crate::hand::{LONG, until};
use crate::program;
use crate::resume::{end_reason, record, seen};

async fn desk() -> Result<(Server, CallControl, CarrierSimulator)> {
    let control = CallControl::start().await?;
    let settings = control.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Server::start_with(program(), &settings).await?;
    let carrier = CarrierSimulator::of(&server)?.with_control(control.clone());
    Ok((server, control, carrier))
}

fn steered(plan: CallPlan) -> CallPlan {
    CallPlan { by_command: true, ..plan }
}

/// Commands of this name that were obeyed.
fn obeyed(control: &CallControl, action: &str) -> usize {
    control.api().commands().iter().filter(|command| command.action == action && !command.repeated && command.status == 200).count()
}

#[tokio::test]
async fn a_caller_is_put_through_and_the_record_says_so() -> Result<()> {
    let (server, control, carrier) = desk().await?;
    let call = carrier.place(steered(wants_a_person(Carrier::Telnyx, &[Person::Answers]).then(Move::Stay(LONG))));
    let journal = call.ended().await?;
    ensure!(matches!(&journal.end, Some((_, CallEnd::Transferred(number))) if number == DESK), "{journal:?}");
    ensure!(end_reason(&server, &journal.call_id).await? == "transferred");
    let transfer = control.api().commands().into_iter().find(|command| command.action == "transfer");
    let body = transfer.map(|command| command.body).unwrap_or_default();
    ensure!(body["from"] == "+15005550010" && body["timeout_secs"] == json!(30), "{body}");
    ensure!(obeyed(&control, "transfer") == 1 && obeyed(&control, "streaming_start") == 0, "{:?}", control.api().commands());
    server.expect_idle().await?;
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_busy_line_brings_the_caller_back_and_a_message_is_left() -> Result<()> {
    let (server, control, carrier) = desk().await?;
    let journal = leaves_a_message(&server, &carrier, steered(wants_a_person(Carrier::Telnyx, &[Person::Busy]))).await?;
    came_back(&server, &journal).await?;
    ensure!(obeyed(&control, "transfer") == 1 && obeyed(&control, "streaming_start") == 1, "{:?}", control.api().commands());
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn who_hangs_up_while_it_rings_has_hung_up() -> Result<()> {
    let (server, control, carrier) = desk().await?;
    let call = carrier.place(steered(wants_a_person(Carrier::Telnyx, &[Person::Rings]).then(Move::Stay(LONG))));
    until("it rings", async || Ok((obeyed(&control, "transfer") == 1).then_some(()))).await?;
    ensure!(status(&server, &call.id()).await? == "transferring");
    call.hang_up();
    let journal = call.ended().await?;
    ensure!(end_reason(&server, &journal.call_id).await? == "caller_hung_up");
    server.expect_idle().await?;
    server.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_transfer_that_the_carrier_refuses_brings_the_caller_back_at_once() -> Result<()> {
    let (server, control, carrier) = desk().await?;
    let call =
        carrier.place(steered(CallPlan::new(Carrier::Telnyx).then(Move::Listen).then(Move::Press("0".into())).then(Move::Stay(LONG))));
    seen(&call, "the agent speaks", |journal| journal.first_sound.is_some()).await?;
    control.api().will_fail([ApiFault::Raw(422, r#"{"errors":[{"code":"10015","title":"Invalid value for 'to'"}]}"#.to_owned())]);
    until("the caller is told", async || Ok((said(&record(&server, &call.id()).await?, SORRY) == 1).then_some(()))).await?;
    ensure!(obeyed(&control, "transfer") == 0 && control.api().faults_left() == 0);
    call.hang_up();
    ensure!(end_reason(&server, &call.ended().await?.call_id).await? == "caller_hung_up");
    server.stop().await?;
    Ok(())
}
