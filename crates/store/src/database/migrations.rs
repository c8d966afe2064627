//! The schema, version by version. A migration that was released is never edited: add the next one, for both databases.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::StoreError;

/// Number and name of each version, which are also its file name, for the databases given.
macro_rules! migrations {
    ($($version:literal $name:literal $file:literal,)*) => {
        const VERSIONS: &[i64] = &[$($version),*];

        pub(super) fn sqlite() -> Migrator {
            Migrator::with_migrations(vec![$(version($version, $name, include_str!(concat!("../../migrations/sqlite/", $file)))),*])
        }

        pub(super) fn postgres() -> Migrator {
            Migrator::with_migrations(vec![$(version($version, $name, include_str!(concat!("../../migrations/postgres/", $file)))),*])
        }
    };
}

migrations! {
    1 "records" "0001_records.sql",
    2 "hotel" "0002_hotel.sql",
    3 "going on" "0003_going_on.sql",
    4 "people" "0004_people.sql",
    5 "workspaces" "0005_workspaces.sql",
    6 "lists" "0006_lists.sql",
    7 "usage and tools" "0007_usage_and_tools.sql",
    8 "message keys" "0008_message_keys.sql",
}

fn version(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
}

/// What a database says of its schema: version, whether it was set up to the end, checksum; in order.
pub(super) type Applied = Vec<(i64, bool, Vec<u8>)>;

/// The statement that reads [`Applied`].
pub(super) const APPLIED: &str = "SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version";

/// The version of this program.
pub(super) const NEWEST: i64 = VERSIONS[VERSIONS.len() - 1];

/// The newest version applied; none in an empty database. Errors when a version was not set up to the end, or is not the one we know.
pub(super) fn found(ours: &Migrator, applied: &Applied) -> Result<Option<i64>, StoreError> {
    for (version, whole, checksum) in applied {
        if !whole {
            return Err(MigrateError::Dirty(*version).into());
        }
        let known = ours.iter().find(|migration| migration.version == *version);
        if known.is_some_and(|known| known.checksum.as_ref() != checksum.as_slice()) {
            return Err(MigrateError::VersionMismatch(*version).into());
        }
    }
    Ok(applied.last().map(|(version, ..)| *version))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file written by a released version is refused when its migrations are not the same, letter by letter.
    #[test]
    fn released_migrations_are_unchanged() {
        let sums: Vec<_> = sqlite().iter().map(|migration| (migration.version, hex(&migration.checksum[..6]))).collect();
        assert_eq!(sums[..2], [(1, "f71aa56aec7f".to_owned()), (2, "9afd4d3635fe".to_owned())]);
        let numbers =
            |migrator: Migrator| migrator.iter().map(|migration| (migration.version, migration.description.clone())).collect::<Vec<_>>();
        assert_eq!(numbers(sqlite()), numbers(postgres()));
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
