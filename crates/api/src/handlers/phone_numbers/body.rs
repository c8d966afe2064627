//! What a telephone number looks like from outside.

use call::{AgentId, Carrier, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Change;
use store::numbers::{NumberChange, PhoneNumberRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::handlers::check::{Check, set};
use crate::handlers::patch::{change, changed, is_change, map};
use crate::problem::Problem;

/// A number of the workspace, and the agent that answers it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Number {
    id: Uuid,
    #[schema(example = "+4930123456")]
    number: String,
    name: Option<String>,
    carrier: CarrierName,
    /// `null`: the installation's default agent answers, if there is one.
    agent_id: Option<Uuid>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Whose number it is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CarrierName {
    Twilio,
    Telnyx,
}

/// A number to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNumber {
    /// E.164, with its plus.
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$", example = "+4930123456")]
    number: String,
    #[schema(min_length = 1, max_length = 200, example = "Front desk")]
    name: Option<String>,
    carrier: CarrierName,
    agent_id: Option<Uuid>,
}

/// Changes of a number: what is left out stays, `null` clears. The number itself and its carrier stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberPatch {
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 200)]
    name: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<Uuid>, required = false)]
    agent_id: Change<Uuid>,
}

impl NewNumber {
    pub(crate) fn checked(self, id: Uuid, tenant: TenantId, now: Timestamp) -> Result<PhoneNumberRow, Problem> {
        let mut check = Check::default();
        let number = check.number("/number", &self.number);
        if let Some(name) = &self.name {
            check.name("/name", name);
        }
        check.done()?;
        Ok(PhoneNumberRow {
            id,
            tenant,
            number,
            name: self.name,
            carrier: self.carrier.into(),
            agent: self.agent_id.map(AgentId),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }
}

impl NumberPatch {
    pub(crate) fn checked(self) -> Result<NumberChange, Problem> {
        let mut check = Check::default();
        if let Some(name) = set(&self.name) {
            check.name("/name", name);
        }
        check.done()?;
        Ok(NumberChange { name: self.name, agent: map(self.agent_id, AgentId) })
    }

    pub(crate) fn fields(&self) -> serde_json::Value {
        changed(&[("name", is_change(&self.name)), ("agent_id", is_change(&self.agent_id))])
    }
}

impl From<CarrierName> for Carrier {
    fn from(name: CarrierName) -> Self {
        match name {
            CarrierName::Twilio => Self::Twilio,
            CarrierName::Telnyx => Self::Telnyx,
        }
    }
}

impl From<PhoneNumberRow> for Number {
    fn from(row: PhoneNumberRow) -> Self {
        Self {
            id: row.id,
            number: row.number.expose().to_owned(),
            name: row.name,
            carrier: match row.carrier {
                Carrier::Twilio => CarrierName::Twilio,
                Carrier::Telnyx => CarrierName::Telnyx,
            },
            agent_id: row.agent.map(|agent| agent.0),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
