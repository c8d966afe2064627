//! The road to a database server: guarded, limited in time, and its waits counted. The embedded database is no outside service and has none.

use std::io;

use resilience::{Failure, Guard};
use sqlx::Error;

use crate::query::answered;
use crate::waits::Waits;

/// What stands before a server. Clones are one.
#[derive(Debug, Clone)]
pub struct Road {
    guard: Guard,
    waits: Waits,
}

impl Road {
    pub(crate) fn new(guard: Guard, waits: Waits) -> Self {
        Self { guard, waits }
    }

    pub(crate) fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Asks the server, unless it failed too often a moment ago.
    pub(crate) async fn ask<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let not_asked = |rejected| Error::Io(io::Error::new(io::ErrorKind::ConnectionRefused, rejected));
        let begun = self.guard.begin().await.map_err(not_asked)?;
        let done = answered(asked).await;
        match &done {
            Err(error) if is_away(error) => begun.failed(Failure::Transient),
            _ => begun.answered(),
        }
        done
    }
}

/// True when the server did not answer, or is going away; a complaint about a statement is an answer.
fn is_away(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::PoolTimedOut | Error::WorkerCrashed => true,
        // Connection exceptions; shutting down, crashed, starting up; too many connections (PostgreSQL, appendix A of its manual).
        Error::Database(error) => error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code == "53300"),
        _ => false,
    }
}
