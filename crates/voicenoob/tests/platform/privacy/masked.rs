//! The highest level of masking, in a real call: words, keys, a tool's arguments, and the snapshot that the call could be taken up from.

use anyhow::{Context, Result, ensure};
use call::{Carrier, PhoneNumber, TenantId, Timestamp};
use store::tenants::{RedactionLevel, TenantChange};
use store::{Change, Database, query};
use testkit::Server;
use testkit::carrier::{CallPlan, CarrierSimulator, Move};

use super::callers::{over, spoken, until};
use super::canary::{Canary, Text, card};
use super::places::Places;
use crate::program;

const CALLER: &str = "+4930901844077";

/// Where a number and a name stay: the front desk calls back.
const FOR_THE_DESK: &[&str] = &["db:calls.from_number", "db:messages."];

#[tokio::test]
async fn at_the_highest_level_nothing_of_a_person_stays_in_what_was_said_and_done() -> Result<()> {
    let data = tempfile::tempdir()?;
    let database = Database::open(data.path()).await?;
    let change = TenantChange { redaction: Change::Set(RedactionLevel::All), ..TenantChange::default() };
    let mut tx = database.begin().await?;
    store::tenants::change(&mut tx, TenantId::DEFAULT, &change, None, Timestamp::now()).await?;
    tx.commit().await?;
    let server = Server::start_in(program(), data, &[]).await?;

    let number = card("545454545454545");
    let mut call = CallPlan { from: PhoneNumber::new(CALLER), ..CallPlan::new(Carrier::Twilio) };
    for (index, part) in number.as_bytes().chunks(4).enumerate() {
        call = call.then(Move::Listen);
        if index == 0 {
            call = call.then(spoken("I'd like to leave a message").await?).then(Move::Listen);
            call = call.then(spoken("please call me back about my booking").await?).then(Move::Listen);
        }
        call = call.then(Move::Press(String::from_utf8_lossy(part).into_owned()));
    }
    let placed = CarrierSimulator::of(&server)?.place(call.then(Move::Listen));
    // While the call lasts: a name and the number are needed to take it up, a card is not.
    let mut snapshots = Vec::new();
    until("the call is over", async || {
        let kept: Vec<(String,)> =
            query("SELECT CAST(progress AS TEXT) FROM calls WHERE progress IS NOT NULL").all(database.readers()).await?;
        snapshots.extend(kept.into_iter().map(|(text,)| text));
        Ok(placed.is_over())
    })
    .await?;
    over(placed).await?;
    ensure!(!snapshots.is_empty(), "no snapshot was seen");

    let canaries = [
        Canary::number("the caller's number", CALLER, FOR_THE_DESK),
        Canary::number("a card in four turns", &number, &[]),
        Canary::number("most of a card", &number[4..], &[]),
    ];
    let found = canaries[1].found(&Text::new(snapshots.join("\n").as_bytes()));
    ensure!(found.is_none(), "a card in a snapshot: {found:?}");
    let mut places = Places::default();
    until("the record is closed", async || {
        let (open,): (i64,) = query("SELECT COUNT(*) FROM calls WHERE ended_at IS NULL").one(database.readers()).await?;
        Ok(open == 0)
    })
    .await?;
    places.database(&database, false).await?;
    let strays = places.strays(&canaries);
    ensure!(strays.is_empty(), "{}", strays.join("\n"));
    let keyed: Vec<(String,)> = query("SELECT digits FROM turns WHERE digits IS NOT NULL").all(database.readers()).await?;
    ensure!(keyed.len() >= 2, "keys were pressed in turns of their own: {keyed:?}");
    let (left,): (i64,) = query("SELECT COUNT(*) FROM calls WHERE progress IS NOT NULL").one(database.readers()).await?;
    ensure!(left == 0, "a snapshot is kept after its call");
    database.close().await;
    server.stop().await.context("the server")?;
    Ok(())
}
