//! One caller's data: found across all tables, given out, erased; and what was done about it.
//!
//! Finding reads a whole workspace in steps and may take minutes with millions of calls, so it runs outside of transactions; erasing what was
//! found is one short transaction. Numbers are the same when their digits are ([`PhoneNumber::same_line`]).

mod erase;
mod export;
mod find;
mod number_in_text;
pub(crate) mod sql;

use std::collections::BTreeMap;

use call::{CallId, PhoneNumber, TenantId, Timestamp};
use find::{MOST_ERASED, MOST_EXPORTED, Mention, PersonCall, Search};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::sql_records::rows::word;
use crate::{Database, Page, Paged, StoreError, Transaction, query};

/// Rows by table.
pub type Counts = BTreeMap<&'static str, u64>;

/// Where a person's data lies. It holds personal data, so it does not print.
#[derive(Clone)]
pub struct Found {
    tenant: TenantId,
    number: PhoneNumber,
    /// Calls that are over, in the order of their ids.
    calls: Vec<PersonCall>,
    /// Calls that are going on, in the order of their ids.
    open: Vec<CallId>,
    /// Rows that belong to `calls`, by table.
    parts: Counts,
    mentions: Vec<Mention>,
    reservations: Vec<Uuid>,
    partial: bool,
}

impl Found {
    fn nothing(tenant: TenantId, number: PhoneNumber) -> Self {
        let (calls, open, mentions, reservations) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { tenant, number, calls, open, parts: Counts::new(), mentions, reservations, partial: false }
    }

    /// Rows by table that hold the person's data; empty when there is none. A call that is going on counts as one row.
    pub fn counts(&self) -> Counts {
        let mut counts = self.parts.clone();
        add(&mut counts, "calls", count(self.calls.len() + self.open.len()));
        add(&mut counts, "reservations", count(self.reservations.len()));
        for mention in &self.mentions {
            add(&mut counts, mention.table(), 1);
        }
        counts
    }

    /// Calls with the person that are going on now: they are not erased. Erase again when they are over.
    pub fn open_calls(&self) -> &[CallId] {
        &self.open
    }

    /// Recordings of the calls that are over, relative to the data directory.
    pub fn recordings(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().filter_map(|call| call.recording.as_deref())
    }

    /// True when there is more than is erased at once (2,000 calls or so): erase, and look again.
    pub fn is_partial(&self) -> bool {
        self.partial
    }
}

/// Adds to the rows of a table; nothing adds no entry.
pub(crate) fn add(counts: &mut Counts, table: &'static str, rows: u64) {
    if rows > 0 {
        *counts.entry(table).or_default() += rows;
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// Everything that is stored of a person, for the person.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct Export {
    /// Their calls.
    pub calls: Vec<Value>,
    /// What was said in them.
    pub turns: Vec<Value>,
    /// What tools were asked for in them.
    pub tool_calls: Vec<Value>,
    /// What the carrier reported of them.
    pub status_events: Vec<Value>,
    /// Messages they left, or that name their number.
    pub messages: Vec<Value>,
    /// Requests to be called back.
    pub callbacks: Vec<Value>,
    /// Bookings under their number, with nights and what happened to them.
    pub reservations: Vec<Value>,
    /// Where other people's calls name their number: table, call and row, without what others said.
    pub mentions: Vec<Value>,
    /// Recordings of their calls, relative to the data directory.
    pub recordings: Vec<String>,
    /// True when there is more than is given out at once: 50,000 calls.
    pub partial: bool,
}

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Rows by table that were blanked or removed.
    pub counts: Counts,
    /// Their files, relative to the data directory, which were removed before.
    pub recordings: Vec<String>,
}

/// What was done about personal data, without the data.
#[derive(Debug, Clone, PartialEq)]
pub struct PrivacyLog {
    /// UUID v7.
    pub id: Uuid,
    /// Whose people.
    pub tenant: TenantId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: PrivacyKind,
    /// A keyed hash of the person's number; `None` for retention.
    pub subject: Option<String>,
    /// Rows by table.
    pub removed: Value,
    /// Rows by table that a search found afterwards.
    pub left_over: Value,
}

/// What was done about personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivacyKind {
    /// What was too old was removed.
    Retention,
    /// A person's data was erased.
    Erasure,
    /// A person's data was given out.
    Export,
}

impl PrivacyKind {
    const ALL: [Self; 3] = [Self::Retention, Self::Erasure, Self::Export];

    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Erasure => "erasure",
            Self::Export => "export",
        }
    }
}

/// Fewest digits of a number that is one person's.
pub const MIN_DIGITS: usize = 5;

/// Looks for a person's data in every table of the workspace: calls with the number, with all their parts; messages, requests to be called back
/// and bookings with the number; texts of other calls in which the number stands in digits. A number that was spoken in words, or in parts over
/// several turns of somebody else's call, is not found.
///
/// Errors: [`StoreError::NoNumber`] when the number has fewer than [`MIN_DIGITS`] digits: then it is no single person's.
pub async fn find(db: &Database, tenant: TenantId, number: &PhoneNumber) -> Result<Found, StoreError> {
    look(db, tenant, number, MOST_ERASED).await
}

async fn look(db: &Database, tenant: TenantId, number: &PhoneNumber, most: usize) -> Result<Found, StoreError> {
    if number.digits().len() < MIN_DIGITS {
        return Err(StoreError::NoNumber { least: MIN_DIGITS });
    }
    Search::new(db, tenant, number, most).run().await
}

/// How many rows of which table hold a person's data; empty after an erasure. Errors as [`find`].
pub async fn search(db: &Database, tenant: TenantId, number: &PhoneNumber) -> Result<Counts, StoreError> {
    Ok(find(db, tenant, number).await?.counts())
}

/// Everything that is stored of a person. Errors as [`find`].
pub async fn export(db: &Database, tenant: TenantId, number: &PhoneNumber) -> Result<Export, StoreError> {
    export::export(db, &look(db, tenant, number, MOST_EXPORTED).await?).await
}

/// Erases what was found. Calls stay for counting, without the number and all texts; reservations stay for the house, without the person. Texts
/// of other people's calls stay, without the number.
///
/// Remove the recordings' files first ([`Found::recordings`]): a file that is gone already is no hindrance to a repeat, while a file without a row
/// would be nobody's. Whatever is cut off in the middle, [`find`] finds the rest.
pub async fn erase(tx: &mut Transaction, found: &Found) -> Result<Erased, StoreError> {
    erase::erase(tx, found).await
}

/// Notes what was done.
pub async fn log(tx: &mut Transaction, entry: &PrivacyLog) -> Result<(), StoreError> {
    let insert = query(sql::LOG)
        .bind(entry.id)
        .bind(entry.tenant.0)
        .bind(entry.at)
        .bind(entry.kind.as_str())
        .bind(entry.subject.as_deref())
        .bind_json(&entry.removed)
        .bind_json(&entry.left_over);
    let done = insert.execute(&mut **tx).await;
    done.map(drop).map_err(StoreError::while_storing("note what was done about personal data", "workspace"))
}

/// What was done in a workspace, newest first.
pub async fn logged(db: &Database, tenant: TenantId, page: &Page) -> Result<Paged<PrivacyLog>, StoreError> {
    let read = query(sql::LOGGED).bind(tenant.0).bind(page.before()).bind(page.asked());
    let rows: Result<Vec<LogRow>, _> = read.all(db.readers()).await;
    let rows = rows.map_err(StoreError::while_doing("list what was done about personal data"))?;
    let entries = rows.into_iter().map(PrivacyLog::try_from).collect::<Result<_, _>>()?;
    Ok(page.of(entries, |entry: &PrivacyLog| entry.id))
}

#[derive(FromRow)]
struct LogRow {
    id: Uuid,
    tenant_id: Uuid,
    at: jiff_sqlx::Timestamp,
    kind: String,
    subject: Option<String>,
    removed: Json<Value>,
    left_over: Json<Value>,
}

impl TryFrom<LogRow> for PrivacyLog {
    type Error = StoreError;

    fn try_from(row: LogRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            tenant: TenantId(row.tenant_id),
            at: row.at.to_jiff(),
            kind: word("kind of privacy entry", &row.kind, &PrivacyKind::ALL, PrivacyKind::as_str)?,
            subject: row.subject,
            removed: row.removed.0,
            left_over: row.left_over.0,
        })
    }
}
