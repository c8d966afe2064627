//! Answers to requests that may be repeated.

use call::{TenantId, Timestamp};
use serde_json::Value;
use sqlx::types::Json;

use crate::{Database, StoreError, Transaction, query};

crate::statements! {
    CLAIM = "INSERT INTO idempotency (tenant_id, key, request_digest, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, key) DO NOTHING";
    READ = "SELECT request_digest, status, headers, body FROM idempotency WHERE tenant_id = $1 AND key = $2";
    FINISH = "UPDATE idempotency SET status = $1, headers = $2, body = $3 WHERE tenant_id = $4 AND key = $5 AND created_at = $6 AND body IS NULL";
    DONE = "UPDATE idempotency SET status = 0 WHERE tenant_id = $1 AND key = $2 AND created_at = $3 AND body IS NULL";
    GIVE_UP = "DELETE FROM idempotency WHERE tenant_id = $1 AND key = $2 AND created_at = $3 AND status IS NULL";
    SWEEP = "DELETE FROM idempotency WHERE created_at < $1";
}

/// What came of claiming a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// Nobody had it: do the work, then [`Held::finish`] or [`Held::give_up`].
    Ours,
    /// The same request is at work, or its instance died at it.
    Running,
    /// The same request was answered like this.
    Done {
        /// HTTP status.
        status: u16,
        /// Headers.
        headers: Value,
        /// Body, sealed by whoever stored it.
        body: Vec<u8>,
    },
    /// The same request was done, and its answer is not known: the connection broke at the commit, or its instance died before it was stored.
    AnswerLost,
    /// The key was given to another request.
    OtherRequest,
}

/// A claim, and whose it is: of two who had the same key after each other, only the one who has it now can do anything to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    tenant: TenantId,
    key: [u8; 32],
    /// When it was claimed, in microseconds: so both databases keep it.
    at: Timestamp,
}

impl Held {
    /// A claim to be made now for a key, given as a digest.
    pub fn new(tenant: TenantId, key: [u8; 32], now: Timestamp) -> Self {
        Self { tenant, key, at: Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now) }
    }

    /// Where it was claimed.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Digest of the key.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Notes in the transaction that the request is done: whatever becomes of the connection, what was asked and this note are both there or
    /// neither is. A key that was given up meanwhile, and may be somebody else's by now, is [`StoreError::Unavailable`].
    pub async fn done(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let doing = || StoreError::while_doing("note that a claimed request is done");
        match query(DONE).bind(self.tenant.0).bind(&self.key).bind(self.at).execute(&mut **tx).await.map_err(doing())? {
            0 => Err(doing()(sqlx::Error::RowNotFound)),
            _ => Ok(()),
        }
    }

    /// Stores the answer. A second answer changes nothing.
    ///
    /// Errors: [`StoreError::Missing`] when the key is not claimed.
    pub async fn finish(&self, db: &Database, status: u16, headers: &Value, body: &[u8]) -> Result<(), StoreError> {
        let doing = || StoreError::while_doing("store the answer to a request");
        let update = query(FINISH).bind(i64::from(status)).bind_json(headers).bind(body).bind(self.tenant.0).bind(&self.key).bind(self.at);
        if update.execute(db.writer()).await.map_err(doing())? == 1 {
            return Ok(());
        }
        let claimed: Option<Kept> = query(READ).bind(self.tenant.0).bind(&self.key).optional(db.writer()).await.map_err(doing())?;
        claimed.map(drop).ok_or(StoreError::Missing { what: "claim of the request" })
    }

    /// Frees the key of a request that did nothing. One that was answered, or is noted as done, stays.
    pub async fn give_up(&self, db: &Database) -> Result<(), StoreError> {
        let done = query(GIVE_UP).bind(self.tenant.0).bind(&self.key).bind(self.at).execute(db.writer()).await;
        done.map(drop).map_err(StoreError::while_doing("free a claimed request"))
    }
}

/// Tries to claim a key that is given up again and again in the meantime.
const CLAIM_TRIES: u32 = 5;

/// What stands under a key.
type Kept = (Vec<u8>, Option<i64>, Option<Json<Value>>, Option<Vec<u8>>);

/// Claims a key for a request, given as a digest: of all who try, one gets it.
pub async fn claim(db: &Database, held: &Held, request: &[u8; 32]) -> Result<Claim, StoreError> {
    let doing = || StoreError::while_doing("claim a request");
    for _ in 0..CLAIM_TRIES {
        let insert = query(CLAIM).bind(held.tenant.0).bind(&held.key).bind(request).bind(held.at);
        if insert.execute(db.writer()).await.map_err(doing())? == 1 {
            return Ok(Claim::Ours);
        }
        let read = query(READ).bind(held.tenant.0).bind(&held.key);
        // From the writer: it has seen the row that was in the way.
        let kept: Option<Kept> = read.optional(db.writer()).await.map_err(doing())?;
        if let Some(kept) = kept {
            return meaning(kept, request);
        }
    }
    Ok(Claim::Running)
}

fn meaning((digest, status, headers, body): Kept, request: &[u8; 32]) -> Result<Claim, StoreError> {
    if digest != request {
        return Ok(Claim::OtherRequest);
    }
    let (status, body) = match (status, body) {
        (Some(status), Some(body)) => (status, body),
        (Some(_), None) => return Ok(Claim::AnswerLost),
        (None, _) => return Ok(Claim::Running),
    };
    let status = u16::try_from(status).map_err(|_| StoreError::corrupt("status of an answer", status.to_string()))?;
    let Json(headers) = headers.ok_or_else(|| StoreError::corrupt("headers of an answer", "nothing"))?;
    Ok(Claim::Done { status, headers, body })
}

/// Forgets keys claimed before this, and says how many.
pub async fn sweep(db: &Database, before: Timestamp) -> Result<u64, StoreError> {
    query(SWEEP).bind(before).execute(db.writer()).await.map_err(StoreError::while_doing("forget old answers"))
}
