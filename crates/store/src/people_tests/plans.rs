//! How the databases carry out the statements: by an index, and without sorting what they have found.

use sqlx::{Connection as _, Executor, Row, SqlSafeStr, raw_sql};

use super::{postgres, statements};
use crate::{Database, Target};

/// What reads a whole table, and may: the table is small, or the first row ends it.
const MAY_SCAN: [(&str, &str); 5] = [
    ("ANY", "one row is enough"),
    ("START", "the table has one row"),
    ("FORGET_START", "the table has one row"),
    ("REMOVE_WORKSPACE", "it happens once in a year, and takes sessions and tickets with it"),
    ("REMOVE_KIND", "the first administrator's link, once"),
];
/// What sorts, and may: the workspaces of one person.
const MAY_SORT: [&str; 2] = ["LIST_OF", "MEMBERSHIPS"];

fn may_scan(name: &str) -> bool {
    MAY_SCAN.iter().any(|(allowed, _)| *allowed == name)
}

/// Each line of the plan of a statement, with values that nobody knows when it is made.
async fn postgres_plan(database: &Database, sql: &'static str) -> Vec<String> {
    let Target::PostgresPool(pool, _) = database.writer() else { panic!("not PostgreSQL") };
    let mut connection = pool.acquire().await.unwrap();
    let values = (1..).take_while(|number| sql.contains(&format!("${number}"))).map(|_| "NULL").collect::<Vec<_>>().join(", ");
    let values = if values.is_empty() { values } else { format!("({values})") };
    let setting = format!("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE plan AS {sql}");
    raw_sql(sqlx::AssertSqlSafe(setting)).execute(&mut *connection).await.unwrap();
    let rows = raw_sql(sqlx::AssertSqlSafe(format!("EXPLAIN EXECUTE plan{values}"))).fetch_all(&mut *connection).await.unwrap();
    raw_sql("DEALLOCATE plan").execute(&mut *connection).await.unwrap();
    connection.ping().await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

#[tokio::test]
async fn postgresql_finds_everything_by_an_index() {
    let database = postgres().await;
    for (name, sql) in statements().flatten() {
        let plan = postgres_plan(&database, sql).await.join("\n");
        assert!(!plan.is_empty(), "{name}");
        assert!(!plan.contains("Seq Scan") || may_scan(name), "{name}: {sql}\n{plan}");
        assert!(!plan.contains("Sort") || MAY_SORT.contains(name), "{name}: {sql}\n{plan}");
    }
}

#[tokio::test]
async fn sqlite_finds_everything_by_an_index() {
    let database = Database::in_memory().await.unwrap();
    let Target::SqlitePool(pool, _) = database.writer() else { panic!("not SQLite") };
    for (name, sql) in statements().flatten() {
        let rows = pool.fetch_all(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")).into_sql_str()).await.unwrap();
        for step in rows.iter().map(|row| row.get::<String, _>("detail")) {
            // In the order of the row's number, up to a limit: that is the table itself.
            let in_order = step == "SCAN audit" && sql.contains("ORDER BY number") && sql.contains("LIMIT");
            // The one row that a question has found.
            let found = step == "SCAN found";
            assert!(!step.starts_with("SCAN") || in_order || found || may_scan(name), "{name}: {sql}\n{step}");
            assert!(!step.contains("TEMP B-TREE") || MAY_SORT.contains(name), "{name}: {sql}\n{step}");
        }
    }
}

/// The test above can fail: a statement without an index is seen as one, and so is a sort.
#[tokio::test]
async fn a_bad_plan_is_seen() {
    let database = postgres().await;
    let scan = postgres_plan(&database, "SELECT id FROM users WHERE name = $1").await.join("\n");
    assert!(scan.contains("Seq Scan"), "{scan}");
    let sort = postgres_plan(&database, "SELECT id FROM users ORDER BY name").await.join("\n");
    assert!(sort.contains("Sort"), "{sort}");
}

/// The trail's filters each have their index.
#[tokio::test]
async fn each_filter_of_the_trail_uses_its_own_index() {
    let database = postgres().await;
    for (name, sql) in crate::audit::STATEMENTS.iter().copied().flatten() {
        let index = match *name {
            "BY_TARGET" => "audit_by_target",
            "BY_ACTOR" => "audit_by_actor",
            "OF_TENANT_BY_ACTION" => "audit_of_tenant_by_action",
            "OF_TENANT_BY_AREA" => "audit_of_tenant_by_area",
            "OF_TENANT_BY_KIND" => "audit_of_tenant_by_kind",
            "OF_TENANT_BY_OUTCOME" => "audit_of_tenant_by_outcome",
            "BY_ACTION" | "LAST_TRIM" => "audit_by_action",
            "BY_TENANT" => "audit_of_tenant",
            "FIRST" | "LAST_BEFORE" => "audit_by_time",
            "BY_NUMBER" | "LAST" | "OLDEST" | "NEXT" => "audit_pkey",
            _ => continue,
        };
        let plan = postgres_plan(&database, sql).await.join("\n");
        assert!(plan.contains(index), "{name}: {plan}");
        let list = sql.contains("LIMIT $11");
        assert!(!list || plan.matches("audit_by_time").count() == 2, "{name} does not find spans of time by their index: {plan}");
    }
}
