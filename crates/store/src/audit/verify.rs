//! Whether the trail is as it was written.

use super::append::{START, TRIM_ACTION};
use super::chain::{self, GENESIS};
use super::rows::{EntryRow, columns, hash};
use crate::{Database, StoreError, query};

crate::statements! {
    NEXT = concat!("SELECT ", columns!(), " FROM audit WHERE number > $1 ORDER BY number LIMIT $2");
    BEFORE_START = "SELECT COUNT(*) FROM (SELECT number FROM audit WHERE number <= $1 LIMIT 1) AS found";
    LAST_TRIM = "SELECT target_id, after_digest FROM audit WHERE action = $1 ORDER BY number DESC LIMIT 1";
}

/// Rows read at once.
const STEP: u32 = 1_000;
/// Most walks, when the trail is trimmed during each of them.
const WALKS: u32 = 100;

/// A row of the trail, for an operator to keep elsewhere: with it, also a missing end is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its place.
    pub number: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What a walk over the trail found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows that are as they were written.
    pub rows: u64,
    /// The last of them, for the operator to keep; none when there are none.
    pub head: Option<Head>,
    /// The first thing that is wrong.
    pub first_fault: Option<Fault>,
    /// Whether the row that was kept is in the trail; false also when it was trimmed, or none was given.
    pub kept_found: bool,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The row's place.
    pub number: i64,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Walks over the whole trail.
pub async fn verify(db: &Database) -> Result<Verified, StoreError> {
    verify_from(db, None).await
}

/// The same, and looks for a row that was kept: rows that are missing at the end, and a trail that was written anew, are found.
///
/// A kept row that was trimmed by retention proves nothing: keep a newer one from time to time.
pub async fn verify_from(db: &Database, kept: Option<Head>) -> Result<Verified, StoreError> {
    let mut start = start(db).await?;
    for _ in 1..WALKS {
        let verified = walk(db, start, kept).await?;
        if verified.first_fault.is_none() {
            return Ok(verified);
        }
        // What looked like a fault may have been a trimming between two looks.
        let now = self::start(db).await?;
        if now == start {
            return Ok(verified);
        }
        start = now;
    }
    walk(db, start, kept).await
}

/// Where the trail was cut, if it ever was.
async fn start(db: &Database) -> Result<Option<Head>, StoreError> {
    let read: Result<Option<(i64, Vec<u8>)>, _> = query(START).optional(db.readers()).await;
    let row = read.map_err(StoreError::while_doing("read the beginning of the audit trail"))?;
    row.map(|(number, bytes)| Ok(Head { number, hash: hash(&bytes)? })).transpose()
}

async fn walk(db: &Database, start: Option<Head>, kept: Option<Head>) -> Result<Verified, StoreError> {
    let begin = start.unwrap_or(Head { number: 0, hash: GENESIS });
    let mut walked = Walk { last: begin, rows: 0, kept, kept_found: kept == start && kept.is_some() };
    let fault = match beginning_fault(db, begin, start.is_some()).await? {
        Some(fault) => Some(fault),
        None => walked.go_on_to_the_end(db).await?,
    };
    let head = if walked.rows > 0 { Some(walked.last) } else { None };
    Ok(Verified { rows: walked.rows, head, first_fault: fault, kept_found: walked.kept_found })
}

/// A beginning that is not what the trail itself says about it.
async fn beginning_fault(db: &Database, begin: Head, was_cut: bool) -> Result<Option<Fault>, StoreError> {
    let doing = || StoreError::while_doing("read the beginning of the audit trail");
    let (before,): (i64,) = query(BEFORE_START).bind(begin.number).one(db.readers()).await.map_err(doing())?;
    if before > 0 {
        return Ok(Some(Fault { number: begin.number, what: "there are rows before the beginning that is noted" }));
    }
    if !was_cut {
        return Ok(None);
    }
    let noted: Option<(Option<String>, Option<String>)> =
        query(LAST_TRIM).bind(TRIM_ACTION).optional(db.readers()).await.map_err(doing())?;
    let expected = (Some(begin.number.to_string()), Some(hex::encode(begin.hash)));
    let fault = Fault { number: begin.number, what: "rows up to here were removed, and not by retention" };
    Ok(if noted == Some(expected) { None } else { Some(fault) })
}

/// How far a walk has come.
struct Walk {
    last: Head,
    rows: u64,
    kept: Option<Head>,
    kept_found: bool,
}

impl Walk {
    async fn go_on_to_the_end(&mut self, db: &Database) -> Result<Option<Fault>, StoreError> {
        loop {
            let read = query(NEXT).bind(self.last.number).bind(STEP);
            let rows: Vec<EntryRow> = read.all(db.readers()).await.map_err(StoreError::while_doing("walk over the audit trail"))?;
            if rows.is_empty() {
                return Ok(self.missing_end());
            }
            for row in &rows {
                if let Some(what) = self.take(row) {
                    return Ok(Some(Fault { number: self.last.number + 1, what }));
                }
            }
        }
    }

    /// Goes on to this row, or says why not.
    fn take(&mut self, row: &EntryRow) -> Option<&'static str> {
        let head = Head { number: row.number, hash: chain::hash(&self.last.hash, row) };
        if row.number != self.last.number + 1 {
            return Some("the row is missing");
        }
        if row.previous != self.last.hash {
            return Some("the row does not follow the one before it");
        }
        if row.hash != head.hash {
            return Some("the row was changed");
        }
        if let Some(kept) = self.kept.filter(|kept| kept.number == head.number) {
            if kept != head {
                return Some("the row is not the one that was kept: the trail was written anew");
            }
            self.kept_found = true;
        }
        (self.last, self.rows) = (head, self.rows + 1);
        None
    }

    fn missing_end(&self) -> Option<Fault> {
        self.kept.filter(|kept| kept.number > self.last.number)?;
        Some(Fault { number: self.last.number + 1, what: "the row is missing, and all after it up to the one that was kept" })
    }
}
