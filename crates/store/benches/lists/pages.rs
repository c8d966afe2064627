//! The lists the API has: each filter, filters together as people use them, and the first page, one in the middle, and the last.

use call::{AgentId, CallStatus, Direction, EndReason, PhoneNumber, TenantId, Timestamp};
use store::audit::{self, AuditFilter, Outcome};
use store::calls::{self, CallQuery, NumberPage};
use store::contract::filled_id;
use store::{Database, Page, agents, api_keys, numbers, personal, sessions, tenants, users};
use uuid::Uuid;

use super::timing::Measured;

const HERE: TenantId = TenantId::DEFAULT;
/// What the API gives when nobody says otherwise.
const ROWS: u32 = 50;

pub(crate) async fn measure(db: &Database, all: u32, runs: usize) -> Vec<Measured> {
    let mut pages = Vec::new();
    for (name, wanted) in filters(all) {
        for (place, after) in [("first", None), ("middle", Some(filled_id(all / 2))), ("last", last(db, &wanted).await)] {
            let wanted = CallQuery { page: Page { limit: ROWS, after }, ..wanted.clone() };
            let page = async || calls::list(db, &wanted).await.unwrap().rows.len();
            pages.push(Measured::of(format!("calls {name}, {place}"), runs, page).await);
        }
    }
    let wanted = CallQuery::all(HERE, Page::first(Page::MAX));
    pages.push(Measured::of("calls, first, 200 rows".into(), runs, async || calls::list(db, &wanted).await.unwrap().rows.len()).await);
    for (name, filter) in entries(all) {
        for (place, before) in [("first", None), ("middle", Some(i64::from(all / 10))), ("last", Some(i64::from(ROWS * 2)))] {
            let filter = AuditFilter { before, limit: ROWS, ..filter.clone() };
            let page = async || audit::list(db, &filter).await.unwrap().len();
            pages.push(Measured::of(format!("audit {name}, {place}"), runs, page).await);
        }
    }
    others(db, all, runs, &mut pages).await;
    pages
}

/// Lists with no filters.
async fn others(db: &Database, all: u32, runs: usize, pages: &mut Vec<Measured>) {
    macro_rules! by_id {
        ($($name:literal, $rows:expr, $list:expr;)*) => {$(
            for (place, after) in [("first", None), ("middle", Some(filled_id($rows / 2))), ("last", Some(filled_id(ROWS)))] {
                let page = Page { limit: ROWS, after };
                let list = async || $list(&page).await.unwrap().rows.len();
                pages.push(Measured::of(format!("{}, {place}", $name), runs, list).await);
            }
        )*};
    }
    by_id! {
        "members", 10_000, async |page| users::members(db, HERE, page).await;
        "agents", 500, async |page| agents::list(db, HERE, page).await;
        "numbers", 1_000, async |page| numbers::list(db, HERE, page).await;
        "API keys", 1_000, async |page| api_keys::list(db, HERE, page).await;
        "privacy log", 5_000, async |page| personal::logged(db, HERE, page).await;
        "workspaces", 5, async |page| tenants::list(db, None, page).await;
        "workspaces of a person", 5, async |page| tenants::list(db, Some(filled_id(1)), page).await;
    }
    for (place, before) in [("first", None), ("middle", Some(i64::from(all / 20))), ("last", Some(i64::from(ROWS)))] {
        let page = NumberPage { limit: ROWS, before };
        let list = async || calls::messages(db, HERE, &page).await.unwrap().rows.len();
        pages.push(Measured::of(format!("messages, {place}"), runs, list).await);
        let list = async || calls::callbacks(db, HERE, &page).await.unwrap().rows.len();
        pages.push(Measured::of(format!("callbacks, {place}"), runs, list).await);
    }
    let list = async || sessions::of_user(db, filled_id(1), Timestamp::now()).await.unwrap().len();
    pages.push(Measured::of("sessions of a person with 500".into(), runs, list).await);
}

fn filters(all: u32) -> Vec<(&'static str, CallQuery)> {
    let any = || CallQuery::all(HERE, Page::first(ROWS));
    let agent = |number: u128| Some(AgentId(Uuid::from_u128(0x1_7000_8000_0000_0000_0000 + number)));
    let from = Some(PhoneNumber::new("+15000007919"));
    let at = |share: u32| Timestamp::from_second(1_780_000_000 + i64::from(all) / 10 * i64::from(share) * 10).ok();
    vec![
        ("", any()),
        ("of an agent", CallQuery { agent: agent(3), ..any() }),
        ("by status", CallQuery { status: Some(CallStatus::Busy), ..any() }),
        ("by direction", CallQuery { direction: Some(Direction::Outbound), ..any() }),
        ("by end", CallQuery { end_reason: Some(EndReason::Silence), ..any() }),
        ("from a number", CallQuery { from: from.clone(), ..any() }),
        ("to a number", CallQuery { to: Some(PhoneNumber::new("+15010000042")), ..any() }),
        ("of a day long ago", CallQuery { since: at(2), until: at(3), ..any() }),
        ("of an agent, long ago", CallQuery { agent: agent(3), since: at(2), until: at(3), ..any() }),
        ("by direction and status", CallQuery { direction: Some(Direction::Inbound), status: Some(CallStatus::Failed), ..any() }),
        (
            "by agent, status and end",
            CallQuery { agent: agent(3), status: Some(CallStatus::Busy), end_reason: Some(EndReason::Silence), ..any() },
        ),
        ("from a number, by status", CallQuery { from, status: Some(CallStatus::Completed), ..any() }),
        ("by agent and number", CallQuery { agent: agent(3), to: Some(PhoneNumber::new("+15010000043")), ..any() }),
        ("by agent and direction, none", CallQuery { agent: agent(3), direction: Some(Direction::Outbound), ..any() }),
        ("by agent and number, none", CallQuery { agent: agent(3), to: Some(PhoneNumber::new("+15010000042")), ..any() }),
        ("by status never seen", CallQuery { status: Some(CallStatus::Ringing), direction: Some(Direction::Inbound), ..any() }),
    ]
}

/// The cursor of the last page: some way behind the oldest call, and from there page by page.
async fn last(db: &Database, wanted: &CallQuery) -> Option<Uuid> {
    let mut after = filled_id(20_000);
    loop {
        let page = CallQuery { page: Page { limit: ROWS, after: Some(after) }, ..wanted.clone() };
        match calls::list(db, &page).await.unwrap().next {
            Some(next) => after = next,
            None => return Some(after),
        }
    }
}

fn entries(all: u32) -> Vec<(&'static str, AuditFilter)> {
    let any = || AuditFilter { tenant: Some(HERE), ..AuditFilter::default() };
    let text = |text: &str| Some(text.to_owned());
    let at = |share: u32| Timestamp::from_second(1_780_000_000 + i64::from(all) / 50 * i64::from(share) * 10).ok();
    vec![
        ("", any()),
        ("everywhere", AuditFilter::default()),
        ("by actor", AuditFilter { actor_id: text("person 7"), ..any() }),
        ("by action", AuditFilter { action: text("agent.change"), ..any() }),
        ("by rare action", AuditFilter { action: text("workspace.change"), ..any() }),
        ("by area", AuditFilter { action: text("user."), ..any() }),
        ("by rare area", AuditFilter { action: text("workspace."), ..any() }),
        ("by area never seen", AuditFilter { action: text("privacy."), ..any() }),
        ("by target", AuditFilter { target_kind: text("agent"), target_id: text("target 8"), ..any() }),
        ("by kind of target", AuditFilter { target_kind: text("agent"), ..any() }),
        ("by rare kind of target", AuditFilter { target_kind: text("workspace"), ..any() }),
        ("refused", AuditFilter { outcome: Some(Outcome::Refused), ..any() }),
        ("failed, never seen", AuditFilter { outcome: Some(Outcome::Failed), ..any() }),
        ("of days long ago", AuditFilter { since: at(2), until: at(3), ..any() }),
        ("by action, long ago", AuditFilter { action: text("agent.change"), since: at(2), until: at(3), ..any() }),
        ("by actor, refused", AuditFilter { actor_id: text("person 9"), outcome: Some(Outcome::Refused), ..any() }),
    ]
}
