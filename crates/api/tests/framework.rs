//! The framework of the API on a real server, with a real database: who gets through, and what every answer carries.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod framework {
    mod access;
    mod answers;
    mod document;
    mod every_row;
    mod limits;
    mod once;
    mod routes;
    mod stage;
}
