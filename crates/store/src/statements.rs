//! SQL as named constants that a test can list.

/// Declares SQL statements as `pub(crate)` constants, and `ALL`, which tests prepare one by one against the migrated schema.
///
/// Placeholders are `$1`, `$2` and so on, which both SQLite and PostgreSQL read.
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $sql;)*
        /// Every statement of this module with its name.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
