//! How the databases go about the lists: an index for every filter, and no sorting, whatever the page.

use call::{AgentId, CallStatus, Direction, EndReason, PhoneNumber, TenantId, Timestamp};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::postgres;
use crate::calls::CallQuery;
use crate::{Database, Page, Target, calls, contract, query};

/// Enough that reading all of them is never the cheapest.
const CALLS: u32 = 20_000;

/// Each filter with a value that the filled database has, and the index that serves it.
fn filters() -> Vec<(CallQuery, &'static str)> {
    let all = || CallQuery::all(TenantId::DEFAULT, Page::first(50));
    vec![
        (all(), "calls_of_tenant"),
        (CallQuery { agent: Some(AgentId(Uuid::from_u128(0x1_7000_8000_0000_0000_0003))), ..all() }, "calls_by_agent"),
        (CallQuery { status: Some(CallStatus::Busy), ..all() }, "calls_by_status"),
        (CallQuery { direction: Some(Direction::Outbound), ..all() }, "calls_by_direction"),
        (CallQuery { end_reason: Some(EndReason::Silence), ..all() }, "calls_by_end_reason"),
        (CallQuery { from: Some(PhoneNumber::new("+15000007919")), ..all() }, "calls_by_caller"),
        (CallQuery { to: Some(PhoneNumber::new("+15010000042")), ..all() }, "calls_by_called"),
    ]
}

/// Within a span of time, and behind another page.
fn variants(wanted: CallQuery) -> [CallQuery; 3] {
    let since = Timestamp::from_second(1_780_001_000).ok();
    let after = Some(Uuid::from_u128((1_780_000_000_000 + 100_000_000) << 80));
    let deep = CallQuery { page: Page { limit: 50, after }, ..wanted.clone() };
    [CallQuery { since, until: Timestamp::from_second(1_780_150_000).ok(), ..wanted.clone() }, deep, wanted]
}

/// The plan for these values, as the database itself tells it.
async fn plan(db: &Database, wanted: &CallQuery) -> String {
    match db.writer() {
        Target::PostgresPool(pool, _) => {
            let mut connection = pool.acquire().await.unwrap();
            // Plans are made for the values at hand, as every connection asks for it.
            sqlx::raw_sql("SET enable_seqscan = off").execute(&mut *connection).await.unwrap();
            let types = "uuid, uuid, uuid, text, text, uuid, text, text, text, bigint";
            let prepare = format!("PREPARE list ({types}) AS {}", wanted.statement(db));
            sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.unwrap();
            let explain = format!("EXPLAIN EXECUTE list ({})", literals(wanted).join(", "));
            let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *connection).await.unwrap();
            connection.close().await.unwrap();
            rows.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
        }
        // With its values: SQLite looks at them when it knows how they are spread.
        pool @ Target::SqlitePool(..) => {
            let explain = Box::leak(format!("EXPLAIN QUERY PLAN {}", wanted.statement(db)).into_boxed_str());
            let rows: Vec<(i64, i64, i64, String)> = wanted.bound(explain).all(pool).await.unwrap();
            rows.into_iter().map(|(_, _, _, detail)| detail + "\n").collect()
        }
        Target::Postgres(_) | Target::Sqlite(_) => unreachable!("a database gives pools"),
    }
}

/// The values of the list's placeholders, in order.
fn literals(wanted: &CallQuery) -> Vec<String> {
    let text = |value: Option<&str>| value.map_or("NULL".to_owned(), |value| format!("'{value}'"));
    let (since, before) = wanted.span();
    vec![
        format!("'{}'", wanted.tenant),
        format!("'{since}'"),
        format!("'{before}'"),
        text(wanted.from.as_ref().map(PhoneNumber::expose)),
        text(wanted.to.as_ref().map(PhoneNumber::expose)),
        text(wanted.agent.map(|agent| agent.to_string()).as_deref()),
        text(wanted.end_reason.map(EndReason::as_str)),
        text(wanted.status.map(CallStatus::as_str)),
        text(wanted.direction.map(Direction::as_str)),
        wanted.page.asked().to_string(),
    ]
}

/// The other calls are another workspace's: where one has them all, the order of all calls would be as good as any index.
async fn leave_one_of_twenty(db: &Database) {
    let give = "UPDATE calls SET tenant_id = $1 WHERE (CAST(substr(carrier_call_id, 3) AS BIGINT) / 13) % 20 <> 0";
    query(give).bind(Uuid::from_u128(9)).execute(db.writer()).await.unwrap();
    query("ANALYZE").execute(db.writer()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_filter_of_the_call_list_is_served_by_its_index() {
    let place = tempfile::tempdir().unwrap();
    let on_server = postgres().await;
    let plain = Database::open(place.path()).await.unwrap();
    // Without statistics, as a database is on its first days, and with them.
    for (filled, calls) in [(false, 0), (true, CALLS)] {
        for database in [&plain, &on_server] {
            if filled {
                contract::fill(database, 100, calls).await;
                leave_one_of_twenty(database).await;
            }
            for (wanted, index) in filters() {
                for wanted in variants(wanted) {
                    let plan = plan(database, &wanted).await;
                    assert!(plan.contains(index), "{wanted:?} does not use {index}:\n{plan}");
                    assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{wanted:?} is sorted:\n{plan}");
                }
            }
        }
    }
    assert_eq!(calls::list(&plain, &filters()[0].0).await.unwrap().rows.len(), 50);
}

/// Filters that come together and fit no call: found out in the index of one of them, without reading the calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_that_come_together_are_looked_at_in_one_index() {
    let database = postgres().await;
    contract::fill(&database, 100, CALLS).await;
    leave_one_of_twenty(&database).await;
    let all = || CallQuery::all(TenantId::DEFAULT, Page::first(50));
    let agent = Some(AgentId(Uuid::from_u128(0x1_7000_8000_0000_0000_0003)));
    let (direction, status, end_reason) = (Some(Direction::Outbound), Some(CallStatus::Busy), Some(EndReason::Silence));
    let to = Some(PhoneNumber::new("+15010000042"));
    for (wanted, index) in [
        (CallQuery { agent, direction, status, end_reason, ..all() }, "calls_by_agent"),
        (CallQuery { to, direction, status, end_reason, ..all() }, "calls_by_called"),
        (CallQuery { end_reason, direction, status, ..all() }, "calls_by_end_reason"),
        (CallQuery { status, direction, ..all() }, "calls_by_status"),
    ] {
        let plan = plan(&database, &wanted).await;
        assert!(plan.contains(index) && plan.contains("outbound") && !plan.contains("Filter"), "{wanted:?}:\n{plan}");
    }
}

/// The same rows on both databases, so that a benchmark compares like with like.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filled_database_has_what_it_says() {
    let place = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for database in [Database::open(place.path()).await.unwrap(), postgres().await] {
        contract::fill(&database, 12_000, 10_500).await;
        for (table, expected) in [
            ("SELECT COUNT(*) FROM users", 12_000_i64),
            ("SELECT COUNT(*) FROM memberships", 12_000),
            ("SELECT COUNT(*) FROM calls", 10_500),
        ] {
            let (rows,): (i64,) = query(table).one(database.readers()).await.unwrap();
            assert_eq!(rows, expected, "{table}");
        }
        for (wanted, _) in filters() {
            let page = calls::list(&database, &wanted).await.unwrap();
            assert!(!page.rows.is_empty(), "{wanted:?}");
            seen.push(page);
        }
    }
    let (one, two) = seen.split_at(filters().len());
    assert_eq!(one, two);
}
