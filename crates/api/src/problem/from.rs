//! What faults of the layers below look like from outside. What the outside has no business with is logged, and told as an internal error.

use std::time::Duration;

use axum::http::StatusCode;
use jiff::SignedDuration;
use people::PeopleError;
use secrets::SecretsError;
use store::StoreError;

use super::{FieldProblem, Problem};

impl From<StoreError> for Problem {
    fn from(fault: StoreError) -> Self {
        match &fault {
            StoreError::Unavailable { .. } | StoreError::Unreachable { .. } | StoreError::Locked { .. } => {
                tracing::error!(error = %fault, "the database cannot be used");
                Self::unavailable(
                    "database",
                    "the database cannot be used at the moment; try again, and repeat a POST under its Idempotency-Key",
                )
            }
            StoreError::Changed { what } => Self::changed(what),
            StoreError::Taken { .. } => Self::conflict("taken", fault.to_string()),
            StoreError::InUse { .. } => Self::conflict("in_use", fault.to_string()),
            StoreError::Missing { what } => Self::missing(what),
            StoreError::UnknownCall { .. } => Self::missing("call"),
            StoreError::Needed { what } | StoreError::TooLong { what, .. } => Self::invalid_field(format!("/{what}"), fault.to_string()),
            StoreError::NoNumber { .. } => Self::invalid_field("/number", fault.to_string()),
            _ => Self::internal_because(&fault),
        }
    }
}

impl From<SecretsError> for Problem {
    fn from(fault: SecretsError) -> Self {
        Self::internal_because(&fault)
    }
}

impl From<PeopleError> for Problem {
    fn from(fault: PeopleError) -> Self {
        let told = fault.to_string();
        match fault {
            PeopleError::Unavailable(fault) | PeopleError::Store(fault) => fault.into(),
            PeopleError::Secrets(fault) => fault.into(),
            PeopleError::WrongCredentials => Self { code: "wrong_credentials", ..Self::unauthenticated(told) },
            PeopleError::Expired { what: "link", .. } => Self::new(StatusCode::GONE, "expired", "Not valid any more", told),
            PeopleError::Expired { .. } => Self::unauthenticated(told),
            PeopleError::Throttled { retry_after } => Self { detail: told, ..Self::too_many(positive(retry_after)) },
            PeopleError::Busy { retry_after } => Self { retry_after: Some(positive(retry_after)), ..Self::unavailable("busy", told) },
            PeopleError::BadCode => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_code", "The code is not right", told),
            PeopleError::Weak(problems) => {
                let field = |problem: &people::PasswordProblem| FieldProblem { field: "/password".into(), message: problem.to_string() };
                Self { code: "weak_password", ..Self::invalid(problems.iter().map(field).collect()) }
            }
            PeopleError::NotAllowed { .. } => Self::forbidden("not_allowed", told),
            PeopleError::Scopes(_) => Self::invalid_field("/scopes", told),
            PeopleError::Last { .. } => Self::conflict("last", told),
            PeopleError::Missing { what } => Self::missing(what),
            PeopleError::Invalid { field, why } => Self::invalid_field(format!("/{field}"), why),
            PeopleError::Hashing { .. } | PeopleError::Random(_) => Self::internal_because(&told),
        }
    }
}

fn positive(time: SignedDuration) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}
