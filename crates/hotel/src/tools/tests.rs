//! The tools as a brain uses them, on the demo hotel.

use std::collections::BTreeMap;

use agent::{ToolAnswer, ToolContext};
use call::{AgentId, CallId, PhoneNumber, Timestamp};
use fastrand::Rng;
use serde_json::{Value, json};
use store::{Database, SqlRecords};
use uuid::Uuid;

use super::leave_message::LeaveMessage;
use super::*;
use crate::{BuiltInPms, Property, ReservationQuery, contract};

/// The front desk on a Thursday in January, and a call to it.
struct Desk {
    tools: BTreeMap<String, Arc<dyn Tool>>,
    pms: Arc<dyn Pms>,
    records: Arc<dyn Records>,
    context: ToolContext,
}

impl Desk {
    async fn open() -> Self {
        let database = Database::in_memory().await.unwrap();
        let now: Timestamp = contract::START.parse().unwrap();
        let property = Property::harbour_view().unwrap();
        let pms = BuiltInPms::open(database.clone(), Arc::new(move || now), Rng::with_seed(3), &property).await.unwrap();
        let (pms, records): (Arc<dyn Pms>, Arc<dyn Records>) = (Arc::new(pms), Arc::new(SqlRecords::new(database)));
        let call = records.open_call(&store::contract::record(1)).await.unwrap();
        let tools = toolbox(Arc::clone(&pms), Arc::clone(&records)).into_iter().map(|tool| (tool.name().to_owned(), tool)).collect();
        let caller = Some(PhoneNumber::new("+15005550006"));
        let context = ToolContext { call: call.id, agent: AgentId(Uuid::from_u128(7)), caller, idempotency_key: "key".into(), now };
        Self { tools, pms, records, context }
    }

    async fn ask(&self, tool: &str, arguments: Value) -> ToolAnswer {
        self.tools[tool].call(&self.context, &arguments).await
    }

    /// Under a key of its own.
    async fn ask_as(&mut self, key: &str, tool: &str, arguments: Value) -> ToolAnswer {
        self.context.idempotency_key = key.into();
        self.ask(tool, arguments).await
    }

    async fn book(&mut self, key: &str, room_type: &str, arrival: &str) -> String {
        let asked = json!({"arrival": arrival, "nights": 2, "guests": 1, "room_type": room_type, "name": "Ann Smith"});
        match self.ask_as(key, "create_booking", asked).await {
            ToolAnswer::Ok(fields) => fields["code"].as_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    async fn sell_out(&mut self, room_type: &str, units: u32) {
        for number in 0..units {
            self.book(&format!("{room_type} {number}"), room_type, "2027-01-20").await;
        }
    }
}

fn refused(code: &'static str, fields: Value) -> ToolAnswer {
    ToolAnswer::Refused { code, fields }
}

#[tokio::test]
async fn the_desk_has_seven_tools() {
    let desk = Desk::open().await;
    let names: Vec<_> = desk.tools.keys().map(String::as_str).collect();
    let expected =
        ["cancel_booking", "change_booking", "check_availability", "create_booking", "find_booking", "leave_message", "quote_change"];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_model_is_told_of_every_tool_and_which_of_them_change_something() {
    let desk = Desk::open().await;
    let mut toolbox = agent::Toolbox::new();
    desk.tools.values().for_each(|tool| toolbox.add(Arc::clone(tool)));
    let told = agent::ToolSet::new(&toolbox, toolbox.names(), &[]).unwrap();
    assert_eq!(told.specs().len(), desk.tools.len());
    let text = serde_json::to_string(&told.specs().iter().map(|spec| &spec.parameters).collect::<Vec<_>>()).unwrap();
    assert!(!text.contains("hotel") && !text.contains("call_id"), "ids are the session's: {text}");
    let effects: Vec<&str> = desk.tools.values().filter(|tool| tool.effects()).map(|tool| tool.name()).collect();
    assert_eq!(effects, ["cancel_booking", "change_booking", "create_booking", "leave_message"]);
}

#[tokio::test]
async fn availability_names_the_cheapest_room_or_the_one_asked_for() {
    let desk = Desk::open().await;
    let offers = json!([
        {"room_type": "double", "total": "240.00", "currency": "EUR", "nightly": "120.00", "rooms_left": 8},
        {"room_type": "suite", "total": "420.00", "currency": "EUR", "nightly": "210.00", "rooms_left": 3},
    ]);
    for (wanted, room_type, total) in
        [(json!(null), "double", "240.00"), (json!(""), "double", "240.00"), (json!("suite"), "suite", "420.00")]
    {
        let answer = desk.ask("check_availability", json!({"arrival": "2027-01-20", "nights": 2, "guests": 2, "room_type": wanted})).await;
        let expected = json!({"offers": offers, "room_type": room_type, "total": total, "currency": "EUR", "nights": 2});
        assert_eq!(answer, ToolAnswer::Ok(expected));
    }
}

#[tokio::test]
async fn a_room_that_is_gone_is_refused_with_what_else_is_free() {
    let mut desk = Desk::open().await;
    desk.sell_out("double", 8).await;
    let ask = json!({"arrival": "2027-01-21", "nights": 2, "guests": 1, "room_type": "double", "name": "Ann"});
    let expected = refused("unavailable", json!({"room_type": "double", "alternatives": "a single room or a suite"}));
    assert_eq!(desk.ask("check_availability", ask.clone()).await, expected);
    assert_eq!(desk.ask_as("new", "create_booking", ask).await, expected);
    desk.sell_out("suite", 3).await;
    let two = json!({"arrival": "2027-01-20", "nights": 1, "guests": 2});
    assert_eq!(desk.ask("check_availability", two).await, refused("unavailable", json!({})));
    let double = json!({"arrival": "2027-01-20", "nights": 1, "guests": 2, "room_type": "double"});
    assert_eq!(desk.ask("check_availability", double).await, refused("unavailable", json!({"room_type": "double"})));
}

#[tokio::test]
async fn rules_of_the_house_are_refusals_and_nonsense_is_a_fault() {
    let desk = Desk::open().await;
    let cases = [
        (json!({"arrival": "2027-01-13", "nights": 1}), refused("past_date", json!({}))),
        (json!({"arrival": "2027-01-20", "nights": 31}), refused("too_long", json!({"max_nights": 30}))),
        (json!({"arrival": "2027-01-20", "nights": 4_000_000_000_u32}), refused("too_long", json!({"max_nights": 30}))),
        (json!({"arrival": "2028-01-20", "nights": 1}), refused("too_far", json!({"horizon_days": 365}))),
        (json!({"arrival": "2027-01-20", "nights": 1, "guests": 5}), refused("too_many_guests", json!({"max_guests": 4}))),
        (
            json!({"arrival": "2027-01-20", "nights": 1, "guests": 3, "room_type": "double"}),
            refused("too_many_guests", json!({"max_guests": 2, "room_type": "double"})),
        ),
    ];
    for (asked, expected) in cases {
        assert_eq!(desk.ask("check_availability", asked).await, expected);
    }
    for nonsense in [
        json!({}),
        json!({"arrival": "tomorrow", "nights": 1}),
        json!({"arrival": "2027-01-20", "nights": -1}),
        json!("now"),
        json!({"arrival": "2027-01-20", "nights": 0}),
    ] {
        assert!(matches!(desk.ask("check_availability", nonsense.clone()).await, ToolAnswer::Failed(_)), "{nonsense}");
    }
    let cave = json!({"arrival": "2027-01-20", "nights": 1, "room_type": "cave"});
    assert!(matches!(desk.ask("check_availability", cave).await, ToolAnswer::Failed(_)));
}

#[tokio::test]
async fn a_booking_is_made_once_and_keeps_the_callers_number() {
    let desk = Desk::open().await;
    let asked = json!({"arrival": "2027-01-20", "nights": 2, "guests": 2, "room_type": "double", "name": " Ann Smith "});
    let ToolAnswer::Ok(made) = desk.ask("create_booking", asked.clone()).await else { panic!("not booked") };
    let code = made["code"].as_str().unwrap().to_owned();
    let expected = json!({"code": code, "room_type": "double", "arrival": "2027-01-20", "departure": "2027-01-22", "nights": 2, "guests": 2,
        "total": "240.00", "currency": "EUR", "name": "Ann Smith"});
    assert_eq!(made, expected);
    assert_eq!(desk.ask("create_booking", asked).await, ToolAnswer::Ok(expected));
    let found = desk.pms.find_reservations(&ReservationQuery::Phone(PhoneNumber::new("15005550006"))).await.unwrap();
    assert_eq!(found.iter().map(|booking| booking.code.as_str()).collect::<Vec<_>>(), [code]);
    let nameless = json!({"arrival": "2027-01-20", "nights": 2, "guests": 2, "room_type": "double", "name": " "});
    assert!(matches!(desk.ask("create_booking", nameless).await, ToolAnswer::Failed(_)));
}

#[tokio::test]
async fn a_booking_is_read_to_whoever_knows_code_and_name_or_calls_from_its_number() {
    let mut desk = Desk::open().await;
    let later = desk.book("later", "double", "2027-02-20").await;
    let code = desk.book("sooner", "double", "2027-01-20").await;
    let expected = json!({"code": code, "name": "Ann Smith", "arrival": "2027-01-20", "departure": "2027-01-22", "nights": 2, "room_type": "double",
        "guests": 1, "total": "240.00", "currency": "EUR", "status": "confirmed"});
    let spoken_code = format!("{} {}", &code[..3], &code[3..]);
    for asked in [
        json!({"code": code, "name": "Smyth"}),
        json!({"code": spoken_code, "name": "ann smith"}),
        json!({"name": "SMITH"}),
        json!({"code": "", "name": "Smith"}),
    ] {
        assert_eq!(desk.ask("find_booking", asked.clone()).await, ToolAnswer::Ok(expected.clone()), "{asked}");
    }
    let not_found = refused("not_found", json!({}));
    for asked in [json!({"code": code}), json!({"code": code, "name": "Jones"}), json!({"name": "Smyth"})] {
        assert_eq!(desk.ask("find_booking", asked.clone()).await, not_found, "{asked}");
    }
    desk.context.caller = None;
    assert_eq!(desk.ask("find_booking", json!({"name": "Smith"})).await, not_found, "an unknown number proves nothing");
    let ToolAnswer::Ok(found) = desk.ask("find_booking", json!({"code": later, "name": "Smith"})).await else { panic!("not found") };
    assert_eq!(found["arrival"], "2027-02-20");
}

#[tokio::test]
async fn guessing_ends_after_five_tries_with_every_tool() {
    let mut desk = Desk::open().await;
    let code = desk.book("key", "double", "2027-01-20").await;
    let right = json!({"code": code, "name": "Smith"});
    for guess in 0..5 {
        assert!(matches!(desk.ask("find_booking", right.clone()).await, ToolAnswer::Ok(_)), "right answers cost nothing");
        let tool = ["find_booking", "cancel_booking", "quote_change", "change_booking"][guess % 4];
        let wrong = json!({"code": format!("10101{guess}"), "name": "Smith"});
        assert_eq!(desk.ask(tool, wrong).await, refused("not_found", json!({})));
    }
    for tool in ["find_booking", "cancel_booking", "quote_change", "change_booking"] {
        assert_eq!(desk.ask(tool, right.clone()).await, refused("locked", json!({})), "{tool}");
    }
    desk.context.call = CallId(Uuid::from_u128(99));
    assert!(matches!(desk.ask("find_booking", right).await, ToolAnswer::Ok(_)), "another call starts anew");
}

#[tokio::test]
async fn a_change_is_quoted_and_made() {
    let mut desk = Desk::open().await;
    let code = desk.book("key", "double", "2027-01-20").await;
    let asked = json!({"code": code, "name": "Smith", "arrival": "2027-01-21", "nights": 3, "room_type": "suite", "guests": 4});
    let mut expected = json!({"code": code, "room_type": "suite", "arrival": "2027-01-21", "departure": "2027-01-24", "nights": 3, "guests": 4,
        "total": "630.00", "currency": "EUR", "difference": "390.00"});
    assert_eq!(desk.ask("quote_change", asked.clone()).await, ToolAnswer::Ok(expected.clone()));
    expected["name"] = "Ann Smith".into();
    for _ in 0..2 {
        assert_eq!(
            desk.ask_as("change", "change_booking", asked.clone()).await,
            ToolAnswer::Ok(expected.clone()),
            "the same key, the same answer"
        );
    }
    let back = desk.ask("quote_change", json!({"code": code, "name": "Smith", "room_type": "single", "guests": 1})).await;
    assert!(matches!(back, ToolAnswer::Ok(fields) if fields["difference"] == "-360.00"));
}

#[tokio::test]
async fn a_change_that_cannot_be_is_refused() {
    let mut desk = Desk::open().await;
    let code = desk.book("key", "double", "2027-01-20").await;
    desk.sell_out("suite", 3).await;
    let with = |change: Value| {
        let mut asked = json!({"code": code, "name": "Smith"});
        asked.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        asked
    };
    let cases = [
        (
            json!({"room_type": "suite"}),
            refused("unavailable", json!({"room_type": "suite", "alternatives": "a single room or a double room"})),
        ),
        (json!({"guests": 3}), refused("too_many_guests", json!({"max_guests": 2}))),
        (json!({"arrival": "2027-01-01"}), refused("past_date", json!({}))),
        (json!({"nights": 31}), refused("too_long", json!({"max_nights": 30}))),
    ];
    for (change, expected) in cases {
        for tool in ["quote_change", "change_booking"] {
            assert_eq!(desk.ask(tool, with(change.clone())).await, expected, "{tool} {change}");
        }
    }
}

#[tokio::test]
async fn a_booking_is_cancelled_once() {
    let mut desk = Desk::open().await;
    let code = desk.book("key", "double", "2027-01-20").await;
    let asked = json!({"code": code, "name": "Smith"});
    let expected = ToolAnswer::Ok(json!({"code": code, "fee": "0.00", "currency": "EUR"}));
    for _ in 0..2 {
        assert_eq!(desk.ask_as("cancel", "cancel_booking", asked.clone()).await, expected, "the same key, the same answer");
    }
    assert_eq!(desk.ask_as("again", "cancel_booking", asked.clone()).await, refused("already_cancelled", json!({"code": code})));
    assert_eq!(desk.ask("find_booking", asked.clone()).await, refused("cancelled", json!({"code": code})));
    assert_eq!(desk.ask("change_booking", asked).await, refused("cancelled", json!({})));
    let tonight = desk.book("tonight", "suite", "2027-01-14").await;
    let late = desk.ask_as("late", "cancel_booking", json!({"code": tonight, "name": "Smith"})).await;
    assert_eq!(late, ToolAnswer::Ok(json!({"code": tonight, "fee": "210.00", "currency": "EUR"})));
}

#[tokio::test]
async fn a_message_is_kept_with_the_callers_number() {
    let mut desk = Desk::open().await;
    let long = "é".repeat(LeaveMessage::MAX_TEXT);
    let left = json!({"name": "Ann Smith", "text": "Call me back."});
    assert_eq!(desk.ask("leave_message", left.clone()).await, ToolAnswer::Ok(json!({})));
    assert_eq!(desk.ask("leave_message", left).await, ToolAnswer::Ok(json!({})), "under the same key nothing more is left");
    let left = json!({"name": "Ann", "phone": "+351 1", "text": long});
    assert_eq!(desk.ask_as("long", "leave_message", left).await, ToolAnswer::Ok(json!({})));
    let messages = desk.records.messages(10).await.unwrap();
    let seen: Vec<_> = messages.iter().map(|message| (message.name.as_str(), message.phone.as_str(), message.text.len())).collect();
    assert_eq!(seen, [("Ann", "+351 1", LeaveMessage::MAX_TEXT), ("Ann Smith", "+15005550006", 13)]);
    assert!(matches!(desk.ask("leave_message", json!({"name": "Ann", "text": " "})).await, ToolAnswer::Failed(_)));
}

#[tokio::test]
async fn a_card_left_in_a_message_is_not_kept() {
    let desk = Desk::open().await;
    let left = json!({"name": "Ann 4111 1111 1111 1111", "phone": "4111111111111111", "text": "charge four triple one, elf elf, elf elf, elf elf, room 412"});
    assert_eq!(desk.ask("leave_message", left).await, ToolAnswer::Ok(json!({})));
    let messages = desk.records.messages(10).await.unwrap();
    let [kept] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!((kept.name.as_str(), kept.phone.as_str(), kept.text.as_str()), ("Ann [card]", "[card]", "charge [card], room 412"));
}
