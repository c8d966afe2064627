//! Second factors: time-based codes, and the codes for when the device is lost. Each works once.

use call::Timestamp;
use uuid::Uuid;

use super::found;
use crate::{Database, StoreError, Transaction, query};

crate::statements! {
    /// The step stays with the secret that is confirmed: the code that confirmed it does not work again.
    SET_TOTP = "UPDATE users SET totp_secret = $1, totp_confirmed = $2, totp_step = CASE WHEN $2 THEN totp_step ELSE NULL END, \
        version = version + 1, updated_at = $3 WHERE id = $4";
    ACCEPT_STEP = "UPDATE users SET totp_step = $1 WHERE id = $2 AND totp_secret IS NOT NULL AND (totp_step IS NULL OR totp_step < $1)";
    FORGET_CODES = "DELETE FROM recovery_codes WHERE user_id = $1";
    ADD_CODE = "INSERT INTO recovery_codes (user_id, digest) VALUES ($1, $2)";
    USE_CODE = "UPDATE recovery_codes SET used_at = $1 WHERE user_id = $2 AND digest = $3 AND used_at IS NULL";
    CODES_LEFT = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL";
}

/// Most recovery codes of one account.
pub const MAX_RECOVERY_CODES: usize = 100;

/// Sets or removes the sealed secret. One that is not `confirmed` is being set up: it has accepted no step yet.
///
/// Errors: [`StoreError::Missing`] when the account is not there.
pub async fn set_totp(tx: &mut Transaction, id: Uuid, sealed: Option<&[u8]>, confirmed: bool, now: Timestamp) -> Result<(), StoreError> {
    let update = query(SET_TOTP).bind(sealed).bind(confirmed && sealed.is_some()).bind(now).bind(id);
    found(update.execute(&mut **tx).await.map_err(StoreError::while_doing("store a second factor"))?)
}

/// Takes a time step; false when it, or a later one, was taken before, and when there is no second factor.
pub async fn accept_totp_step(tx: &mut Transaction, id: Uuid, step: i64) -> Result<bool, StoreError> {
    let update = query(ACCEPT_STEP).bind(step).bind(id);
    Ok(update.execute(&mut **tx).await.map_err(StoreError::while_doing("take a step of a second factor"))? > 0)
}

/// Replaces all recovery codes by these, given as digests.
///
/// Errors: [`StoreError::Missing`] when the account is not there; [`StoreError::TooLong`] for more than [`MAX_RECOVERY_CODES`].
pub async fn set_recovery_codes(tx: &mut Transaction, id: Uuid, digests: &[[u8; 32]]) -> Result<(), StoreError> {
    if digests.len() > MAX_RECOVERY_CODES {
        return Err(StoreError::TooLong { what: "list of recovery codes", size: digests.len(), limit: MAX_RECOVERY_CODES });
    }
    // Held, so that two lists given at once do not add up.
    super::held(tx, id).await?;
    let doing = || StoreError::while_storing("store recovery codes", "recovery code");
    query(FORGET_CODES).bind(id).execute(&mut **tx).await.map_err(doing())?;
    for digest in digests {
        query(ADD_CODE).bind(id).bind(digest).execute(&mut **tx).await.map_err(doing())?;
    }
    Ok(())
}

/// Takes a recovery code; false when there is no such code, or it was taken before.
pub async fn use_recovery_code(tx: &mut Transaction, id: Uuid, digest: &[u8; 32], now: Timestamp) -> Result<bool, StoreError> {
    let update = query(USE_CODE).bind(now).bind(id).bind(digest);
    Ok(update.execute(&mut **tx).await.map_err(StoreError::while_doing("take a recovery code"))? > 0)
}

/// How many recovery codes are left.
pub async fn recovery_codes_left(db: &Database, id: Uuid) -> Result<u64, StoreError> {
    let counted: Result<(i64,), _> = query(CODES_LEFT).bind(id).one(db.readers()).await;
    let (left,) = counted.map_err(StoreError::while_doing("count recovery codes"))?;
    Ok(left.unsigned_abs())
}
