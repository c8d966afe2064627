//! Stories of callers, each on both carriers: real speech over a real socket, judged by what is in the hotel's books afterwards.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use call::{Carrier, PhoneNumber};
use dial::{CallReport, Script};
use hotel::{BuiltInPms, NewBooking, Pms, Property, Reservation, Stay};
use jiff::civil::{Date, Weekday};
use serde_json::Value;
use store::Database;
use testkit::Server;

use crate::program;

on_both_carriers!(
    a_booking_in_one_sentence,
    a_booking_step_by_step,
    a_correction_changes_just_that,
    a_booking_is_changed,
    a_booking_is_cancelled,
    a_question_is_answered,
    caller_interrupts_the_agent,
    a_silent_caller_is_asked_again_and_then_let_go,
    a_booking_by_keys,
    the_caller_asks_for_a_person,
    noise_and_garbage_book_nothing,
    caller_hangs_up_in_the_middle_of_a_sentence,
    nothing_is_booked_without_a_yes,
    a_message_is_taken,
);

fn script(carrier: Carrier, text: &str) -> Result<Script> {
    Script::parse(&format!("carrier = \"{carrier}\"\nvoice = \"rms\"\n{text}"), Path::new("")).map_err(anyhow::Error::msg)
}

/// The next such day after today, where the hotel is.
fn next(day: Weekday) -> Result<Date> {
    let today = jiff::Timestamp::now().in_tz("Europe/Lisbon")?.date();
    Ok(today.nth_weekday(1, day)?)
}

/// Books a room as the desk would, for a caller who phones about it.
async fn booked(server: &Server, name: &str, arrival: Date) -> Result<Reservation> {
    let database = Database::open(server.data_dir()).await?;
    let property = Property::harbour_view().context("time zones")?;
    let pms = BuiltInPms::open(database.clone(), Arc::new(jiff::Timestamp::now), fastrand::Rng::new(), &property).await?;
    let stay = Stay::of_nights(arrival, 2, 2, &property)?;
    let booking = NewBooking { stay, room_type: "double".into(), name: name.into(), phone: Some(PhoneNumber::new("+15005550099")) };
    let reservation = pms.create_booking(&booking, "desk").await?;
    database.close().await;
    Ok(reservation)
}

fn digit_words(code: &str) -> String {
    let words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    code.chars().filter_map(|digit| words.get(digit.to_digit(10)? as usize).copied()).collect::<Vec<_>>().join(" ")
}

async fn only_reservation(server: &Server) -> Result<Value> {
    let mut books = server.reservations().await?;
    ensure!(books.len() == 1, "one reservation expected: {books:?}");
    Ok(books.remove(0))
}

fn expect_stay(reservation: &Value, room: &str, arrival: Date, nights: u64, guests: u64, total: &str) -> Result<()> {
    let seen = [&reservation["room_type"], &reservation["arrival"], &reservation["nights"], &reservation["guests"], &reservation["total"]];
    let wanted = serde_json::json!([room, arrival, nights, guests, total]);
    ensure!(serde_json::json!(seen) == wanted, "in the books: {reservation}\nexpected: {wanted}");
    Ok(())
}

async fn a_booking_in_one_sentence(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [
            { wait_for_agent = true },
            { say = "I'd like to book a double room for two guests for two nights from Friday under the name Smith" },
            { wait_for_agent = true },
            { say = "yes please" },
            { wait_for_agent = true },
            { say = "goodbye" },
            { wait_for_end = true },
        ]
        [expect]
        end_reason = "agent_hung_up"
        agent_says = ["double room", "Smith", "confirmation code"]
        [[expect.tool]]
        name = "create_booking"
        outcome = "ok"
    "#;
    server.call(script(carrier, call)?).await?;
    let reservation = only_reservation(&server).await?;
    expect_stay(&reservation, "double", next(Weekday::Friday)?, 2, 2, "240.00")?;
    ensure!(reservation["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("smith")), "{reservation}");
    ensure!(reservation["phone"] == "+15005550006", "the caller's own number is kept: {reservation}");
    server.stop().await?;
    Ok(())
}

async fn a_booking_step_by_step(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [
            { wait_for_agent = true },
            { say = "I'd like to book a room" },
            { wait_for_agent = true },
            { say = "next Monday" },
            { wait_for_agent = true },
            { say = "three nights" },
            { wait_for_agent = true },
            { say = "just me" },
            { wait_for_agent = true },
            { say = "a single room" },
            { wait_for_agent = true },
            { say = "Miller" },
            { wait_for_agent = true },
            { say = "yes" },
            { wait_for_agent = true },
            { hang_up = true },
        ]
        [expect]
        agent_says = ["arrive", "nights", "name", "confirmation code"]
        [[expect.tool]]
        name = "create_booking"
        outcome = "ok"
    "#;
    server.call(script(carrier, call)?).await?;
    let reservation = only_reservation(&server).await?;
    ensure!((reservation["room_type"].as_str(), reservation["nights"].as_u64()) == (Some("single"), Some(3)), "{reservation}");
    let arrival: Date = reservation["arrival"].as_str().context("arrival")?.parse()?;
    ensure!(arrival.weekday() == Weekday::Monday, "{reservation}");
    server.stop().await?;
    Ok(())
}

async fn a_correction_changes_just_that(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [
            { wait_for_agent = true },
            { say = "I'd like to book a double room for two guests for two nights from Friday under the name Smith" },
            { wait_for_agent = true },
            { say = "no three nights" },
            { wait_for_agent = true },
            { say = "yes" },
            { wait_for_agent = true },
            { hang_up = true },
        ]
        [[expect.tool]]
        name = "create_booking"
        outcome = "ok"
    "#;
    server.call(script(carrier, call)?).await?;
    expect_stay(&only_reservation(&server).await?, "double", next(Weekday::Friday)?, 3, 2, "360.00")?;
    server.stop().await?;
    Ok(())
}

async fn a_booking_is_changed(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let reservation = booked(&server, "Smith", next(Weekday::Friday)?).await?;
    let call = format!(
        r#"
        step = [
            {{ wait_for_agent = true }},
            {{ say = "I'd like to change my booking" }},
            {{ wait_for_agent = true }},
            {{ say = "{}" }},
            {{ wait_for_agent = true }},
            {{ say = "Smith" }},
            {{ wait_for_agent = true }},
            {{ say = "four nights" }},
            {{ wait_for_agent = true }},
            {{ say = "yes" }},
            {{ wait_for_agent = true }},
            {{ hang_up = true }},
        ]
        [[expect.tool]]
        name = "change_booking"
        outcome = "ok"
    "#,
        digit_words(&reservation.code)
    );
    server.call(script(carrier, &call)?).await?;
    expect_stay(&only_reservation(&server).await?, "double", next(Weekday::Friday)?, 4, 2, "480.00")?;
    server.stop().await?;
    Ok(())
}

async fn a_booking_is_cancelled(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let reservation = booked(&server, "Smith", next(Weekday::Friday)?).await?;
    let call = format!(
        r#"
        step = [
            {{ wait_for_agent = true }},
            {{ say = "I want to cancel my booking" }},
            {{ wait_for_agent = true }},
            {{ press = "{}#" }},
            {{ wait_for_agent = true }},
            {{ say = "Smith" }},
            {{ wait_for_agent = true }},
            {{ say = "yes" }},
            {{ wait_for_agent = true }},
            {{ hang_up = true }},
        ]
        [expect]
        agent_says = ["cancelled"]
        [[expect.tool]]
        name = "cancel_booking"
        outcome = "ok"
    "#,
        reservation.code
    );
    server.call(script(carrier, &call)?).await?;
    ensure!(only_reservation(&server).await?["status"] == "cancelled");
    server.stop().await?;
    Ok(())
}

async fn a_question_is_answered(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [
            { wait_for_agent = true },
            { say = "what time is breakfast" },
            { wait_for_agent = true },
            { say = "can I bring my dog" },
            { wait_for_agent = true },
            { say = "goodbye" },
            { wait_for_end = true },
        ]
        [expect]
        end_reason = "agent_hung_up"
        agent_says = ["seven to half past ten", "Pets are welcome", "Goodbye"]
        caller_heard = ["Goodbye"]
        no_tool = ["create_booking"]
    "#;
    server.call(script(carrier, call)?).await?;
    server.stop().await?;
    Ok(())
}

async fn caller_interrupts_the_agent(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [
            { wait_for_agent = true },
            { say = "do you have parking" },
            { interrupt = "what time is breakfast", after_ms = 900 },
            { wait_for_agent = true },
            { hang_up = true },
        ]
        [expect]
        interrupted = true
        agent_says = ["We have parking", "Breakfast is included"]
    "#;
    let report = server.call(script(carrier, call)?).await?;
    ensure!(report.clears >= 1, "the carrier's buffer was not cleared");
    let cut = report.turns.iter().find(|turn| turn.interrupted).context("no interrupted turn")?;
    ensure!(cut.heard.len() < cut.text.len() && cut.text.starts_with(&cut.heard), "heard {:?} of {:?}", cut.heard, cut.text);
    server.stop().await?;
    Ok(())
}

async fn a_silent_caller_is_asked_again_and_then_let_go(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        timeout_secs = 120
        step = [{ wait_for_agent = true }, { wait_for_end = true, timeout_secs = 100 }]
        [expect]
        end_reason = "silence"
        no_tool = ["create_booking"]
    "#;
    let report = server.call(script(carrier, call)?).await?;
    ensure!(report.turns.len() >= 3, "greeting, at least one question, goodbye: {:?}", report.turns);
    server.stop().await?;
    Ok(())
}

async fn a_booking_by_keys(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let arrival = next(Weekday::Friday)?;
    let (day, in_band) = (format!("{:02}{:02}", arrival.day(), arrival.month()), carrier == Carrier::Telnyx);
    let call = format!(
        r##"
        step = [
            {{ wait_for_agent = true }},
            {{ say = "I'd like to book a room" }},
            {{ wait_for_agent = true }},
            {{ press = "{day}#", in_band = {in_band} }},
            {{ wait_for_agent = true }},
            {{ press = "2#", in_band = {in_band} }},
            {{ wait_for_agent = true }},
            {{ press = "2#", in_band = {in_band} }},
            {{ wait_for_agent = true }},
            {{ press = "2", in_band = {in_band} }},
            {{ wait_for_agent = true }},
            {{ say = "Smith" }},
            {{ wait_for_agent = true }},
            {{ press = "1", in_band = {in_band} }},
            {{ wait_for_agent = true }},
            {{ hang_up = true }},
        ]
        [[expect.tool]]
        name = "create_booking"
        outcome = "ok"
    "##
    );
    server.call(script(carrier, &call)?).await?;
    expect_stay(&only_reservation(&server).await?, "double", arrival, 2, 2, "240.00")?;
    server.stop().await?;
    Ok(())
}

async fn the_caller_asks_for_a_person(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [{ wait_for_agent = true }, { say = "can I speak to the front desk" }, { wait_for_end = true }]
        [expect]
        end_reason = "transferred"
        transferred_to = "+12025550143"
    "#;
    server.call(script(carrier, call)?).await?;
    server.stop().await?;
    Ok(())
}

async fn noise_and_garbage_book_nothing(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [
            { wait_for_agent = true },
            { garbage = "noise" },
            { garbage = "json" },
            { garbage = "base64" },
            { say = "the quarterly report shows rising interest rates" },
            { wait_for_agent = true },
            { say = "what time is breakfast" },
            { wait_for_agent = true },
            { hang_up = true },
        ]
        [expect]
        agent_says = ["Breakfast is included"]
        no_tool = ["create_booking", "cancel_booking", "change_booking"]
    "#;
    server.call(script(carrier, call)?).await?;
    ensure!(server.reservations().await?.is_empty());
    server.stop().await?;
    Ok(())
}

async fn caller_hangs_up_in_the_middle_of_a_sentence(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [
            { wait_for_agent = true },
            { say = "I'd like to book a double room for two nights from Friday", hang_up_after_ms = 900 },
        ]
        [expect]
        end_reason = "caller_hung_up"
        no_tool = ["create_booking"]
    "#;
    let report: CallReport = server.call(script(carrier, call)?).await?;
    ensure!(report.duration.as_secs() < 30);
    server.stop().await?;
    Ok(())
}

async fn nothing_is_booked_without_a_yes(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [
            { wait_for_agent = true },
            { say = "I'd like to book a double room for two guests for two nights from Friday under the name Smith" },
            { wait_for_agent = true },
            { say = "no" },
            { wait_for_agent = true },
            { say = "goodbye" },
            { wait_for_end = true },
        ]
        [expect]
        no_tool = ["create_booking"]
    "#;
    server.call(script(carrier, call)?).await?;
    ensure!(server.reservations().await?.is_empty());
    server.stop().await?;
    Ok(())
}

async fn a_message_is_taken(carrier: Carrier) -> Result<()> {
    let server = Server::start(program()).await?;
    let call = r#"
        step = [
            { wait_for_agent = true },
            { say = "I'd like to leave a message" },
            { wait_for_agent = true },
            { say = "please call me back about my booking" },
            { wait_for_agent = true },
            { say = "Miller" },
            { wait_for_agent = true },
            { say = "yes" },
            { wait_for_agent = true },
            { hang_up = true },
        ]
        [[expect.tool]]
        name = "leave_message"
        outcome = "ok"
    "#;
    server.call(script(carrier, call)?).await?;
    let messages = server.json("/api/v1/messages").await?;
    ensure!(messages["messages"][0]["phone"] == "+15005550006", "{messages}");
    server.stop().await?;
    Ok(())
}
