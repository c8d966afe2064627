//! Seals again, with the key that seals now, what older keys have sealed: then those can go. It may be done while programs run.

use api::{Provider, sealed_for, tool_sealed_for};
use call::TenantId;
use people::second_factor_sealed_for;
use secrets::{Sealer, sealed_beginning};
use store::Database;
use store::sealed::{self, Left};

use crate::ServerError;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Keys of providers.
    pub provider_keys: u64,
    /// Second factors.
    pub second_factors: u64,
    /// Secrets of declared tools.
    pub tools: u64,
}

/// Walks over everything that stays sealed; `newest` is the id of the key that seals.
///
/// Errors: a value that does not open; those before it are sealed anew, and the rest is as it was.
pub async fn reseal(db: &Database, sealer: &dyn Sealer, newest: &str) -> Result<Resealed, ServerError> {
    let (mut done, beginning) = (Resealed::default(), sealed_beginning(newest));
    let mut after = None;
    loop {
        let step = sealed::provider_keys(db, after.as_ref()).await?;
        let Some(last) = step.last() else { break };
        after = Some(last.whose.clone());
        for key in step.iter().filter(|key| !key.value.starts_with(&beginning)) {
            let Some(context) = context_of(key.whose.0, &key.whose.1) else { continue };
            let value = again(sealer, &context, &key.value).await?;
            done.provider_keys += u64::from(sealed::replace_key(db, key, &value).await?);
        }
    }
    done.tools = tools(db, sealer, &beginning).await?;
    let mut after = None;
    loop {
        let step = sealed::second_factors(db, after).await?;
        let Some(last) = step.last() else { return Ok(done) };
        after = Some(last.whose);
        for factor in step.iter().filter(|factor| !factor.value.starts_with(&beginning)) {
            let value = again(sealer, &second_factor_sealed_for(factor.whose), &factor.value).await?;
            done.second_factors += u64::from(sealed::replace_factor(db, factor, &value).await?);
        }
    }
}

async fn tools(db: &Database, sealer: &dyn Sealer, beginning: &[u8]) -> Result<u64, ServerError> {
    let (mut done, mut after) = (0, None);
    loop {
        let step = sealed::tools(db, after.as_ref()).await?;
        let Some(last) = step.last() else { return Ok(done) };
        after = Some(last.whose);
        for secret in step.iter().filter(|secret| !secret.value.starts_with(beginning)) {
            let (tenant, tool) = secret.whose;
            let value = again(sealer, &tool_sealed_for(tenant, tool), &secret.value).await?;
            done += u64::from(sealed::replace_tool(db, secret, &value).await?);
        }
    }
}

/// What is still sealed with a key.
pub async fn left(db: &Database, key: &str) -> Result<Left, ServerError> {
    Ok(sealed::left(db, &sealed_beginning(key)).await?)
}

/// A provider that this program does not know has no use for its key: it is counted as left.
fn context_of(tenant: TenantId, provider: &str) -> Option<String> {
    Provider::parse(provider).map(|provider| sealed_for(tenant, provider))
}

async fn again(sealer: &dyn Sealer, context: &str, value: &[u8]) -> Result<Vec<u8>, ServerError> {
    Ok(sealer.seal(context, &sealer.open(context, value).await?).await?)
}
