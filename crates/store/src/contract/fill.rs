//! Fills a database for benchmarks and plans: many people, many calls, spread like those of a busy house.
#![expect(clippy::unwrap_used, reason = "for tests and benchmarks: it fails by panicking")]

use call::TenantId;

use crate::{Database, Target, query};

/// Rows one statement writes: well within the time the server gives it.
const STEP: u32 = 10_000;

/// What the two databases say differently: how numbers are made, and what becomes of them.
struct Dialect {
    people: &'static str,
    members: &'static str,
    calls: &'static str,
    analyze: &'static str,
}

const SQLITE: Dialect = Dialect {
    people: "WITH RECURSIVE n(n) AS (VALUES ($1) UNION ALL SELECT n + 1 FROM n WHERE n < $2) \
        INSERT INTO users (id, email, email_key, name, active, system_admin, totp_confirmed, version, created_at, updated_at) \
        SELECT unhex(printf('%012x70009000%012x', 1780000000000 + n, n)), 'Person' || n || '@example.org', 'person' || n || '@example.org', \
        'Person ' || n, 1, 0, 0, 1, '2026-06-01T00:00:00Z', '2026-06-01T00:00:00Z' FROM n",
    members: "INSERT INTO memberships (tenant_id, user_id, role, created_at) SELECT $1, id, 'viewer', created_at FROM users \
        WHERE NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id) ORDER BY id LIMIT $2",
    calls: "WITH RECURSIVE n(n) AS (VALUES ($1) UNION ALL SELECT n + 1 FROM n WHERE n < $2) \
        INSERT INTO calls (id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, \
        answered_at, ended_at, end_reason) \
        SELECT unhex(printf('%012x70008000%012x', 1780000000000 + n * 10000, n)), $3, CASE n % 2 WHEN 0 THEN 'twilio' ELSE 'telnyx' END, \
        'CA' || n, CASE WHEN n % 10 < 7 THEN 'inbound' ELSE 'outbound' END, printf('+1500%07d', (n * 7919) % 50000), printf('+1501%07d', n % 100), \
        unhex(printf('%012x70008000%012x', 1, n % 20)), 'agent ' || (n % 20), \
        CASE (n / 3) % 10 WHEN 0 THEN 'busy' WHEN 1 THEN 'no_answer' WHEN 2 THEN 'failed' ELSE 'completed' END, \
        strftime('%Y-%m-%dT%H:%M:%SZ', 1780000000 + n * 10, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%SZ', 1780000002 + n * 10, 'unixepoch'), \
        strftime('%Y-%m-%dT%H:%M:%SZ', 1780000060 + n * 10, 'unixepoch'), \
        CASE (n / 7) % 5 WHEN 0 THEN 'agent_hung_up' WHEN 1 THEN 'transferred' WHEN 2 THEN 'silence' ELSE 'caller_hung_up' END FROM n",
    analyze: "ANALYZE",
};

const POSTGRES: Dialect = Dialect {
    people: "INSERT INTO users (id, email, email_key, name, active, system_admin, totp_confirmed, version, created_at, updated_at) \
        SELECT (lpad(to_hex(1780000000000 + n), 12, '0') || '70009000' || lpad(to_hex(n), 12, '0'))::uuid, 'Person' || n || '@example.org', \
        'person' || n || '@example.org', 'Person ' || n, true, false, false, 1, '2026-06-01', '2026-06-01' FROM generate_series($1::bigint, $2::bigint) n",
    members: "INSERT INTO memberships (tenant_id, user_id, role, created_at) SELECT $1, id, 'viewer', created_at FROM users \
        WHERE NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id) ORDER BY id LIMIT $2",
    calls: "INSERT INTO calls (id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, offered_at, \
        answered_at, ended_at, end_reason) \
        SELECT (lpad(to_hex(1780000000000 + n * 10000), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, $3, \
        CASE n % 2 WHEN 0 THEN 'twilio' ELSE 'telnyx' END, 'CA' || n, CASE WHEN n % 10 < 7 THEN 'inbound' ELSE 'outbound' END, \
        '+1500' || lpad(((n * 7919) % 50000)::text, 7, '0'), '+1501' || lpad((n % 100)::text, 7, '0'), \
        ('00000000-0001-7000-8000-' || lpad(to_hex(n % 20), 12, '0'))::uuid, 'agent ' || (n % 20), \
        CASE (n / 3) % 10 WHEN 0 THEN 'busy' WHEN 1 THEN 'no_answer' WHEN 2 THEN 'failed' ELSE 'completed' END, \
        to_timestamp(1780000000 + n * 10), to_timestamp(1780000002 + n * 10), to_timestamp(1780000060 + n * 10), \
        CASE (n / 7) % 5 WHEN 0 THEN 'agent_hung_up' WHEN 1 THEN 'transferred' WHEN 2 THEN 'silence' ELSE 'caller_hung_up' END \
        FROM generate_series($1::bigint, $2::bigint) n",
    analyze: "ANALYZE calls, users, memberships",
};

/// Adds this many people and calls to the default workspace of a database that has none, and tells the planner. Call `n` (from 1) was made ten
/// seconds after the one before; of 100 callers' numbers 50,000 exist, 100 called ones, 20 agents.
///
/// A million calls take about a minute on either database.
pub async fn fill(db: &Database, users: u32, calls: u32) {
    let dialect = match db.writer() {
        Target::SqlitePool(..) | Target::Sqlite(_) => &SQLITE,
        Target::PostgresPool(..) | Target::Postgres(_) => &POSTGRES,
    };
    for (first, last) in steps(users) {
        query(dialect.people).bind(first).bind(last).execute(db.writer()).await.unwrap();
        query(dialect.members).bind(TenantId::DEFAULT.0).bind(STEP).execute(db.writer()).await.unwrap();
    }
    for (first, last) in steps(calls) {
        query(dialect.calls).bind(first).bind(last).bind(TenantId::DEFAULT.0).execute(db.writer()).await.unwrap();
    }
    query(dialect.analyze).execute(db.writer()).await.unwrap();
}

/// First and last number of each statement.
fn steps(all: u32) -> impl Iterator<Item = (i64, i64)> {
    (0..all.div_ceil(STEP)).map(move |step| (i64::from(step * STEP) + 1, i64::from(((step + 1) * STEP).min(all))))
}
