//! What is kept between the way to the provider and the way back: a ticket found by the state, its content sealed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use privacy::Secret;
use secrets::{Sealer, digest};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::tickets::{self, Ticket, TicketKind};
use store::{Database, StoreError};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::{OpenIdError, SIGN_IN_LIMIT};

/// Longest state, and longest value of the cookie, that is looked up. Ours have 43 characters.
const MAX_TOKEN_BYTES: usize = 128;

/// A sign-in under way.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnderWay {
    /// The provider it was begun with.
    pub(super) issuer: String,
    pub(super) nonce: String,
    /// PKCE's secret (RFC 7636).
    pub(super) verifier: String,
    /// SHA-256 of the value in the browser's cookie.
    binding: [u8; 32],
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.nonce.zeroize();
        self.verifier.zeroize();
    }
}

impl UnderWay {
    pub(super) fn new(issuer: &str, nonce: &Secret, verifier: &Secret, binding: &Secret) -> Self {
        let text = |secret: &Secret| secret.expose().to_owned();
        Self { issuer: issuer.to_owned(), nonce: text(nonce), verifier: text(verifier), binding: digest(binding.expose()) }
    }

    /// Keeps it under its state. Returns when it is over.
    pub(super) async fn keep(&self, db: &Database, sealer: &dyn Sealer, state: &Secret, now: Timestamp) -> Result<Timestamp, OpenIdError> {
        let found_by = digest(state.expose());
        let plain = Zeroizing::new(serde_json::to_vec(self).map_err(|_| StoreError::corrupt("sign-in", "not JSON"))?);
        let sealed = sealer.seal(&context(&found_by), &plain).await?;
        let ends_at = now.saturating_add(SIGN_IN_LIMIT).unwrap_or(Timestamp::MAX);
        let carries = json!({ "sealed": STANDARD.encode(sealed) });
        let ticket = Ticket { kind: TicketKind::OpenId, user_id: None, tenant: None, carries, tries_left: 1, created_at: now, ends_at };
        let mut tx = db.begin().await?;
        tickets::put(&mut tx, &found_by, &ticket).await?;
        tx.commit().await.map_err(StoreError::while_doing("keep a sign-in under way"))?;
        Ok(ends_at)
    }

    /// Takes it: once, in time, and in the browser it was begun in.
    pub(super) async fn take(
        db: &Database,
        sealer: &dyn Sealer,
        state: &Secret,
        binding: &Secret,
        now: Timestamp,
    ) -> Result<Self, OpenIdError> {
        if state.expose().len() > MAX_TOKEN_BYTES || binding.expose().len() > MAX_TOKEN_BYTES {
            return Err(OpenIdError::UnknownState);
        }
        let found_by = digest(state.expose());
        let mut tx = db.begin().await?;
        let ticket = tickets::take(&mut tx, &found_by, TicketKind::OpenId, now).await?;
        tx.commit().await.map_err(StoreError::while_doing("take a sign-in under way"))?;
        let ticket = ticket.ok_or(OpenIdError::UnknownState)?;
        let corrupt = || StoreError::corrupt("sign-in under way", "");
        let sealed = ticket.carries.get("sealed").and_then(|sealed| STANDARD.decode(sealed.as_str()?).ok()).ok_or_else(corrupt)?;
        let plain = sealer.open(&context(&found_by), &sealed).await?;
        let under_way: Self = serde_json::from_slice(&plain).map_err(|_| corrupt())?;
        let same: bool = under_way.binding.ct_eq(&digest(binding.expose())).into();
        if same { Ok(under_way) } else { Err(OpenIdError::UnknownState) }
    }
}

fn context(found_by: &[u8; 32]) -> String {
    format!("openid sign-in:{}", hex::encode(found_by))
}
