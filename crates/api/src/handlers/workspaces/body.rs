//! What a workspace looks like from outside.

use call::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::Change;
use store::tenants::{self, RedactionLevel, Tenant, TenantChange};
use utoipa::ToSchema;
use uuid::Uuid;

use super::hours::OpeningHours;
use crate::handlers::check::{Check, set};
use crate::handlers::patch::{change, changed, is_change, map};
use crate::problem::Problem;

/// Most calls at once a workspace may be limited to: what one installation is built for.
const CALLS_MAX: u32 = 100_000;
/// Longest time anything is kept by rule, in days (100 years); longer is "for ever", which is leaving it out.
const DAYS_MAX: u32 = 36_500;

/// A workspace: whose calls, agents and numbers these are, and its rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Workspace {
    id: Uuid,
    #[schema(example = "Hotel Adler")]
    name: String,
    description: Option<String>,
    /// Of the IANA time zone database.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// `null`: always open.
    opening_hours: Option<OpeningHours>,
    retention: Retention,
    redaction: Redaction,
    /// Calls at once; `null` is the installation's limit.
    max_calls: Option<u32>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// For how many days things are kept; a kind that is left out, or `null`, is kept for ever.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    #[schema(minimum = 1, maximum = 36500)]
    recordings_days: Option<u32>,
    #[schema(minimum = 1, maximum = 36500)]
    transcripts_days: Option<u32>,
    #[schema(minimum = 1, maximum = 36500)]
    calls_days: Option<u32>,
    /// Of the trail of the whole installation, the longest of all workspaces counts.
    #[schema(minimum = 1, maximum = 36500)]
    audit_days: Option<u32>,
}

/// What is masked in stored transcripts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Redaction {
    /// Payment cards: always.
    Cards,
    /// Mail addresses, telephone numbers and accounts too.
    All,
}

/// A workspace to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWorkspace {
    #[schema(min_length = 1, max_length = 200, example = "Hotel Adler")]
    name: String,
    #[schema(max_length = 2000)]
    description: Option<String>,
    #[serde(default = "utc")]
    #[schema(max_length = 64, example = "Europe/Berlin")]
    time_zone: String,
    opening_hours: Option<OpeningHours>,
    #[serde(default)]
    retention: Retention,
    redaction: Option<Redaction>,
    #[schema(minimum = 1, maximum = 100000)]
    max_calls: Option<u32>,
    /// The mail address of the account that shall own it. Left out: who makes it, when that is a person.
    #[schema(max_length = 254, example = "ann@example.com")]
    pub(crate) owner: Option<String>,
}

/// Changes of a workspace: what is left out stays, `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkspacePatch {
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, required = false, max_length = 2000)]
    description: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = String, required = false, max_length = 64)]
    time_zone: Change<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<OpeningHours>, required = false)]
    opening_hours: Change<OpeningHours>,
    /// The whole of it: kinds that are left out are kept for ever from now on. `null` keeps all for ever.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<Retention>, required = false)]
    retention: Change<Retention>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Redaction, required = false)]
    redaction: Change<Redaction>,
    /// Needs the permission `system:config`.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 100000)]
    max_calls: Change<u32>,
}

fn utc() -> String {
    "UTC".into()
}

impl NewWorkspace {
    /// The workspace as it is stored.
    pub(crate) fn checked(self, owner: Option<&str>, id: TenantId, now: Timestamp) -> Result<Tenant, Problem> {
        let mut check = Check::default();
        check.name("/name", &self.name);
        if let Some(description) = &self.description {
            check.description("/description", description);
        }
        check.time_zone("/time_zone", &self.time_zone);
        let opening_hours = self.opening_hours.map(|hours| hours.checked(&mut check));
        self.retention.check(&mut check);
        if let Some(calls) = self.max_calls {
            check.within("/max_calls", calls, 1, CALLS_MAX);
        }
        if let Some(owner) = owner {
            check.email("/owner", owner);
        }
        check.done()?;
        Ok(Tenant {
            id,
            name: self.name,
            description: self.description,
            time_zone: self.time_zone,
            opening_hours,
            retention: self.retention.into(),
            redaction: self.redaction.map_or(RedactionLevel::Cards, Into::into),
            max_calls: self.max_calls,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }
}

impl WorkspacePatch {
    /// The change as the store takes it.
    pub(crate) fn checked(self) -> Result<TenantChange, Problem> {
        let mut check = Check::default();
        check.stays("/name", &self.name);
        check.stays("/time_zone", &self.time_zone);
        check.stays("/redaction", &self.redaction);
        if let Some(name) = set(&self.name) {
            check.name("/name", name);
        }
        if let Some(description) = set(&self.description) {
            check.description("/description", description);
        }
        if let Some(zone) = set(&self.time_zone) {
            check.time_zone("/time_zone", zone);
        }
        if let Some(retention) = set(&self.retention) {
            retention.check(&mut check);
        }
        if let Some(calls) = set(&self.max_calls) {
            check.within("/max_calls", *calls, 1, CALLS_MAX);
        }
        let opening_hours = map(self.opening_hours, |hours| hours.checked(&mut check));
        check.done()?;
        Ok(TenantChange {
            name: self.name,
            description: self.description,
            time_zone: self.time_zone,
            opening_hours,
            retention: map(self.retention, Into::into),
            redaction: map(self.redaction, Into::into),
            max_calls: self.max_calls,
        })
    }

    /// True when the limit of calls shall be another.
    pub(crate) fn changes_limit(&self) -> bool {
        is_change(&self.max_calls)
    }

    /// The names of what changes.
    pub(crate) fn fields(&self) -> serde_json::Value {
        changed(&[
            ("name", is_change(&self.name)),
            ("description", is_change(&self.description)),
            ("time_zone", is_change(&self.time_zone)),
            ("opening_hours", is_change(&self.opening_hours)),
            ("retention", is_change(&self.retention)),
            ("redaction", is_change(&self.redaction)),
            ("max_calls", is_change(&self.max_calls)),
        ])
    }
}

impl Retention {
    fn check(&self, check: &mut Check) {
        let kinds = [
            ("recordings_days", self.recordings_days),
            ("transcripts_days", self.transcripts_days),
            ("calls_days", self.calls_days),
            ("audit_days", self.audit_days),
        ];
        for (kind, days) in kinds {
            if let Some(days) = days {
                check.within(&format!("/retention/{kind}"), days, 1, DAYS_MAX);
            }
        }
    }
}

impl From<Retention> for tenants::Retention {
    fn from(days: Retention) -> Self {
        let Retention { recordings_days, transcripts_days, calls_days, audit_days } = days;
        Self { recordings_days, transcripts_days, calls_days, audit_days }
    }
}

impl From<tenants::Retention> for Retention {
    fn from(days: tenants::Retention) -> Self {
        let tenants::Retention { recordings_days, transcripts_days, calls_days, audit_days } = days;
        Self { recordings_days, transcripts_days, calls_days, audit_days }
    }
}

impl From<Redaction> for RedactionLevel {
    fn from(level: Redaction) -> Self {
        match level {
            Redaction::Cards => Self::Cards,
            Redaction::All => Self::All,
        }
    }
}

impl From<Tenant> for Workspace {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id.0,
            name: tenant.name,
            description: tenant.description,
            time_zone: tenant.time_zone,
            opening_hours: tenant.opening_hours.map(Into::into),
            retention: tenant.retention.into(),
            redaction: match tenant.redaction {
                RedactionLevel::Cards => Redaction::Cards,
                RedactionLevel::All => Redaction::All,
            },
            max_calls: tenant.max_calls,
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
        }
    }
}
