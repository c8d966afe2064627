//! Call records as a workspace sees them: lists with filters, one call with its parts. Another workspace's call is as if it were not there.

use call::{AgentId, CallId, CallRecord, CallStatus, Direction, EndReason, PhoneNumber, TenantId, Timestamp, ToolRecord, TurnRecord};

use uuid::Uuid;

use crate::sql_records::rows::{CallRow, CallbackRow, MessageRow, ToolRow, TurnRow};
use crate::{CallbackRequest, Database, Message, Page, Paged, Query, SqlRecords, StoreError, Target, query};

/// Which calls to list, newest first. Every filter that is set must fit.
#[derive(Debug, Clone, PartialEq)]
pub struct CallQuery {
    /// Whose calls.
    pub tenant: TenantId,
    /// Served by this agent.
    pub agent: Option<AgentId>,
    /// The carrier's view.
    pub status: Option<CallStatus>,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// Why it was over.
    pub end_reason: Option<EndReason>,
    /// The calling number, as it was stored: E.164 with its plus where the carrier gave that.
    pub from: Option<PhoneNumber>,
    /// The called number, as it was stored.
    pub to: Option<PhoneNumber>,
    /// Made at this time or later. It is the time in the call's id that is compared, so that every index serves spans of time too. An id has
    /// whole milliseconds: what is finer is cut off, and a call of the same millisecond is in.
    pub since: Option<Timestamp>,
    /// Made before this time, cut to the millisecond too: a call of the same millisecond is out.
    pub until: Option<Timestamp>,
    /// Which page; `after` is the id of the last call of the page before.
    pub page: Page,
}

impl CallQuery {
    /// All calls of a workspace.
    pub fn all(tenant: TenantId, page: Page) -> Self {
        Self { tenant, agent: None, status: None, direction: None, end_reason: None, from: None, to: None, since: None, until: None, page }
    }
}

/// A page of what is numbered in the order of its arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberPage {
    /// Most rows, 1 to 200.
    pub limit: u32,
    /// Only rows with a smaller number: `next` of the page before.
    pub before: Option<i64>,
}

/// Rows of a page, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberPaged<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<i64>,
}

crate::statements! {
    GET = "SELECT * FROM calls WHERE tenant_id = $1 AND id = $2";
    TURNS = "SELECT * FROM turns WHERE tenant_id = $1 AND call_id = $2 ORDER BY turn_index LIMIT $3";
    TOOLS = "SELECT * FROM tool_calls WHERE tenant_id = $1 AND call_id = $2 ORDER BY id LIMIT $3";
    MESSAGES = "SELECT * FROM messages WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    CALLBACKS = "SELECT * FROM callbacks WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
}

/// A list in the words of each database.
pub(crate) struct List {
    server: &'static str,
    /// SQLite, which knows nothing of how values are spread until somebody tells it, is told the index.
    file: &'static str,
}

/// The list with one filter that must be set, which has an index that begins with it and ends with the id: no sorting, and a page costs the
/// same wherever it lies. The other filters are looked at row by row when they are set.
macro_rules! lists {
    ($($name:ident: $index:ident, $filter:literal;)*) => {
        $(const $name: List = List { server: lists!(@ "", $filter), file: lists!(@ concat!(" INDEXED BY ", stringify!($index)), $filter) };)*
        /// Every list with its name, in the words of a server.
        #[cfg(test)]
        pub(crate) const ON_SERVER: &[(&str, &str)] = &[$((stringify!($name), $name.server)),*];
        /// Every list with its name, in the words of a file.
        #[cfg(test)]
        pub(crate) const IN_FILE: &[(&str, &str)] = &[$((stringify!($name), $name.file)),*];
    };
    (@ $index:expr, $filter:literal) => {
        concat!(
            "SELECT id, tenant_id, carrier, carrier_call_id, direction, from_number, to_number, agent_id, agent_name, status, ",
            "offered_at, answered_at, ended_at, end_reason, recording FROM calls",
            $index,
            " WHERE tenant_id = $1 AND id >= $2 AND id < $3 AND ",
            $filter,
            " AND (from_number = $4 OR $4 IS NULL) AND (to_number = $5 OR $5 IS NULL) AND (agent_id = $6 OR $6 IS NULL)",
            " AND (end_reason = $7 OR $7 IS NULL) AND (status = $8 OR $8 IS NULL) AND (direction = $9 OR $9 IS NULL)",
            " ORDER BY id DESC LIMIT $10"
        )
    };
}

lists! {
    BY_CALLER: calls_by_caller, "from_number = $4";
    BY_CALLED: calls_by_called, "to_number = $5";
    BY_AGENT: calls_by_agent, "agent_id = $6";
    BY_END_REASON: calls_by_end_reason, "end_reason = $7";
    BY_STATUS: calls_by_status, "status = $8";
    BY_DIRECTION: calls_by_direction, "direction = $9";
    NEWEST: calls_of_tenant, "TRUE";
}

impl CallQuery {
    /// The list whose index leaves the fewest rows: few calls have the same caller, half of them the same direction.
    const fn list(&self) -> List {
        match self {
            Self { from: Some(_), .. } => BY_CALLER,
            // Callers of a workspace dial its few numbers; its agents are as few, but one number may have had several.
            Self { agent: Some(_), .. } => BY_AGENT,
            Self { to: Some(_), .. } => BY_CALLED,
            Self { end_reason: Some(_), .. } => BY_END_REASON,
            Self { status: Some(_), .. } => BY_STATUS,
            Self { direction: Some(_), .. } => BY_DIRECTION,
            _ => NEWEST,
        }
    }

    /// The statement for this database.
    pub(crate) fn statement(&self, db: &Database) -> &'static str {
        match db.readers() {
            Target::SqlitePool(..) | Target::Sqlite(_) => self.list().file,
            Target::PostgresPool(..) | Target::Postgres(_) => self.list().server,
        }
    }

    /// The ids of the page lie from the first of these up to the second.
    pub(crate) fn span(&self) -> (Uuid, Uuid) {
        let until = self.until.map_or(Uuid::max(), first_id);
        (self.since.map_or(Uuid::nil(), first_id), until.min(self.page.before()))
    }

    /// The statement with its values.
    pub(crate) fn bound(&self, statement: &'static str) -> Query<'_> {
        let (since, before) = self.span();
        query(statement)
            .bind(self.tenant.0)
            .bind(since)
            .bind(before)
            .bind(self.from.as_ref().map(PhoneNumber::expose))
            .bind(self.to.as_ref().map(PhoneNumber::expose))
            .bind(self.agent.map(|agent| agent.0))
            .bind(self.end_reason.map(EndReason::as_str))
            .bind(self.status.map(CallStatus::as_str))
            .bind(self.direction.map(Direction::as_str))
            .bind(self.page.asked())
    }
}

/// An id below which all ids were made earlier: a UUID of version 7 begins with 48 bits of milliseconds since 1970 (RFC 9562, 5.7).
pub(crate) fn first_id(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(millis.min((1 << 48) - 1) << 80)
}

/// Calls of a workspace, newest first.
pub async fn list(db: &Database, wanted: &CallQuery) -> Result<Paged<CallRecord>, StoreError> {
    let rows: Vec<CallRow> = wanted.bound(wanted.statement(db)).all(db.readers()).await.map_err(StoreError::while_doing("list calls"))?;
    let calls = rows.into_iter().map(CallRecord::try_from).collect::<Result<_, _>>()?;
    Ok(wanted.page.of(calls, |call: &CallRecord| call.id.0))
}

/// One call of a workspace.
pub async fn get(db: &Database, tenant: TenantId, id: CallId) -> Result<Option<CallRecord>, StoreError> {
    let row: Result<Option<CallRow>, _> = query(GET).bind(tenant.0).bind(id.0).optional(db.readers()).await;
    row.map_err(StoreError::while_doing("read a call"))?.map(CallRecord::try_from).transpose()
}

/// The turns of a call, in order; none for another workspace's call.
pub async fn turns(db: &Database, tenant: TenantId, id: CallId) -> Result<Vec<TurnRecord>, StoreError> {
    let read = query(TURNS).bind(tenant.0).bind(id.0).bind(SqlRecords::MAX_PARTS);
    let rows: Vec<TurnRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("read the turns of a call"))?;
    rows.into_iter().map(TurnRecord::try_from).collect()
}

/// The tool calls of a call, in order; none for another workspace's call.
pub async fn tools(db: &Database, tenant: TenantId, id: CallId) -> Result<Vec<ToolRecord>, StoreError> {
    let read = query(TOOLS).bind(tenant.0).bind(id.0).bind(SqlRecords::MAX_PARTS);
    let rows: Vec<ToolRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("read the tool calls of a call"))?;
    rows.into_iter().map(ToolRecord::try_from).collect()
}

/// Messages that callers left, newest first.
pub async fn messages(db: &Database, tenant: TenantId, page: &NumberPage) -> Result<NumberPaged<Message>, StoreError> {
    let read = query(MESSAGES).bind(tenant.0).bind(page.below()).bind(page.asked());
    let rows: Vec<MessageRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("list messages"))?;
    let (rows, next) = page.of(rows, |row| row.id);
    Ok(NumberPaged { rows: rows.into_iter().map(Message::from).collect(), next })
}

/// Requests to be called back, newest first.
pub async fn callbacks(db: &Database, tenant: TenantId, page: &NumberPage) -> Result<NumberPaged<CallbackRequest>, StoreError> {
    let read = query(CALLBACKS).bind(tenant.0).bind(page.below()).bind(page.asked());
    let doing = StoreError::while_doing("list requests to be called back");
    let (rows, next) = page.of(read.all(db.readers()).await.map_err(doing)?, |row: &CallbackRow| row.id);
    Ok(NumberPaged { rows: rows.into_iter().map(CallbackRequest::try_from).collect::<Result<_, _>>()?, next })
}

impl NumberPage {
    fn size(&self) -> u32 {
        self.limit.clamp(1, Page::MAX)
    }

    /// One more than the page holds: it shows that another follows.
    fn asked(&self) -> u32 {
        self.size() + 1
    }

    fn below(&self) -> i64 {
        self.before.unwrap_or(i64::MAX)
    }

    /// The page out of what the database gave for [`NumberPage::asked`], and where the next begins.
    fn of<R>(&self, mut rows: Vec<R>, number: impl Fn(&R) -> i64) -> (Vec<R>, Option<i64>) {
        let size = usize::try_from(self.size()).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = if more { rows.last().map(number) } else { None };
        (rows, next)
    }
}
