//! Fills a database for benchmarks and plans: many people, many calls, spread like those of a few houses, one of them big.
#![expect(clippy::unwrap_used, reason = "for tests and benchmarks: it fails by panicking")]

use uuid::Uuid;

use crate::{Database, Target, query};

/// Rows one statement writes: well within the time the server gives it.
const STEP: u32 = 10_000;
/// When the first row was made, seconds since 1970; each row comes ten seconds after the one before.
const BEGIN: u64 = 1_780_000_000;

/// What the two databases say differently. Every expression may use the row's number `n`.
struct Dialect {
    /// A UUID whose first 48 bits are the first number, its last 48 the second.
    id: fn(&str, &str) -> String,
    /// Seconds since 1970.
    time: fn(&str) -> String,
    /// 32 bytes.
    digest: fn(&str) -> String,
    /// Tells the planner how values are spread.
    analyze: &'static [&'static str],
}

const SQLITE: Dialect = Dialect {
    id: |millis, number| format!("unhex(printf('%012x70008000%012x', {millis}, {number}))"),
    time: |seconds| format!("strftime('%Y-%m-%dT%H:%M:%SZ', {seconds}, 'unixepoch')"),
    digest: |number| format!("unhex(printf('%064x', {number}))"),
    analyze: &["ANALYZE"],
};

const POSTGRES: Dialect = Dialect {
    id: |millis, number| format!("(lpad(to_hex({millis}), 12, '0') || '70008000' || lpad(to_hex({number}), 12, '0'))::uuid"),
    time: |seconds| format!("to_timestamp({seconds})"),
    digest: |number| format!("decode(lpad(to_hex({number}), 64, '0'), 'hex')"),
    analyze: &[
        "ANALYZE calls",
        "ANALYZE users",
        "ANALYZE memberships",
        "ANALYZE audit",
        "ANALYZE sessions",
        "ANALYZE messages",
        "ANALYZE callbacks",
    ],
};

impl Dialect {
    fn of(db: &Database) -> &'static Self {
        match db.writer() {
            Target::SqlitePool(..) | Target::Sqlite(_) => &SQLITE,
            Target::PostgresPool(..) | Target::Postgres(_) => &POSTGRES,
        }
    }

    /// A row's own id, and the time it was made.
    fn row(&self) -> (String, String) {
        ((self.id)(&format!("{BEGIN}000 + n * 10000"), "n"), (self.time)(&format!("{BEGIN} + n * 10")))
    }

    /// Half of the rows are the default workspace's, a tenth each of five others'.
    fn workspace(&self) -> String {
        format!("CASE WHEN (n / 13) % 10 < 5 THEN {} ELSE {} END", (self.id)("0", "1"), (self.id)("1", "(n / 13) % 10"))
    }

    fn agent(&self) -> String {
        (self.id)("1", "n % 20")
    }
}

/// Adds this many people and calls to a database that has none, and tells the planner. Call `n` (from 1) was made ten seconds after the one
/// before, id and all. Every person is in the default workspace, which has half of the calls; five others share the rest. 50,000 numbers call, 100
/// are called, 20 agents answer; agent, direction and called number of a call are not independent: an agent has calls of one direction only.
///
/// A million calls take about two minutes on either database.
pub async fn fill(db: &Database, users: u32, calls: u32) {
    let words = Dialect::of(db);
    let (id, at) = words.row();
    let (workspace, agent) = (words.workspace(), words.agent());
    let workspaces = format!(
        "INSERT INTO tenants (id, name, time_zone, retention, redaction, version, created_at, updated_at) \
         SELECT {}, 'House ' || n, 'UTC', '{{}}', 'cards', 1, '2026-06-01T00:00:00Z', '2026-06-01T00:00:00Z' FROM n",
        (words.id)("1", "n + 4")
    );
    rows(db, 5, workspaces).await;
    let people = format!(
        "INSERT INTO users (id, email, email_key, name, active, system_admin, totp_confirmed, version, created_at, updated_at) \
         SELECT {id}, 'Person' || n || '@example.org', 'person' || n || '@example.org', 'Person ' || n, TRUE, FALSE, FALSE, 1, \
         '2026-06-01T00:00:00Z', '2026-06-01T00:00:00Z' FROM n"
    );
    rows(db, users, people).await;
    let members = format!(
        "INSERT INTO memberships (tenant_id, user_id, role, created_at) SELECT {}, {id}, 'viewer', '2026-06-01T00:00:00Z' FROM n",
        (words.id)("0", "1")
    );
    rows(db, users, members).await;
    let made = format!(
        "INSERT INTO calls (id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, \
         offered_at, answered_at, ended_at, end_reason) \
         SELECT {id}, {workspace}, CASE n % 2 WHEN 0 THEN 'twilio' ELSE 'telnyx' END, 'CA' || n, \
         CASE WHEN n % 10 < 7 THEN 'inbound' ELSE 'outbound' END, '+' || (15000000000 + (n * 7919) % 50000), '+' || (15010000000 + n % 100), \
         {agent}, 'agent ' || (n % 20), \
         CASE (n / 3) % 10 WHEN 0 THEN 'busy' WHEN 1 THEN 'no_answer' WHEN 2 THEN 'failed' ELSE 'completed' END, {at}, {at}, {at}, \
         CASE (n / 7) % 5 WHEN 0 THEN 'agent_hung_up' WHEN 1 THEN 'transferred' WHEN 2 THEN 'silence' ELSE 'caller_hung_up' END FROM n"
    );
    rows(db, calls, made).await;
    analyzed(db).await;
}

/// Adds what else has lists, after [`fill`]: for every ten calls two lines in the audit trail, a message and a request to be called back; for the
/// default workspace 500 agents, 1,000 numbers, 1,000 API keys and 5,000 lines of what was erased; 500 sessions of the first person, and one of
/// every other. The trail's hashes are none.
pub async fn fill_rest(db: &Database, users: u32, calls: u32) {
    let words = Dialect::of(db);
    let ((id, at), workspace, own) = (words.row(), words.workspace(), (words.id)("0", "1"));
    let call = (words.id)(&format!("{BEGIN}000 + n * 100000"), "n * 10");
    let whose = format!("(SELECT tenant_id FROM calls WHERE calls.id = {call})");
    for (count, statement) in [
        (
            calls / 5,
            format!(
                "INSERT INTO audit (number, tenant_id, at, actor_kind, actor_id, action, target_kind, target_id, outcome, detail, request_id, address, \
             previous, hash) SELECT n, {workspace}, {at}, 'user', 'person ' || n % 1000, \
             CASE WHEN n % 10000 = 7 THEN 'workspace.change' WHEN n % 4 = 0 THEN 'agent.change' WHEN n % 4 = 1 THEN 'auth.login' \
             WHEN n % 4 = 2 THEN 'phone_number.change' ELSE 'user.change' END, \
             CASE WHEN n % 10000 = 7 THEN 'workspace' WHEN n % 4 = 0 THEN 'agent' WHEN n % 4 = 2 THEN 'phone_number' ELSE 'user' END, \
             'target ' || n % 5000, CASE WHEN n % 1000 = 9 THEN 'refused' ELSE 'done' END, '{{}}', 'request ' || n, '192.0.2.1', {}, {} FROM n",
                (words.digest)("n - 1"),
                (words.digest)("n"),
            ),
        ),
        (
            calls / 10,
            format!(
                "INSERT INTO messages (call_id, tenant_id, at, name, phone, said) SELECT {call}, {whose}, {at}, 'Ann', '+15000000001', 'Call me' FROM n"
            ),
        ),
        (
            calls / 10,
            format!(
                "INSERT INTO callbacks (call_id, tenant_id, agent_id, number, at, why) SELECT {call}, {whose}, {}, '+15000000001', {at}, 'queue' FROM n",
                words.agent()
            ),
        ),
        (
            500,
            format!(
                "INSERT INTO agents (id, tenant_id, name, name_key, base, settings, active, version, created_at, updated_at) \
            SELECT {id}, {own}, 'Agent ' || n, 'agent ' || n, 'hotel', '{{}}', TRUE, 1, {at}, {at} FROM n"
            ),
        ),
        (
            1_000,
            format!(
                "INSERT INTO phone_numbers (id, tenant_id, number, carrier, agent_id, version, created_at, updated_at) \
            SELECT {id}, {own}, '+' || (15020000000 + n), 'twilio', NULL, 1, {at}, {at} FROM n"
            ),
        ),
        (
            1_000,
            format!(
                "INSERT INTO api_keys (id, tenant_id, name, prefix, digest, scopes, created_at) \
            SELECT {id}, {own}, 'Key ' || n, 'prefix' || n, {}, '[\"call:view\"]', {at} FROM n",
                (words.digest)("n")
            ),
        ),
        (
            5_000,
            format!(
                "INSERT INTO privacy_log (id, tenant_id, at, kind, removed, left_over) SELECT {id}, {own}, {at}, 'retention', '{{}}', '{{}}' FROM n"
            ),
        ),
        (
            users + 500,
            format!(
                "INSERT INTO sessions (id, user_id, tenant_id, kind, secret_digest, address, user_agent, created_at, used_at, idle_ends_at, ends_at) \
            SELECT {id}, {}, {own}, 'browser', {}, '192.0.2.1', 'browser', {at}, {at}, '2099-01-01T00:00:00Z', '2099-01-01T00:00:00Z' FROM n",
                (words.id)(
                    &format!("{BEGIN}000 + 10000 * CASE WHEN n > 500 THEN n - 500 ELSE 1 END"),
                    "CASE WHEN n > 500 THEN n - 500 ELSE 1 END"
                ),
                (words.digest)("n")
            ),
        ),
    ] {
        rows(db, count, statement).await;
    }
    analyzed(db).await;
}

/// The id of the row with this number.
pub fn filled_id(number: u32) -> Uuid {
    let millis = (u128::from(BEGIN) + u128::from(number) * 10) * 1000;
    Uuid::from_u128((millis << 80) | (0x7000_8000 << 48) | u128::from(number))
}

/// Runs the statement for the numbers from 1, some at a time.
async fn rows(db: &Database, all: u32, insert: String) {
    let numbers = "WITH RECURSIVE n(n) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT n + 1 FROM n WHERE n < CAST($2 AS BIGINT))";
    // A few statements of a test or a benchmark.
    let statement: &'static str = Box::leak(format!("{numbers} {insert}").into_boxed_str());
    for (first, last) in steps(all) {
        query(statement).bind(first).bind(last).execute(db.writer()).await.unwrap();
    }
}

async fn analyzed(db: &Database) {
    for analyze in Dialect::of(db).analyze {
        query(analyze).execute(db.writer()).await.unwrap();
    }
}

/// First and last number of each statement.
fn steps(all: u32) -> impl Iterator<Item = (i64, i64)> {
    (0..all.div_ceil(STEP)).map(move |step| (i64::from(step * STEP) + 1, i64::from(((step + 1) * STEP).min(all))))
}
